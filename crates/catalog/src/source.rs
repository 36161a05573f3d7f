//! The column `source`: where a broker has what an input could not read, as JSON with a version.
//!
//! A version once written is read for ever; members are only added, with a default.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use weir_core::log::Source;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct SourceRow {
    version: u32,
    topic: String,
    partition: i32,
    offset: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
}

/// The column's text.
pub(crate) fn to_json(source: &Source) -> anyhow::Result<String> {
    let Source { topic, partition, offset, key, headers } = source.clone();
    let row = SourceRow { version: VERSION, topic, partition, offset, key, headers };
    serde_json::to_string(&row).context("writing a source as JSON")
}

/// Reads the column's text, of this version or an older one.
pub(crate) fn from_json(text: &str) -> anyhow::Result<Source> {
    let row: SourceRow = serde_json::from_str(text).context("reading a source")?;
    ensure!(row.version <= VERSION, "a source has version {}; this Weir knows {VERSION}", row.version);
    let SourceRow { topic, partition, offset, key, headers, .. } = row;
    Ok(Source { topic, partition, offset, key, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read_for_ever() {
        let text = r#"{"version":1,"topic":"t","partition":3,"offset":77,"key":"k","headers":[["a","1"],["a","2"]]}"#;
        let source = from_json(text).unwrap();
        assert_eq!((source.partition, source.offset, source.key.as_deref()), (3, 77, Some("k")));
        assert_eq!(to_json(&source).unwrap(), text);
        let bare = from_json(r#"{"version":1,"topic":"","partition":0,"offset":0}"#).unwrap();
        assert_eq!(bare, Source::default());
    }

    #[test]
    fn a_newer_version_is_named() {
        let error = from_json(r#"{"version":2,"topic":"","partition":0,"offset":0}"#).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
