//! Records by the dice, from a world so small that they meet: the same names, moments and senders come again and again.

use crate::lineage::{Json, NodeKind, RecordType, TelemetryRecord};
use crate::testkit::world::{SeededRandom, TestClock};
use crate::time::Timestamp;

const TRACES: [&str; 2] = ["order-1", "order-2"];
const NAMES: [&str; 9] =
    ["file:a", "file:b", "data:c", "d", "e", "f", "db:sales.orders", "db:sales.items", "process:mail"];
const TEXTS: [&str; 3] = ["x", "y", "10"];
const NUMBERS: [&str; 3] = ["9", "10", "1e1"];
const DATABASES: [&str; 2] = ["sales", "stock"];

/// So many records; the same for the same dice.
pub fn random_records(dice: &SeededRandom, count: usize) -> Vec<TelemetryRecord> {
    (0..count).map(|_| random_record(dice)).collect()
}

fn random_record(dice: &SeededRandom) -> TelemetryRecord {
    let at = Timestamp::from_micros(TestClock::BEGIN + dice.below(6).cast_signed());
    let (record_type, _) = RecordType::ALL[pick(dice, RecordType::ALL.len())];
    let mut record = TelemetryRecord::new(record_type, TRACES[pick(dice, 2)], at);
    let key = NAMES[pick(dice, NAMES.len())];
    record.seq = dice.chance(40).then(|| 1 + dice.below(9));
    match dice.below(3) {
        0 => record.user = Some(TEXTS[pick(dice, 2)].into()),
        1 => record.sender = Some(TEXTS[pick(dice, 2)].into()),
        _ => {}
    }
    record.kind = dice.chance(20).then(|| NodeKind::ALL[pick(dice, 4)].0);
    if !matches!(record_type, RecordType::TraceStart | RecordType::TraceEnd | RecordType::Derive) {
        record.key = Some(key.into());
    }
    fill(dice, &mut record, key);
    record
}

fn fill(dice: &SeededRandom, record: &mut TelemetryRecord, key: &str) {
    let text = |name: &str, value: &str| (Box::from(name), Json::text(value));
    let other = || loop {
        match NAMES[pick(dice, NAMES.len())] {
            same if same == key => {}
            other => return Box::from(other),
        }
    };
    match record.record_type {
        RecordType::Derive => {
            // Names before the split are parents, those after it children.
            let split = 1 + pick(dice, NAMES.len() - 1);
            let one = |from: usize, to: usize| NAMES[from + pick(dice, to - from)].into();
            record.parents = sorted(vec![one(0, split), one(0, split)]);
            record.children = sorted(vec![one(split, NAMES.len()), one(split, NAMES.len())]);
            if dice.chance(20) {
                std::mem::swap(&mut record.parents, &mut record.children);
            }
            if dice.chance(60) {
                record.attrs.extend([text("operation", TEXTS[pick(dice, 3)])]);
            }
        }
        RecordType::FileSend => record.attrs.extend([text("to", TEXTS[pick(dice, 2)])]),
        RecordType::DbWrite => {
            record.attrs.extend([text("database", DATABASES[pick(dice, 2)])]);
            if dice.chance(60) {
                record.attrs.extend([text("table", ["orders", "items"][pick(dice, 2)])]);
            }
        }
        RecordType::Drop => record.reason = dice.chance(80).then(|| TEXTS[pick(dice, 3)].into()),
        RecordType::Log => record.attrs.extend([text("message", TEXTS[pick(dice, 3)])]),
        RecordType::Alias => record.alias = Some(other()),
        RecordType::Replay => record.of = Some(other()),
        RecordType::Attr | RecordType::FileReceive | RecordType::FileStore => {
            let number = serde_json::from_str(NUMBERS[pick(dice, 3)]).map(Json::of);
            record.attrs.extend(number.ok().map(|number| (Box::from("bytes"), number)));
            record.attrs.extend(dice.chance(50).then(|| text("name", TEXTS[pick(dice, 3)])));
        }
        _ => {}
    }
}

fn sorted(mut names: Vec<Box<str>>) -> Vec<Box<str>> {
    names.sort_unstable();
    names.dedup();
    names
}

fn pick(dice: &SeededRandom, count: usize) -> usize {
    dice.below(count as u64) as usize
}
