//! Retention: what the rules say goes, and its going.
//!
//! **Constraint.** A round looks at no more than [`ROUND_MAX`] files that go, so that a rule that is new to a million files
//! neither holds them in memory nor keeps others waiting.

use weir_core::files::{Ending, FileFilter, FilesError, Judge, Reason, RetentionRule, StoredFile, Totals};

use crate::files::Files;

/// Files that go in one round.
pub const ROUND_MAX: usize = 1_000;
const PAGE: usize = 500;

/// A file that is to go, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// The file.
    pub file: StoredFile,
    /// Why.
    pub reason: Reason,
}

/// What a run of retention came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Files that ended.
    pub files: u64,
    /// Bytes that they freed.
    pub freed_bytes: u64,
}

impl Files {
    /// What would go now, by which rule: the first [`ROUND_MAX`] files. Changes nothing.
    pub async fn preview(&self, rules: &[RetentionRule]) -> Result<Vec<Going>, FilesError> {
        let mut going = Vec::new();
        for rule in rules {
            self.judge(rule, &mut going).await?;
        }
        Ok(going)
    }

    /// Ends what the rules say.
    pub async fn retain(&self, rules: &[RetentionRule]) -> Result<Retained, FilesError> {
        let mut retained = Retained::default();
        loop {
            let going = self.preview(rules).await?;
            let count = going.len();
            for Going { file, reason: Reason { rule, words } } in going {
                if let Some(act) = self.end(file.id, Ending::Expired { rule, reason: words }).await? {
                    retained.files += 1;
                    retained.freed_bytes += act.freed_bytes;
                }
            }
            if count < ROUND_MAX {
                return Ok(retained);
            }
        }
    }

    /// Adds what goes by this rule to what goes by those before it, as if that were gone.
    async fn judge(&self, rule: &RetentionRule, going: &mut Vec<Going>) -> Result<(), FilesError> {
        let filter = FileFilter::of(&rule.owner);
        let before: Vec<&StoredFile> =
            going.iter().map(|going| &going.file).filter(|file| filter.takes(file)).collect();
        let (files, bytes) = (before.len() as u64, before.iter().map(|file| file.facts.bytes).sum());
        let totals = self.catalog.totals(&rule.owner).await?;
        let left =
            Totals { files: totals.files.saturating_sub(files), bytes: totals.bytes.saturating_sub(bytes) };
        let mut judge = Judge::new(rule, left, self.clock.now());
        let mut after = None;
        loop {
            let page = self.catalog.list(&filter, after, PAGE).await?;
            for file in page.items {
                if going.len() == ROUND_MAX {
                    return Ok(());
                }
                if going.iter().any(|known| known.file.id == file.id) {
                    continue;
                }
                match judge.judge(&file) {
                    Some(reason) => going.push(Going { file, reason }),
                    None => return Ok(()),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
