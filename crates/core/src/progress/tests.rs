//! What a commit says, and what becomes of it: who begins where, who is forgotten, who is fenced.

use std::sync::Arc;

use super::*;
use crate::catalog::{Account, AccountKey, Catalog, CatalogError, Opening, Plan, Settlement};
use crate::log::Append;
use crate::testkit::broker::{CommitOdds, MemoryBroker};
use crate::testkit::catalog::MemoryCatalog;
use crate::testkit::log::Sample;
use crate::testkit::world::SeededRandom;

const NAMES: [&str; 2] = ["a", "b"];

fn key(sink: &str) -> AccountKey {
    AccountKey::main(&SinkName(sink.into()), &MemoryBroker::partition())
}

fn plan(sink: &str, first: u64, end: u64) -> Plan {
    Plan { key: key(sink), first: Offset(first), end: Offset(end) }
}

fn delivered(plan: &Plan) -> Settlement {
    let events = plan.end.0 - plan.first.0;
    Settlement { plan: plan.clone(), delivered: events, duplicates: 0, filtered: 0, dead: Vec::new() }
}

async fn with_events(count: usize) -> MemoryBroker {
    let broker = MemoryBroker::default();
    broker.log.append(Sample::new("events", count).entry()).await.unwrap();
    broker
}

/// The partition is assigned anew, to an instance with this catalog.
fn assigned(broker: &MemoryBroker, own: &MemoryCatalog) -> CommitCatalog {
    let (found, committer) = broker.assign(&Arc::new(SeededRandom::new(1)), CommitOdds::default());
    let era = broker.generation();
    CommitCatalog::take_up(found, era, Arc::new(own.clone()), Arc::new(committer)).unwrap()
}

/// Each of these sinks begins, wishing to begin there.
async fn begun(catalog: &CommitCatalog, wishes: &[(&str, u64)]) -> Vec<Account> {
    let named = |(name, at): &(&str, u64)| (SinkName((*name).into()), Offset(*at));
    catalog.begin(wishes.iter().map(named)).await.unwrap();
    let mut accounts = Vec::new();
    for (name, _) in wishes {
        accounts.push(catalog.open_account(&key(name), &Opening::default()).await.unwrap());
    }
    accounts
}

async fn unsettled(catalog: &CommitCatalog, sink: &str) -> Vec<(u64, u64)> {
    let plans = catalog.unsettled(&key(sink)).await.unwrap();
    plans.iter().map(|plan| (plan.first.0, plan.end.0)).collect()
}

#[tokio::test]
async fn without_a_commit_all_sinks_begin_where_the_input_says_and_a_newcomer_where_it_wishes() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let catalog = assigned(&broker, &own);
    let accounts = begun(&catalog, &[("a", 100), ("b", 100)]).await;
    assert_eq!(accounts.iter().map(|account| account.planned.0).collect::<Vec<_>>(), [0, 0]);
    catalog.plan(&[plan("a", 0, 30), plan("b", 0, 20)]).await.unwrap();

    let catalog = assigned(&broker, &own);
    let accounts = begun(&catalog, &[("a", 100), ("b", 100), ("newcomer", 90)]).await;
    assert_eq!(accounts.iter().map(|account| account.planned.0).collect::<Vec<_>>(), [30, 20, 90]);
}

#[tokio::test]
async fn a_commit_of_another_program_is_where_all_sinks_begin() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    broker.reset(40);
    let accounts = begun(&assigned(&broker, &own), &[("a", 100), ("b", 0)]).await;
    assert_eq!(accounts.iter().map(|account| account.planned.0).collect::<Vec<_>>(), [40, 40]);
    // It has become Weir's.
    assert!(broker.commit().unwrap().metadata.starts_with("weir:1:"));
}

