//! A server in this process that answers as a test tells it, with what no real one can be made to say.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use weir_sinks::opensearch::OpenSearchSettings;

type Respond = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// What stands behind the path, as it came.
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Of a bulk body, each action with its document.
    pub fn documents(&self) -> Vec<(Value, Value)> {
        let lines: Vec<Value> = self
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert!(self.body.ends_with(b"\n") && lines.len().is_multiple_of(2));
        lines.chunks(2).map(|pair| (pair[0]["create"].clone(), pair[1].clone())).collect()
    }
}

/// What is answered.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// The connection ends after this many bytes of the body, though more are announced.
    pub cut_after_bytes: Option<usize>,
    /// Nothing is ever answered.
    pub silent: bool,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), cut_after_bytes: None, silent: false }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string())
    }

    /// An error as OpenSearch tells it.
    pub fn error(status: u16, kind: &str, reason: &str) -> Self {
        let body = json!({ "error": { "type": kind, "reason": reason }, "status": status });
        Self::json(status, &body)
    }

    /// A bulk answer in which each item has what the function gives for its place: its status, and perhaps its error.
    pub fn items(request: &Received, judge: impl Fn(usize) -> (u16, Option<Value>)) -> Self {
        let item = |(place, (action, _)): (usize, &(Value, Value))| {
            let (status, error) = judge(place);
            let mut outcome = json!({ "_index": action["_index"], "_id": action["_id"], "status": status });
            if let Some(error) = error {
                outcome["error"] = error;
            }
            json!({ "create": outcome })
        };
        let items: Vec<Value> = request.documents().iter().enumerate().map(item).collect();
        Self::json(200, &json!({ "took": 1, "errors": true, "items": items }))
    }

    pub fn all_stored(request: &Received) -> Self {
        Self::items(request, |_| (201, None))
    }
}

/// The running server; it ends with the test's runtime.
pub struct Double {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Double {
    pub async fn start(respond: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(None, Arc::new(respond)).await
    }

    /// Stores everything, behind TLS.
    pub async fn behind(tls: TlsAcceptor) -> Self {
        Self::serve(Some(tls), Arc::new(bulk_only(Reply::all_stored))).await
    }

    async fn serve(tls: Option<TlsAcceptor>, respond: Respond) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, log, respond) = (tls.clone(), log.clone(), respond.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, log, respond).await,
                        // A handshake that fails is the client's to tell.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, log, respond).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, received }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers `POST /_bulk` as told; beside it, knows of no template and takes any.
    pub async fn of_bulk(respond: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(bulk_only(respond)).await
    }

    pub fn settings(&self) -> OpenSearchSettings {
        OpenSearchSettings {
            request_timeout: Duration::from_secs(20),
            environment: "test".to_owned(),
            ..OpenSearchSettings::new(format!("http://127.0.0.1:{}", self.port))
        }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The requests of this method, by path.
    pub fn received_by(&self, method: &str) -> Vec<Received> {
        self.received().into_iter().filter(|request| request.method == method).collect()
    }
}

fn bulk_only(
    respond: impl Fn(&Received) -> Reply + Send + Sync + 'static,
) -> impl Fn(&Received) -> Reply + Send + Sync {
    move |request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/_bulk") => respond(request),
        ("GET", "/") => {
            Reply::json(200, &json!({ "version": { "number": "2.19.1", "distribution": "opensearch" } }))
        }
        ("GET", _) => Reply::json(404, &json!({ "status": 404 })),
        _ => Reply::json(200, &json!({ "acknowledged": true })),
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    log: Arc<Mutex<Vec<Received>>>,
    respond: Respond,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let reply = respond(&request);
        log.lock().unwrap().push(request);
        if reply.silent {
            std::future::pending::<()>().await;
        }
        let mut head = format!("HTTP/1.1 {} Told\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = reply.cut_after_bytes.unwrap_or(reply.body.len());
        let answer = format!("{head}\r\n{}", &reply.body[..length]);
        let written = stream.write_all(answer.as_bytes()).await.and(stream.flush().await);
        if written.is_err() || reply.cut_after_bytes.is_some() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<impl AsyncRead + Unpin>) -> Option<Received> {
    let first = line(stream).await?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = line(stream).await?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    Some(Received { method, path, query, headers, body: body.into() })
}

async fn line(stream: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}
