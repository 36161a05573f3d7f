//! A part of files, as it lies there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::read::GzDecoder;
use tar::Archive;

use crate::exports::FileLine;

/// A list has a few megabytes at most.
const LIST_MAX_BYTES: u64 = 64 << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// What is in it.
pub struct Contained {
    /// By path, those whose bytes are there.
    pub files: HashMap<String, FileLine>,
    /// Those that were left out.
    pub left_out: Vec<FileLine>,
}

/// Opens it, before its first entry.
pub fn open(path: &Path) -> anyhow::Result<Archive<impl Read + use<>>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    Ok(Archive::new(GzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file))))
}

/// Reads the list at its end.
pub fn contained(path: &Path) -> anyhow::Result<Contained> {
    let shown = || path.display().to_string();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let list_name = name.replace(".tar.gz", ".ndjson");
    for entry in open(path)?.entries().with_context(shown)? {
        let entry = entry.with_context(shown)?;
        if entry.path_bytes() == list_name.as_bytes() {
            let mut text = String::new();
            entry.take(LIST_MAX_BYTES).read_to_string(&mut text).with_context(shown)?;
            return read(&text).with_context(shown);
        }
    }
    bail!("{} has no {list_name}: it is no part of files that this version of Weir knows", shown())
}

fn read(text: &str) -> anyhow::Result<Contained> {
    let mut contained = Contained { files: HashMap::new(), left_out: Vec::new() };
    for line in text.lines() {
        let line: FileLine = serde_json::from_str(line).context("its list is damaged")?;
        match line.path.clone() {
            Some(path) => drop(contained.files.insert(path, line)),
            None => contained.left_out.push(line),
        }
    }
    Ok(contained)
}
