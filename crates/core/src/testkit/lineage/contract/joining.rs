//! Joining: the same records are the same lineage, in whatever order, company and number they come.

use futures::future::join_all;

use super::comparing::{canonical_in, differences};
use crate::lineage::{Json, LineageStore, RecordType, TelemetryRecord};
use crate::testkit::lineage::{MemoryLineage, Shape, random_records, record};
use crate::testkit::world::SeededRandom;
use crate::time::Timestamp;

pub(super) const SHAPES: [Shape; 6] = [
    Shape::FanOut(1_500),
    Shape::FanIn(1_200),
    Shape::Chain(1_000),
    Shape::Diamonds(100),
    Shape::Circle(50),
    Shape::Lives(200),
];

pub(super) async fn all<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    an_empty_store_knows_nothing(&open().await).await;
    traces_of_every_shape_are_what_their_records_say(&open().await).await;
    order_company_and_repetition_do_not_matter(open).await;
    records_by_the_dice_make_the_same_as_in_memory(open).await;
    joining_again_changes_nothing_and_is_counted(&open().await).await;
    two_records_of_one_moment_are_two(&open().await).await;
    joins_may_overlap(&open().await).await;
    nothing_is_cut_or_rounded(&open().await).await;
    records_that_come_much_too_late_find_their_place(&open().await).await;
}

async fn an_empty_store_knows_nothing(store: &impl LineageStore) {
    store.check().await.unwrap();
    assert_eq!(store.join(Vec::new()).await.unwrap(), 0);
    assert_eq!(canonical_in(store, "order-77").await, "");
    assert!(store.nodes("file:a", None, None, 10).await.unwrap().is_empty());
}

async fn traces_of_every_shape_are_what_their_records_say(store: &impl LineageStore) {
    let memory = MemoryLineage::new();
    let mut traces = std::collections::BTreeSet::new();
    for (place, shape) in SHAPES.into_iter().enumerate() {
        let records = shape.records(&format!("trace-{place}"));
        traces.insert(records[0].trace.clone());
        memory.join(records.clone()).await.unwrap();
        assert_eq!(store.join(records).await.unwrap(), 0);
    }
    assert_eq!(differences(store, &memory, &traces).await, None);
}

async fn order_company_and_repetition_do_not_matter<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    let records = Shape::Lives(60).records("lives");
    let memory = MemoryLineage::new();
    memory.join(records.clone()).await.unwrap();
    let dice = SeededRandom::new(7);
    for batch in [1_000, 97, 10] {
        let store = open().await;
        let mut sent = [records.clone(), records.clone()].concat();
        shuffle(&dice, &mut sent);
        for part in sent.chunks(batch) {
            store.join(part.to_vec()).await.unwrap();
        }
        assert_eq!(differences(&store, &memory, &["lives".into()].into()).await, None, "by {batch}");
    }
}

async fn records_by_the_dice_make_the_same_as_in_memory<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    for seed in 0..12 {
        let (dice, memory, store) = (SeededRandom::new(seed), MemoryLineage::new(), open().await);
        let mut known = Vec::new();
        for _ in 0..6 {
            let mut part = random_records(&dice, 1 + dice.below(30) as usize);
            // What comes again, comes among what is new.
            part.extend(known.iter().filter(|_| dice.chance(10)).cloned());
            let repeats = memory.join(part.clone()).await.unwrap();
            assert_eq!(store.join(part.clone()).await.unwrap(), repeats);
            known.extend(part);
            let traces = known.iter().map(|record| record.trace.clone()).collect();
            assert_eq!(differences(&store, &memory, &traces).await, None, "seed {seed}");
        }
    }
}

async fn joining_again_changes_nothing_and_is_counted(store: &impl LineageStore) {
    let records = Shape::Lives(30).records("again");
    let count = records.len() as u64;
    assert_eq!(store.join(records.clone()).await.unwrap(), 0);
    let once = canonical_in(store, "again").await;
    assert_eq!(store.join(records.clone()).await.unwrap(), count);
    assert_eq!(store.join([records.clone(), records].concat()).await.unwrap(), 2 * count);
    assert_eq!(canonical_in(store, "again").await, once);
}

async fn two_records_of_one_moment_are_two(store: &impl LineageStore) {
    let line = |message: &str, seq: Option<u64>, user: Option<&str>| TelemetryRecord {
        attrs: [("message".into(), Json::text(message))].into(),
        seq,
        user: user.map(Into::into),
        ..record(RecordType::Log, "moment", "data:x", 0)
    };
    let different =
        [line("a", None, None), line("b", None, None), line("a", Some(1), None), line("a", None, Some("u"))];
    assert_eq!(store.join(different.to_vec()).await.unwrap(), 0);
    assert_eq!(store.join(vec![line("a", None, None)]).await.unwrap(), 1);
    assert_eq!(store.trace("moment").await.unwrap().unwrap().records, 4);
}

async fn joins_may_overlap(store: &impl LineageStore) {
    let records = Shape::Lives(100).records("overlap");
    let memory = MemoryLineage::new();
    memory.join(records.clone()).await.unwrap();
    let parts = records.chunks(40).chain(records[20..].chunks(40));
    let joined = join_all(parts.map(|part| store.join(part.to_vec()))).await;
    let repeats: u64 = joined.into_iter().map(Result::unwrap).sum();
    assert_eq!(repeats, records.len() as u64 - 20);
    assert_eq!(differences(store, &memory, &["overlap".into()].into()).await, None);
}

async fn nothing_is_cut_or_rounded(store: &impl LineageStore) {
    let memory = MemoryLineage::new();
    let long = "ü".repeat(256);
    let texts = ["é", "e\u{301}", "中文/🦀", "a b%20c?d#e", "'; drop table nodes;--", "0", "-1", &long];
    let moments = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-30T21:59:59.999999Z"];
    let mut records = Vec::new();
    for text in texts {
        for moment in moments {
            records.push(TelemetryRecord {
                created_at: Timestamp::parse(moment).unwrap(),
                user: Some(text.into()),
                seq: Some((1 << 53) - 1),
                reason: Some(long.repeat(8).into()),
                attrs: [(text.into(), Json::text(&long.repeat(100)))].into(),
                extra: [("more".into(), Json::text(text))].into(),
                ..record(RecordType::Drop, text, text, 0)
            });
        }
    }
    memory.join(records.clone()).await.unwrap();
    store.join(records).await.unwrap();
    assert_eq!(differences(store, &memory, &texts.map(Into::into).into()).await, None);
}

/// Each before all that is there already, one by one.
async fn records_that_come_much_too_late_find_their_place(store: &impl LineageStore) {
    let records = Shape::Lives(40).records("late");
    let memory = MemoryLineage::new();
    memory.join(records.clone()).await.unwrap();
    for record in records.into_iter().rev() {
        assert_eq!(store.join(vec![record]).await.unwrap(), 0);
    }
    assert_eq!(differences(store, &memory, &["late".into()].into()).await, None);
}

pub(super) fn shuffle<T>(dice: &SeededRandom, items: &mut [T]) {
    for place in (1..items.len()).rev() {
        items.swap(place, dice.below(place as u64 + 1) as usize);
    }
}
