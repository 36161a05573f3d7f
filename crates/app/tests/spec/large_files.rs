//! Large files: the server's memory does not grow with them, whichever way they come and go.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Setup, Weir, from_environment};

const RSS_MAX_BYTES: u64 = 200 << 20;

/// So many megabytes: of every eight, one that does not pack, and seven of zeros.
fn write_large(path: &Path, mebibytes: usize) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut noise, zeros) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut state = 7_u64;
    for number in 0..mebibytes {
        if number % 8 > 0 {
            file.write_all(&zeros).unwrap();
            continue;
        }
        for eight in noise.chunks_exact_mut(8) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            eight.copy_from_slice(&(state ^ (state >> 29)).to_le_bytes());
        }
        file.write_all(&noise).unwrap();
    }
    file.flush().unwrap();
}

/// A connection on which the file has been asked for.
fn asking(weir: &Weir) -> TcpStream {
    let address = weir.base().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let key = weir.key();
    let head =
        format!("GET /v1/files/at-once HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.read_exact(&mut [0; 15]).unwrap();
    stream
}

#[test]
fn a_large_file_goes_up_and_down_in_little_memory() {
    let mebibytes = from_environment("WEIR_TEST_LARGE_MIB", 1024);
    let weir = Weir::start(Setup::new());
    let (path, back) = (weir.path("large"), weir.path("back"));
    write_large(&path, mebibytes);

    let client = weir.stranger().bearing(&weir.key());
    let stored = client.post_file("/v1/files?key=at-once", File::open(&path).unwrap()).unwrap();
    assert_eq!(stored.status, 201, "{}", stored.body);
    // Who asks for it and does not read it is not read ahead for.
    let idle: Vec<TcpStream> = (0..4).map(|_| asking(&weir)).collect();
    let arguments =
        [&["files", "put", "large", "--key", "in-parts"][..], &["files", "get", "at-once", "--out", "back"]];
    for arguments in arguments {
        let output = weir.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let versions = weir.get_json("/v1/files");
    assert_eq!(versions["items"][0]["sha256"], versions["items"][1]["sha256"]);
    let compared = Command::new("cmp").arg(&path).arg(&back).stdout(Stdio::inherit()).status().unwrap();
    assert!(compared.success());
    drop(idle);
    let rss = weir.process().rss_max_bytes();
    assert!(rss <= RSS_MAX_BYTES, "{} MiB", rss >> 20);
    eprintln!(
        "{mebibytes} MiB up, up in parts, and down, and to four who do not read: at most {} MiB of memory",
        rss >> 20
    );
}