#[tokio::test]
async fn another_instance_finds_the_batches_that_are_under_way() {
    let (broker, one, other) = (with_events(100).await, MemoryCatalog::new(), MemoryCatalog::new());
    let catalog = assigned(&broker, &one);
    begun(&catalog, &[("a", 0), ("b", 0)]).await;
    catalog.plan(&[plan("a", 0, 10), plan("a", 10, 25)]).await.unwrap();
    catalog.settle(&delivered(&plan("a", 0, 10))).await.unwrap();
    catalog.plan(&[plan("b", 0, 50)]).await.unwrap();

    let catalog = assigned(&broker, &other);
    let accounts = begun(&catalog, &[("a", 0), ("b", 0)]).await;
    assert_eq!(accounts.iter().map(|account| account.planned.0).collect::<Vec<_>>(), [25, 50]);
    assert_eq!(
        (unsettled(&catalog, "a").await, unsettled(&catalog, "b").await),
        (vec![(10, 25)], vec![(0, 50)])
    );
    assert_eq!(accounts[0].delivered, 0, "what another one counted is its own");
    catalog.settle(&delivered(&plan("b", 0, 50))).await.unwrap();
    assert_eq!(broker.commit().unwrap().offset, Offset(10), "as far as every sink has settled");
}

#[tokio::test]
async fn what_was_settled_and_not_committed_is_not_sent_again_by_the_same_instance() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let catalog = assigned(&broker, &own);
    begun(&catalog, &[("a", 0)]).await;
    catalog.plan(&[plan("a", 0, 10), plan("a", 10, 20)]).await.unwrap();
    own.settle(&delivered(&plan("a", 0, 10))).await.unwrap();

    let catalog = assigned(&broker, &own);
    let account = begun(&catalog, &[("a", 0)]).await.remove(0);
    assert_eq!((unsettled(&catalog, "a").await, account.delivered), (vec![(10, 20)], 10));
}

#[tokio::test]
async fn set_back_by_a_person_everything_is_sent_again_though_the_bounds_be_the_same() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let catalog = assigned(&broker, &own);
    begun(&catalog, &[("a", 0)]).await;
    catalog.plan(&[plan("a", 0, 10)]).await.unwrap();
    catalog.settle(&delivered(&plan("a", 0, 10))).await.unwrap();

    broker.reset(0);
    let elsewhere = assigned(&broker, &MemoryCatalog::new());
    begun(&elsewhere, &[("a", 100)]).await;
    elsewhere.plan(&[plan("a", 0, 10)]).await.unwrap();

    let catalog = assigned(&broker, &own);
    begun(&catalog, &[("a", 0)]).await;
    assert_eq!(unsettled(&catalog, "a").await, [(0, 10)]);
    catalog.settle(&delivered(&plan("a", 0, 10))).await.unwrap();
    assert_eq!(own.accounts().await.unwrap()[0].delivered, 20);
}

#[tokio::test]
async fn a_partition_that_ends_before_its_commit_is_begun_anew() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let catalog = assigned(&broker, &own);
    begun(&catalog, &[("a", 0)]).await;
    catalog.plan(&[plan("a", 0, 80)]).await.unwrap();

    let (mut found, committer) = broker.assign(&Arc::new(SeededRandom::new(1)), CommitOdds::default());
    (found.end, found.otherwise) = (Offset(50), Offset(7));
    let catalog = CommitCatalog::take_up(found, 99, Arc::new(own.clone()), Arc::new(committer)).unwrap();
    let account = begun(&catalog, &[("a", 0)]).await.remove(0);
    assert_eq!((account.planned, unsettled(&catalog, "a").await), (Offset(7), vec![]));
}

#[tokio::test]
async fn a_sink_that_is_gone_holds_the_commit_until_it_is_forgotten() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    begun(&assigned(&broker, &own), &[("a", 0), ("gone", 0)]).await;

    let catalog = assigned(&broker, &own);
    begun(&catalog, &[("a", 0)]).await;
    catalog.plan(&[plan("a", 0, 60)]).await.unwrap();
    catalog.settle(&delivered(&plan("a", 0, 60))).await.unwrap();
    assert_eq!(broker.commit().unwrap().offset, Offset(0));
    assert_eq!(catalog.settled_before(&SinkName("gone".into())), Some(Offset(0)));
    catalog.forget(&SinkName("gone".into()), "").await.unwrap();
    assert_eq!(broker.commit().unwrap().offset, Offset(60));
    assert_eq!(catalog.sinks(), [SinkName("a".into())]);
}

