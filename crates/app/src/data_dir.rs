//! The data directory: one process at a time, and the few files that are nobody else's.
//!
//! | file | what |
//! |---|---|
//! | `lock` | locked while a process uses the directory; holds its number |
//! | `instance-id` | this instance's name, made once |
//! | `api-key` | the key made at the first start when none was set; mode 0600 |

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;

const KEY_BYTES: usize = 32;
const INSTANCE_ID_BYTES: usize = 8;
/// More than any of these files holds.
const FILE_MAX_BYTES: u64 = 4096;

/// What can be wrong with the directory.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "the data directory {path} is in use by another weir{}\n    \
         Stop that process first, or give this one a directory of its own with --data-dir.",
        .pid.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        path: String,
        /// The other's number, where it has written it.
        pid: Option<String>,
    },
    /// It cannot be made, read or written.
    #[error(
        "{path}: {cause}\n    Give this user the right to read and write there, or choose another directory with --data-dir."
    )]
    Io {
        /// What was touched.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
}

/// A data directory that belongs to this process until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

/// The key that was made, and whether it was just now.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The key.
    pub key: Secret,
    /// Where it is kept.
    pub path: PathBuf,
    /// Whether this call made it.
    pub is_new: bool,
}

impl DataDir {
    /// Takes the directory, making it (mode 0700) where it is not there.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |cause| DataDirError::Io { path: path.display().to_string(), cause };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// This instance's name, made at the first call ever.
    pub fn instance_id(&self) -> Result<String, DataDirError> {
        let make = || Ok(hex(&random::<INSTANCE_ID_BYTES>()?));
        kept(&self.path.join("instance-id"), 0o644, make).map(|(id, _)| id)
    }

    /// The key to let people in with when none is set, made at the first call ever.
    pub fn api_key(&self) -> Result<MadeKey, DataDirError> {
        let path = self.path.join(API_KEY_FILE);
        let make = || Ok(format!("weir_{}", URL_SAFE_NO_PAD.encode(random::<KEY_BYTES>()?)));
        let (key, is_new) = kept(&path, 0o600, make)?;
        Ok(MadeKey { key: Secret::new(key), path, is_new })
    }
}

impl Drop for DataDir {
    /// Unlocked by name: a child process that is just being started still holds a copy of the file.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

const API_KEY_FILE: &str = "api-key";

/// The key that a server made in this directory; for commands, which do not take the directory.
pub fn read_api_key(data_dir: &Path) -> Option<Secret> {
    let key = read_word(&data_dir.join(API_KEY_FILE)).ok()??;
    Some(Secret::new(key))
}

fn lock(directory: &Path) -> Result<File, DataDirError> {
    let path = directory.join("lock");
    let failed = |cause| DataDirError::Io { path: path.display().to_string(), cause };
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = read_word(&path).ok().flatten();
            return Err(DataDirError::InUse { path: directory.display().to_string(), pid });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    // The number is for people only: on a full disk the server must start all the same, to empty it.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// The word in the file, or one that is made and kept there. Whether it was made.
fn kept(
    path: &Path,
    mode: u32,
    make: impl FnOnce() -> io::Result<String>,
) -> Result<(String, bool), DataDirError> {
    let word = || match read_word(path)? {
        Some(word) => Ok((word, false)),
        None => {
            let word = make()?;
            write_whole(path, mode, &word)?;
            Ok((word, true))
        }
    };
    word().map_err(|cause| DataDirError::Io { path: path.display().to_string(), cause })
}

/// What the file holds; `None` where it is not there, or blank, as a crash may leave it.
fn read_word(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(FILE_MAX_BYTES).read_to_string(&mut text)?;
    let word = text.trim();
    Ok((!word.is_empty()).then(|| word.to_owned()))
}

/// After a crash at any moment the file is there whole, or as it was.
fn write_whole(path: &Path, mode: u32, word: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    writeln!(file, "{word}")?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_directory_has_one_process_and_the_second_is_told_which() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let error = DataDir::open(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
        assert!(error.contains("--data-dir"), "{error}");
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open(directory.path()).unwrap();
        assert!(read_api_key(directory.path()).is_none());
        let first = data_dir.api_key().unwrap();
        assert!(first.is_new);
        assert_eq!(mode(&first.path), 0o600);
        assert!(first.key.expose().starts_with("weir_") && first.key.expose().len() == 48);
        let second = data_dir.api_key().unwrap();
        assert!(!second.is_new);
        assert_eq!(second.key, first.key);
        assert_eq!(read_api_key(directory.path()), Some(first.key));
    }

    #[test]
    fn a_blank_key_file_counts_as_none() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("api-key"), " \n").unwrap();
        assert!(read_api_key(directory.path()).is_none());
        let made = DataDir::open(directory.path()).unwrap().api_key().unwrap();
        assert!(made.is_new && !made.key.is_blank());
        assert_eq!(mode(&made.path), 0o600);
    }

    #[test]
    fn the_instance_keeps_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataDir::open(directory.path()).unwrap().instance_id().unwrap();
        let second = DataDir::open(directory.path()).unwrap().instance_id().unwrap();
        assert_eq!(first, second);
        assert_eq!(first.len(), 16);
    }
}
