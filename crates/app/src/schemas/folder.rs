//! The `.proto` files of a folder, as text.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Limits that no registry comes near, so that a folder named by mistake is not read into memory.
const FILES_MAX: usize = 1_000;
const FILE_MAX_BYTES: u64 = 1024 * 1024;
const DEPTH_MAX: usize = 16;

/// Files by their names from the folder, with `/` between parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: BTreeMap<String, String>,
    is_there: bool,
}

impl Sources {
    /// Reads all of a folder; of one that is not there, nothing. What begins with a dot is passed over: some file systems
    /// keep older versions so.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut sources = Self::default();
        match fs::metadata(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(sources),
            Err(error) => return Err(error),
            Ok(_) => sources.is_there = true,
        }
        sources.read_below(folder, "", 0)?;
        Ok(sources)
    }

    /// Names and texts.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Whether there is such a folder.
    pub fn is_there(&self) -> bool {
        self.is_there
    }

    /// Differs when a file does.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for text in self.files.iter().flat_map(|(name, text)| [name, text]) {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }

    fn read_below(&mut self, folder: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(io::Error::other(format!("{} lies too deep", folder.display())));
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let (path, name) = (entry.path(), format!("{prefix}{name}"));
            // Links are followed.
            if fs::metadata(&path)?.is_dir() {
                self.read_below(&path, &format!("{name}/"), depth + 1)?;
            } else if name.ends_with(".proto") {
                self.read_file(&path, name)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path, name: String) -> io::Result<()> {
        let wrong = |what: &str| io::Error::other(format!("{} {what}", path.display()));
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_MAX_BYTES || self.files.len() == FILES_MAX {
            return Err(wrong("is larger than 1 MiB, or the folder has more than 1,000 files"));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
        self.files.insert(name, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_by_their_names_from_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["events", ".hidden"] {
            fs::create_dir(at(name)).unwrap();
        }
        for name in ["a.proto", "events/b.proto", ".hidden/c.proto", ".d.proto", "readme.md"] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink("a.proto", at("link.proto")).unwrap();
        let sources = Sources::read(folder.path()).unwrap();
        let expected =
            [("a.proto", "a.proto"), ("events/b.proto", "events/b.proto"), ("link.proto", "a.proto")];
        let found: Vec<_> =
            sources.files().iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, expected);
        fs::write(at("a.proto"), "other").unwrap();
        assert_ne!(Sources::read(folder.path()).unwrap().fingerprint(), sources.fingerprint());
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_files_and_is_no_error() {
        let sources = Sources::read(Path::new("/nonexistent/schemas")).unwrap();
        assert!(sources.files().is_empty() && !sources.is_there());
    }

    #[test]
    fn a_folder_that_leads_into_itself_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        assert!(Sources::read(folder.path()).is_err());
        let large = tempfile::tempdir().unwrap();
        fs::write(large.path().join("a.proto"), vec![b' '; FILE_MAX_BYTES as usize + 1]).unwrap();
        assert!(Sources::read(large.path()).unwrap_err().to_string().contains("a.proto"));
    }
}
