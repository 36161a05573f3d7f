//! Which files are meant.

use serde::{Deserialize, Serialize};
use weir_core::files::{Fate, FileCatalog, FileFilter, FilesError, StoredFile};
use weir_core::time::Timestamp;

use crate::exports::error::ExportError;

/// Which files are meant: every given member must hold. What comes in while the export is made is none of them, so that
/// there is an end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FilesChoice {
    group: Option<Box<str>>,
    stored_from: Option<Timestamp>,
    stored_to: Option<Timestamp>,
    /// The last one that there was when the export began.
    until: i64,
    began_at: Timestamp,
}

/// What becomes of a file in an export.
pub enum Standing {
    /// It is in it.
    Meant,
    /// It was there when the export began, and is no longer.
    Vanished(String),
    /// It is none of its files.
    Other,
}

impl FilesChoice {
    /// Those that are there now: of a group, and stored at or after one moment and before another.
    pub async fn now(
        catalog: &dyn FileCatalog,
        now: Timestamp,
        group: Option<Box<str>>,
        (stored_from, stored_to): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, ExportError> {
        let until = last(catalog).await?;
        Ok(Self { group, stored_from, stored_to, until, began_at: now })
    }

    /// When the export began.
    pub fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// Which rows to look at: those of ended files too, as they may have been there when the export began.
    pub fn filter(&self) -> FileFilter {
        let (stored_from, stored_to) = (self.stored_from, self.stored_to);
        FileFilter {
            group: self.group.clone(),
            stored_from,
            stored_to,
            with_ended: true,
            ..FileFilter::default()
        }
    }

    /// Whether the file came after the export began, and so do all that follow it.
    pub fn is_over_at(&self, file: &StoredFile) -> bool {
        file.id > self.until
    }

    /// What becomes of it.
    pub fn standing(&self, file: &StoredFile) -> Standing {
        match &file.fate {
            Fate::Kept => Standing::Meant,
            Fate::Deleted { at } if *at >= self.began_at => {
                Standing::Vanished(format!("it was deleted at {at}"))
            }
            Fate::Expired { at, rule } if *at >= self.began_at => {
                Standing::Vanished(format!("it expired at {at}, by {rule}"))
            }
            Fate::Deleted { .. } | Fate::Expired { .. } => Standing::Other,
        }
    }
}

/// The greatest number of a file; zero where there is none. Found by halves: rows are listed upwards only.
async fn last(catalog: &dyn FileCatalog) -> Result<i64, FilesError> {
    let all = FileFilter { with_ended: true, ..FileFilter::default() };
    let (mut known, mut beyond) = (0, i64::MAX);
    while known < beyond {
        let middle = known + (beyond - known) / 2;
        match catalog.list(&all, Some(middle), 1).await?.items.last() {
            Some(file) => known = file.id,
            None => beyond = middle,
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weir_core::files::Ending;
    use weir_core::testkit::files::{MemoryFiles, facts, new};

    use super::*;

    #[tokio::test]
    async fn what_was_there_when_it_began_is_meant_or_said_to_have_vanished() {
        let catalog = MemoryFiles::default();
        let nothing =
            FilesChoice::now(&catalog, Timestamp::from_micros(0), None, (None, None)).await.unwrap();
        let (kept, deleted, expired, gone) = (
            new(&catalog, facts("kept", 1)).await,
            new(&catalog, facts("deleted", 2)).await,
            new(&catalog, facts("expired", 3)).await,
            new(&catalog, facts("gone", 4)).await,
        );
        let began_at = Timestamp::from_micros(1_000_000);
        let by_hand = || Ending::Deleted { by: "somebody".into() };
        let by_rule = Ending::Expired { rule: "files.retention.max_age".into(), reason: "old".into() };
        catalog.end(gone.id, by_hand(), began_at.before(Duration::from_micros(1))).await.unwrap();
        let choice = FilesChoice::now(&catalog, began_at, None, (None, None)).await.unwrap();
        catalog.end(deleted.id, by_hand(), began_at).await.unwrap();
        catalog.end(expired.id, by_rule, began_at).await.unwrap();
        let late = new(&catalog, facts("late", 5)).await;

        let mut standings = Vec::new();
        for file in catalog.list(&choice.filter(), None, 10).await.unwrap().items {
            standings.push(match choice.standing(&file) {
                Standing::Meant => format!("{} is meant", file.facts.key),
                Standing::Vanished(why) => format!("{}: {}", file.facts.key, &why[..10]),
                Standing::Other => format!("{} is not meant", file.facts.key),
            });
        }
        let expected = [
            "kept is meant",
            "deleted: it was del",
            "expired: it expired",
            "gone is not meant",
            "late is meant",
        ];
        assert_eq!(standings, expected);
        assert!(choice.is_over_at(&late) && !choice.is_over_at(&gone));
        assert!(nothing.is_over_at(&kept));
    }
}
