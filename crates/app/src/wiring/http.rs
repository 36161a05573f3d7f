//! From `[server]` and `[auth]` to the HTTP half.

use anyhow::Context;
use tokio::net::TcpListener;
use weir_core::sink::SinkName;
use weir_log::SegmentLog;

use crate::api::{ApiSettings, Confirmation, LogGauge, OpenStore};
use crate::auth::{AuthSettings, Authenticator, NamedKey};
use crate::config::{Acknowledge, MetricsAccess, Settings, StoreToken};
use crate::data_dir::MadeKey;
use crate::secret::Secret;
use crate::server::{Encryption, Listener, ServerSettings};

/// The name of the key that Weir made itself.
const MADE_KEY_NAME: &str = "local";

/// The main port, encrypted where there is a certificate. What `admin_addr` serves to monitors stays plain.
pub fn listener(socket: TcpListener, settings: &Settings) -> anyhow::Result<Listener> {
    match &settings.server.tls {
        None => Ok(socket.into()),
        Some(tls) => Ok(Listener::encrypted(socket, Encryption::new(tls.files()).context("server.tls")?)),
    }
}

/// The connections' limits.
pub fn server_settings(settings: &Settings) -> ServerSettings {
    let server = &settings.server;
    ServerSettings {
        connections_max: server.connections_max,
        head_timeout: server.header_timeout,
        idle_timeout: server.idle_timeout,
        drain_timeout: settings.shutdown_timeout,
        ..ServerSettings::default()
    }
}

/// The requests' limits.
pub(super) fn api_settings(settings: &Settings, instance_id: &str) -> ApiSettings {
    let server = &settings.server;
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let defaults = ApiSettings::default();
    ApiSettings {
        body_max_bytes: bytes(server.body_max_bytes),
        unpacked_max_bytes: bytes(server.unpacked_max_bytes),
        // One request at its limit must always fit.
        bodies_max_bytes: defaults
            .bodies_max_bytes
            .max(bytes(server.body_max_bytes + server.unpacked_max_bytes)),
        body_timeout: server.request_timeout,
        trusted_proxies: server.trusted_proxies.clone(),
        cors_origins: server.cors_origins.clone(),
        open_store: match settings.store.token {
            StoreToken::Required => OpenStore::ToNobody,
            StoreToken::None => OpenStore::ToEverybody,
            StoreToken::Loopback if server.is_local() => OpenStore::ToThisMachine,
            StoreToken::Loopback => OpenStore::ToNobody,
        },
        metrics_open: server.metrics == MetricsAccess::Open,
        confirmation: confirmation(settings),
        instance_id: instance_id.to_owned(),
        roles: settings.role.words(),
        takes_events: settings.takes_events(),
        ..defaults
    }
}

fn confirmation(settings: &Settings) -> Option<Confirmation> {
    match &settings.acknowledge {
        Acknowledge::Log => None,
        Acknowledge::Sink(name) => {
            Some(Confirmation { sink: SinkName(name.as_str().into()), timeout: settings.acknowledge_timeout })
        }
    }
}

/// Admits whom the settings name, and whoever has the key that Weir made because they name nobody.
pub(super) fn authenticator(settings: &Settings, made_key: Option<&MadeKey>) -> Authenticator {
    let named = |name: &str, key: &Secret| NamedKey { name: name.to_owned(), key: key.clone() };
    let auth = &settings.auth;
    let mut keys: Vec<NamedKey> = auth.api_keys.iter().map(|key| named(&key.name, &key.key)).collect();
    keys.extend(made_key.map(|made| named(MADE_KEY_NAME, &made.key)));
    Authenticator::new(&AuthSettings { keys, jwt_secret: auth.jwt_secret.clone() })
}

impl LogGauge for SegmentLog {
    fn trouble(&self) -> Option<String> {
        self.stats().writable.err()
    }

    fn size_bytes(&self) -> u64 {
        self.stats().bytes
    }
}
