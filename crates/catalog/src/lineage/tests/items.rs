//! What is written of an item is read back, whatever stands before it; what has rotted is told.

use proptest::prelude::*;
use weir_core::lineage::{
    Deed, Earliest, EdgeFacts, EdgeKind, Json, Latest, NodeFacts, NodeKind, TelemetryRecord,
};
use weir_core::testkit::lineage::random_records;
use weir_core::testkit::world::SeededRandom;
use weir_core::time::Timestamp;

use super::super::block::{Item, decode, encode};
use super::super::bytes::Damaged;
use super::super::database_item::DatabaseItem;
use super::super::edge_item::{BackwardItem, EdgeItem};
use super::super::name_item::NameItem;
use super::super::record_body::{Numbers, Opened, Texts};
use super::super::record_item::RecordItem;
use super::super::sequence_item::SequenceItem;

fn returns<I: Item + Clone + PartialEq + std::fmt::Debug>(mut items: Vec<I>) {
    items.sort_by(I::compare);
    items.dedup_by(|later, first| later.compare(first).is_eq());
    assert!(items.is_sorted_by_key(I::key), "keys sort as items do");
    for grow_at_end in [false, true] {
        let blocks = encode(&items, grow_at_end, 940);
        let read: Vec<I> = blocks.iter().flat_map(|(_, block)| decode::<I>(block).unwrap()).collect();
        assert_eq!(read, items);
        for (_, block) in &blocks {
            // Whatever is cut off, and whatever rots, nothing panics.
            for end in 0..block.len() {
                let _ = decode::<I>(&block[..end]);
                let mut rotten = block.clone();
                rotten[end] ^= 0xA5;
                let _ = decode::<I>(&rotten);
            }
        }
    }
}

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn text() -> impl Strategy<Value = Box<str>> {
    "[a-c]{0,3}".prop_map(Into::into)
}

fn facts() -> impl Strategy<Value = NodeFacts> {
    let deeds = prop::collection::vec((0..Deed::ALL.len(), moment()), 0..5);
    let attrs =
        prop::collection::btree_map(prop_oneof![Just("name".into()), text()], (moment(), text()), 0..3);
    let told = (
        prop::option::of((moment(), text())),
        prop::option::of((moment(), 0..4_usize)),
        prop::option::of((moment(), text())),
    );
    (deeds, attrs, told, any::<bool>()).prop_map(|(deeds, attrs, (dropped, kind, user), is_known)| {
        let mut facts = NodeFacts { is_known, ..NodeFacts::default() };
        deeds.into_iter().for_each(|(deed, at)| facts.deeds.add(Deed::ALL[deed].0, at));
        facts.dropped = Latest(dropped);
        facts.kind = Latest(kind.map(|(at, kind)| (at, NodeKind::ALL[kind].0)));
        facts.user = Earliest(user);
        let told = |(name, (at, value)): (_, (_, Box<str>))| (name, Latest::at(at, Json::text(&value)));
        facts.attrs = attrs.into_iter().map(told).collect();
        facts
    })
}

fn name() -> impl Strategy<Value = NameItem> {
    let names = (any::<bool>(), prop::option::of(any::<u32>()), prop::collection::vec(any::<u32>(), 0..3));
    (any::<u32>(), any::<i64>(), "[a-c:é]{0,6}", names, facts()).prop_map(
        |(number, id, name, (is_alias, root, others), facts)| NameItem {
            is_alias,
            root,
            others,
            facts,
            ..NameItem::new(number, id, &name)
        },
    )
}

fn kind() -> impl Strategy<Value = EdgeKind> {
    (0..EdgeKind::ALL.len()).prop_map(|place| EdgeKind::ALL[place].0)
}

proptest! {
    #[test]
    fn names_return(items in prop::collection::vec(name(), 0..8)) {
        returns(items);
    }

    #[test]
    fn edges_return(ends in prop::collection::vec((any::<u32>(), any::<u32>(), kind(), prop::option::of((moment(), text()))), 0..20)) {
        returns(ends.iter().map(|(from, to, kind, operation)| EdgeItem {
            from: from % 5, to: *to, kind: *kind, facts: EdgeFacts { operation: Latest(operation.clone()) },
        }).collect());
        returns(ends.iter().map(|(from, to, kind, _)| BackwardItem { to: *to, from: *from, kind: *kind }).collect());
    }

    #[test]
    fn databases_return(items in prop::collection::vec((text(), any::<i64>()), 0..5)) {
        returns(items.into_iter().map(|(name, nodes)| DatabaseItem { name, nodes }).collect());
    }

    #[test]
    fn sequences_return(ranges in prop::collection::vec((0..3_u32, 1..u64::from(u32::MAX), 0..9_u64), 0..20)) {
        let items = ranges.into_iter().map(|(sender, from, more)| SequenceItem { sender, from, to: from + more });
        let mut items: Vec<SequenceItem> = items.collect();
        items.sort_by(SequenceItem::compare);
        returns(SequenceItem::tidy(items));
    }

    #[test]
    fn records_return(seed: u64) {
        let records = random_records(&SeededRandom::new(seed), 30);
        let mut known = Known::default();
        for record in &records {
            for name in record.names().chain(record.user.as_deref()).chain(record.sender.as_deref()) {
                known.add(name);
            }
        }
        for record in &records {
            let opened = Opened::of(&RecordItem::of(record, &known), &record.trace).unwrap();
            prop_assert_eq!(&opened.record(&mut known).unwrap(), record);
        }
        returns(records.iter().map(|record| RecordItem::of(record, &known)).map(Comparable).collect());
    }
}

#[derive(Clone, Debug)]
struct Comparable(RecordItem);

impl PartialEq for Comparable {
    fn eq(&self, other: &Self) -> bool {
        self.0.compare(&other.0).is_eq()
    }
}

impl Item for Comparable {
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.0.compare(&other.0)
    }

    fn key(&self) -> Vec<u8> {
        self.0.key()
    }

    fn join(&mut self, _: Self) {}

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        self.0.write(before.map(|before| &before.0), out);
    }

    fn read(before: Option<&Self>, input: &mut super::super::bytes::Input<'_>) -> Result<Self, Damaged> {
        RecordItem::read(before.map(|before| &before.0), input).map(Self)
    }
}

/// Names with their places as numbers.
#[derive(Default)]
struct Known(Vec<Box<str>>);

impl Known {
    fn add(&mut self, name: &str) {
        if !self.0.iter().any(|known| &**known == name) {
            self.0.push(name.into());
        }
    }
}

impl Numbers for Known {
    fn of_name(&self, name: &str) -> u32 {
        self.0.iter().position(|known| &**known == name).unwrap() as u32
    }

    fn of_word(&self, word: &str) -> u32 {
        self.of_name(word)
    }
}

impl Texts for Known {
    type Error = Damaged;

    fn text(&mut self, number: u32) -> Result<Box<str>, Damaged> {
        self.0.get(number as usize).cloned().ok_or(Damaged)
    }
}

#[test]
fn a_record_of_the_types_that_there_are_keeps_its_type() {
    let at = Timestamp::from_micros(0);
    for (record_type, _) in weir_core::lineage::RecordType::ALL {
        let record = TelemetryRecord::new(record_type, "t", at);
        let opened = Opened::of(&RecordItem::of(&record, &Known::default()), "t").unwrap();
        assert_eq!(opened.record_type, record_type);
    }
}
