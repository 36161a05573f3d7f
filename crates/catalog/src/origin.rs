//! The column `origin`: who sent an event and from what, as JSON with a version.
//!
//! A version once written is read for ever; members are only added, with a default.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use weir_core::event::Origin;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct OriginRow {
    version: u32,
    credential: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device_uuid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    os_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_ip: Option<String>,
}

/// The column's text.
pub(crate) fn to_json(origin: &Origin) -> anyhow::Result<String> {
    let origin = origin.clone();
    let row = OriginRow {
        version: VERSION,
        credential: origin.credential,
        user_id: origin.user_id,
        device_uuid: origin.device_uuid,
        app_version: origin.app_version,
        os_version: origin.os_version,
        user_agent: origin.user_agent,
        client_ip: origin.client_ip,
    };
    serde_json::to_string(&row).context("writing an origin as JSON")
}

/// Reads the column's text, of this version or an older one.
pub(crate) fn from_json(text: &str) -> anyhow::Result<Origin> {
    let row: OriginRow = serde_json::from_str(text).context("reading an origin")?;
    ensure!(row.version <= VERSION, "an origin has version {}; this Weir knows {VERSION}", row.version);
    Ok(Origin {
        credential: row.credential,
        user_id: row.user_id,
        device_uuid: row.device_uuid,
        app_version: row.app_version,
        os_version: row.os_version,
        user_agent: row.user_agent,
        client_ip: row.client_ip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read_for_ever() {
        let text = r#"{"version":1,"credential":"jwt:alice","user_id":"alice","device_uuid":"d","app_version":"1",
            "os_version":"14","user_agent":"curl","client_ip":"::1"}"#;
        let origin = from_json(text).unwrap();
        assert_eq!(origin.credential, "jwt:alice");
        assert_eq!(origin.client_ip.as_deref(), Some("::1"));
        assert_eq!(from_json(&to_json(&origin).unwrap()).unwrap(), origin);
        assert_eq!(from_json(r#"{"version":1,"credential":""}"#).unwrap(), Origin::default());
    }

    #[test]
    fn a_newer_version_is_named() {
        let error = from_json(r#"{"version":2,"credential":"x"}"#).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
