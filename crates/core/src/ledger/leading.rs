//! Who of those that have a broker's partition reads it, and who goes by what others find.
//!
//! **Constraint.** Of each partition at least one delivery reads, as long as one is served.

use super::{Entry, Ledger};
use crate::catalog::AccountKey;

impl Ledger {
    /// The account's delivery would leave reading to others. False where none of them reads.
    pub fn follow(&self, key: &AccountKey) -> bool {
        let mut accounts = self.lock();
        let leads = |(other, entry): (&AccountKey, &Entry)| {
            let is_another = other != key && other.partition == key.partition;
            is_another && entry.leads() && !accounts.paused.contains(&other.sink)
        };
        let is_led = accounts.entries.iter().any(leads);
        if let Some(entry) = accounts.entries.get_mut(key) {
            entry.follows = is_led;
        }
        is_led
    }

    /// The account's delivery reads.
    pub fn lead(&self, key: &AccountKey) {
        if let Some(entry) = self.lock().entries.get_mut(key) {
            entry.follows = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::{Catalog, Opening};
    use crate::ledger::State;
    use crate::log::Partition;
    use crate::sink::SinkName;
    use crate::testkit::catalog::MemoryCatalog;
    use crate::testkit::log::MemoryLog;

    fn key(sink: &str, partition: &str) -> AccountKey {
        AccountKey::main(&SinkName(sink.into()), &Partition(partition.into()))
    }

    async fn ledger(keys: &[&AccountKey]) -> Ledger {
        let (ledger, catalog) = (Ledger::new(Arc::new(MemoryLog::new("p"))), MemoryCatalog::new());
        for key in keys {
            let account = catalog.open_account(key, &Opening::default()).await.unwrap();
            ledger.open(&catalog, account, true).await.unwrap();
        }
        ledger
    }

    #[tokio::test]
    async fn however_many_would_follow_one_reads() {
        let [a, b, c] = ["a", "b", "c"].map(|sink| key(sink, "p"));
        let ledger = ledger(&[&a, &b, &c]).await;
        assert_eq!([&a, &b, &c, &a].map(|key| ledger.follow(key)), [true, true, false, true]);
        ledger.lead(&a);
        assert!(ledger.follow(&c), "another reads now");
        ledger.close(&a);
        assert_eq!([&b, &c].map(|key| ledger.follow(key)), [false, true]);
    }

    #[tokio::test]
    async fn who_does_not_read_what_comes_leads_nobody() {
        let (a, b, elsewhere) = (key("a", "p"), key("b", "p"), key("b", "q"));
        let replay = AccountKey { lane: "replay".to_owned(), ..b.clone() };
        let ledger = ledger(&[&a, &b, &elsewhere, &replay]).await;
        ledger.pause(&b.sink, true);
        assert!(!ledger.follow(&a), "it is paused");
        ledger.pause(&b.sink, false);
        assert!(ledger.follow(&a));
        ledger.condition(&b, |condition| condition.state = State::Elsewhere);
        assert!(!ledger.follow(&a), "others serve it");
    }
}
