//! `[server]`: HTTP, and its limits.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::CertificateSettings;
use crate::config::exposure::is_this_machine;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::{duration, network, size};

/// Where Weir listens, whom it believes, and how much it takes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerSettings {
    /// The address or host name to listen on.
    pub host: String,
    /// The port; 0 takes any that is free.
    pub port: u16,
    /// Where `/healthz`, `/readyz` and `/metrics` are served instead, as `host:port`.
    pub admin_addr: Option<String>,
    /// The certificate to show: with it, the main port speaks HTTPS and nothing else.
    pub tls: Option<CertificateSettings>,
    /// Proxies whose `X-Forwarded-For` and `Forwarded` are believed.
    #[serde(with = "network")]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that browsers may send from; `"*"` is any.
    pub cors_origins: Vec<String>,
    /// The largest body, as sent.
    #[serde(with = "size")]
    pub body_max_bytes: u64,
    /// The largest body, unpacked.
    #[serde(with = "size")]
    pub unpacked_max_bytes: u64,
    /// Connections open at once.
    pub connections_max: usize,
    /// How long a client may take for a request's head.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// How long a request may take as a whole.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// How long a connection may be idle between requests.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// Who may read `/metrics` on the main port.
    pub metrics: MetricsAccess,
    /// Which requests are logged.
    pub access_log: AccessLogMode,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsAccess {
    /// Who has a key.
    #[default]
    Authenticated,
    /// Everybody.
    Open,
}

/// Which requests are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLogMode {
    /// All.
    #[default]
    On,
    /// Those answered with a status of 400 or above.
    Errors,
    /// None.
    Off,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8080,
            admin_addr: None,
            tls: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            body_max_bytes: 10 << 20,
            unpacked_max_bytes: 64 << 20,
            connections_max: 4096,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            metrics: MetricsAccess::default(),
            access_log: AccessLogMode::default(),
        }
    }
}

impl ServerSettings {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        join_address(&self.host, self.port)
    }

    /// `host` with another port.
    pub fn address_with(&self, port: u16) -> String {
        join_address(&self.host, port)
    }

    /// Whether no other machine is let in.
    pub fn is_local(&self) -> bool {
        is_this_machine(&self.host)
    }

    /// Whether other machines are let in, and nothing says that what they send is encrypted on the way.
    pub fn is_exposed(&self) -> bool {
        self.tls.is_none() && self.trusted_proxies.is_empty() && !self.is_local()
    }

    pub(super) fn check(&self, report: &mut Report<'_>) {
        let key = |name: &str| Key::of(["server", name]);
        if self.host.trim().is_empty() || self.host.contains(['/', ' ']) {
            let remedy = "Write an address or a host name, such as \"127.0.0.1\", or \"0.0.0.0\" for all.";
            report.wrong(&key("host"), "is no address", remedy);
        }
        self.check_admin(report);
        if let Some(tls) = &self.tls {
            tls.check(&key("tls"), report);
        }
        for (name, zero) in [
            ("body_max_bytes", self.body_max_bytes == 0),
            ("unpacked_max_bytes", self.unpacked_max_bytes == 0),
            ("connections_max", self.connections_max == 0),
            ("header_timeout", self.header_timeout.is_zero()),
            ("request_timeout", self.request_timeout.is_zero()),
            ("idle_timeout", self.idle_timeout.is_zero()),
        ] {
            report.not_zero(&key(name), zero);
        }
        if self.unpacked_max_bytes < self.body_max_bytes {
            let remedy = "A body is never smaller unpacked: raise it, or lower server.body_max_bytes.";
            report.wrong(&key("unpacked_max_bytes"), "is less than `server.body_max_bytes`", remedy);
        }
        for (index, origin) in self.cors_origins.iter().enumerate().filter(|(_, origin)| !is_origin(origin)) {
            let remedy = "Write scheme and host, such as \"https://app.example.com\", or \"*\" for any.";
            report.wrong(&key("cors_origins").item(index), format!("is no origin: {origin:?}"), remedy);
        }
    }

    fn check_admin(&self, report: &mut Report<'_>) {
        let Some(address) = &self.admin_addr else { return };
        let key = Key::of(["server", "admin_addr"]);
        let parts = address.rsplit_once(':');
        let port = parts.and_then(|(_, port)| port.parse::<u16>().ok());
        if parts.is_none_or(|(host, _)| host.is_empty()) || port.is_none() {
            report.wrong(&key, format!("is no host:port: {address:?}"), "Write it as \"127.0.0.1:9090\".");
        } else if self.port != 0 && *address == self.address() {
            let remedy = "Choose another port, or leave it out to have everything on one.";
            report.wrong(&key, "is the address of the main port", remedy);
        }
    }
}

fn join_address(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', ',']))
}
