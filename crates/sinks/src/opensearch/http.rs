//! Talks HTTP to the store: address, credentials, TLS, limits.
//!
//! **Constraint.** No secret leaves this file but in the request's header.

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use weir_core::sink::SinkError;

use super::answer::whole;
use super::settings::{Credentials, OpenSearchSettings};
use crate::SettingsError;
use crate::client::{Reply, StoreClient, exchange};

pub(super) struct Http {
    base: Url,
    address: String,
    credentials: Option<Credentials>,
    client: StoreClient,
}

pub(super) struct Request<'a> {
    pub method: Method,
    pub path: &'a [&'a str],
    pub query: Option<&'a str>,
    pub content_type: &'static str,
    pub compressed: bool,
    pub body: Option<Bytes>,
}

impl<'a> Request<'a> {
    /// Asks for something.
    pub fn get(path: &'a [&'a str]) -> Self {
        let content_type = "application/json";
        Self { method: Method::GET, path, query: None, content_type, compressed: false, body: None }
    }

    /// Puts a JSON document.
    pub fn put(path: &'a [&'a str], body: String) -> Self {
        Self { method: Method::PUT, body: Some(body.into()), ..Self::get(path) }
    }
}

impl Http {
    pub fn new(settings: &OpenSearchSettings) -> Result<Self, SettingsError> {
        let (base, credentials) = settings.address()?;
        let client = StoreClient::new(&settings.tls)?;
        if let Some(Credentials::ApiKey(key)) = &credentials {
            HeaderValue::from_str(key).map_err(|_| {
                SettingsError("api_key: it has characters that no header may have".to_owned())
            })?;
        }
        let address = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { base, address, credentials, client })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request<'_>) -> Result<Reply, SinkError> {
        exchange(self.request(request), &self.address).await
    }

    /// Whether the store is there and lets us in. One that does not tell strangers what it is, is there too.
    pub async fn reach(&self) -> Result<(), SinkError> {
        let answer = self.send(Request::get(&[])).await?;
        match answer.status.as_u16() {
            200 | 403 | 404 => Ok(()),
            _ => Err(whole(&answer, &self.address)),
        }
    }

    fn request(&self, request: Request<'_>) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(request.path);
        }
        url.set_query(request.query);
        let mut builder = self.client.get().request(request.method, url);
        builder = match &self.credentials {
            None => builder,
            Some(Credentials::Basic { user, password }) => builder.basic_auth(user, Some(password)),
            Some(Credentials::ApiKey(key)) => builder.header("authorization", format!("ApiKey {key}")),
        };
        if request.compressed {
            builder = builder.header(CONTENT_ENCODING, "gzip");
        }
        match request.body {
            Some(body) => builder.header(CONTENT_TYPE, request.content_type).body(body),
            None => builder,
        }
    }
}
