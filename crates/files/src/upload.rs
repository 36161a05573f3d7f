//! A file as it comes in.
//!
//! **Constraint.** What is less than a piece needs no file until it is kept: its way to the disk is one write and one sync.

use bytes::{Bytes, BytesMut};
use weir_core::files::FilesError;

use crate::fault::{at, blocking};
use crate::filling::Filling;
use crate::packing::{PIECE_BYTES, Packer, Progress};
use crate::staging::{Part, Staged, Staging};

/// A file that comes in. Dropped before its end, it leaves nothing behind.
pub struct Upload {
    staging: Staging,
    come: Come,
}

/// What has come of it.
enum Come {
    /// Less than a piece.
    Small(BytesMut),
    Large(Box<Filling<Part>>),
}

impl Upload {
    pub(crate) fn begin(staging: Staging) -> Self {
        Self { staging, come: Come::Small(BytesMut::new()) }
    }

    /// Takes some more. Waits where more comes than can be packed.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        match &mut self.come {
            Come::Large(filling) => filling.write(bytes).await,
            Come::Small(before) => {
                before.extend_from_slice(&bytes);
                if before.len() >= PIECE_BYTES {
                    let mut filling = fill(self.staging.clone()).await?;
                    filling.write(before.split().freeze()).await?;
                    self.come = Come::Large(Box::new(filling));
                }
                Ok(())
            }
        }
    }

    /// That was all of it: it is packed on return, and durable where it is not small.
    pub async fn finish(self) -> Result<Staged, FilesError> {
        match self.come {
            Come::Small(content) => blocking(move || pack(&self.staging, &content)).await,
            Come::Large(filling) => {
                let (progress, part) = filling.finish().await?;
                Ok(Staged::file(part, &progress))
            }
        }
    }
}

async fn fill(staging: Staging) -> Result<Filling<Part>, FilesError> {
    let made = blocking(move || {
        staging.check_room(0)?;
        let (part, file) = staging.make()?;
        let path = part.path().to_owned();
        Filling::begin(staging, path, file, Progress::default(), part)
    });
    made.await
}

fn pack(staging: &Staging, content: &[u8]) -> Result<Staged, FilesError> {
    staging.check_room(content.len() as u64)?;
    let pack = || {
        let mut packer = Packer::new(Vec::new())?;
        if !content.is_empty() {
            packer.add(content)?;
        }
        packer.finish()
    };
    let (packed, progress) = pack().map_err(at("packing for", staging.folder()))?;
    Ok(Staged::here(packed.into(), &progress))
}