#[tokio::test]
async fn a_refused_commit_ends_everything_that_would_need_another() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let zombie = assigned(&broker, &own);
    begun(&zombie, &[("a", 0), ("b", 0)]).await;
    zombie.plan(&[plan("a", 0, 10)]).await.unwrap();
    let successor = assigned(&broker, &MemoryCatalog::new());
    begun(&successor, &[("a", 0), ("b", 0)]).await;

    let is_broken = |answer: Result<(), CatalogError>| {
        assert!(matches!(answer, Err(CatalogError::Broken(_))), "{answer:?}");
    };
    is_broken(zombie.plan(&[plan("b", 0, 10)]).await);
    is_broken(zombie.settle(&delivered(&plan("a", 0, 10))).await);
    is_broken(zombie.unsettled(&key("b")).await.map(drop));
    assert_eq!(own.accounts().await.unwrap()[0].delivered, 0, "its successor counts what it sends");
    assert_eq!((unsettled(&successor, "a").await, unsettled(&successor, "b").await), (vec![(0, 10)], vec![]));
}

#[tokio::test]
async fn a_commit_of_a_newer_weir_is_left_alone() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let (mut found, committer) = broker.assign(&Arc::new(SeededRandom::new(1)), CommitOdds::default());
    found.commit = Some(Commit { offset: Offset(3), metadata: "weir:7:who knows".to_owned() });
    let refused = CommitCatalog::take_up(found, 1, Arc::new(own), Arc::new(committer)).err().unwrap();
    assert!(refused.to_string().contains("version 7"), "{refused}");
}

#[tokio::test]
async fn what_a_commit_cannot_tell_of_is_not_planned_until_something_is_settled() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let catalog = assigned(&broker, &own);
    begun(&catalog, &NAMES.map(|name| (name, 0))).await;
    let mut at = 0;
    let refused = loop {
        let next = plan("a", at, at + 1_000_000_000);
        match catalog.plan(std::slice::from_ref(&next)).await {
            Ok(()) => at = next.end.0,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, CatalogError::Retry(_)), "{refused}");
    let length = broker.commit().unwrap().metadata.len();
    assert!((METADATA_MAX_BYTES - 50..=METADATA_MAX_BYTES).contains(&length), "{length}");
    assert!(at / 1_000_000_000 >= unsettled_max(&NAMES.map(|name| SinkName(name.into()))) as u64);
    for first in [0, 1_000_000_000] {
        catalog.settle(&delivered(&plan("a", first, first + 1_000_000_000))).await.unwrap();
    }
    catalog.plan(&[plan("a", at, at + 1_000_000_000)]).await.unwrap();
}

#[tokio::test]
async fn a_replay_is_the_instances_own_affair() {
    let (broker, own) = (with_events(100).await, MemoryCatalog::new());
    let catalog = assigned(&broker, &own);
    begun(&catalog, &[("a", 0)]).await;
    let before = broker.commit();
    let lane = AccountKey { lane: "replay-1".to_owned(), ..key("a") };
    catalog.open_account(&lane, &Opening { from: Offset(5), until: Some(Offset(9)) }).await.unwrap();
    let batch = Plan { key: lane.clone(), first: Offset(5), end: Offset(9) };
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(catalog.unsettled(&lane).await.unwrap(), std::slice::from_ref(&batch));
    catalog.settle(&delivered(&batch)).await.unwrap();
    catalog.forget(&lane.sink, &lane.lane).await.unwrap();
    assert_eq!((broker.commit(), own.accounts().await.unwrap().len()), (before, 1));
}
