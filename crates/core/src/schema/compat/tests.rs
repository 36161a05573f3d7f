//! Which changes break readers, and which do not.

use super::{BreakKind, breaks};
use crate::schema::tests::{event, registry};

fn of(members: &str, rest: &str) -> crate::schema::Registry {
    let text = format!("syntax = \"proto3\"; package p; {} {rest}", event(members));
    registry(&[("e.proto", &text)])
}

/// Kind and place of each break.
fn found(old: (&str, &str), new: (&str, &str)) -> Vec<(BreakKind, String)> {
    let breaks = breaks(&of(old.0, old.1), &of(new.0, new.1));
    breaks.into_iter().map(|found| (found.kind, found.place)).collect()
}

const INNER: &str = "message I { int32 n = 1; } enum K { A = 0; B = 1; }";

#[test]
fn what_only_adds_breaks_nothing() {
    let more =
        "message I { string s = 2; int32 n = 1; } enum K { A = 0; B = 1; C = 2; } message New { I i = 1; }";
    let old = ("I i = 2; K k = 3; repeated I several = 4; map<string, K> map = 5;", INNER);
    let new =
        ("I i = 2; optional K k = 3; repeated I several = 4; map<string, K> map = 5; int64 x = 6;", more);
    assert_eq!(found(old, old), []);
    assert_eq!(found(old, new), []);
}

#[test]
fn each_kind_of_break_is_found_where_it_is() {
    let e = |name: &str| format!("p.E.{name}");
    use BreakKind::*;
    for (old, new, kind, place) in [
        ("int32 a = 2;", "", FieldNotReserved, e("a")),
        ("int32 a = 2;", "reserved 2;", FieldNotReserved, e("a")),
        ("int32 a = 2;", "reserved \"a\";", FieldNotReserved, e("a")),
        ("int32 a = 2;", "int32 b = 2;", NumberReused, e("a")),
        ("int32 a = 2;", "int32 a = 2 [json_name = \"A\"];", Renamed, e("a")),
        ("int32 a = 2;", "string a = 2;", TypeChanged, e("a")),
        ("int32 a = 2;", "repeated int32 a = 2;", TypeChanged, e("a")),
        ("int64 a = 2;", "int32 a = 2;", TypeChanged, e("a")),
        ("int32 a = 2;", "sint32 a = 2;", TypeChanged, e("a")),
        ("bytes a = 2;", "string a = 2;", TypeChanged, e("a")),
        ("K a = 2;", "int32 a = 2;", TypeChanged, e("a")),
        (
            "map<string, int32> a = 2;",
            "map<string, string> a = 2;",
            TypeChanged,
            "p.E.AEntry.value".to_owned(),
        ),
    ] {
        assert_eq!(found((old, INNER), (new, INNER)), [(kind, place)], "{old} -> {new}");
    }
    for (old, new) in [
        ("int32 a = 2;", "int64 a = 2;"),
        ("uint32 a = 2;", "int64 a = 2;"),
        ("int32 a = 2;", "optional int32 a = 2;"),
        ("int32 a = 2;", "reserved 2; reserved \"a\";"),
        ("int32 a = 2;", "oneof o { int32 a = 2; string b = 3; }"),
    ] {
        assert_eq!(found((old, INNER), (new, INNER)), [], "{old} -> {new}");
    }
}

#[test]
fn types_that_are_reached_are_compared_too() {
    use BreakKind::*;
    let old = (
        "I i = 2; map<string, I> map = 3; repeated K k = 4;",
        "message I { I deeper = 1; int32 n = 2; } enum K { A = 0; B = 1; C = 2; }",
    );
    let new = (old.0, "message I { I deeper = 1; string n = 2; } enum K { A = 0; X = 1; }");
    let expected = [(TypeChanged, "p.I.n"), (ValueReused, "p.K.B"), (ValueNotReserved, "p.K.C")];
    assert_eq!(found(old, new), expected.map(|(kind, place)| (kind, place.to_owned())));
    let reserved = (
        old.0,
        "message I { I deeper = 1; int32 n = 2; } enum K { A = 0; B = 1; reserved 2; reserved \"C\"; }",
    );
    assert_eq!(found(old, reserved), []);
}

#[test]
fn fields_that_come_to_exclude_each_other_break() {
    let new = "oneof o { int32 a = 2; int32 b = 3; }";
    let expected = ["p.E.a", "p.E.b"].map(|place| (BreakKind::ExclusionAdded, place.to_owned()));
    assert_eq!(found(("int32 a = 2; int32 b = 3;", ""), (new, "")), expected);
    assert_eq!(found((new, ""), (new, "")), []);
}

#[test]
fn an_event_type_that_is_gone_or_loses_its_name_breaks() {
    let text = |package: &str| format!("syntax = \"proto3\"; package {package}; {}", event(""));
    let (p, q) = (text("p"), text("q"));
    let old = registry(&[("p.proto", &p)]);
    let gone = breaks(&old, &registry(&[("q.proto", &q)]));
    assert_eq!(gone[0].kind, BreakKind::EventTypeGone);
    let both = breaks(&old, &registry(&[("p.proto", &p), ("q.proto", &q)]));
    assert_eq!(both[0].kind, BreakKind::NameGone);
    assert!(both[0].detail.contains("p.E or q.E"), "{}", both[0].detail);
}

#[test]
fn what_becomes_required_breaks() {
    let old = "syntax = \"proto2\"; message E { optional Context context = 1; optional int32 a = 2; }";
    let new = old.replace("optional int32", "required int32");
    let context = crate::schema::tests::CONTEXT;
    let (old, new) = (format!("{old} {context}"), format!("{new} {context}"));
    let found = breaks(&registry(&[("e.proto", &old)]), &registry(&[("e.proto", &new)]));
    assert_eq!(found.iter().map(|found| found.kind).collect::<Vec<_>>(), [BreakKind::RequiredAdded]);
}
