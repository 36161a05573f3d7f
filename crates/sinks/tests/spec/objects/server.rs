//! A real MinIO: the one at `WEIR_TEST_S3_URL`, else one that the project's own script starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::signer::Signer;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use reqwest::{Body, Client, Method};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use weir_sinks::objects::{BucketAccess, Credentials, ObjectsSettings};

use crate::http::client;
use crate::service::Service;

const ACCESS_KEY: &str = "weir";
const SECRET_KEY: &str = "weir-password";

/// The server, a bucket of our own in it, and what has to be ended with it.
pub struct Server {
    url: String,
    bucket: String,
    store: AmazonS3,
    http: Client,
    _owned: Option<Service>,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub async fn start(suite: &str) -> Option<Self> {
        let http = client(RootCertStore::empty());
        if let Ok(url) = std::env::var("WEIR_TEST_S3_URL") {
            return Some(Self::with_bucket(url, http, None).await);
        }
        let service = Service::start("minio", suite)?;
        Some(Self::with_bucket(service.url(), http, Some(service)).await)
    }

    /// One that shows this certificate.
    pub async fn start_with_tls(suite: &str, certificate: &Path, key: &Path) -> Option<Self> {
        let paths = [certificate, key].map(|path| path.to_str().unwrap());
        let service = Service::start_with("minio", suite, &["--tls", paths[0], paths[1]])?;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let url = format!("https://localhost:{}", service.port());
        Some(Self::with_bucket(url, client(roots), Some(service)).await)
    }

    /// A bucket that nobody used before, as a server may be kept between runs.
    async fn with_bucket(url: String, http: Client, owned: Option<Service>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let bucket = format!("weir-{now}");
        let store = store(&url, &bucket, &http);
        let server = Self { url, bucket, store, http, _owned: owned };
        server.make_bucket(&server.bucket).await;
        server
    }

    pub async fn make_bucket(&self, bucket: &str) {
        let store = store(&self.url, bucket, &self.http);
        let root = object_store::path::Path::ROOT;
        let url = store.signed_url(Method::PUT, &root, Duration::from_secs(60)).await.unwrap();
        self.http.put(url).send().await.unwrap().error_for_status().unwrap();
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The sink's settings for this prefix of the bucket.
    pub fn settings(&self, prefix: &str) -> ObjectsSettings {
        ObjectsSettings {
            access: BucketAccess {
                endpoint: Some(self.url.clone()),
                credentials: Some(Credentials {
                    access_key: ACCESS_KEY.to_owned(),
                    secret_key: SECRET_KEY.to_owned(),
                    session_token: None,
                }),
                ..BucketAccess::default()
            },
            ..ObjectsSettings::new(format!("s3://{}/{prefix}", self.bucket))
        }
    }

    /// Every object beneath a prefix, by its path from there.
    pub async fn objects(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let prefix = object_store::path::Path::parse(prefix).unwrap();
        let found: Vec<_> = self.store.list(Some(&prefix)).try_collect().await.unwrap();
        let mut objects = BTreeMap::new();
        for object in found {
            let body = self.store.get(&object.location).await.unwrap().bytes().await.unwrap();
            let name = object.location.as_ref().strip_prefix(prefix.as_ref()).unwrap();
            objects.insert(name.trim_start_matches('/').to_owned(), body.to_vec());
        }
        objects
    }

    /// What a header of the object says.
    pub async fn header(&self, name: &str, header: &str) -> String {
        let path = object_store::path::Path::parse(name).unwrap();
        let url = self.store.signed_url(Method::GET, &path, Duration::from_secs(60)).await.unwrap();
        let answer = self.http.get(url).send().await.unwrap().error_for_status().unwrap();
        answer.headers()[header].to_str().unwrap().to_owned()
    }
}

fn store(url: &str, bucket: &str, http: &Client) -> AmazonS3 {
    let builder = AmazonS3Builder::new().with_bucket_name(bucket).with_endpoint(url);
    let builder = builder.with_access_key_id(ACCESS_KEY).with_secret_access_key(SECRET_KEY);
    builder.with_http_connector(Plain(http.clone())).build().unwrap()
}

/// Nothing of the sink's own.
#[derive(Clone, Debug)]
struct Plain(Client);

impl HttpConnector for Plain {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Plain {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let failed = |error| HttpError::new(HttpErrorKind::Unknown, error);
        let (parts, body) = request.into_parts();
        let request = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        let answer = request.body(Body::wrap(body)).send().await.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = HttpResponse::new(answer.bytes().await.map_err(failed)?.into());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
