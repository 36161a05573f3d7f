//! The way of a file: in, out, and to its end.

use std::sync::Arc;

use anyhow::anyhow;
use futures::{StreamExt, stream};
use weir_core::files::{
    Act, Added, ByteRange, ContentHash, ContentReader, ContentRef, ContentStore, Ending, FileCatalog,
    FileFacts, FilesError, Offer, Packed, StoredFile,
};
use weir_core::world::{Clock, Random};

use crate::packing::{PIECE_BYTES, unpack_range};
use crate::staging::{Staged, Staging};
use crate::upload::Upload;

/// Tries at relying on a content that others let go meanwhile, before it is put anew.
const TRIES_MAX: usize = 3;

/// What files may be.
#[derive(Clone, Copy, Debug)]
pub struct FileLimits {
    /// Bytes of one.
    pub file_max_bytes: u64,
    /// Packed bytes of one that lies with the rows.
    pub inline_max_bytes: usize,
}

/// Files that are kept.
pub struct Files {
    pub(crate) catalog: Arc<dyn FileCatalog>,
    pub(crate) contents: Arc<dyn ContentStore>,
    pub(crate) clock: Arc<dyn Clock>,
    staging: Staging,
    random: Arc<dyn Random>,
    limits: FileLimits,
}

impl Files {
    /// Kept by these.
    pub fn new(
        catalog: Arc<dyn FileCatalog>,
        contents: Arc<dyn ContentStore>,
        staging: Staging,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        limits: FileLimits,
    ) -> Self {
        Self { catalog, contents, clock, staging, random, limits }
    }

    /// The rows.
    pub fn catalog(&self) -> &dyn FileCatalog {
        self.catalog.as_ref()
    }

    /// What files may be.
    pub fn limits(&self) -> FileLimits {
        self.limits
    }

    /// Begins to take a file in.
    pub fn receive(&self) -> Upload {
        Upload::begin(self.staging.clone())
    }

    /// Stores what has come in whole. On return its bytes and its row are durable. Again the same, it changes nothing.
    pub async fn store(&self, staged: Staged, facts: FileFacts) -> Result<Added, FilesError> {
        if let Packed::Here(packed) = staged.packed()
            && packed.len() <= self.limits.inline_max_bytes
        {
            let offer = Offer::Inline(self.drawn(staged.hash), packed.clone());
            return self.catalog.add(facts, offer).await?.ok_or_else(not_taken);
        }
        for _ in 0..TRIES_MAX {
            if self.catalog.content(staged.hash).await?.is_none() {
                break;
            }
            if let Some(added) = self.catalog.add(facts.clone(), Offer::Kept).await? {
                return Ok(added);
            }
        }
        self.put(staged, facts).await
    }

    async fn put(&self, staged: Staged, facts: FileFacts) -> Result<Added, FilesError> {
        let content = self.drawn(staged.hash);
        self.contents.keep(content, staged.packed()).await?;
        let added = self.catalog.add(facts, Offer::Put(content, staged.stored_bytes)).await;
        let is_taken = matches!(&added, Ok(Some(Added::New(file))) if file.content() == content);
        // Where the rows gave no answer they may have taken it: then a sweep finds out.
        if !is_taken && added.is_ok() {
            let _ = self.contents.remove(content).await;
        }
        added?.ok_or_else(not_taken)
    }

    fn drawn(&self, hash: ContentHash) -> ContentRef {
        ContentRef { hash, id: self.random.next().cast_signed() }
    }

    /// Some bytes of a kept file.
    pub async fn read(&self, file: &StoredFile, range: ByteRange) -> Result<ContentReader, FilesError> {
        let content = file.content();
        let lost = || {
            FilesError::Broken(anyhow!("the content {} of {:?} is not there", content.hash, file.facts.key))
        };
        // More than a piece never lies with the rows.
        if file.facts.bytes < PIECE_BYTES as u64
            && let Some(packed) = self.catalog.inline(content).await?
        {
            let pieces = unpack_range(&packed, range);
            let pieces =
                pieces.map_err(|error| FilesError::Broken(anyhow!("{:?}: {error}", file.facts.key)))?;
            return Ok(stream::iter(pieces.into_iter().map(Ok)).boxed());
        }
        self.contents.read(content, range).await?.ok_or_else(lost)
    }

    /// Ends a file, and its content where nothing else has it. `None` where it ended before.
    pub async fn end(&self, id: i64, ending: Ending) -> Result<Option<Act>, FilesError> {
        let act = self.catalog.end(id, ending, self.clock.now()).await?;
        if let Some(act) = act.as_ref().filter(|act| act.freed_bytes > 0) {
            // The row has the last word: what fails here is finished by a sweep.
            if let Err(error) = self.let_go(act.file.content()).await {
                tracing::warn!(%error, "the bytes of an ended file are removed later");
            }
        }
        Ok(act)
    }

    pub(crate) async fn let_go(&self, content: ContentRef) -> Result<(), FilesError> {
        self.contents.remove(content).await?;
        self.catalog.forget(content).await
    }
}

fn not_taken() -> FilesError {
    FilesError::Broken(anyhow!("what was put was not taken"))
}
