//! From JSON to the wire and back: nothing changes, and nothing panics.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::registry;
use crate::schema::MessageType;

fn everything() -> MessageType {
    registry(&[("all.proto", include_str!("everything.proto"))]).message("Everything").unwrap()
}

fn json(message: &MessageType, wire: &[u8]) -> String {
    String::from_utf8(message.json_of_wire(wire).unwrap()).unwrap()
}

fn whole(max: impl Into<i128>) -> impl Strategy<Value = Value> {
    let max = max.into();
    prop_oneof![(0..=max).prop_map(|n| json!(n.to_string())), (0..=127_u8).prop_map(|n| json!(n))]
}

fn float() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| json!(n)),
        Just(json!("NaN"))
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,5}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map("[a-c]{0,2}", inner, 0..3).prop_map(|members| json!(members))
        ]
    })
}

fn kind() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!("NONE")), Just(json!("SOME")), Just(json!(-1)), Just(json!(1))]
}

/// One member, by its name in the file or in JSON.
fn member() -> impl Strategy<Value = (String, Value)> {
    let text = || "\\PC{0,8}".prop_map(Value::from);
    let named = |name: &'static str, value: BoxedStrategy<Value>| {
        value.prop_map(move |value| (name.to_owned(), value))
    };
    prop_oneof![
        named("flag", any::<bool>().prop_map(Value::from).boxed()),
        named("a_int32", any::<i32>().prop_map(Value::from).boxed()),
        named("aSint32", any::<i32>().prop_map(Value::from).boxed()),
        named("a_sfixed32", any::<i32>().prop_map(|n| json!(n.to_string())).boxed()),
        named("aFixed32", whole(u32::MAX).boxed()),
        named("a_sint64", any::<i64>().prop_map(Value::from).boxed()),
        named("aSfixed64", any::<i64>().prop_map(|n| json!(n.to_string())).boxed()),
        named("a_uint64", whole(u64::MAX).boxed()),
        named("aFixed64", whole(u64::MAX).boxed()),
        named("a_float", float().boxed()),
        named("aDouble", float().boxed()),
        named("text", text().boxed()),
        named("data", Just(json!("_-8")).boxed()),
        named("kind", kind().boxed()),
        named("maybe", (0..2_i32).prop_map(Value::from).boxed()),
        named("maybeKind", kind().boxed()),
        named("numbers", vec(any::<i32>(), 0..4).prop_map(Value::from).boxed()),
        named("unpacked", vec(any::<i64>(), 0..4).prop_map(Value::from).boxed()),
        named("words", vec("\\PC{0,4}", 0..4).prop_map(Value::from).boxed()),
        named("kinds", vec(kind(), 0..4).prop_map(Value::from).boxed()),
        named("by_text", btree_map("\\PC{0,3}", any::<i64>(), 0..6).prop_map(|map| json!(map)).boxed()),
        named("byFlag", btree_map(any::<bool>(), kind(), 0..3).prop_map(|map| json!(map)).boxed()),
        named("left", text().boxed()),
        named("moment", Just(json!("2026-11-22T10:00:00.25+01:00")).boxed()),
        named("length", Just(json!("-3.000000001s")).boxed()),
        named("mask", Just(json!("userId,a.bC")).boxed()),
        named("object", btree_map("[a-c]{0,2}", anything(), 0..3).prop_map(|map| json!(map)).boxed()),
        named("value", anything().boxed()),
        named("list", vec(anything(), 0..3).prop_map(Value::from).boxed()),
        named("wrapped", any::<i64>().prop_map(Value::from).boxed()),
        named("values", vec(anything(), 0..3).prop_map(Value::from).boxed()),
        named("nothing", Just(Value::Null).boxed()),
        named("anyByText", btree_map("[a-c]{0,2}", anything(), 0..3).prop_map(|map| json!(map)).boxed()),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let members = |members: Vec<(String, Value)>| Value::Object(members.into_iter().collect::<Map<_, _>>());
    vec(member(), 0..12).prop_map(members).prop_recursive(2, 6, 2, move |inner| {
        (vec(member(), 0..6), inner.clone(), vec(inner.clone(), 0..2), btree_map(any::<i32>(), inner, 0..3))
            .prop_map(move |(some, one, several, map)| {
                let mut message = members(some);
                message["inner"] = one;
                message["several"] = json!(several);
                message["byNumber"] = json!(map);
                message
            })
    })
}

