//! Events as lines of JSON, read by somebody who knows only what the documentation says of them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use weir_core::event::EventId;
use weir_core::testkit::sink::Columns;

/// Members that are Weir's own words.
const OURS: [&str; 12] = [
    "id",
    "stream",
    "occurred_at",
    "received_at",
    "user_id",
    "device_uuid",
    "app_version",
    "os_version",
    "user_agent",
    "client_ip",
    "log_id",
    "shadowed",
];
/// Members that are columns of their own.
const NAMED: [&str; 6] = ["page", "event", "label", "target", "section", "param"];

/// What a line says, as a row would hold it.
pub fn row(line: &str) -> (EventId, Columns) {
    let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line).unwrap();
    let raw =
        |name: &str| members.get(name).map(|value| value.get().to_owned()).filter(|text| text != "null");
    let text = |name: &str| raw(name).map(|text| serde_json::from_str::<String>(&text).unwrap_or(text));
    let stream = text("stream").unwrap();
    let is_named = stream == "events";
    let named = |name: &str| text(name).filter(|_| is_named);
    let columns = Columns {
        log_id: text("log_id"),
        page: named("page"),
        event: named("event"),
        label: named("label"),
        target: named("target"),
        section: named("section"),
        param: raw("param").filter(|_| is_named),
        user_id: text("user_id"),
        device_uuid: text("device_uuid"),
        app_version: text("app_version"),
        os_version: text("os_version"),
        user_agent: text("user_agent"),
        client_ip: text("client_ip"),
        occurred_at: text("occurred_at").unwrap(),
        received_at: text("received_at").unwrap(),
        extra: extra(line, is_named),
        stream,
    };
    (EventId::parse(&text("id").unwrap()).unwrap(), columns)
}

/// The members that are no column, in their order and their own words.
fn extra(line: &str, is_named: bool) -> Option<String> {
    let members: Ordered<'_> = serde_json::from_str(line).unwrap();
    let further = members
        .0
        .iter()
        .filter(|(name, _)| !(OURS.contains(&name.as_str()) || is_named && NAMED.contains(&name.as_str())));
    let further: Vec<String> = further
        .map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), value.get()))
        .collect();
    (!is_named || !further.is_empty()).then(|| format!("{{{}}}", further.join(",")))
}

struct Ordered<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Ordered<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> serde::de::Visitor<'de> for Reading {
            type Value = Ordered<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}
