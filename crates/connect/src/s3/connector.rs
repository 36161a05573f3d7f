//! Carries the S3 library's requests over the one HTTP client and TLS stack that Weir has.
//!
//! **Constraint.** What the server answers with an error is handed on as [`Answered`], so that its own code decides.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method, StatusCode};

use super::fault::{Answered, CREDENTIALS_HOSTS};
use crate::http::{StoreClient, exchange};
use crate::tls::TlsSettings;
use crate::{Fault, SettingsError};

/// Gives the library our client, whatever it would have set.
#[derive(Clone)]
pub(super) struct Connector(Arc<StoreClient>);

impl Connector {
    pub fn new(tls: &TlsSettings) -> Result<Self, SettingsError> {
        Ok(Self(Arc::new(StoreClient::new(tls)?)))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut parts, body) = request.into_parts();
        let (method, host) = (parts.method.clone(), parts.uri.host().unwrap_or_default().to_owned());
        // The client tells the body's length itself.
        parts.headers.remove(CONTENT_LENGTH);
        let request = self.0.get().request(parts.method, parts.uri.to_string()).headers(parts.headers);
        let reply = exchange(request.body(Body::wrap(body)), &host)
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        if is_error(&method, reply.status) {
            let answered = Answered::read(&reply);
            return Err(match host.starts_with(CREDENTIALS_HOSTS) {
                true => {
                    HttpError::new(HttpErrorKind::Unknown, Fault::Away(format!("{host} answered {answered}")))
                }
                false => HttpError::new(HttpErrorKind::Unknown, answered),
            });
        }
        let mut response = HttpResponse::new(reply.body.into());
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }
}

/// What the library itself makes something of is left to it.
fn is_error(method: &Method, status: StatusCode) -> bool {
    let expected = match status {
        StatusCode::PRECONDITION_FAILED | StatusCode::NOT_MODIFIED => true,
        StatusCode::NOT_FOUND => method == Method::HEAD,
        _ => status.is_success(),
    };
    !expected
}