/// Keys that end the path of a field: rising numbers, with the maps by key.
fn field_numbers(wire: &[u8]) -> Vec<u64> {
    let (mut numbers, mut rest) = (Vec::new(), wire);
    while !rest.is_empty() {
        let key = prost::encoding::decode_varint(&mut rest).unwrap();
        let skipped = match key & 7 {
            0 => {
                prost::encoding::decode_varint(&mut rest).unwrap();
                0
            }
            1 => 8,
            2 => usize::try_from(prost::encoding::decode_varint(&mut rest).unwrap()).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        rest = &rest[skipped..];
        numbers.push(key >> 3);
    }
    numbers
}

#[test]
fn fields_are_written_by_number_and_maps_by_key_however_they_came() {
    let everything = everything();
    let one = r#"{"before":"z","first":"a","after":"b","flag":true,"byText":{"b":2,"a":1,"":0}}"#;
    let other = r#"{"by_text":{"":"0","a":"1","b":"2"},"after":"b","flag":true,"first":"a","before":"z"}"#;
    let wire = everything.wire_of_json(one).unwrap();
    assert_eq!(everything.wire_of_json(other).unwrap(), wire);
    assert_eq!(field_numbers(&wire), [1, 23, 23, 23, 40, 41, 89]);
    let expected = r#"{"flag":true,"byText":{"":"0","a":"1","b":"2"},"first":"a","after":"b","before":"z"}"#;
    assert_eq!(json(&everything, &wire), expected);
}

#[test]
fn what_is_there_stays_there_although_it_is_a_default() {
    let everything = everything();
    let text = r#"{"maybe":0,"maybeKind":"NONE","left":"","wrapped":"0","nothing":null}"#;
    // `nothing` cannot be told from absence, so it is absent.
    let expected = r#"{"maybe":0,"maybeKind":"NONE","left":"","wrapped":"0"}"#;
    assert_eq!(json(&everything, &everything.wire_of_json(text).unwrap()), expected);
}

#[test]
fn the_deepest_that_is_taken_can_be_read_again() {
    let everything = everything();
    let nested = |levels: usize| format!("{}{{}}{}", "{\"inner\":".repeat(levels), "}".repeat(levels));
    let mapped =
        |levels: usize| format!("{}{{}}{}", "{\"byNumber\":{\"1\":".repeat(levels), "}}".repeat(levels));
    let listed = |levels: usize| format!("{{\"value\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let object = |levels: usize| format!("{{\"value\":{}1{}}}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let shapes: [&dyn Fn(usize) -> String; 4] = [&nested, &mapped, &listed, &object];
    for shape in shapes {
        let taken =
            (1..120).take_while(|levels| everything.wire_of_json(&shape(*levels)).is_ok()).last().unwrap();
        assert!(taken > 20, "{taken}");
        let wire = everything.wire_of_json(&shape(taken)).unwrap();
        assert_eq!(json(&everything, &wire), shape(taken));
        let faults = everything.wire_of_json(&shape(taken + 1)).unwrap_err();
        assert!(faults[0].detail.contains("deeper"), "{faults:?}");
    }
}

#[test]
fn a_message_beyond_the_limit_is_refused_both_ways() {
    let everything = everything();
    let text = |size: usize| format!("{{\"text\":\"{}\"}}", "x".repeat(size));
    let size = crate::schema::MESSAGE_MAX_BYTES - 4;
    let wire = everything.wire_of_json(&text(size)).unwrap();
    assert_eq!(json(&everything, &wire), text(size));
    assert!(everything.wire_of_json(&text(size + 1)).unwrap_err()[0].detail.contains("at most"));
    assert!(everything.json_of_wire(&[wire, vec![8, 1]].concat()).unwrap_err().detail.contains("at most"));
}

#[test]
fn what_the_schema_does_not_know_is_told_and_what_it_keeps_reserved_passed_over() {
    let everything = everything();
    let told = |bytes: &[u8]| everything.json_of_wire(bytes).unwrap_err();
    // Fields 92, and 92 within field 26.
    assert!(told(&[0xE0, 5, 1]).detail.contains("field 92"));
    assert_eq!(told(&[0xD2, 1, 3, 0xE0, 5, 1]).path, "/inner");
    // An enum's value 7.
    assert!(told(&[0x80, 1, 7]).detail.contains("7"));
    // Fields 90 and 91, between others.
    assert_eq!(json(&everything, &[0xD0, 5, 1, 8, 1, 0xD8, 5, 1]), "{\"flag\":true}");
}

#[test]
fn groups_of_the_older_syntax_are_read_and_written_and_extensions_refused() {
    let file = "syntax = \"proto2\"; message Old { repeated group Part = 1 { optional sint64 n = 2; } extensions 100 to 199; } \
        extend Old { optional int32 more = 100; }";
    let old = registry(&[("old.proto", file)]).message("Old").unwrap();
    let text = r#"{"part":[{"n":"-3"},{}]}"#;
    let wire = old.wire_of_json(text).unwrap();
    assert_eq!(wire, [0x0B, 0x10, 5, 0x0C, 0x0B, 0x0C]);
    assert_eq!(json(&old, &wire), text);
    assert!(old.json_of_wire(&[0xA0, 6, 1]).unwrap_err().detail.contains("extension more"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn json_to_the_wire_and_back_is_stable(message in message()) {
        let everything = everything();
        let first = everything.wire_of_json(&message.to_string());
        prop_assert!(first.is_ok(), "{:?} in {}", first, message);
        let text = json(&everything, &first.clone().unwrap());
        let again = everything.wire_of_json(&text).unwrap();
        prop_assert_eq!(&again, &first.unwrap(), "{}", &text);
        prop_assert_eq!(json(&everything, &again), text);
    }

    #[test]
    fn no_bytes_make_it_panic_and_what_can_be_read_is_stable(bytes in vec(any::<u8>(), 0..60)) {
        let everything = everything();
        if let Ok(text) = everything.json_of_wire(&bytes) {
            let text = String::from_utf8(text).unwrap();
            let wire = everything.wire_of_json(&text);
            prop_assert!(wire.is_ok(), "{:?} in {}", wire, text);
            prop_assert_eq!(json(&everything, &wire.unwrap()), text);
        }
    }

    #[test]
    fn a_message_that_was_damaged_makes_nothing_panic(message in message(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let everything = everything();
        let mut wire = everything.wire_of_json(&message.to_string()).unwrap();
        if !wire.is_empty() {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        if let Ok(text) = everything.json_of_wire(&wire) {
            let text = String::from_utf8(text).unwrap();
            let again = everything.wire_of_json(&text);
            prop_assert!(again.is_ok(), "{:?} in {}", again, text);
            prop_assert_eq!(json(&everything, &again.unwrap()), text);
        }
    }

    #[test]
    fn no_json_makes_it_panic(text in "[]{}\":,a-z0-9.eE+-]{0,60}", member in member(), value in anything()) {
        let everything = everything();
        let _ = everything.wire_of_json(&text);
        let _ = everything.wire_of_json(&json!({ member.0: value }).to_string());
    }
}
