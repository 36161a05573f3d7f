//! Accounts, plans and letters to try a catalog with.
#![allow(clippy::expect_used)] // A panic is how a test fails.

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{Account, AccountKey, Catalog, CatalogError, DeadLetter, Opening, Plan, Settlement};
use crate::event::{Event, EventId, Offset, Origin, Record, Stream};
use crate::log::Partition;
use crate::sink::SinkName;
use crate::time::Timestamp;

pub(super) fn sink(name: &str) -> SinkName {
    SinkName(name.into())
}

pub(super) fn stream(name: &str) -> Stream {
    Stream::new(name).expect("samples have valid names")
}

/// The main account of a sink.
pub(super) fn key(name: &str) -> AccountKey {
    AccountKey::main(&sink(name), &Partition("node-1".into()))
}

pub(super) fn lane(name: &str, lane: &str) -> AccountKey {
    AccountKey { lane: lane.to_owned(), ..key(name) }
}

pub(super) fn opening(from: u64) -> Opening {
    Opening { from: Offset(from), until: None }
}

pub(super) fn plan(key: &AccountKey, first: u64, end: u64) -> Plan {
    Plan { key: key.clone(), first: Offset(first), end: Offset(end) }
}

/// All of the batch delivered, nothing of it there before.
pub(super) fn delivered(plan: &Plan) -> Settlement {
    Settlement {
        plan: plan.clone(),
        delivered: plan.end.0 - plan.first.0,
        duplicates: 0,
        filtered: 0,
        dead: Vec::new(),
    }
}

/// All of the batch refused, with these letters.
pub(super) fn refused(plan: &Plan, dead: Vec<DeadLetter>) -> Settlement {
    Settlement { delivered: 0, dead, ..delivered(plan) }
}

/// One event of the stream `events`, refused for `broken` at second `id`.
pub(super) fn letter(key: &AccountKey, id: i64) -> DeadLetter {
    let at = Timestamp::from_micros(id.saturating_mul(1_000_000));
    DeadLetter {
        id,
        key: key.clone(),
        count: 1,
        stream: stream("events"),
        record: Some(record(id)),
        source: None,
        reason: "broken".to_owned(),
        detail: "the store's own words".to_owned(),
        attempts: 1,
        first_at: at,
        last_at: at,
    }
}

pub(super) fn record(id: i64) -> Record {
    Record {
        offset: Offset(id.unsigned_abs()),
        stream: stream("events"),
        received_at: Timestamp::from_micros(id),
        origin: Arc::new(Origin { credential: "key:default".to_owned(), ..Origin::default() }),
        event: Event {
            id: EventId(u128::from(id.unsigned_abs()).to_be_bytes()),
            occurred_at: Timestamp::from_micros(id),
            client_id: None,
            user_id: None,
            body: Bytes::from(format!(r#"{{"page":"p","event":"e","n":{id}}}"#)),
        },
    }
}

/// The same letter, refused once more a second later.
pub(super) fn again(letter: &DeadLetter) -> DeadLetter {
    let last_at = Timestamp::from_micros(letter.last_at.as_micros() + 1_000_000);
    DeadLetter { attempts: letter.attempts + 1, last_at, ..letter.clone() }
}

/// The account as the catalog lists it.
pub(super) async fn account<C: Catalog>(catalog: &C, key: &AccountKey) -> Account {
    let accounts = catalog.accounts().await.expect("accounts can be read");
    accounts.into_iter().find(|account| account.key == *key).expect("the account is open")
}

/// Opens the account, plans one batch for all letters together, and settles it with all of them dead.
pub(super) async fn with_letters<C: Catalog>(catalog: &C, key: &AccountKey, letters: &[DeadLetter]) {
    let account = catalog.open_account(key, &opening(0)).await.expect("an account can be opened");
    let events: u64 = letters.iter().map(|letter| letter.count).sum();
    let plan = plan(key, account.planned.0, account.planned.0 + events);
    catalog.plan(std::slice::from_ref(&plan)).await.expect("a batch can be planned");
    catalog.settle(&refused(&plan, letters.to_vec())).await.expect("a batch can be settled");
}

/// The ids of all letters, as they are listed.
pub(super) async fn listed<C: Catalog>(catalog: &C) -> Vec<i64> {
    let letters = catalog.dead_letters(&Default::default(), None, 1_000).await;
    letters.expect("dead letters can be listed").iter().map(|letter| letter.id).collect()
}

pub(super) fn assert_broken<T: std::fmt::Debug>(answer: Result<T, CatalogError>) {
    match answer {
        Err(CatalogError::Broken(_)) => {}
        other => panic!("expected a contradiction, got {other:?}"),
    }
}
