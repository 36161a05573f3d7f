//! A trace's row: what is told of it at a glance, kept up to date with every change.

use weir_core::lineage::{Figures, TraceFacts, UserWord};

/// The row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceRow {
    /// Its number.
    pub id: i64,
    /// What its senders call it.
    pub key: Box<str>,
    /// Whose it is, and its moments.
    pub facts: TraceFacts,
    /// Different records of it.
    pub records: i64,
    /// Names and words that have a number.
    pub names: u32,
    /// Names that are not their node's only one.
    pub aliases: u32,
    /// What its nodes add up to.
    pub figures: Figures,
    /// Databases that its nodes stand for.
    pub databases: i64,
}

impl TraceRow {
    /// A trace of which nothing is known.
    pub fn new(id: i64, key: &str) -> Self {
        Self { id, key: key.into(), ..Self::default() }
    }
}

/// Its place in [`UserWord::ALL`]: on disk, so never another.
pub fn word_number(word: UserWord) -> u8 {
    match word {
        UserWord::Start => 0,
        UserWord::Record => 1,
        UserWord::StartSubject => 2,
        UserWord::Subject => 3,
    }
}

/// What [`word_number`] says.
pub fn word_of(number: i64) -> Option<UserWord> {
    usize::try_from(number).ok().and_then(|number| UserWord::ALL.get(number).copied())
}
