//! `manifest.json`: what an export holds, and how far it has come.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const NAME: &str = "manifest.json";
const VERSION: u32 = 1;
const BUFFER_BYTES: usize = 256 << 10;

/// A part of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// The name of its file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Where the server has it.
    pub url: String,
}

/// What the file holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// What was asked for.
    asked: String,
    parts: Vec<Part>,
    /// What to ask for next; nothing where all parts are known.
    next: Option<String>,
}

/// The file, and what stands in it.
pub struct ManifestFile {
    directory: PathBuf,
    manifest: Manifest,
}

impl ManifestFile {
    /// Goes on with what lies in the directory, which must be of the same export; begins where there is nothing.
    pub fn open(directory: &Path, asked: &str) -> anyhow::Result<Self> {
        let nothing = || Manifest {
            version: VERSION,
            asked: asked.to_owned(),
            parts: Vec::new(),
            next: Some(asked.into()),
        };
        let manifest = read(directory)?.unwrap_or_else(nothing);
        if manifest.asked != asked {
            bail!(
                "{} holds another export: {}\n    Name another directory with --out.",
                directory.display(),
                manifest.asked
            );
        }
        Ok(Self { directory: directory.to_owned(), manifest })
    }

    /// A whole export that lies in the directory.
    pub fn whole(directory: &Path) -> anyhow::Result<Self> {
        let Some(manifest) = read(directory)? else {
            bail!(
                "{} holds no export: there is no {NAME}\n    Name a directory that `weir export` wrote.",
                directory.display()
            );
        };
        if manifest.next.is_some() {
            bail!(
                "the export in {} is not whole\n    Run the same `weir export` again; it goes on where it broke off.",
                directory.display()
            );
        }
        Ok(Self { directory: directory.to_owned(), manifest })
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The parts that are known.
    pub fn parts(&self) -> &[Part] {
        &self.manifest.parts
    }

    /// What to ask for next.
    pub fn next(&self) -> Option<String> {
        self.manifest.next.clone()
    }

    /// Whether the server has told anything of it.
    pub fn is_begun(&self) -> bool {
        self.manifest.next.as_deref() != Some(&self.manifest.asked)
    }

    /// Bytes of all parts.
    pub fn bytes(&self) -> u64 {
        self.parts().iter().map(|part| part.bytes).sum()
    }

    /// Writes down parts before they are fetched.
    pub fn add(&mut self, parts: Vec<Part>, next: Option<String>) -> anyhow::Result<()> {
        if let Some(part) = parts.iter().find(|part| !is_file_name(&part.name)) {
            bail!("the server names a part {:?}, which is no name of a file: is it Weir?", part.name);
        }
        self.manifest.parts.extend(parts);
        self.manifest.next = next;
        self.write()
    }

    /// Begins anew. Parts that lie there stay, where the server tells the same of them.
    pub fn forget(&mut self) {
        self.manifest.parts.clear();
        self.manifest.next = Some(self.manifest.asked.clone());
    }

    fn write(&self) -> anyhow::Result<()> {
        let (path, growing) = (self.directory.join(NAME), self.directory.join("manifest.json.new"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&growing)?;
            serde_json::to_writer_pretty(&mut file, &self.manifest)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&growing, &path)
        };
        write().with_context(|| path.display().to_string())
    }
}

fn read(directory: &Path) -> anyhow::Result<Option<Manifest>> {
    let path = directory.join(NAME);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let manifest: Manifest =
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    if manifest.version != VERSION || manifest.parts.iter().any(|part| !is_file_name(&part.name)) {
        bail!("{} is no manifest of this version of Weir", path.display());
    }
    Ok(Some(manifest))
}

/// Whether it names a file of a directory, and never one elsewhere.
fn is_file_name(name: &str) -> bool {
    let is_plain = |mark: char| mark.is_ascii_alphanumeric() || matches!(mark, '-' | '_' | '.');
    name.chars().all(is_plain) && !name.starts_with('.') && (1..=255).contains(&name.len())
}

/// The size and SHA-256 of a file; nothing where there is none.
pub fn told_of(path: &Path) -> anyhow::Result<Option<(u64, String)>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER_BYTES]);
    loop {
        let count = file.read(&mut buffer).with_context(|| path.display().to_string())?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        bytes += count as u64;
    }
    Ok(Some((bytes, digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_name_a_file_elsewhere() {
        for name in ["telemetry-000001.ndjson.zst", "a"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\0", ".hidden", &"a".repeat(256)] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
