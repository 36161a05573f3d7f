//! Joining records to a trace: what they tell is worked out by the core, and joined to what is kept.
//!
//! **Constraint.** Only the blocks that the records concern are read and written, however much the trace has. Joining the
//! same records again changes nothing.

use std::collections::BTreeMap;

use weir_core::lineage::{Databases, EdgeFacts, EdgeName, Join, Ranges, TelemetryRecord, TraceLineage};

use super::block::Item;
use super::database_item::DatabaseItem;
use super::edge_item::{BackwardItem, EdgeItem};
use super::name_item::NameItem;
use super::names::{Names, NewNames};
use super::record_body::Numbers;
use super::record_item::RecordItem;
use super::row::TraceRow;
use super::sequence_item::SequenceItem;
use super::shelf::{self, Blocks, Part, Place};

/// What joining made of a trace, beside its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Records that were not there before.
    pub new_records: u64,
    /// Names that were not there before.
    pub new_names: Option<NewNames>,
}

/// Joins records, all of this trace, and brings its row up to date.
pub fn join<B: Blocks>(
    blocks: &mut B,
    row: &mut TraceRow,
    records: &[&TelemetryRecord],
    next_id: &mut dyn FnMut() -> i64,
) -> Result<Joined, B::Error> {
    let mut told = TraceLineage::default();
    records.iter().for_each(|record| told.apply(record));
    let senders = records.iter().flat_map(|record| [&record.user, &record.sender]).flatten();
    let mut words: Vec<String> = senders.map(|sender| NameItem::of_word(sender)).collect();
    words.sort_unstable();
    words.dedup();
    let texts = told.nodes.keys().map(|name| &**name).chain(words.iter().map(String::as_str));
    let mut names = Names::number(blocks, row, texts, next_id)?;

    for (name, facts) in std::mem::take(&mut told.nodes) {
        names.tell(blocks, &name, facts)?;
    }
    for (one, other) in &told.aliases {
        names.unite(blocks, row, one, other)?;
    }
    let databases = names.count(blocks, &mut row.figures)?;
    row.databases += keep_databases(blocks, row.id, databases)?;
    keep_edges(blocks, row.id, std::mem::take(&mut told.edges), &names)?;
    keep_sequences(blocks, row.id, &told.sequences, &names)?;
    let new_records = keep_records(blocks, row.id, records, &names)?;
    row.records += new_records;
    row.facts.join(told.facts);
    Ok(Joined { new_records: new_records.unsigned_abs(), new_names: names.keep(blocks)? })
}

fn keep_databases<B: Blocks>(blocks: &mut B, trace: i64, changes: Databases) -> Result<i64, B::Error> {
    let changes = changes.0.into_iter().filter(|(_, nodes)| *nodes != 0);
    let items = changes.map(|(name, nodes)| DatabaseItem { name, nodes }).collect();
    shelf::join(blocks, Place { trace, part: Part::Databases }, items)
}

fn keep_edges<B: Blocks>(
    blocks: &mut B,
    trace: i64,
    edges: BTreeMap<EdgeName, EdgeFacts>,
    names: &Names,
) -> Result<(), B::Error> {
    let item = |(EdgeName { from, to, kind }, facts): (EdgeName, _)| EdgeItem {
        from: names.of_name(&from),
        to: names.of_name(&to),
        kind,
        facts,
    };
    let mut items: Vec<EdgeItem> = edges.into_iter().map(item).collect();
    items.sort_unstable_by(EdgeItem::compare);
    let backwards = items.iter().map(|item| BackwardItem { to: item.to, from: item.from, kind: item.kind });
    let mut backwards: Vec<BackwardItem> = backwards.collect();
    // Edges that were there before are there in both directions.
    if shelf::join(blocks, Place { trace, part: Part::Edges }, items)? > 0 {
        backwards.sort_unstable_by(BackwardItem::compare);
        shelf::join(blocks, Place { trace, part: Part::Backwards }, backwards)?;
    }
    Ok(())
}

fn keep_sequences<B: Blocks>(
    blocks: &mut B,
    trace: i64,
    sequences: &BTreeMap<Box<str>, Ranges>,
    names: &Names,
) -> Result<(), B::Error> {
    let mut items = Vec::new();
    for (sender, seen) in sequences {
        let sender = names.of_word(sender);
        items.extend(seen.iter().map(|(from, to)| SequenceItem { sender, from, to }));
    }
    items.sort_unstable_by(SequenceItem::compare);
    shelf::join(blocks, Place { trace, part: Part::Sequences }, items).map(drop)
}

fn keep_records<B: Blocks>(
    blocks: &mut B,
    trace: i64,
    records: &[&TelemetryRecord],
    names: &Names,
) -> Result<i64, B::Error> {
    let mut items: Vec<RecordItem> = records.iter().map(|record| RecordItem::of(record, names)).collect();
    items.sort_unstable_by(RecordItem::compare);
    shelf::join(blocks, Place { trace, part: Part::Records }, items)
}
