//! The sweep: makes rows and bytes agree, and tells what it found.
//!
//! **Constraint.** Rows and bytes are read side by side, by rising reference, so that neither is ever whole in memory. Bytes
//! of an upload that is just being stored have no row yet: what is younger than [`ORPHAN_MIN_AGE`] is left alone.

use std::time::Duration;

use weir_core::files::{ContentListing, ContentRef, FilesError};

use crate::files::Files;

/// Bytes without a row are orphans when they are older.
const ORPHAN_MIN_AGE: Duration = Duration::from_secs(3_600);
const PAGE: usize = 1_000;

/// What a sweep found, and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Contents whose last file ended before, and whose bytes are gone now.
    pub finished: u64,
    /// Contents that former runs began to put and never ended, which were removed.
    pub cleared: u64,
    /// Contents without a row, which were removed.
    pub orphans: u64,
    /// Bytes that these took up.
    pub orphan_bytes: u64,
    /// Contents with rows whose bytes are not there: somebody else removed them.
    pub missing: Vec<ContentRef>,
}

impl Files {
    /// Finishes what ended, removes orphans, and tells what is missing.
    pub async fn sweep(&self) -> Result<SweepReport, FilesError> {
        let mut report = SweepReport { cleared: self.contents.clear().await?, ..SweepReport::default() };
        loop {
            let going = self.catalog.going(PAGE).await?;
            if going.is_empty() {
                break;
            }
            for content in going {
                self.let_go(content).await?;
                report.finished += 1;
            }
        }
        self.compare(&mut report).await?;
        self.confirm(&mut report.missing).await?;
        Ok(report)
    }

    /// Each side waits at its next, and the lesser of the two is what the other lacks.
    async fn compare(&self, report: &mut SweepReport) -> Result<(), FilesError> {
        // Rows first: what is stored in between has bytes and, as far as is seen here, no row.
        let (mut rows, mut bytes) = (Vec::new().into_iter().peekable(), Vec::new().into_iter().peekable());
        let (mut last_row, mut last_bytes) = (None, None);
        loop {
            if rows.peek().is_none() {
                rows = self.catalog.contents(last_row, PAGE).await?.into_iter().peekable();
            }
            if bytes.peek().is_none() {
                bytes = self.contents.list(last_bytes, PAGE).await?.into_iter().peekable();
            }
            match (rows.peek().copied(), bytes.peek().copied()) {
                (None, None) => return Ok(()),
                (Some(row), None) => report.missing.push(row),
                (Some(row), Some(found)) if row < found.content => report.missing.push(row),
                (Some(row), Some(found)) if row == found.content => {}
                (_, Some(found)) => self.orphan(found, report).await?,
            }
            let (row, found) = (rows.peek().copied(), bytes.peek().map(|found| found.content));
            if row.is_some_and(|row| found.is_none_or(|found| row <= found)) {
                last_row = rows.next();
            }
            if found.is_some_and(|found| row.is_none_or(|row| found <= row)) {
                last_bytes = bytes.next().map(|found| found.content);
            }
        }
    }

    /// Leaves out what was let go between a look at the rows and one at the bytes.
    async fn confirm(&self, missing: &mut Vec<ContentRef>) -> Result<(), FilesError> {
        for content in std::mem::take(missing) {
            if self.catalog.content(content.hash).await? == Some(content) {
                missing.push(content);
            }
        }
        Ok(())
    }

    async fn orphan(&self, found: ContentListing, report: &mut SweepReport) -> Result<(), FilesError> {
        if found.put_at > self.clock.now().before(ORPHAN_MIN_AGE) {
            return Ok(());
        }
        // A bucket dates a content back to when it was begun to be put: its row may have come just now.
        if self.catalog.content(found.content.hash).await? == Some(found.content) {
            return Ok(());
        }
        self.contents.remove(found.content).await?;
        report.orphans += 1;
        report.orphan_bytes += found.stored_bytes;
        Ok(())
    }
}
