//! MessagePack as its own encoder writes it, and as nobody would.

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use rmp::encode;
use serde_json::{Value, json};

use super::*;

/// Writes JSON as MessagePack, by the library's own encoder.
fn packed(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => encode::write_nil(out).unwrap(),
        Value::Bool(value) => encode::write_bool(out, *value).unwrap(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => drop(encode::write_uint(out, number).unwrap()),
            (_, Some(number)) => drop(encode::write_sint(out, number).unwrap()),
            _ => encode::write_f64(out, number.as_f64().unwrap()).unwrap(),
        },
        Value::String(text) => encode::write_str(out, text).unwrap(),
        Value::Array(items) => {
            encode::write_array_len(out, u32::try_from(items.len()).unwrap()).unwrap();
            items.iter().for_each(|item| packed(item, out));
        }
        Value::Object(members) => {
            encode::write_map_len(out, u32::try_from(members.len()).unwrap()).unwrap();
            for (name, value) in members {
                encode::write_str(out, name).unwrap();
                packed(value, out);
            }
        }
    }
}

fn body(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    values.iter().for_each(|value| packed(value, &mut out));
    out
}

/// The events, or the codes of what is wrong with them.
fn events(body: &[u8]) -> Vec<Value> {
    let event = |member: Result<Bytes, Fault>| match member {
        Ok(text) => serde_json::from_slice(&text).unwrap(),
        Err(fault) => Value::from(fault.code),
    };
    split(body).unwrap().into_iter().map(event).collect()
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::from),
            btree_map("\\PC{0,5}", inner, 0..20).prop_map(|members| json!(members)),
        ]
    })
}

#[test]
fn a_map_is_an_event_and_an_array_has_one_for_each_element() {
    let (one, two) = (json!({ "a": 1 }), json!({ "b": [1, { "c": null }] }));
    assert_eq!(events(&body(std::slice::from_ref(&one))), vec![one.clone()]);
    assert_eq!(events(&body(&[json!([one, two])])), [one.clone(), two.clone()]);
    assert_eq!(events(&body(&[one.clone(), json!([]), json!([two]), one.clone()])), [one.clone(), two, one]);
    assert!(events(&[]).is_empty() && events(&body(&[json!([])])).is_empty());
}

#[test]
fn a_bad_value_does_not_spoil_its_neighbours() {
    let mut body = vec![0x95];
    packed(&json!({ "a": 1 }), &mut body);
    body.extend_from_slice(&[0x81, 0xA1, b'x', 0xCA, 0x7F, 0xC0, 0, 0]);
    body.extend_from_slice(&[0x81, 0x01, 0x02]);
    body.extend_from_slice(&[0x81, 0xA1, 0xFF, 0xC0]);
    packed(&json!({ "b": 2 }), &mut body);
    let (nan, key, utf8) =
        (json!("invalid_message_pack"), json!("invalid_message_pack"), json!("invalid_utf8"));
    assert_eq!(events(&body), [json!({ "a": 1 }), nan, key, utf8, json!({ "b": 2 })]);
}

#[test]
fn bytes_become_base64_and_timestamps_times() {
    let of = |value: &[u8]| events(&[&[0x81, 0xA1, b'a'], value].concat()).remove(0)["a"].take();
    assert_eq!(of(&[0xC4, 2, 0xFB, 0xFF]), "+/8=");
    assert_eq!(of(&[0xD6, 0xFF, 0, 0, 0, 1]), "1970-01-01T00:00:01Z");
    let nanos_and_seconds = (500_000_000_u64 << 34 | 1).to_be_bytes();
    assert_eq!(of(&[&[0xD7, 0xFF], &nanos_and_seconds[..]].concat()), "1970-01-01T00:00:01.500Z");
    let before = [&[0xC7, 12, 0xFF, 0, 0, 0, 1], &(-1_i64).to_be_bytes()[..]].concat();
    assert_eq!(of(&before), "1969-12-31T23:59:59.000000001Z");
    assert_eq!(events(&[0x81, 0xA1, b'a', 0xD4, 5, 0])[0], "invalid_message_pack");
}

#[test]
fn lengths_that_cannot_be_are_told_with_their_place_and_cost_nothing() {
    for bad in [
        &[0x81][..],
        &[0xDD, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0xDF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0xDB, 0, 0, 1, 0],
        &[0xC1],
    ] {
        let Err(SplitError::Malformed(error)) = split(&[&[0x80], bad].concat()) else { panic!("{bad:?}") };
        assert!(matches!(error.place, Place::Byte(1..)), "{error}");
    }
    let many = [&[0xDD, 0, 1, 0x86, 0xA1][..], &[0xC0; 100_001]].concat();
    assert_eq!(split(&many), Err(SplitError::TooManyEvents { count: 100_001 }));
}

#[test]
fn what_lies_too_deep_is_refused_and_needs_no_stack() {
    let deep = |levels: usize| [vec![0x91; levels], vec![0xC0]].concat();
    let event = |levels: usize| events(&[vec![0x81, 0xA1, b'a'], deep(levels)].concat()).remove(0);
    assert!(event(NESTING_MAX - 1)["a"].is_array());
    assert_eq!(event(1_000_000), "too_deep");
}

proptest! {
    #[test]
    fn every_value_is_found_again(values in vec(anything(), 0..4)) {
        let list = Value::from(values.clone());
        prop_assert_eq!(events(&body(&[list])), values);
    }

    #[test]
    fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..200)) {
        let _ = split(&body);
    }
}
