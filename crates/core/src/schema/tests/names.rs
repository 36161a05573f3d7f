//! Which messages are event types, and what they go by.

use super::{CONTEXT, event, registry};
use crate::schema::{CurrentRegistry, NameError, Registry, event_name};

fn syntax(package: &str, rest: &str) -> String {
    format!("syntax = \"proto3\"; {package} {rest}")
}

fn names(registry: &Registry) -> Vec<&str> {
    registry.event_types().map(|event_type| event_type.name()).collect()
}

#[test]
fn an_event_type_is_a_message_with_a_context() {
    let text = syntax("", &format!("{} message Plain {{ string text = 1; }}", event("string a = 2;")));
    let registry = registry(&[("e.proto", &text)]);
    assert_eq!(names(&registry), ["E"]);
    let fields = registry.event_type("E").unwrap().fields();
    let fields: Vec<_> =
        fields.iter().map(|field| (field.number, field.name.as_str(), field.kind.as_str())).collect();
    assert_eq!(fields, [(1, "context", "optional Context"), (2, "a", "string")]);
    assert_eq!(registry.event_type("E").unwrap().file(), "e.proto");
}

#[test]
fn a_context_that_cannot_serve_makes_none_and_says_why() {
    for (members, why) in [
        ("string context = 1;", "not one message"),
        ("repeated Context context = 1;", "not one message"),
        ("Bare context = 1;", "no integer received_at"),
        ("Context context = 1; string x = 2 [json_name = \"event_name\"];", "own name"),
    ] {
        let bare = "message Bare { int64 sent_at = 1; string processed_at = 3; }";
        let text = syntax("", &format!("message M {{ {members} }} {bare} {CONTEXT}"));
        let registry = registry(&[("m.proto", &text)]);
        assert_eq!(names(&registry), [""; 0], "{members}");
        assert!(registry.flawed()[0].1.contains(why), "{:?}", registry.flawed());
    }
}

#[test]
fn where_two_packages_have_a_name_the_full_one_says_which() {
    let one = syntax("package one;", &event("string a = 2;"));
    let other = syntax("package other;", &event("string b = 2;"));
    let registry = registry(&[("one.proto", &one), ("other.proto", &other)]);
    assert_eq!(names(&registry), ["one.E", "other.E"]);
    assert_eq!(registry.event_type("other.E").unwrap().package(), "other");
    let full_names = vec!["one.E".to_owned(), "other.E".to_owned()];
    let error = NameError::Ambiguous { name: "E".to_owned(), full_names };
    assert_eq!(registry.event_type("E").unwrap_err(), error);
    assert!(registry.message("Context").is_err());
    assert_eq!(registry.message("one.Context").unwrap().full_name(), "one.Context");
}

#[test]
fn an_unknown_name_is_told_the_known_ones() {
    let registry = registry(&[("e.proto", &syntax("", &event("")))]);
    let error = registry.event_type("F").unwrap_err().to_string();
    assert_eq!(error, "\"F\" is not supported; the registry has E");
    assert!(Registry::default().event_type("E").unwrap_err().to_string().contains("no type of this name"));
}

#[test]
fn the_log_keeps_the_name_among_the_members() {
    let registry = registry(&[("e.proto", &syntax("", &event("string a = 2;")))]);
    let logged = registry.logged_of_wire("E", &[18, 1, b'x']).unwrap();
    assert_eq!(logged, "{\"event_name\":\"E\",\"a\":\"x\"}");
    assert_eq!(registry.wire_of_logged(&logged).unwrap(), [18, 1, b'x']);
    assert_eq!(registry.logged_of_wire("E", &[]).unwrap(), "{\"event_name\":\"E\" }");
    assert_eq!(event_name("{\"event_name\":\"E\"}").unwrap(), "E");
    for bad in ["{}", "{\"event_name\":1}", "[]", "{\"event_name\":\"E\",\"event_name\":\"F\"}"] {
        assert!(registry.wire_of_logged(bad.as_bytes()).is_err(), "{bad}");
    }
    assert_eq!(registry.wire_of_logged(b"{\"event_name\":\"F\"}").unwrap_err().code, "unknown_event");
    assert!(
        registry
            .wire_of_logged(b"{\"event_name\":\"E\",\"b\":1}")
            .unwrap_err()
            .detail
            .starts_with("/b is not")
    );
}

#[test]
fn who_holds_a_version_keeps_it_while_another_comes_into_force() {
    let current = CurrentRegistry::default();
    let before = current.get();
    current.note(Some("broken".to_owned()));
    assert_eq!(current.trouble().as_deref(), Some("broken"));
    current.replace(registry(&[("e.proto", &syntax("", &event("")))]));
    assert_eq!((names(&before).len(), names(&current.get()).len(), current.trouble()), (0, 1, None));
}
