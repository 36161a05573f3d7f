//! The settings, typed and whole: one file a concern, each with its defaults and its checks.
//!
//! Plain data. Nothing here looks at the world, save that a check may see whether a named file can be used.

mod acknowledge;
mod auth;
mod bucket;
mod catalog;
mod certificate;
mod exports;
mod files;
mod grpc;
pub mod inputs;
mod kafka_brokers;
mod librdkafka;
mod lineage;
mod log;
mod roles;
mod server;
pub mod sinks;
mod store;
mod streams;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use acknowledge::Acknowledge;
pub use auth::{ApiKey, AuthSettings};
pub use catalog::{CatalogLocation, CatalogSettings};
pub use certificate::CertificateSettings;
pub use exports::ExportsSettings;
pub use files::FilesSettings;
pub use grpc::GrpcSettings;
pub use librdkafka::{LOOSE, LibrdkafkaSettings};
pub use lineage::{LINEAGE_SINK, LineageSettings};
pub use log::{Durability, LogSettings};
pub use roles::{Role, Roles};
pub use server::{AccessLogMode, MetricsAccess, ServerSettings};
pub use sinks::{
    BatchSettings, Beginning, ColumnFrom, ColumnsSettings, FilterSettings, RetrySettings, Side, SinkOf,
    SinkType, StreamSelection, TlsSettings, TypeFacts,
};
pub use store::{SchemasSettings, StoreSettings, StoreToken};
pub use streams::{BUILT_IN_STREAMS, StreamSettings};

use super::duration;
use super::key::Key;
use super::problem::Report;
// The types of sinks are listed where each is opened, and nowhere else.
pub use crate::wiring::{INPUT_TYPES, InputSettings, SinkSettings, sink_types};

