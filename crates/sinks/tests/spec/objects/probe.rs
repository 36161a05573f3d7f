//! Reads every line of every object.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde_json::value::RawValue;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe, Reach};

use crate::objects::server::Server;

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

/// Every file beneath a folder, by its path from there.
pub fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// An object's lines, unpacked as its name says.
pub fn lines(name: &str, body: &[u8]) -> Vec<String> {
    let mut text = String::new();
    match name.rsplit('.').next().unwrap() {
        "gz" => drop(flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap()),
        "zst" => text = String::from_utf8(zstd::stream::decode_all(body).unwrap()).unwrap(),
        _ => text = String::from_utf8(body.to_vec()).unwrap(),
    }
    assert!(text.ends_with('\n'), "{name} ends in the middle of a line");
    text.lines().map(str::to_owned).collect()
}

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

/// Looks into a folder.
pub struct FolderProbe(pub PathBuf);

/// Looks into a bucket, beneath a prefix.
pub struct BucketProbe<'a> {
    pub server: &'a Server,
    pub prefix: &'a str,
}

fn rows<'a>(objects: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> Vec<(EventId, Columns)> {
    let lines = objects.into_iter().flat_map(|(name, body)| lines(name, body));
    lines.map(|line| row(&line)).collect()
}

#[async_trait]
impl Probe for FolderProbe {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        rows(&files(&self.0))
    }

    fn reach(&self) -> Reach {
        Reach::Batch
    }
}

#[async_trait]
impl Probe for BucketProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        rows(&self.server.objects(self.prefix).await)
    }

    fn reach(&self) -> Reach {
        Reach::Batch
    }
}
