//! An upload of which some more comes.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use weir_core::files::FilesError;

use super::held::{Held, cut};
use super::{HALF, ResumableUpload};
use crate::fault::{at, blocking};
use crate::filling::Filling;
use crate::packing::Progress;

/// Takes some more of an upload. Dropped, it leaves what has come in whole pieces.
pub struct Growing {
    upload: Arc<ResumableUpload>,
    before: Progress,
    filling: Filling<Held>,
}

impl Growing {
    pub(super) fn begin(held: Held, path: PathBuf, file: File, before: Progress) -> Result<Self, FilesError> {
        let upload = held.upload().clone();
        let filling = Filling::begin(upload.staging.clone(), path, file, before.clone(), held)?;
        Ok(Self { upload, before, filling })
    }

    /// The upload.
    pub fn upload(&self) -> &Arc<ResumableUpload> {
        &self.upload
    }

    /// Takes some more. Waits where more comes than can be packed.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        self.filling.write(bytes).await
    }

    /// That was all for now: it is durable on return.
    pub async fn pause(self) -> Result<Held, FilesError> {
        let (progress, mut held) = self.filling.pause().await?;
        held.set(progress);
        Ok(held)
    }

    /// What has come since it began to grow is not wanted.
    pub async fn take_back(self) -> Result<Held, FilesError> {
        let (before, path) = (self.before.clone(), self.upload.path(HALF));
        let mut held = self.pause().await?;
        let packed_bytes = before.packed_bytes();
        let written = move || {
            let file = cut(&path, packed_bytes).map_err(at("writing", &path))?;
            file.sync_all().map_err(at("writing", &path))
        };
        blocking(written).await?;
        held.set(before);
        Ok(held)
    }
}
