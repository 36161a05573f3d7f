//! YAML as JSON has it, with aliases and merged keys (`<<`) written out.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// The file's one document.
pub(super) fn parse(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap();
    let [document] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    json(document)
}

fn json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => (*flag).into(),
        Yaml::Value(Scalar::Integer(number)) => (*number).into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(members) => {
            let merged = |key: &Yaml<'_>| key.as_str() == Some("<<");
            let mut object = Map::new();
            for (_, above) in members.iter().filter(|(key, _)| merged(key)) {
                let Value::Object(above) = json(above) else { panic!("`<<` is no mapping: {above:?}") };
                object.extend(above);
            }
            let own = members.iter().filter(|(key, _)| !merged(key));
            object.extend(own.map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value))));
            Value::Object(object)
        }
        other => panic!("nothing that is expected here: {other:?}"),
    }
}

#[test]
fn aliases_are_written_out_and_an_own_member_goes_before_a_merged_one() {
    let text = "a: &a { x: 1, y: [p, null] }\nb: { y: true, <<: *a }\n";
    let expected = serde_json::json!({ "a": { "x": 1, "y": ["p", null] }, "b": { "x": 1, "y": true } });
    assert_eq!(parse(text), expected);
}
