//! What the sections of Redis and RabbitMQ share.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_connect::SettingsError;

use super::{BatchSettings, TlsSettings};
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// What a message holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerFormat {
    /// One JSON object: what Weir knows of the event, then its own members.
    #[default]
    Json,
    /// The event as it came.
    Raw,
}

/// Small and soon, as somebody waits at the other end; one after the other, so that events keep their order.
pub(super) fn broker_batch() -> BatchSettings {
    BatchSettings { max_age: Duration::from_millis(200), in_flight: 1, ..BatchSettings::default() }
}

/// An address, and what stands beside it.
pub(in crate::config::settings) struct BrokerAddress<'a> {
    pub url: &'a Secret,
    pub password: Option<&'a Secret>,
    pub tls: Option<&'a TlsSettings>,
}

/// Tells what is wrong with the address; `is_encrypted` is what came of reading it.
pub(in crate::config::settings) fn check_address(
    key: &Key,
    is_encrypted: Result<bool, SettingsError>,
    BrokerAddress { url, password, tls }: BrokerAddress<'_>,
    report: &mut Report<'_>,
) {
    match is_encrypted {
        Ok(is_encrypted) => {
            warn_if_exposed(&key.child("url"), url.expose(), is_encrypted, password.is_some(), report);
            if let Some(tls) = tls {
                tls.check(&key.child("tls"), is_encrypted, report);
            }
        }
        Err(SettingsError(text)) => {
            let (member, what) = text.split_once(": ").unwrap_or(("url", &text));
            let (what, remedy) = what.split_once("; ").unwrap_or((what, "see the documentation"));
            report.wrong(&key.child(member), format!("cannot be used: {what}"), sentence(remedy));
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
