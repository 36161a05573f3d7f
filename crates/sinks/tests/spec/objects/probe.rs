//! Reads every line of every object.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe, Reach};

use crate::lines::row;
use crate::objects::server::Server;

/// Every file beneath a folder, by its path from there.
pub fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// An object's lines, unpacked as its name says.
pub fn lines(name: &str, body: &[u8]) -> Vec<String> {
    let mut text = String::new();
    match name.rsplit('.').next().unwrap() {
        "gz" => drop(flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap()),
        "zst" => text = String::from_utf8(zstd::stream::decode_all(body).unwrap()).unwrap(),
        _ => text = String::from_utf8(body.to_vec()).unwrap(),
    }
    assert!(text.ends_with('\n'), "{name} ends in the middle of a line");
    text.lines().map(str::to_owned).collect()
}

/// Looks into a folder.
pub struct FolderProbe(pub PathBuf);

/// Looks into a bucket, beneath a prefix.
pub struct BucketProbe<'a> {
    pub server: &'a Server,
    pub prefix: &'a str,
}

fn rows<'a>(objects: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> Vec<(EventId, Columns)> {
    let lines = objects.into_iter().flat_map(|(name, body)| lines(name, body));
    lines.map(|line| row(&line)).collect()
}

#[async_trait]
impl Probe for FolderProbe {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        rows(&files(&self.0))
    }

    fn reach(&self) -> Reach {
        Reach::Batch
    }
}

#[async_trait]
impl Probe for BucketProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        rows(&self.server.objects(self.prefix).await)
    }

    fn reach(&self) -> Reach {
        Reach::Batch
    }
}
