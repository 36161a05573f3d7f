//! `type = "objects"`: files of JSON lines in a bucket or a local folder.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchSettings, Claim, Side, SinkType, TlsSettings, TypeFacts};
use crate::config::duration;
use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::settings::bucket::BucketKeys;
use crate::secret::Secret;

/// Objects of one JSON line an event, by the hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectsSettings {
    /// `s3://BUCKET/PREFIX` or `file:///FOLDER`
    pub url: String,
    /// Where the S3 server is, if it is not Amazon's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The bucket's region.
    #[serde(default)]
    pub region: Option<String>,
    /// The id of the key.
    #[serde(default)]
    pub access_key: Option<Secret>,
    /// The key.
    #[serde(default)]
    pub secret_key: Option<Secret>,
    /// What temporary keys come with.
    #[serde(default)]
    pub session_token: Option<Secret>,
    /// Whether the bucket stands in the path, or before the host's name.
    #[serde(default)]
    pub path_style: Option<bool>,
    /// Whether objects are put only where there is none of that name.
    #[serde(default = "yes")]
    pub conditional_put: bool,
    /// The objects' names.
    #[serde(default = "name_default")]
    pub name: String,
    /// By which of its times an event's hour is told.
    #[serde(default)]
    pub time: ObjectTime,
    /// How objects are compressed.
    #[serde(default)]
    pub compression: ObjectCompression,
    /// How long a delivery may take.
    #[serde(default = "request_timeout_default", with = "duration")]
    pub request_timeout: Duration,
    /// Whom to trust, and as whom to show oneself.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

/// One of an event's two times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectTime {
    /// When it happened, by the client's word.
    #[default]
    OccurredAt,
    /// When it came in.
    ReceivedAt,
}

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectCompression {
    /// Not at all.
    #[default]
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

fn yes() -> bool {
    true
}

fn name_default() -> String {
    "{year}/{month}/{day}/{hour}/{consumer}_{hash}.json".to_owned()
}

fn request_timeout_default() -> Duration {
    Duration::from_secs(30)
}

const NAME_PARTS: [&str; 9] =
    ["year", "month", "day", "hour", "minute", "stream", "consumer", "environment", "hash"];

impl SinkType for ObjectsSettings {
    fn facts() -> TypeFacts {
        // So many that bytes and age decide.
        let batch = BatchSettings {
            max_events: 100_000,
            // So many that several objects of small events are under way.
            buffer_max_events: 200_000,
            max_age: Duration::from_secs(8),
            ..BatchSettings::default()
        };
        TypeFacts { name: "objects", side: Side::Store, batch }
    }

    fn check(&self, key: &Key, report: &mut Report<'_>) {
        let is_bucket =
            self.url.strip_prefix("s3://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        let folder = self.url.strip_prefix("file:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let is_folder = folder.is_some_and(|path| {
            !path.is_empty() && (path.starts_with('/') || !self.url.starts_with("file://"))
        });
        if !is_bucket && !is_folder {
            let remedy = "Write it as \"s3://BUCKET/PREFIX\" or \"file:///FOLDER\".";
            report.wrong(&key.child("url"), "is no bucket and no folder", remedy);
        }
        if !is_bucket {
            self.check_folder_alone(key, report);
        }
        self.keys().check(key, report);
        self.check_name(&key.child("name"), report);
        report.not_zero(&key.child("request_timeout"), self.request_timeout.is_zero());
    }

    /// The names in a bucket or a folder.
    fn claim(&self) -> Option<Claim> {
        Some(Claim {
            places: vec![self.place()],
            is_by_stream: false,
            member: "url",
            what: "puts objects in the same place as",
            remedy: "Give one of them another `url` or `name`.",
        })
    }
}

impl ObjectsSettings {
    fn check_folder_alone(&self, key: &Key, report: &mut Report<'_>) {
        for (name, is_set) in [
            ("endpoint", self.endpoint.is_some()),
            ("region", self.region.is_some()),
            ("access_key", self.access_key.is_some()),
            ("secret_key", self.secret_key.is_some()),
            ("tls", self.tls.is_some()),
        ] {
            if is_set {
                let remedy = "Leave it out, or write `url` as \"s3://BUCKET/PREFIX\".";
                report.wrong(&key.child(name), "stands beside a folder", remedy);
            }
        }
    }

    fn keys(&self) -> BucketKeys<'_> {
        BucketKeys {
            endpoint: self.endpoint.as_deref(),
            access_key: self.access_key.as_ref(),
            secret_key: self.secret_key.as_ref(),
            session_token: self.session_token.as_ref(),
            tls: self.tls.as_ref(),
        }
    }

    fn check_name(&self, key: &Key, report: &mut Report<'_>) {
        let placeholder = |rest: &str| rest.split_once('}').map(|(name, _)| name.to_owned());
        let placeholders: Vec<Option<String>> = self.name.split('{').skip(1).map(placeholder).collect();
        let known = |name: &Option<String>| name.as_deref().is_some_and(|name| NAME_PARTS.contains(&name));
        if !placeholders.iter().all(known) {
            let remedy = "There are {year}, {month}, {day}, {hour}, {minute}, {stream}, {consumer}, {environment} and {hash}.";
            report.wrong(key, "has a part that cannot be filled in", remedy);
        } else if !placeholders.contains(&Some("hash".to_owned())) {
            let remedy = "Add {hash}, as in \"{year}/{month}/{day}/{hour}/{consumer}_{hash}.json\".";
            report.wrong(key, "cannot tell two objects apart", remedy);
        }
    }

    /// What is the same however the address is written.
    fn place(&self) -> Vec<String> {
        let host = self.endpoint.as_deref().unwrap_or_default();
        let host = host.split_once("://").map_or(host, |(_, host)| host).trim_end_matches('/');
        let url = self.url.replacen("file:///", "file:/", 1);
        vec![host.to_ascii_lowercase(), url.trim_end_matches('/').to_owned(), self.name.clone()]
    }
}
