//! The door: what passes, and what is said of what does not.

use std::fmt::Write;

use proptest::prelude::*;

use super::super::*;
use crate::testkit::lineage::random_records;
use crate::testkit::world::SeededRandom;

fn read(text: &str) -> TelemetryRecord {
    TelemetryRecord::read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

#[test]
fn a_record_is_read_with_all_its_members() {
    let record = read(
        r#"{"type":"DERIVE","trace":"order-77","createdAt":"2026-11-22T10:00:00.000001+01:00","user":"importer","seq":7,
            "parents":["file:b","file:a","file:b"],"children":["data:1"],"kind":"data","key":null,
            "attrs":{"operation":"parse","n":1.50},"host":"node-1"}"#,
    );
    assert_eq!(record.created_at.to_string(), "2026-11-22T09:00:00.000001Z");
    assert_eq!((record.seq, record.sender(), record.kind), (Some(7), Some("importer"), Some(NodeKind::Data)));
    assert_eq!(record.parents, ["file:a".into(), "file:b".into()]);
    assert_eq!((record.attrs["n"].as_str(), record.extra["host"].as_str()), ("1.50", "\"node-1\""));
}

#[test]
fn moments_and_names_are_read_as_clients_write_them() {
    for moment in ["1795338000000001", "\"2026-11-22T09:00:00.000001Z\""] {
        let record = read(&format!(r#"{{"type":"FILE_READ","trace":7,"key":"k","createdAt":{moment}}}"#));
        assert_eq!((&*record.trace, record.created_at.as_micros()), ("7", 1_795_338_000_000_001));
    }
}

#[test]
fn a_name_that_means_nothing_to_a_type_is_kept_and_makes_no_node() {
    let record = read(r#"{"type":"TRACE_END","trace":"t","createdAt":1,"key":"t","parents":["a"],"of":[]}"#);
    assert_eq!((record.names().count(), record.extra["parents"].as_str()), (0, "[\"a\"]"));
    assert_eq!(read(&record.to_json()), record);
}

#[test]
fn the_order_of_members_and_of_lists_does_not_make_another_record() {
    let one = read(
        r#"{"type":"DERIVE","trace":"t","createdAt":1,"parents":["a","b"],"children":["c"],
            "attrs":{"x":{"b":1,"a":[2]},"y":"\u00e9"}}"#,
    );
    let other = read(
        r#"{"attrs":{"y":"é","x":{"a":[ 2 ],"b":1}},"children":["c"],"parents":["b","a","b"],
            "createdAt":"1970-01-01T00:00:01Z","trace":"t","type":"DERIVE"}"#,
    );
    assert_eq!(one, other);
}

#[test]
fn each_is_told_what_is_wrong() {
    let long = "k".repeat(513);
    let keys = |from: usize, to: usize| {
        let keys: Vec<String> = (from..to).map(|n| format!("\"{n}\"")).collect();
        keys.join(",")
    };
    let derive = |parents: String, children: String| {
        format!(r#""type":"DERIVE","parents":[{parents}],"children":[{children}]"#)
    };
    let many = derive(keys(0, 10_001), keys(20_000, 20_001));
    let pairs = derive(keys(0, 400), keys(400, 1_400));
    let cases = [
        "",
        r#""type":"FILE_EAT","key":"k""#,
        r#""type":7,"key":"k""#,
        r#""type":"FILE_READ""#,
        r#""type":"FILE_READ","key":"""#,
        r#""type":"FILE_READ","key":["k"]"#,
        r#""type":"FILE_READ","key":"a\u0000b""#,
        &format!(r#""type":"FILE_READ","key":"{long}""#),
        r#""type":"FILE_READ","key":"k","key":"l""#,
        r#""type":"FILE_READ","key":"k","seq":0"#,
        r#""type":"FILE_READ","key":"k","seq":1.5"#,
        r#""type":"FILE_READ","key":"k","seq":"1""#,
        r#""type":"FILE_READ","key":"k","kind":"folder""#,
        r#""type":"FILE_READ","key":"k","attrs":[]"#,
        r#""type":"FILE_READ","key":"k","user":{}"#,
        r#""type":"FILE_SEND","key":"k""#,
        r#""type":"FILE_SEND","key":"k","attrs":{"to":7}"#,
        r#""type":"DB_WRITE","key":"k","attrs":{"table":"t"}"#,
        r#""type":"DERIVE","parents":["a"]"#,
        r#""type":"DERIVE","parents":[],"children":["a"]"#,
        r#""type":"DERIVE","parents":"a","children":["b"]"#,
        r#""type":"DERIVE","parents":["a","b"],"children":["c","b"]"#,
        r#""type":"DROP","key":"k","reason":["late"]"#,
        r#""type":"LOG","key":"k","attrs":{"level":"info"}"#,
        r#""type":"ALIAS","key":"k""#,
        r#""type":"ALIAS","key":"k","alias":"k""#,
        r#""type":"ATTR","key":"k","attrs":{}"#,
        r#""type":"REPLAY","key":"k","of":"k""#,
        &many,
        &pairs,
    ];
    let mut told = String::new();
    for case in cases {
        let comma = if case.is_empty() { "" } else { "," };
        let text = format!(r#"{{"trace":"t","createdAt":1{comma}{case}}}"#);
        let fault = TelemetryRecord::read(&text).expect_err(&text);
        let shown: String = case.chars().take(60).collect();
        let _ = writeln!(told, "{shown}\n    {}: {}", fault.code, fault.detail);
    }
    for case in [r#"{"type":"TRACE_END","createdAt":1}"#, r#"{"type":"TRACE_END","trace":"t"}"#, "[]", "{"] {
        let fault = TelemetryRecord::read(case).unwrap_err();
        let _ = writeln!(told, "{case}\n    {}: {}", fault.code, fault.detail);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let attrs = format!(r#"{{"a":"{}"}}"#, "x".repeat(ATTRS_MAX_BYTES));
    let text = format!(r#"{{"type":"ATTR","trace":"t","createdAt":1,"key":"k","attrs":{attrs}}}"#);
    assert_eq!(TelemetryRecord::read(&text).unwrap_err().code, "too_long");
    assert_eq!(TelemetryRecord::read(&"[".repeat(RECORD_MAX_BYTES + 1)).unwrap_err().code, "too_long");
    assert_eq!(TelemetryRecord::read(&"[".repeat(RECORD_MAX_BYTES)).unwrap_err().code, "too_deep");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(seed: u64) {
        for record in random_records(&SeededRandom::new(seed), 20) {
            prop_assert_eq!(read(&record.to_json()), record);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = TelemetryRecord::read(&text);
    }
}
