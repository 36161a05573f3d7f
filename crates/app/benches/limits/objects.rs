//! A plain writer of objects: files that are ready, one after the other and each synced; or put into a bucket, many at once.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use ureq::Agent;
use weir_core::time::Timestamp;

const ACCESS_KEY: &str = "weir";
const SECRET_KEY: &str = "weir-password";
/// As many as the sink puts.
const IN_FLIGHT: usize = 10;

/// Lines a second: the files beneath a folder, written into another, and nothing but written and synced.
pub fn folder(made_by_weir: &str, into: &str) -> f64 {
    let bodies = bodies(made_by_weir);
    fs::create_dir_all(into).unwrap();
    let begun = Instant::now();
    for (number, body) in bodies.iter().enumerate() {
        let mut file = File::create(Path::new(into).join(format!("{number}.json"))).unwrap();
        file.write_all(body).unwrap();
        file.sync_all().unwrap();
    }
    lines(&bodies) as f64 / begun.elapsed().as_secs_f64()
}

/// Lines a second: the files beneath a folder, put beneath `into` at a server that speaks S3; what is sent is signed, as the
/// sink signs it where a connection is not encrypted.
pub fn bucket(made_by_weir: &str, url: &str, into: &str) -> f64 {
    let bodies = bodies(made_by_weir);
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(120)));
                let agent = config.build().new_agent();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(body) = bodies.get(number) else { return };
                    put(&agent, url, &format!("/{into}/{number}.json"), body);
                }
            });
        }
    });
    lines(&bodies) as f64 / begun.elapsed().as_secs_f64()
}

fn put(agent: &Agent, url: &str, path: &str, body: &[u8]) {
    let host = url.strip_prefix("http://").unwrap();
    let digest = hex(&Sha256::digest(body));
    let date = now_as_signed();
    let day = &date[..8];
    let names = "host;x-amz-content-sha256;x-amz-date";
    let request = format!(
        "PUT\n{path}\n\nhost:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{date}\n\n{names}\n{digest}"
    );
    let scope = format!("{day}/us-east-1/s3/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let first = signed(format!("AWS4{SECRET_KEY}").as_bytes(), day);
    let key = ["us-east-1", "s3", "aws4_request"].iter().fold(first, |key, part| signed(&key, part));
    let signature = hex(&signed(&key, &text));
    agent
        .put(format!("{url}{path}"))
        .header("x-amz-content-sha256", &digest)
        .header("x-amz-date", &date)
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"),
        )
        .send(body)
        .unwrap();
}

/// The time as signatures have it: `20261122T090000Z`.
fn now_as_signed() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
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

fn bodies(made_by_weir: &str) -> Vec<Vec<u8>> {
    files(Path::new(made_by_weir)).iter().map(|file| fs::read(file).unwrap()).collect()
}

fn lines(bodies: &[Vec<u8>]) -> usize {
    bodies.iter().map(|body| body.iter().filter(|byte| **byte == b'\n').count()).sum()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