/// All that can be set. `docs/configuration.md` tells of each key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where everything lies that Weir keeps.
    pub data_dir: PathBuf,
    /// The environment's name; part of the name of OpenSearch's index.
    pub environment: String,
    /// What this process does of all that Weir does.
    pub role: Roles,
    /// This instance's name; made and kept in the data directory when absent.
    pub instance_id: Option<String>,
    /// What has to have an event before its sender gets an answer.
    pub acknowledge: Acknowledge,
    /// How long an answer waits for the sink of `acknowledge`.
    #[serde(with = "duration")]
    pub acknowledge_timeout: Duration,
    /// How long a stop may take to deliver what is buffered.
    #[serde(with = "duration")]
    pub shutdown_timeout: Duration,
    /// What is logged: a level, or `target=level` pairs.
    pub log_level: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// HTTP.
    pub server: ServerSettings,
    /// Who is let in.
    pub auth: AuthSettings,
    /// The event log.
    pub log: LogSettings,
    /// The catalog.
    pub catalog: CatalogSettings,
    /// What became of files.
    pub lineage: LineageSettings,
    /// Files that are kept.
    pub files: FilesSettings,
    /// What is made to be taken away.
    pub exports: ExportsSettings,
    /// The address `/store`.
    pub store: StoreSettings,
    /// gRPC.
    pub grpc: GrpcSettings,
    /// The event types.
    pub schemas: SchemasSettings,
    /// Streams beyond the built-in ones, by name.
    pub streams: BTreeMap<String, StreamSettings>,
    /// Where events go, by name.
    pub sinks: BTreeMap<String, SinkSettings>,
    /// Sinks of other roles whose secrets are not here, so that there is no telling more of them.
    #[serde(skip)]
    pub unread_sinks: BTreeMap<String, Roles>,
    /// Where events come from beside HTTP, by name.
    pub inputs: BTreeMap<String, InputSettings>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Text.
    Text,
    /// JSON in the Elastic Common Schema.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            environment: "development".to_owned(),
            role: Roles::all(),
            instance_id: None,
            acknowledge: Acknowledge::Log,
            acknowledge_timeout: acknowledge::TIMEOUT_DEFAULT,
            shutdown_timeout: Duration::from_secs(30),
            log_level: "info".to_owned(),
            log_format: LogFormat::Auto,
            server: ServerSettings::default(),
            auth: AuthSettings::default(),
            log: LogSettings::default(),
            catalog: CatalogSettings::default(),
            lineage: LineageSettings::default(),
            files: FilesSettings::default(),
            exports: ExportsSettings::default(),
            store: StoreSettings::default(),
            grpc: GrpcSettings::default(),
            schemas: SchemasSettings::default(),
            streams: BTreeMap::new(),
            sinks: BTreeMap::new(),
            unread_sinks: BTreeMap::new(),
            inputs: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// The names of the settings at the top, sections included.
    pub const TOP_LEVEL: [&str; 22] = [
        "data_dir",
        "environment",
        "role",
        "instance_id",
        "acknowledge",
        "acknowledge_timeout",
        "shutdown_timeout",
        "log_level",
        "log_format",
        "server",
        "auth",
        "log",
        "catalog",
        "lineage",
        "files",
        "exports",
        "store",
        "grpc",
        "schemas",
        "streams",
        "sinks",
        "inputs",
    ];

    /// Whether this process takes events in over HTTP.
    pub fn takes_events(&self) -> bool {
        self.role.contains(Role::Api)
    }

    /// Whether it keeps events on its own disk before they are delivered.
    pub fn has_log(&self) -> bool {
        self.takes_events() || self.inputs_here().any(|(_, input)| input.own().uses_log())
    }

    /// The sinks that this process brings events to.
    pub fn sinks_here(&self) -> impl Iterator<Item = (&String, &SinkSettings)> {
        self.sinks.iter().filter(|(_, sink)| self.role.meets(&sink.common().roles))
    }

    /// The sinks that processes of other roles bring events to, and these roles.
    pub fn sinks_elsewhere(&self) -> impl Iterator<Item = (&String, &Roles)> {
        let roles = self.sinks.iter().map(|(name, sink)| (name, &sink.common().roles));
        roles.filter(|(_, roles)| !self.role.meets(roles)).chain(&self.unread_sinks)
    }

    /// The inputs of this process.
    pub fn inputs_here(&self) -> impl Iterator<Item = (&String, &InputSettings)> {
        self.inputs.iter().filter(|(_, input)| self.role.meets(input.own().roles()))
    }

    /// Where the event log lies.
    pub fn log_dir(&self) -> PathBuf {
        self.data_dir.join("log")
    }

    /// Finds what is wrong although each value by itself could be read; takes out secrets that are blank.
    pub(super) fn check(&mut self, report: &mut Report<'_>) {
        self.check_top(report);
        self.server.check(report);
        self.auth.check(report);
        self.log.check(report);
        self.catalog.check(report);
        lineage::check(self, report);
        files::check(self, report);
        self.exports.check(report);
        self.store.check(&self.server, report);
        grpc::check(self, report);
        self.schemas.check(report);
        streams::check(&self.streams, report);
        sinks::check(self, report);
        inputs::check(self, report);
        roles::check(self, report);
        acknowledge::check(self, report);
    }

    fn check_top(&self, report: &mut Report<'_>) {
        if self.data_dir.as_os_str().is_empty() {
            report.wrong(&Key::of(["data_dir"]), "is empty", "Name a directory, such as \"data\".");
        }
        let word = "Use 1 to 64 of a-z A-Z 0-9 _ - .";
        if !is_word(&self.environment) {
            report.wrong(&Key::of(["environment"]), "is not a plain word", word);
        }
        if self.instance_id.as_deref().is_some_and(|id| !is_word(id)) {
            report.wrong(&Key::of(["instance_id"]), "is not a plain word", word);
        }
        if let Err(error) = crate::logging::parse_level(&self.log_level) {
            let remedy =
                "Write a level (error, warn, info, debug, trace), or pairs such as \"info,weir=debug\".";
            report.wrong(&Key::of(["log_level"]), format!("is no log level: {error}"), remedy);
        }
    }
}

/// What can stand in names of files, indices and partitions.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.')
}
