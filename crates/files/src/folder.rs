//! Contents in a local folder: `ab/HASH-ID.zst` beneath its root.
//!
//! **Constraint.** A name is made of a hash and a number, never of what a client says. A content counts as kept only when
//! its name and that of its folder are synced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use weir_core::files::{
    ByteRange, ContentHash, ContentListing, ContentReader, ContentRef, ContentStore, FilesError, Packed,
};
use weir_core::time::Timestamp;

use crate::fault::{at, blocking};
use crate::packing::{self, Table};

const ENDING: &str = ".zst";
const HASH_DIGITS: usize = 64;

/// A folder of contents.
#[derive(Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Beneath this root, which is made where it is missing.
    pub fn open(root: &Path) -> Result<Self, FilesError> {
        fs::create_dir_all(root).map_err(at("making", root))?;
        Ok(Self { root: root.to_owned() })
    }

    fn path(&self, content: ContentRef) -> PathBuf {
        let hash = content.hash.to_string();
        self.root.join(&hash[..2]).join(format!("{hash}-{:016x}{ENDING}", content.id))
    }

    /// Has the content come to its place by what `put` does with its path. Durable on return.
    fn take(
        &self,
        content: ContentRef,
        put: impl FnOnce(&Path) -> Result<(), FilesError>,
    ) -> Result<(), FilesError> {
        let path = self.path(content);
        let folder = path.parent().unwrap_or(&self.root);
        if !folder.is_dir() {
            fs::create_dir_all(folder).map_err(at("making", folder))?;
            sync(&self.root)?;
        }
        put(&path)?;
        sync(folder)
    }

    /// What lies in one of the 256 folders, sorted.
    fn listed(&self, folder: u8) -> Result<Vec<ContentListing>, FilesError> {
        let path = self.root.join(format!("{folder:02x}"));
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(at("listing", &path))?,
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry.map_err(at("listing", &path))?;
            let Some(content) = entry.file_name().to_str().and_then(content_named) else { continue };
            match entry.metadata() {
                Ok(found) => listed.push(listing(content, &found)),
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(at("asking", &entry.path())(error)),
            }
        }
        listed.sort_unstable_by_key(|listing| listing.content);
        Ok(listed)
    }
}

#[async_trait]
impl ContentStore for Folder {
    async fn keep(&self, content: ContentRef, packed: Packed<'_>) -> Result<(), FilesError> {
        let folder = self.clone();
        match packed {
            Packed::Here(packed) => {
                let packed = packed.clone();
                blocking(move || folder.take(content, |path| write(path, &packed))).await
            }
            Packed::File(staged) => {
                let staged = staged.to_owned();
                blocking(move || {
                    folder
                        .take(content, |path| fs::rename(&staged, path).map_err(at("moving a file to", path)))
                })
                .await
            }
        }
    }

    async fn read(&self, content: ContentRef, range: ByteRange) -> Result<Option<ContentReader>, FilesError> {
        let path = self.path(content);
        let opened = blocking(move || match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => {
                let file = opened.map_err(at("opening", &path))?;
                let table = table(&file).map_err(at("reading", &path))?;
                Ok(Some((file, table, path)))
            }
        });
        let Some((file, table, path)) = opened.await? else { return Ok(None) };
        let pieces = table.within(range).into_iter();
        let reading = (pieces, std::sync::Arc::new((file, path)));
        let next = |(mut pieces, file): (std::vec::IntoIter<_>, std::sync::Arc<(File, PathBuf)>)| async move {
            let piece = pieces.next()?;
            let from = file.clone();
            let read = blocking(move || read_piece(&from.0, piece).map_err(at("reading", &from.1))).await;
            // A piece that fails is the last one.
            let rest = if read.is_ok() { pieces } else { Vec::new().into_iter() };
            Some((read, (rest, file)))
        };
        Ok(Some(stream::unfold(reading, next).boxed()))
    }

    async fn remove(&self, content: ContentRef) -> Result<(), FilesError> {
        let path = self.path(content);
        blocking(move || match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("removing", &path)(error)),
            _ => Ok(()),
        })
        .await
    }

    async fn list(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentListing>, FilesError> {
        let folder = self.clone();
        blocking(move || {
            let mut found = Vec::new();
            for number in after.map_or(0, |after| after.hash.0[0])..=u8::MAX {
                found.extend(
                    folder.listed(number)?.into_iter().filter(|listing| Some(listing.content) > after),
                );
                if found.len() >= limit {
                    break;
                }
            }
            found.truncate(limit);
            Ok(found)
        })
        .await
    }
}

/// Writes a file that is whole and synced on return. One that could not be written is not left behind.
///
/// What a kill leaves of it has no row: a sweep removes it.
fn write(path: &Path, packed: &[u8]) -> Result<(), FilesError> {
    let mut file = File::create_new(path).map_err(at("making", path))?;
    file.write_all(packed).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = fs::remove_file(path);
        at("writing", path)(error)
    })
}

fn sync(folder: &Path) -> Result<(), FilesError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at("syncing", folder))
}

fn table(file: &File) -> io::Result<Table> {
    let size = file.metadata()?.len();
    packing::table_of(|length| {
        let short = || io::Error::new(io::ErrorKind::InvalidData, anyhow!("it has lost its end"));
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, size.checked_sub(length as u64).ok_or_else(short)?)?;
        Ok(bytes)
    })
}

fn read_piece(
    file: &File,
    (at, frame, within): (u64, packing::Frame, std::ops::Range<usize>),
) -> io::Result<Bytes> {
    let mut packed = vec![0; frame.packed_bytes as usize];
    file.read_exact_at(&mut packed, at)?;
    let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    packing::unpack_part(&packed, frame, within).map_err(damaged)
}

/// Whose name it is; nothing where it is none of ours.
fn content_named(name: &str) -> Option<ContentRef> {
    let (hash, id) = name.strip_suffix(ENDING)?.split_at_checked(HASH_DIGITS)?;
    let hash: ContentHash = hash.parse().ok()?;
    let id = u64::from_str_radix(id.strip_prefix('-')?, 16).ok()?;
    Some(ContentRef { hash, id: id.cast_signed() })
}

fn listing(content: ContentRef, found: &fs::Metadata) -> ContentListing {
    let since = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let put_at = Timestamp::from_micros(0).after(since);
    ContentListing { content, stored_bytes: found.len(), put_at }
}
