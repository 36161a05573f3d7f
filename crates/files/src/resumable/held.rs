//! An upload that one request has for its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::anyhow;
use tokio::sync::OwnedMutexGuard;
use weir_core::files::FilesError;
use weir_core::time::Timestamp;

use super::about::{Done, Written};
use super::growing::Growing;
use super::{ABOUT, HALF, ResumableUpload};
use crate::fault::{at, blocking};
use crate::packing::{Progress, Walked, walk};
use crate::staging::Staged;

/// How an upload stands.
pub(super) struct State {
    done: Option<Done>,
    come: Come,
    is_gone: bool,
}

/// What has come of it.
enum Come {
    /// Its file would have to be read.
    Unknown,
    Half(Progress),
    /// All of it, and its table.
    Whole(Progress),
}

impl State {
    pub(super) fn new(done: Option<Done>) -> Self {
        Self { done, come: Come::Unknown, is_gone: false }
    }

    pub(super) fn is_open(&self) -> bool {
        self.done.is_none() && !self.is_gone
    }
}

/// An upload that nobody else has.
pub struct Held {
    upload: Arc<ResumableUpload>,
    state: OwnedMutexGuard<State>,
}

impl Held {
    pub(super) fn of(upload: Arc<ResumableUpload>, state: OwnedMutexGuard<State>) -> Option<Self> {
        (!state.is_gone).then_some(Self { upload, state })
    }

    /// The upload.
    pub fn upload(&self) -> &Arc<ResumableUpload> {
        &self.upload
    }

    /// What became of it.
    pub fn outcome(&self) -> Option<Done> {
        self.state.done
    }

    /// Bytes that have come and are durable.
    pub async fn offset(&mut self) -> Result<u64, FilesError> {
        match self.state.done {
            Some(_) => Ok(self.upload.about.length),
            None => Ok(self.progress().await?.bytes()),
        }
    }

    /// Goes on behind what has come.
    pub async fn grow(mut self) -> Result<Growing, FilesError> {
        let progress = self.progress().await?.clone();
        // Until it is paused, its file says what has come.
        let come = std::mem::replace(&mut self.state.come, Come::Unknown);
        if self.state.done.is_some() || matches!(come, Come::Whole(_)) {
            self.state.come = come;
            return Err(FilesError::Broken(anyhow!("an upload that is whole does not grow")));
        }
        let path = self.upload.path(HALF);
        blocking(move || {
            let file = cut(&path, progress.packed_bytes()).map_err(at("writing", &path))?;
            Growing::begin(self, path, file, progress)
        })
        .await
    }

    /// All of it, ready to be stored. It stays here as well, until its file is there.
    pub async fn staged(&mut self) -> Result<Staged, FilesError> {
        let progress = self.progress().await?.clone();
        let is_whole = matches!(self.state.come, Come::Whole(_));
        let (path, staging) = (self.upload.path(HALF), self.upload.staging.clone());
        self.state.come = Come::Unknown;
        let (staged, progress) = blocking(move || {
            if !is_whole {
                end(&path, &progress).map_err(at("writing", &path))?;
            }
            Ok((Staged::file(staging.link(&path)?, &progress), progress))
        })
        .await?;
        self.state.come = Come::Whole(progress);
        Ok(staged)
    }

    /// What has come, as it was once; nothing comes in between.
    pub(super) fn set(&mut self, progress: Progress) {
        self.state.come = Come::Half(progress);
    }

    pub(super) async fn done(&mut self, done: Done, expires_at: Timestamp) -> Result<(), FilesError> {
        let written = Written::new(self.upload.about.clone(), expires_at, Some(done));
        let (about, half) = (self.upload.path(ABOUT), self.upload.path(HALF));
        blocking(move || {
            written.write(&about)?;
            remove(&half)
        })
        .await?;
        self.state.done = Some(done);
        self.upload.expires_at_us.store(expires_at.as_micros(), Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn remove(&mut self) -> Result<(), FilesError> {
        let (about, half) = (self.upload.path(ABOUT), self.upload.path(HALF));
        blocking(move || {
            remove(&about)?;
            remove(&half)
        })
        .await?;
        self.state.is_gone = true;
        Ok(())
    }

    /// What has come; read from its file where that is not known.
    async fn progress(&mut self) -> Result<&Progress, FilesError> {
        if let Come::Unknown = self.state.come {
            let path = self.upload.path(HALF);
            self.state.come = blocking(move || read(&path).map_err(at("reading", &path))).await?;
        }
        match &self.state.come {
            Come::Half(progress) | Come::Whole(progress) => Ok(progress),
            Come::Unknown => Err(FilesError::Retry(anyhow!("what has come of an upload is not known"))),
        }
    }
}

/// Durable from then on, as it will be said to be there.
fn read(path: &Path) -> io::Result<Come> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Come::Half(Progress::default())),
        file => file?,
    };
    let Walked { progress, is_whole } = walk(&file)?;
    file.sync_all()?;
    Ok(if is_whole { Come::Whole(progress) } else { Come::Half(progress) })
}

/// The file, with so many bytes in it, at its end.
pub(super) fn cut(path: &Path, bytes: u64) -> io::Result<File> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(bytes)?;
    file.seek(SeekFrom::End(0))?;
    if is_new && let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// Puts its table behind what has come.
fn end(path: &Path, progress: &Progress) -> io::Result<()> {
    let mut file = cut(path, progress.packed_bytes())?;
    file.write_all(&progress.ending())?;
    file.sync_all()
}

fn remove(path: &Path) -> Result<(), FilesError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("removing", path)(error)),
        _ => Ok(()),
    }
}
