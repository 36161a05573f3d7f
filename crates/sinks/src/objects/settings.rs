//! How the objects sink is set.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::SettingsError;
use crate::tls::TlsSettings;

/// The settings; shown without their secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectsSettings {
    /// `s3://BUCKET/PREFIX`, or `file:///FOLDER`.
    pub url: String,
    /// Where the server is, if it is not Amazon's.
    pub endpoint: Option<String>,
    /// The bucket's region; `us-east-1` where none is told.
    pub region: Option<String>,
    /// Who we are; where none is told, what the surroundings give to a program of Amazon's cloud.
    pub credentials: Option<Credentials>,
    /// Whether the bucket stands in the path, or before the host's name. As it is usual where none is told: in the
    /// path with an `endpoint`, before the host's name without.
    pub path_style: Option<bool>,
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
    /// Own authorities and certificates.
    pub tls: TlsSettings,
    /// How long a delivery or a check may take.
    pub request_timeout: Duration,
}

/// Who we are to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key's id.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
    /// What temporary keys come with.
    pub session_token: Option<String>,
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
    Bucket { bucket: String, prefix: String },
}

impl ObjectsSettings {
    /// The default settings for this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            endpoint: None,
            region: None,
            credentials: None,
            path_style: None,
            conditional_put: true,
            name: "{year}/{month}/{day}/{hour}/{consumer}_{hash}.json".to_owned(),
            time: EventTime::default(),
            compression: Compression::default(),
            consumer: "weir".to_owned(),
            sink: "objects".to_owned(),
            environment: "development".to_owned(),
            tls: TlsSettings::default(),
            request_timeout: Duration::from_secs(30),
        }
    }

    pub(super) fn place(&self) -> Result<Place, SettingsError> {
        let wrong = |what: &str| {
            SettingsError(format!("url: {what}; expected \"s3://BUCKET/PREFIX\" or \"file:///FOLDER\""))
        };
        if let Some(rest) = self.url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
            if bucket.is_empty() || !bucket.bytes().all(allowed) {
                return Err(wrong("it names no bucket"));
            }
            let prefix = prefix.trim_matches('/');
            let empty = |part: &str| matches!(part, "" | "." | "..");
            if !prefix.is_empty() && prefix.split('/').any(empty) {
                return Err(wrong("its prefix has an empty part, `.` or `..`"));
            }
            return Ok(Place::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        }
        let path = self.url.strip_prefix("file:").ok_or_else(|| wrong("it begins with neither"))?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || (self.url.starts_with("file://") && !path.starts_with('/')) {
            return Err(wrong("it names no folder of this machine"));
        }
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        Ok(Place::Folder(path.into_owned().into()))
    }

    /// The server's address, with the bucket before the host's name where it belongs there.
    pub(super) fn bucket_endpoint(&self, bucket: &str) -> Result<Option<String>, SettingsError> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let wrong = || SettingsError("endpoint: expected http(s)://HOST:PORT, without more".to_owned());
        let mut url = Url::parse(endpoint).map_err(|_| wrong())?;
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || !bare {
            return Err(wrong());
        }
        let host = url.host_str().ok_or_else(wrong)?.to_owned();
        if !self.is_path_style() {
            url.set_host(Some(&format!("{bucket}.{host}"))).map_err(|_| wrong())?;
        }
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }

    pub(super) fn is_path_style(&self) -> bool {
        self.path_style.unwrap_or(self.endpoint.is_some())
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

impl fmt::Debug for ObjectsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectsSettings")
            .field("url", &self.url)
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("path_style", &self.path_style)
            .field("conditional_put", &self.conditional_put)
            .field("name", &self.name)
            .field("time", &self.time)
            .field("compression", &self.compression)
            .field("consumer", &self.consumer)
            .field("sink", &self.sink)
            .field("environment", &self.environment)
            .field("tls", &self.tls)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
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
        let bucket =
            |bucket: &str, prefix: &str| Place::Bucket { bucket: bucket.into(), prefix: prefix.into() };
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

    #[test]
    fn a_bucket_stands_in_the_path_or_before_the_host() {
        let mut settings = ObjectsSettings::new("s3://events");
        settings.endpoint = Some("http://127.0.0.1:9000/".to_owned());
        assert_eq!(settings.bucket_endpoint("events").unwrap().as_deref(), Some("http://127.0.0.1:9000"));
        settings.endpoint = Some("https://s3.example.com".to_owned());
        settings.path_style = Some(false);
        assert_eq!(
            settings.bucket_endpoint("events").unwrap().as_deref(),
            Some("https://events.s3.example.com")
        );
        for bad in ["127.0.0.1:9000", "ftp://host", "http://user:s3cret@host", "http://host/?q"] {
            settings.endpoint = Some(bad.to_owned());
            let error = settings.bucket_endpoint("events").unwrap_err().to_string();
            assert!(!error.contains("s3cret") && !format!("{settings:?}").contains("s3cret"), "{error}");
        }
    }
}
