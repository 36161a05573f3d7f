//! A real MinIO, started by the project's own script, and a client that reads its buckets back.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use weir_core::time::Timestamp;

use super::service::Service;
use super::{Answer, Client, Tmpfs};

const ACCESS_KEY: &str = "weir";
const SECRET_KEY: &str = "weir-password";

/// The server; its data outlives a restart.
pub struct Minio(Service);

impl Minio {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start("minio", suite).map(Self)
    }

    /// One whose data is on this disk.
    #[track_caller]
    pub fn start_on(disk: &Tmpfs, suite: &str) -> Option<Self> {
        Service::start_in(disk.folder(), "minio", suite, &[]).map(Self)
    }

    #[track_caller]
    pub fn make_bucket(&self, bucket: &str) {
        self.ask("PUT", &format!("/{bucket}"), &[]);
    }

    /// Every object of the bucket, by name.
    #[track_caller]
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, String> {
        let body = |name: &String| self.ask("GET", &format!("/{bucket}/{name}"), &[]).body;
        self.names(bucket).into_iter().map(|name| (name.clone(), body(&name))).collect()
    }

    /// What the objects of the bucket are called.
    #[track_caller]
    pub fn names(&self, bucket: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().cloned().unwrap_or_default();
            let query = [("list-type", "2"), ("start-after", after.as_str())];
            match keys(&self.ask("GET", &format!("/{bucket}"), &query).body) {
                names if names.is_empty() => return found,
                names => found.extend(names),
            }
        }
    }

    /// A signed request, answered with 2xx.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, query: &[(&str, &str)]) -> Answer {
        let client = Client::new(self.url());
        let address = self.presigned(method, path, query);
        let answer = match method {
            "PUT" => client.put(&address, &[], &[]),
            _ => client.get(&address),
        };
        let answer = answer.unwrap();
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        answer
    }

    /// The path with what AWS's fourth version of signing adds to a query.
    fn presigned(&self, method: &str, path: &str, query: &[(&str, &str)]) -> String {
        let now = now_as_signed();
        let scope = format!("{}/us-east-1/s3/aws4_request", &now[..8]);
        let credential = format!("{ACCESS_KEY}/{scope}");
        let mut members = BTreeMap::from([
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", credential.as_str()),
            ("X-Amz-Date", now.as_str()),
            ("X-Amz-Expires", "600"),
            ("X-Amz-SignedHeaders", "host"),
        ]);
        members.extend(query.iter().copied());
        let written: Vec<String> =
            members.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let query = written.join("&");
        let host = format!("127.0.0.1:{}", self.port());
        let request = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let text = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let first = signed(format!("AWS4{SECRET_KEY}").as_bytes(), &now[..8]);
        let key = ["us-east-1", "s3", "aws4_request"].iter().fold(first, |key, part| signed(&key, part));
        format!("{path}?{query}&X-Amz-Signature={}", hex(&signed(&key, &text)))
    }
}

/// The time as signatures have it: `20261122T090000Z`.
fn now_as_signed() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp::default().after(since).to_string();
    format!("{}Z", now[..19].replace(['-', ':'], ""))
}

fn signed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn keys(listing: &str) -> Vec<String> {
    let keys = listing.split("<Key>").skip(1);
    keys.map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
}

impl Deref for Minio {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Minio {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
