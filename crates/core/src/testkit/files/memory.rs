//! A catalog of files in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;

use crate::files::{
    Act, Added, ContentHash, ContentRef, Ending, Fate, FileCatalog, FileFacts, FileFilter, FilesError, Offer,
    Owner, Page, StoredFile, Totals,
};
use crate::row_id;
use crate::time::Timestamp;

/// Rows in memory; clones share them.
#[derive(Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    /// In the order of their numbers, which are those of their places.
    files: Vec<StoredFile>,
    contents: BTreeMap<ContentRef, Content>,
    acts: Vec<Act>,
}

struct Content {
    stored_bytes: u64,
    files: u64,
    inline: Option<Bytes>,
}

impl MemoryFiles {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }
}

impl Rows {
    fn latest(&self, key: &str) -> Option<&StoredFile> {
        self.files.iter().rfind(|file| *file.facts.key == *key)
    }

    fn put(&mut self, content: ContentRef, stored_bytes: u64, inline: Option<Bytes>) -> ContentRef {
        self.contents.insert(content, Content { stored_bytes, files: 0, inline });
        content
    }

    fn kept(&self, hash: ContentHash) -> Option<ContentRef> {
        self.contents
            .iter()
            .find(|(content, row)| content.hash == hash && row.files > 0)
            .map(|(content, _)| *content)
    }
}

#[async_trait]
impl FileCatalog for MemoryFiles {
    async fn content(&self, hash: ContentHash) -> Result<Option<ContentRef>, FilesError> {
        Ok(self.rows().kept(hash))
    }

    async fn inline(&self, content: ContentRef) -> Result<Option<Bytes>, FilesError> {
        Ok(self.rows().contents.get(&content).and_then(|row| row.inline.clone()))
    }

    async fn add(&self, facts: FileFacts, offer: Offer) -> Result<Option<Added>, FilesError> {
        let mut rows = self.rows();
        let known =
            rows.latest(&facts.key).filter(|file| file.fate == Fate::Kept && file.facts.hash == facts.hash);
        if let Some(known) = known {
            return Ok(Some(Added::Known(known.clone())));
        }
        let content = match (rows.kept(facts.hash), offer) {
            (Some(kept), _) => kept,
            (None, Offer::Kept) => return Ok(None),
            (None, Offer::Put(content, stored_bytes)) => rows.put(content, stored_bytes, None),
            (None, Offer::Inline(content, packed)) => rows.put(content, packed.len() as u64, Some(packed)),
        };
        rows.contents.get_mut(&content).unwrap().files += 1;
        let id = rows.files.len() as i64 + 1;
        let file = StoredFile { id, facts, content_id: content.id, fate: Fate::Kept };
        rows.files.push(file.clone());
        Ok(Some(Added::New(file)))
    }

    async fn find(&self, name: &str) -> Result<Option<StoredFile>, FilesError> {
        let rows = self.rows();
        let by_id = row_id::read(name).and_then(|id| rows.files.iter().find(|file| file.id == id));
        Ok(by_id.or_else(|| rows.latest(name)).cloned())
    }

    async fn list(
        &self,
        filter: &FileFilter,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<StoredFile>, FilesError> {
        let rows = self.rows();
        let found = rows.files.iter().filter(|file| Some(file.id) > after && filter.takes(file));
        Ok(Page::of(found.cloned().collect(), limit, |file| file.id))
    }

    async fn totals(&self, owner: &Owner) -> Result<Totals, FilesError> {
        let rows = self.rows();
        let filter = FileFilter::of(owner);
        let sizes: Vec<u64> =
            rows.files.iter().filter(|file| filter.takes(file)).map(|file| file.facts.bytes).collect();
        Ok(Totals { files: sizes.len() as u64, bytes: sizes.iter().sum() })
    }

    async fn end(&self, id: i64, ending: Ending, at: Timestamp) -> Result<Option<Act>, FilesError> {
        let mut rows = self.rows();
        let Some(file) = rows.files.iter_mut().find(|file| file.id == id && file.fate == Fate::Kept) else {
            return Ok(None);
        };
        file.fate = match &ending {
            Ending::Deleted { .. } => Fate::Deleted { at },
            Ending::Expired { rule, .. } => Fate::Expired { at, rule: rule.clone() },
        };
        let file = file.clone();
        let content = rows.contents.get_mut(&file.content()).unwrap();
        content.files -= 1;
        let freed_bytes = if content.files == 0 { content.stored_bytes } else { 0 };
        let (id, is_told) = (rows.acts.len() as i64 + 1, file.facts.trace.is_none());
        let act = Act { id, file, ending, at, freed_bytes, is_told };
        rows.acts.push(act.clone());
        Ok(Some(act))
    }

    async fn acts(&self, before: Option<i64>, limit: usize) -> Result<Page<Act>, FilesError> {
        let rows = self.rows();
        let found = rows.acts.iter().rev().filter(|act| before.is_none_or(|before| act.id < before));
        Ok(Page::of(found.cloned().collect(), limit, |act| act.id))
    }

    async fn untold(&self, limit: usize) -> Result<Vec<Act>, FilesError> {
        Ok(self.rows().acts.iter().filter(|act| !act.is_told).take(limit).cloned().collect())
    }

    async fn told(&self, act: i64) -> Result<(), FilesError> {
        self.rows().acts.iter_mut().filter(|known| known.id == act).for_each(|act| act.is_told = true);
        Ok(())
    }

    async fn contents(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentRef>, FilesError> {
        let rows = self.rows();
        let outside =
            rows.contents.iter().filter(|(_, row)| row.inline.is_none()).map(|(content, _)| *content);
        Ok(outside.filter(|content| Some(*content) > after).take(limit).collect())
    }

    async fn going(&self, limit: usize) -> Result<Vec<ContentRef>, FilesError> {
        let rows = self.rows();
        let going = rows.contents.iter().filter(|(_, row)| row.files == 0).map(|(content, _)| *content);
        Ok(going.take(limit).collect())
    }

    async fn forget(&self, content: ContentRef) -> Result<(), FilesError> {
        let mut rows = self.rows();
        if rows.contents.get(&content).is_some_and(|row| row.files == 0) {
            rows.contents.remove(&content);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn contract() {
        crate::testkit::files::catalog_contract(async || MemoryFiles::default()).await;
    }
}
