//! What stands beside the address of a bucket, wherever one is named.

use super::sinks::TlsSettings;
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::secret::Secret;

/// How a bucket's server is reached, and as whom.
pub struct BucketKeys<'a> {
    pub endpoint: Option<&'a str>,
    pub access_key: Option<&'a Secret>,
    pub secret_key: Option<&'a Secret>,
    pub session_token: Option<&'a Secret>,
    pub tls: Option<&'a TlsSettings>,
}

impl BucketKeys<'_> {
    /// Tells what is wrong with them, beneath this key.
    pub fn check(&self, key: &Key, report: &mut Report<'_>) {
        self.check_endpoint(&key.child("endpoint"), report);
        self.check_keys(key, report);
        if let Some(tls) = self.tls {
            let is_encrypted = self.endpoint.is_none_or(|endpoint| endpoint.starts_with("https://"));
            tls.check(&key.child("tls"), is_encrypted, report);
        }
    }

    fn check_endpoint(&self, key: &Key, report: &mut Report<'_>) {
        let Some(endpoint) = self.endpoint else { return };
        let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['@', '?', ' '])) {
            report.wrong(
                key,
                "is no http:// or https:// address",
                "Write it as \"http://localhost:9000\" or \"https://…\", and the keys beside it.",
            );
            return;
        }
        let is_encrypted = endpoint.starts_with("https://");
        warn_if_exposed(key, endpoint, is_encrypted, self.secret_key.is_some(), report);
    }

    fn check_keys(&self, key: &Key, report: &mut Report<'_>) {
        for (name, other, is_alone) in [
            ("access_key", "secret_key", self.access_key.is_some() && self.secret_key.is_none()),
            ("secret_key", "access_key", self.secret_key.is_some() && self.access_key.is_none()),
            ("session_token", "access_key", self.session_token.is_some() && self.access_key.is_none()),
        ] {
            if is_alone {
                let remedy = format!("Add {other} = \"env:NAME\".");
                report.wrong(&key.child(name), format!("stands without `{other}`"), remedy);
            }
        }
    }
}
