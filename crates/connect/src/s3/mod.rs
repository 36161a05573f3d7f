//! A bucket of a server that speaks S3: how it is reached, and what its errors mean.
//!
//! **Constraint.** Nothing is tried again here, and of the environment only what Amazon's cloud tells a program of its role is
//! looked at. What goes over the wire goes over Weir's own HTTP client.

mod address;
mod connector;
mod fault;

use std::fmt;

use object_store::RetryConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};

use crate::SettingsError;
use crate::tls::TlsSettings;
use connector::Connector;

pub use address::BucketAddress;
pub use fault::BucketFault;

/// What Amazon's cloud tells a program of its role: a token's file, or who hands out credentials.
const SURROUNDINGS: [&str; 8] = [
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_ENDPOINT_URL_STS",
    "AWS_METADATA_ENDPOINT",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// How a bucket is reached; shown without its secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BucketAccess {
    /// Where the server is, if it is not Amazon's.
    pub endpoint: Option<String>,
    /// The bucket's region; `us-east-1` where none is told.
    pub region: Option<String>,
    /// Who we are; where none is told, what the surroundings give to a program of Amazon's cloud.
    pub credentials: Option<Credentials>,
    /// Whether the bucket stands in the path, or before the host's name. As it is usual where none is told: in the
    /// path with an `endpoint`, before the host's name without.
    pub path_style: Option<bool>,
    /// Own authorities and certificates.
    pub tls: TlsSettings,
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

impl BucketAccess {
    /// The bucket of this name, without asking it for anything.
    pub fn open(&self, bucket: &str) -> Result<AmazonS3, SettingsError> {
        let endpoint = self.bucket_endpoint(bucket)?;
        let mut builder = surroundings()
            .with_bucket_name(bucket)
            .with_virtual_hosted_style_request(!self.is_path_style())
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(Connector::new(&self.tls)?);
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(credentials) = &self.credentials {
            builder = builder
                .with_access_key_id(&credentials.access_key)
                .with_secret_access_key(&credentials.secret_key);
            if let Some(token) = &credentials.session_token {
                builder = builder.with_token(token);
            }
        }
        builder.build().map_err(|error| SettingsError(format!("url: {error}")))
    }

    /// Where the bucket at `url` is, as it may be shown.
    pub fn shown(&self, url: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{url} at {endpoint}"),
            None => url.to_owned(),
        }
    }
}

/// A builder that knows of them, and of nothing else that the environment may say.
fn surroundings() -> AmazonS3Builder {
    let told = SURROUNDINGS.iter().filter_map(|name| {
        let key: AmazonS3ConfigKey = name.to_ascii_lowercase().parse().ok()?;
        Some((key, std::env::var(name).ok()?))
    });
    told.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

/// An endpoint may hold a password, though it is not to.
impl fmt::Debug for BucketAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketAccess")
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("path_style", &self.path_style)
            .field("tls", &self.tls)
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

    #[test]
    fn the_library_knows_every_name_that_surroundings_go_by() {
        for name in SURROUNDINGS {
            assert!(name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().is_ok(), "{name}");
        }
    }
}
