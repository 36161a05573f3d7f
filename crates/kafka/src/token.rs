//! Tokens for OAUTHBEARER: fetched from whoever issues them, or made up for development.
//!
//! **Constraint.** librdkafka's own way to a token is another HTTP client with OpenSSL; here it is the one that all of
//! Weir has. Its settings keep their names, `sasl.oauthbearer.…`, and are not shown to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::client::OAuthToken;
use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

use crate::SettingError;

const METHOD: &str = "sasl.oauthbearer.method";
const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
const CLIENT_ID: &str = "sasl.oauthbearer.client.id";
const CLIENT_SECRET: &str = "sasl.oauthbearer.client.secret";
const SCOPE: &str = "sasl.oauthbearer.scope";
/// The settings that are answered here.
const OURS: [&str; 5] = [METHOD, ENDPOINT, CLIENT_ID, CLIENT_SECRET, SCOPE];
const UNSECURED: &str = "enable.sasl.oauthbearer.unsecure.jwt";

const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_MAX_BYTES: usize = 64 << 10;
/// Of a token that does not say how long it is good for.
const LIFETIME: Duration = Duration::from_secs(300);

/// Where tokens come from.
#[derive(Clone)]
pub(crate) enum Tokens {
    /// From an issuer, for a client's id and secret.
    Issued(Arc<Issuer>),
    /// Nobody's word for it: a token without a signature, which only brokers for development take.
    Unsecured { principal: String },
}

/// Who issues tokens, and as whom one asks.
pub(crate) struct Issuer {
    url: String,
    client_id: String,
    client_secret: String,
    scope: Option<String>,
    ca: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<f64>,
}

/// Whether the setting is answered here.
pub(crate) fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

impl Tokens {
    /// By the settings; none where tokens are not asked for.
    pub fn of(own: &BTreeMap<String, String>, ca: Option<&PathBuf>) -> Result<Option<Self>, SettingError> {
        let mechanism = own.get("sasl.mechanism").or_else(|| own.get("sasl.mechanisms"));
        if !mechanism.is_some_and(|mechanism| mechanism.eq_ignore_ascii_case("OAUTHBEARER")) {
            return Ok(None);
        }
        if own.get(UNSECURED).is_some_and(|wanted| wanted == "true") {
            let told = own.get("sasl.oauthbearer.config").map_or("", String::as_str);
            let principal = told.split(' ').find_map(|part| part.strip_prefix("principal="));
            return Ok(Some(Self::Unsecured { principal: principal.unwrap_or("weir").to_owned() }));
        }
        let needed = |name: &str| {
            own.get(name).cloned().ok_or_else(|| {
                SettingError(format!("kafka.{name:?} is missing, which OAUTHBEARER needs to get a token"))
            })
        };
        Ok(Some(Self::Issued(Arc::new(Issuer {
            url: needed(ENDPOINT)?,
            client_id: needed(CLIENT_ID)?,
            client_secret: needed(CLIENT_SECRET)?,
            scope: own.get(SCOPE).cloned(),
            ca: ca.cloned(),
        }))))
    }

    /// A token. Blocks for some seconds at most, on whatever thread; that of a runtime, too.
    pub fn get(&self) -> Result<OAuthToken, String> {
        match self {
            Self::Unsecured { principal } => Ok(unsecured(principal)),
            Self::Issued(issuer) => {
                let issuer = issuer.clone();
                let fetching = std::thread::spawn(move || issuer.fetch());
                fetching.join().unwrap_or_else(|_| Err("fetching the token ended in a panic".to_owned()))
            }
        }
    }
}

impl Issuer {
    fn fetch(&self) -> Result<OAuthToken, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let answer = runtime.block_on(async { tokio::time::timeout(FETCH_TIMEOUT, self.ask()).await });
        let Answer { access_token, expires_in } =
            answer.map_err(|_| format!("{} did not answer within {FETCH_TIMEOUT:?}", self.address()))??;
        let lifetime = expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(OAuthToken {
            principal_name: subject(&access_token).unwrap_or_else(|| self.client_id.clone()),
            token: access_token,
            lifetime_ms: millis(SystemTime::now() + lifetime.unwrap_or(LIFETIME)),
        })
    }

    async fn ask(&self) -> Result<Answer, String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        let away = |error: reqwest::Error| format!("{}: {}", self.address(), error.without_url());
        let mut response = client(self.ca.as_deref())?
            .post(&self.url)
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form.finish())
            .send()
            .await
            .map_err(away)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_MAX_BYTES {
                return Err(format!("{}: the answer is longer than a token", self.address()));
            }
        }
        if !status.is_success() {
            return Err(format!(
                "{} answered {status}: see to the client's id, secret and scope",
                self.address()
            ));
        }
        serde_json::from_slice(&body)
            .map_err(|_| format!("{}: there is no token in the answer", self.address()))
    }

    /// Without what may be secret in it.
    fn address(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }
}

fn client(ca: Option<&Path>) -> Result<Client, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for path in ca.iter() {
        let unusable = |error: &dyn std::fmt::Display| format!("tls.ca = \"{}\": {error}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())
}

fn unsecured(principal: &str) -> OAuthToken {
    let (now, until) = (SystemTime::now(), SystemTime::now() + LIFETIME);
    let claims =
        serde_json::json!({ "sub": principal, "iat": millis(now) / 1000, "exp": millis(until) / 1000 });
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    OAuthToken {
        token: format!("{}.{}.", part(r#"{"alg":"none"}"#.to_owned()), part(claims.to_string())),
        principal_name: principal.to_owned(),
        lifetime_ms: millis(until),
    }
}

/// Whom a token is about; it is for the broker to believe it.
fn subject(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.sub)
}

fn millis(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(own: &[(&str, &str)]) -> Result<Option<Tokens>, SettingError> {
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Tokens::of(&own, None)
    }

    #[test]
    fn tokens_are_for_oauthbearer_alone_and_what_they_need_is_asked_for() {
        assert!(tokens(&[]).unwrap().is_none());
        assert!(tokens(&[("sasl.mechanism", "PLAIN")]).unwrap().is_none());
        let oauth = ("sasl.mechanism", "OAUTHBEARER");
        let error = tokens(&[oauth, (ENDPOINT, "http://i/token")]).err().unwrap().to_string();
        assert!(error.contains(CLIENT_ID), "{error}");
    }

    #[test]
    fn a_token_without_a_signature_names_who_it_is_for() {
        let own = [
            ("sasl.mechanism", "OAUTHBEARER"),
            (UNSECURED, "true"),
            ("sasl.oauthbearer.config", "principal=alice"),
        ];
        let token = tokens(&own).unwrap().unwrap().get().unwrap();
        assert_eq!(
            (token.principal_name.as_str(), subject(&token.token).as_deref()),
            ("alice", Some("alice"))
        );
        assert!(token.lifetime_ms > millis(SystemTime::now()));
    }
}
