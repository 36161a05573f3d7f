//! A file of ours on the disk that is being filled with a content.
//!
//! **Constraint.** One thread at a time writes to it, and whoever gives up in the middle takes nothing from under that thread:
//! what stands for the file is dropped only when the last write is done.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use anyhow::anyhow;
use bytes::{Bytes, BytesMut};
use tokio::task::JoinHandle;
use weir_core::files::FilesError;

use crate::fault::{at, blocking};
use crate::packing::{PIECE_BYTES, Packer, Progress};
use crate::staging::Staging;

/// Packs what comes into a file for which `K` stands.
pub(crate) struct Filling<K> {
    staging: Staging,
    /// What does not make a piece yet.
    rest: BytesMut,
    packing: Packing<K>,
}

/// The packer, or the thread that has it.
enum Packing<K> {
    Here(Box<Packed<K>>),
    There(JoinHandle<Result<Box<Packed<K>>, FilesError>>),
    Lost,
}

struct Packed<K> {
    packer: Packer<File>,
    path: PathBuf,
    keep: K,
}

impl<K: Send + 'static> Filling<K> {
    /// Goes on behind what the file at `path` has.
    pub(crate) fn begin(
        staging: Staging,
        path: PathBuf,
        file: File,
        progress: Progress,
        keep: K,
    ) -> Result<Self, FilesError> {
        let packer = Packer::resume(file, progress).map_err(at("packing into", &path))?;
        let packing = Packing::Here(Box::new(Packed { packer, path, keep }));
        Ok(Self { staging, rest: BytesMut::new(), packing })
    }

    /// Takes some more. Waits where more comes than can be packed.
    pub(crate) async fn write(&mut self, mut bytes: Bytes) -> Result<(), FilesError> {
        while self.rest.len() + bytes.len() >= PIECE_BYTES {
            self.rest.extend_from_slice(&bytes.split_to(PIECE_BYTES - self.rest.len()));
            let piece = self.rest.split().freeze();
            self.pack(piece).await?;
        }
        self.rest.extend_from_slice(&bytes);
        Ok(())
    }

    /// That was all for now: it is durable on return.
    pub(crate) async fn pause(self) -> Result<(Progress, K), FilesError> {
        self.end(|packer| Ok(packer.pause())).await
    }

    /// That was all of it: it is packed and durable on return.
    pub(crate) async fn finish(self) -> Result<(Progress, K), FilesError> {
        self.end(Packer::finish).await
    }

    async fn end(
        mut self,
        end: impl FnOnce(Packer<File>) -> io::Result<(File, Progress)> + Send + 'static,
    ) -> Result<(Progress, K), FilesError> {
        let piece = self.rest.split().freeze();
        if !piece.is_empty() {
            self.pack(piece).await?;
        }
        let Packed { packer, path, keep } = *self.packed().await?;
        blocking(move || {
            let failed = at("writing", &path);
            let (file, progress) = end(packer).map_err(&failed)?;
            file.sync_all().map_err(&failed)?;
            Ok((progress, keep))
        })
        .await
    }

    /// Has a thread pack a piece, as soon as it is done with the one before.
    async fn pack(&mut self, piece: Bytes) -> Result<(), FilesError> {
        let mut packed = self.packed().await?;
        let staging = self.staging.clone();
        self.packing = Packing::There(tokio::task::spawn_blocking(move || {
            staging.check_room(piece.len() as u64)?;
            packed.packer.add(&piece).map_err(at("packing into", &packed.path))?;
            Ok(packed)
        }));
        Ok(())
    }

    /// The packer, once its thread is done.
    async fn packed(&mut self) -> Result<Box<Packed<K>>, FilesError> {
        match std::mem::replace(&mut self.packing, Packing::Lost) {
            Packing::Here(packed) => Ok(packed),
            Packing::There(thread) => {
                let lost = |error| FilesError::Retry(anyhow!("a thread was lost: {error}"));
                thread.await.map_err(lost)?
            }
            Packing::Lost => Err(FilesError::Retry(anyhow!("the upload failed before"))),
        }
    }
}
