//! Rows as every driver reads and writes them, and what they mean to the core.
//!
//! A database's numbers have 63 bits and a sign; what does not fit, or a row that makes no sense, is an error and
//! never a changed value.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use weir_core::catalog::{Account, AccountKey, Claim, DeadLetter, Opening};
use weir_core::event::{Event, EventId, Offset, Record, Stream};
use weir_core::log::Partition;
use weir_core::sink::SinkName;
use weir_core::streams::Streams;
use weir_core::time::Timestamp;

use crate::{origin, source};

/// A row of `accounts`.
pub(crate) struct AccountRow {
    pub sink: String,
    pub partition: String,
    pub lane: String,
    pub from_offset: i64,
    pub until_offset: Option<i64>,
    pub accepted_before: String,
    pub planned: i64,
    pub delivered: i64,
    pub duplicates: i64,
    pub dead: i64,
    pub filtered: i64,
    pub streams: Option<String>,
    pub carried: i64,
}

/// A row of `dead_letters`, without its state.
pub(crate) struct LetterRow {
    pub id: i64,
    pub sink: String,
    pub partition: String,
    pub lane: String,
    pub count: i64,
    pub stream: String,
    pub reason: String,
    pub detail: String,
    pub attempts: i64,
    pub first_at: i64,
    pub last_at: i64,
    pub source: Option<String>,
    pub event: Option<EventRow>,
}

/// A row of `dead_letter_events`.
pub(crate) struct EventRow {
    pub event_id: [u8; 16],
    pub event_offset: i64,
    pub received_at: i64,
    pub occurred_at: i64,
    pub origin: String,
    pub client_id: Option<String>,
    pub user_id: Option<String>,
    pub body: Bytes,
}

/// A count or an offset as the database holds it.
pub(crate) fn to_number(number: u64) -> anyhow::Result<i64> {
    i64::try_from(number).map_err(|_| anyhow!("{number} is too large for the catalog"))
}

fn from_number(number: i64) -> anyhow::Result<u64> {
    u64::try_from(number).map_err(|_| anyhow!("the catalog holds {number} where only a count can be"))
}

/// The column `accepted_before`.
pub(crate) fn accepted_before_to_json(accepted: &BTreeMap<Stream, u64>) -> anyhow::Result<String> {
    let by_name: BTreeMap<&str, u64> =
        accepted.iter().map(|(stream, count)| (stream.as_str(), *count)).collect();
    serde_json::to_string(&by_name).context("writing accepted_before as JSON")
}

fn accepted_before_from_json(text: &str) -> anyhow::Result<BTreeMap<Stream, u64>> {
    let by_name: BTreeMap<String, u64> = serde_json::from_str(text).context("reading accepted_before")?;
    by_name.into_iter().map(|(name, count)| Ok((stream(&name)?, count))).collect()
}

/// What stands for every stream in the column `streams`.
const ALL_STREAMS: &str = "*";

/// The column `streams`.
pub(crate) fn streams_to_json(streams: &Streams) -> anyhow::Result<String> {
    let names: Vec<&str> = streams.named().map(Stream::as_str).collect();
    let text = match streams {
        Streams::All => serde_json::to_string(ALL_STREAMS),
        Streams::Named(_) => serde_json::to_string(&names),
    };
    text.context("writing streams as JSON")
}

fn streams_from_json(text: &str) -> anyhow::Result<Streams> {
    if serde_json::from_str(text).is_ok_and(|all: String| all == ALL_STREAMS) {
        return Ok(Streams::All);
    }
    let names: Vec<String> = serde_json::from_str(text).context("reading streams")?;
    names.iter().map(|name| stream(name)).collect::<Result<_, _>>().map(Streams::Named)
}

fn stream(name: &str) -> anyhow::Result<Stream> {
    Stream::new(name).with_context(|| format!("the catalog holds {name:?}, which is no stream's name"))
}

fn key(sink: &str, partition: &str, lane: String) -> AccountKey {
    AccountKey { sink: SinkName(sink.into()), partition: Partition(partition.into()), lane }
}

impl AccountRow {
    pub(crate) fn into_account(self) -> anyhow::Result<Account> {
        let opening = Opening {
            from: Offset(from_number(self.from_offset)?),
            until: self.until_offset.map(from_number).transpose()?.map(Offset),
        };
        let claim = |streams: &String| {
            anyhow::Ok(Claim {
                streams: streams_from_json(streams)?,
                accepted_before: accepted_before_from_json(&self.accepted_before)?,
                carried: from_number(self.carried)?,
            })
        };
        let claim = self.streams.as_ref().map(claim).transpose()?;
        Ok(Account {
            key: key(&self.sink, &self.partition, self.lane),
            opening,
            claim,
            planned: Offset(from_number(self.planned)?),
            delivered: from_number(self.delivered)?,
            duplicates: from_number(self.duplicates)?,
            dead: from_number(self.dead)?,
            filtered: from_number(self.filtered)?,
        })
    }
}

impl LetterRow {
    pub(crate) fn from_letter(letter: &DeadLetter) -> anyhow::Result<Self> {
        if let Some(record) = &letter.record {
            ensure!(record.stream == letter.stream, "dead letter {} is of two streams", letter.id);
        }
        Ok(Self {
            id: letter.id,
            sink: letter.key.sink.to_string(),
            partition: letter.key.partition.to_string(),
            lane: letter.key.lane.clone(),
            count: to_number(letter.count)?,
            stream: letter.stream.to_string(),
            reason: letter.reason.clone(),
            detail: letter.detail.clone(),
            attempts: i64::from(letter.attempts),
            first_at: letter.first_at.as_micros(),
            last_at: letter.last_at.as_micros(),
            source: letter.source.as_ref().map(source::to_json).transpose()?,
            event: letter.record.as_ref().map(EventRow::from_record).transpose()?,
        })
    }

    pub(crate) fn into_letter(self) -> anyhow::Result<DeadLetter> {
        let stream = stream(&self.stream)?;
        Ok(DeadLetter {
            id: self.id,
            key: key(&self.sink, &self.partition, self.lane),
            count: from_number(self.count)?,
            record: self.event.map(|event| event.into_record(&stream)).transpose()?,
            source: self.source.as_deref().map(source::from_json).transpose()?,
            stream,
            reason: self.reason,
            detail: self.detail,
            attempts: u32::try_from(self.attempts).context("reading a dead letter's attempts")?,
            first_at: Timestamp::from_micros(self.first_at),
            last_at: Timestamp::from_micros(self.last_at),
        })
    }
}

impl EventRow {
    fn from_record(record: &Record) -> anyhow::Result<Self> {
        let event = &record.event;
        Ok(Self {
            event_id: event.id.0,
            event_offset: to_number(record.offset.0)?,
            received_at: record.received_at.as_micros(),
            occurred_at: event.occurred_at.as_micros(),
            origin: origin::to_json(&record.origin)?,
            client_id: event.client_id.as_deref().map(str::to_owned),
            user_id: event.user_id.as_deref().map(str::to_owned),
            body: event.body.clone(),
        })
    }

    fn into_record(self, stream: &Stream) -> anyhow::Result<Record> {
        Ok(Record {
            offset: Offset(from_number(self.event_offset)?),
            stream: stream.clone(),
            received_at: Timestamp::from_micros(self.received_at),
            origin: Arc::new(origin::from_json(&self.origin)?),
            event: Event {
                id: EventId(self.event_id),
                occurred_at: Timestamp::from_micros(self.occurred_at),
                client_id: self.client_id.map(Into::into),
                user_id: self.user_id.map(Into::into),
                body: self.body,
            },
        })
    }
}
