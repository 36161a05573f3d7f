//! Where a bucket is: `s3://BUCKET/PREFIX`, and the server's own address.

use reqwest::Url;

use super::BucketAccess;
use crate::SettingsError;

/// A bucket, and what all names in it begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAddress {
    /// The bucket.
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
}

impl BucketAddress {
    /// Reads `s3://BUCKET/PREFIX`; what is wrong with one that begins so. `None` for other addresses.
    pub fn read(url: &str) -> Option<Result<Self, &'static str>> {
        let rest = url.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if bucket.is_empty() || !bucket.bytes().all(allowed) {
            return Some(Err("it names no bucket"));
        }
        let prefix = prefix.trim_matches('/');
        let empty = |part: &str| matches!(part, "" | "." | "..");
        if !prefix.is_empty() && prefix.split('/').any(empty) {
            return Some(Err("its prefix has an empty part, `.` or `..`"));
        }
        Some(Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() }))
    }

    /// A name in it, with its prefix.
    pub fn name(&self, name: &str) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{}{slash}{name}", self.prefix)
    }
}

impl BucketAccess {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_stands_in_the_path_or_before_the_host() {
        let endpoint = |endpoint: &str, path_style| {
            let endpoint = Some(endpoint.to_owned());
            let access = BucketAccess { endpoint, path_style, ..BucketAccess::default() };
            assert!(!format!("{access:?}").contains("s3cret"));
            access.bucket_endpoint("events")
        };
        assert_eq!(
            endpoint("http://127.0.0.1:9000/", None).unwrap().as_deref(),
            Some("http://127.0.0.1:9000")
        );
        assert_eq!(
            endpoint("https://s3.example.com", Some(false)).unwrap().as_deref(),
            Some("https://events.s3.example.com")
        );
        for bad in ["127.0.0.1:9000", "ftp://host", "http://user:s3cret@host", "http://host/?q"] {
            let error = endpoint(bad, None).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
