//! `tls = { ca, cert, key, server_name }`: TLS to others, beside their address.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::key::Key;
use crate::config::problem::Report;

/// Whom to trust, and as whom to show oneself. Files are PEM.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsSettings {
    /// Certificates of authorities that are trusted beside those of the web.
    pub ca: Option<PathBuf>,
    /// The certificate, with its chain, that is shown.
    pub cert: Option<PathBuf>,
    /// The key of `cert`.
    pub key: Option<PathBuf>,
    /// The name that the other's certificate is made out to, where it is not the one in the address.
    pub server_name: Option<String>,
}

impl TlsSettings {
    /// What can be told of them without the files' contents; `is_encrypted` is what the address says.
    pub(in crate::config::settings) fn check(&self, key: &Key, is_encrypted: bool, report: &mut Report<'_>) {
        if !is_encrypted {
            let remedy = "Write the address with https:// (rediss://, amqps://), or leave `tls` out.";
            report.wrong(key, "stands beside an address without TLS", remedy);
        }
        for (name, path) in [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)] {
            if let Some(path) = path {
                check_file(&key.child(name), path, report);
            }
        }
        match (&self.cert, &self.key) {
            (Some(_), None) => {
                report.wrong(
                    &key.child("cert"),
                    "stands without `key`",
                    "Add key = \"…\", the file of its key.",
                );
            }
            (None, Some(_)) => {
                report.wrong(
                    &key.child("key"),
                    "stands without `cert`",
                    "Add cert = \"…\", the certificate's file.",
                );
            }
            _ => {}
        }
        if self.server_name.as_ref().is_some_and(|name| !is_host(name)) {
            let remedy = "Write the name in the other's certificate, such as \"search.example.com\".";
            report.wrong(&key.child("server_name"), "is no host's name", remedy);
        }
    }
}

fn check_file(key: &Key, path: &Path, report: &mut Report<'_>) {
    // Files are given to those only who use them.
    if !report.is_elsewhere && !path.is_file() {
        let remedy = "Name a PEM file that this user may read, or leave it out.";
        report.wrong(key, format!("names no file: {}", path.display()), remedy);
    }
}

fn is_host(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'_');
    !name.is_empty() && name.bytes().all(allowed)
}
