//! What is wrong with a member, each kind once.

use crate::schema::tests::registry;
use crate::schema::{FAULTS_MAX, MessageType};

fn everything() -> MessageType {
    registry(&[("all.proto", include_str!("../tests/everything.proto"))]).message("all.Everything").unwrap()
}

/// The faults, one a line.
fn told(message: &MessageType, text: &str) -> Vec<String> {
    let faults = message.wire_of_json(text).unwrap_err();
    faults.into_iter().map(|fault| format!("{} {}", fault.path, fault.detail)).collect()
}

#[test]
fn every_fault_is_found_with_its_path() {
    let text = r#"{
        "colour": 1,
        "flag": "true",
        "a_int32": 2147483648,
        "a_sint32": 1.5,
        "a_uint32": -1,
        "a_int64": "9223372036854775808",
        "a_uint64": "many",
        "a_float": 1e39,
        "a_double": [],
        "text": 7,
        "data": "a",
        "kind": "OTHER",
        "maybe_kind": 9,
        "numbers": [1, "2", {}, null],
        "words": "one",
        "by_text": {"a": 1, "b": "x", "a": 2},
        "by_number": {"one": {}, "2": {"flag": 0}},
        "by_flag": {"yes": "SOME"},
        "inner": {"inner": {"colour~/": 1}},
        "several": [{}, 5],
        "left": "", "right": 0,
        "moment": "yesterday",
        "length": "1.5",
        "mask": "user_id",
        "object": [],
        "list": {},
        "wrapped": true,
        "first": "1", "first": "2",
        "a_sfixed32": 1, "aSfixed32": null
    }"#;
    insta::assert_snapshot!(told(&everything(), text).join("\n"));
}

#[test]
fn what_is_no_object_is_told_as_a_whole() {
    let everything = everything();
    assert_eq!(told(&everything, "[]"), [" must be an object, not an array"]);
    assert!(told(&everything, "{")[0].contains("ends too early"));
}

#[test]
fn integers_are_numbers_or_texts_and_may_be_written_as_floats() {
    let everything = everything();
    let json = |text: &str| {
        let wire = everything.wire_of_json(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        String::from_utf8(everything.json_of_wire(&wire).unwrap()).unwrap()
    };
    for text in ["100", "\"100\"", "1e2", "100.0", "\"1e2\"", "\"100.0\""] {
        assert_eq!(json(&format!("{{\"aInt64\":{text}}}")), "{\"aInt64\":\"100\"}");
        assert_eq!(json(&format!("{{\"a_uint32\":{text}}}")), "{\"aUint32\":100}");
    }
    for (name, extreme) in [
        ("aInt64", "-9223372036854775808"),
        ("aSint64", "9223372036854775807"),
        ("aUint64", "18446744073709551615"),
    ] {
        assert_eq!(json(&format!("{{\"{name}\":{extreme}}}")), format!("{{\"{name}\":\"{extreme}\"}}"));
    }
    for bad in ["\"\"", "\" 1\"", "\"+1\"", "\"0x10\"", "\"1_000\"", "true", "1e40", "\"1e999\""] {
        assert!(everything.wire_of_json(&format!("{{\"aInt64\":{bad}}}")).is_err(), "{bad}");
    }
}

#[test]
fn bytes_are_read_in_either_alphabet_and_written_in_one() {
    let everything = everything();
    for text in ["+/8=", "-_8=", "+/8", "-_8"] {
        let wire = everything.wire_of_json(&format!("{{\"data\":\"{text}\"}}")).unwrap();
        assert_eq!(everything.json_of_wire(&wire).unwrap(), b"{\"data\":\"+/8=\"}");
    }
}

#[test]
fn null_is_absence_save_where_it_is_a_value() {
    let everything = everything();
    let wire = everything.wire_of_json(r#"{"text":null,"numbers":null,"inner":null,"left":null,"right":1}"#);
    assert_eq!(everything.json_of_wire(&wire.unwrap()).unwrap(), b"{\"right\":1}");
    let wire = everything.wire_of_json(r#"{"value":null,"values":[null]}"#).unwrap();
    assert_eq!(everything.json_of_wire(&wire).unwrap(), b"{\"value\":null,\"values\":[null]}");
}

#[test]
fn a_name_that_is_kept_reserved_is_passed_over() {
    let everything = everything();
    let wire = everything.wire_of_json(r#"{"old_name":{"a":1},"oldName":2,"flag":true}"#).unwrap();
    assert_eq!(everything.json_of_wire(&wire).unwrap(), b"{\"flag\":true}");
    assert_eq!(told(&everything, r#"{"OldName":1}"#), ["/OldName is not a member of all.Everything"]);
}

#[test]
fn what_the_older_syntax_requires_is_required() {
    let file =
        "syntax = \"proto2\"; message Old { required int32 a = 1; optional int32 b = 2 [default = 7]; }";
    let old = registry(&[("old.proto", file)]).message("Old").unwrap();
    assert_eq!(told(&old, r#"{"b":1}"#), ["/a is required"]);
    assert_eq!(old.json_of_wire(&[16, 1]).unwrap_err().path, "/a");
    assert_eq!(old.json_of_wire(&[8, 0]).unwrap(), b"{\"a\":0}");
}

#[test]
fn a_type_that_cannot_be_told_from_the_schema_is_refused() {
    let file = "syntax = \"proto3\"; import \"google/protobuf/any.proto\"; message M { google.protobuf.Any any = 1; }";
    let message = registry(&[("m.proto", file)]).message("M").unwrap();
    let text = r#"{"any":{"@type":"type.googleapis.com/M"}}"#;
    assert!(told(&message, text)[0].starts_with("/any is a google.protobuf.Any"));
    assert_eq!(message.json_of_wire(&[10, 0]).unwrap_err().path, "/any");
}

#[test]
fn however_much_is_wrong_the_faults_stay_few() {
    let members: Vec<String> = (0..5_000).map(|n| format!("\"x{n}\":0")).collect();
    assert_eq!(told(&everything(), &format!("{{{}}}", members.join(","))).len(), FAULTS_MAX);
}
