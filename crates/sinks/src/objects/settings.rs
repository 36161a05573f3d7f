//! How the objects sink is set.

use std::path::PathBuf;
use std::time::Duration;

use weir_connect::s3::{BucketAccess, BucketAddress};

use crate::SettingsError;

/// The settings; shown without their secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsSettings {
    /// `s3://BUCKET/PREFIX`, or `file:///FOLDER`.
    pub url: String,
    /// How a bucket is reached.
    pub access: BucketAccess,
    /// Whether objects are put only where there is none of that name.
    pub conditional_put: bool,
    /// The objects' names; see [`super`] for what is filled in.
    pub name: String,
    /// By which of its times an event's hour is told.
    pub time: EventTime,
    /// How objects are compressed.
    pub compression: Compression,
    /// What `{consumer}` stands for.
    pub consumer: String,
    /// The sink's name; with the consumer's it marks temporary files.
    pub sink: String,
    /// What `{environment}` stands for.
    pub environment: String,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
}

/// One of an event's two times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventTime {
    /// When it happened, by the client's word.
    #[default]
    Occurred,
    /// When it came in.
    Received,
}

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// For everything that reads.
    Gzip,
    /// Smaller and faster.
    Zstd,
}

/// What an address means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Folder(PathBuf),
    Bucket(BucketAddress),
}

impl ObjectsSettings {
    /// The default settings for this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            access: BucketAccess::default(),
            conditional_put: true,
            name: "{year}/{month}/{day}/{hour}/{consumer}_{hash}.json".to_owned(),
            time: EventTime::default(),
            compression: Compression::default(),
            consumer: "weir".to_owned(),
            sink: "objects".to_owned(),
            environment: "development".to_owned(),
            request_timeout: Duration::from_secs(30),
        }
    }

    pub(super) fn place(&self) -> Result<Place, SettingsError> {
        let wrong = |what: &str| {
            SettingsError(format!("url: {what}; expected \"s3://BUCKET/PREFIX\" or \"file:///FOLDER\""))
        };
        if let Some(bucket) = BucketAddress::read(&self.url) {
            return bucket.map(Place::Bucket).map_err(wrong);
        }
        let path = self.url.strip_prefix("file:").ok_or_else(|| wrong("it begins with neither"))?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || (self.url.starts_with("file://") && !path.starts_with('/')) {
            return Err(wrong("it names no folder of this machine"));
        }
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        Ok(Place::Folder(path.into_owned().into()))
    }
}

impl Compression {
    /// What is added to a name.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::None => "application/x-ndjson",
            Self::Gzip => "application/gzip",
            Self::Zstd => "application/zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Option<Place> {
        ObjectsSettings::new(url).place().ok()
    }

    #[test]
    fn an_address_is_a_bucket_with_a_prefix_or_a_folder() {
        let bucket = |bucket: &str, prefix: &str| {
            Place::Bucket(BucketAddress { bucket: bucket.into(), prefix: prefix.into() })
        };
        assert_eq!(place("s3://events"), Some(bucket("events", "")));
        assert_eq!(place("s3://events/a/b/"), Some(bucket("events", "a/b")));
        assert_eq!(place("file:///var/a%20b"), Some(Place::Folder("/var/a b".into())));
        assert_eq!(place("file:data/archive"), Some(Place::Folder("data/archive".into())));
        for bad in [
            "",
            "s3://",
            "s3:///x",
            "s3://b/a/../c",
            "s3://b/a//c",
            "file:",
            "file://host/x",
            "/var",
            "gs://b",
        ] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
