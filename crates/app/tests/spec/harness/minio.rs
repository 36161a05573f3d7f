//! A real MinIO, started by the project's own script, and a client that reads its buckets back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use weir_core::time::Timestamp;

use super::{Answer, Client, free_port, skipped, until};

const UNAVAILABLE: i32 = 77;
const ACCESS_KEY: &str = "weir";
const SECRET_KEY: &str = "weir-password";

/// The server, running unless it was ended; its data outlives a restart.
pub struct Minio {
    directory: TempDir,
    port: u16,
    id: Option<i32>,
}

impl Minio {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        let unavailable = repository().join(".services/unavailable/minio");
        if let Ok(reason) = fs::read_to_string(unavailable) {
            skipped(suite, &reason);
            return None;
        }
        let mut server = Self { directory: TempDir::new().unwrap(), port: free_port(), id: None };
        match server.launch() {
            Ok(()) => Some(server),
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
    }

    /// Starts it (again) and waits until it answers; an error where this machine cannot have it.
    fn launch(&mut self) -> Result<(), String> {
        let mut command = Command::new(repository().join("scripts/services/minio"));
        command.arg("start").arg(self.directory.path()).arg(self.port.to_string());
        let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(UNAVAILABLE) {
            return Err(said);
        }
        assert!(output.status.success(), "MinIO did not start: {said}");
        self.id = Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        Ok(())
    }

    pub fn restart(&mut self) {
        self.launch().unwrap();
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id.expect("it runs")).unwrap();
        kill_process(id, signal).unwrap();
    }

    pub fn kill9(&mut self) {
        self.signal(Signal::KILL);
        let id = self.id.take().unwrap();
        until(Duration::from_secs(30), "MinIO to be gone", || is_gone(id));
    }

    /// Connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    #[track_caller]
    pub fn make_bucket(&self, bucket: &str) {
        self.ask("PUT", &format!("/{bucket}"), &[]);
    }

    /// Every object of the bucket, by name.
    #[track_caller]
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, String> {
        let mut objects = BTreeMap::new();
        let mut after = String::new();
        loop {
            let query = [("list-type", "2"), ("start-after", after.as_str())];
            let names = keys(&self.ask("GET", &format!("/{bucket}"), &query).body);
            let Some(last) = names.last() else { return objects };
            after.clone_from(last);
            for name in names {
                let body = self.ask("GET", &format!("/{bucket}/{name}"), &[]).body;
                objects.insert(name, body);
            }
        }
    }

    /// A signed request, answered with 2xx.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, query: &[(&str, &str)]) -> Answer {
        let client = Client::new(self.url());
        let address = self.presigned(method, path, query);
        let answer = match method {
            "PUT" => client.put(&address),
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
        let host = format!("127.0.0.1:{}", self.port);
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

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether no such process runs any more; one that only waits for its parent counts as gone.
fn is_gone(id: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"));
    test_kill_process(Pid::from_raw(id).unwrap()).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

impl Drop for Minio {
    fn drop(&mut self) {
        if let Some(id) = self.id.and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::KILL);
        }
    }
}
