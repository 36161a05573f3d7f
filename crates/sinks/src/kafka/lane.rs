//! One log's way into Kafka: a producer of its own, whose batches follow one another.
//!
//! **Constraint.** With transactions, a batch is in Kafka whole or not at all, and once: its name is committed with it
//! ([`Done`]), and read again by whoever begins anew. A producer that begins ends what an earlier one of the same name had
//! begun, and shuts it out; so what it reads then is the last word. After any failure the producer is given up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use weir_core::sink::{Batch, Exception, Receipt, Refusal, SinkError, Verdict};
use weir_kafka::Events;
use weir_kafka::rdkafka::TopicPartitionList;
use weir_kafka::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};

use super::client::{Client, Deadline, Failed};
use super::done::{Done, Name};
use super::fault::{Fault, Meaning};
use super::message::{Message, Messages};
use super::shared::Shared;

/// How long to wait for a group's coordinator that is only just becoming one.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The way of one log's batches.
pub(super) struct Lane {
    shared: Arc<Shared>,
    /// Of its transactions, and of the group whose offsets carry the names of its batches.
    name: String,
    open: Option<Open>,
}

struct Open {
    client: Client,
    /// `None` where batches are no transactions.
    transactions: Option<Transactions>,
    /// The certificate files that the client was made from.
    made_from: Vec<Option<SystemTime>>,
}

struct Transactions {
    group: ConsumerGroupMetadata,
    /// By the topic whose first partition carries it: that of a batch's first message.
    done: HashMap<Arc<str>, Done>,
}

/// What came of sending.
enum Outcome {
    Stored,
    StoredBefore,
    /// Nothing is stored, for the sake of these.
    Refused(Refusal),
}

impl Lane {
    pub fn new(shared: Arc<Shared>, name: String) -> Self {
        Self { shared, name, open: None }
    }

    /// Blocks, until the deadline at most. The batch's messages may have been made before.
    pub fn deliver(
        &mut self,
        batch: &Batch,
        prepared: Option<Messages>,
        deadline: Deadline,
    ) -> Result<Receipt, SinkError> {
        let prepared = prepared.unwrap_or_else(|| self.shared.form.messages(batch));
        let Messages { mut messages, repeats, mut refused } = prepared;
        messages.extend(self.shared.form.letters(&batch.unreadable));
        self.leave_out_of_too_many_topics(&mut messages, &mut refused);
        let mut receipt = Receipt { duplicates: repeats, exceptions: refused, ..Receipt::default() };
        if messages.is_empty() {
            return Ok(receipt);
        }
        match self.bring(batch, &mut messages, deadline) {
            Ok(Outcome::Stored) => Ok(receipt),
            Ok(Outcome::StoredBefore) => {
                receipt.duplicates += messages.len().saturating_sub(batch.unreadable.len()) as u64;
                Ok(receipt)
            }
            Ok(Outcome::Refused(refusal)) => {
                // librdkafka has numbered what the broker would not have, and would miss it for ever.
                self.open = None;
                let [alone] = messages.as_slice() else { return Err(SinkError::Refused(refusal)) };
                if batch.records.is_empty() {
                    let Refusal { reason, detail } = refusal;
                    tracing::warn!(
                        topic = &*alone.topic,
                        reason,
                        detail,
                        "a dead letter is not in its topic"
                    );
                    return Ok(receipt);
                }
                let verdict = Verdict::Refused(refusal);
                receipt.exceptions.push(Exception { index: alone.index, verdict });
                receipt.exceptions.sort_by_key(|exception| exception.index);
                Ok(receipt)
            }
            Err(fault) => {
                self.give_up();
                Err(self.told(fault))
            }
        }
    }

    fn leave_out_of_too_many_topics(&self, messages: &mut Vec<Message>, refused: &mut Vec<Exception>) {
        let too_many = self.shared.topics.too_many(messages.iter().map(|message| &message.topic));
        if too_many.is_empty() {
            return;
        }
        for message in messages.iter().filter(|message| too_many.contains(&message.topic)) {
            let refusal = Refusal {
                reason: "too_many_topics".to_owned(),
                detail: format!(
                    "topic {} would be one more than `topics_max` allows; raise it if that is meant",
                    message.topic
                ),
            };
            refused.push(Exception { index: message.index, verdict: Verdict::Refused(refusal) });
        }
        messages.retain(|message| !too_many.contains(&message.topic));
        refused.sort_by_key(|exception| exception.index);
    }

    fn bring(
        &mut self,
        batch: &Batch,
        messages: &mut [Message],
        deadline: Deadline,
    ) -> Result<Outcome, Fault> {
        self.take_up_changed_files();
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::new(&self.shared, &self.name, deadline)?),
        };
        let mut last = None;
        for message in messages.iter().filter(|message| last.replace(&message.topic) != Some(&message.topic))
        {
            let (client, config) = (&open.client, &self.shared.plain);
            self.shared.topics.ensure(&message.topic, (client, config), deadline)?;
        }
        let send = |client: &Client, messages: &mut [Message]| {
            judge(&client.send(messages, deadline)?).map_err(|fault| client.explained(fault))
        };
        match &mut open.transactions {
            None => Ok(send(&open.client, messages)?.map_or(Outcome::Stored, Outcome::Refused)),
            Some(transactions) => {
                let name = Name::of(batch, messages);
                let carrier = messages.first().map(|message| message.topic.clone()).unwrap_or_default();
                let done = transactions.done_in(&carrier, &self.shared, &self.name, deadline)?;
                if done.has(&name) {
                    return Ok(Outcome::StoredBefore);
                }
                open.client.begin()?;
                if let Some(refusal) = send(&open.client, messages)? {
                    open.client.abort(deadline)?;
                    return Ok(Outcome::Refused(refusal));
                }
                let done = done.and(name);
                let end = i64::try_from(batch.id.end.0).unwrap_or(i64::MAX);
                open.client.commit(&transactions.group, (&carrier, end, &done.to_string()), deadline)?;
                transactions.done.insert(carrier, done);
                Ok(Outcome::Stored)
            }
        }
    }

    fn take_up_changed_files(&mut self) {
        let now = self.shared.settings.connection.changed_at();
        if self.open.as_ref().is_some_and(|open| open.made_from != now) {
            self.open = None;
        }
    }

    fn give_up(&mut self) {
        self.open = None;
        self.shared.topics.forget();
    }

    fn told(&self, fault: Fault) -> SinkError {
        let brokers = &self.shared.address;
        if fault.is_fenced() {
            let name = &self.name;
            let fault = Fault::plain(format!(
                "another producer has taken over the transactions of {name:?} ({fault}); this one begins anew. \
                 If it happens again, two instances run under one instance id, or two installations under one `group`"
            ));
            return fault.at(brokers);
        }
        fault.at(brokers)
    }
}

impl Open {
    fn new(shared: &Shared, name: &str, deadline: Deadline) -> Result<Self, Fault> {
        let made_from = shared.settings.connection.changed_at();
        if shared.has_transactions() {
            let mut config = shared.transactional.clone();
            config.set("transactional.id", name);
            let client = Client::new(&config, shared.events()?)?;
            client.reach(deadline)?;
            match client.init_transactions(deadline) {
                Ok(()) => {
                    let transactions = Some(Transactions::new(shared, name)?);
                    return Ok(Self { client, transactions, made_from });
                }
                Err(fault) if shared.may_do_without(&fault) => {}
                Err(fault) => return Err(fault),
            }
        }
        let client = Client::new(&shared.plain, shared.events()?)?;
        client.reach(deadline)?;
        Ok(Self { client, transactions: None, made_from })
    }
}

impl Transactions {
    fn new(shared: &Shared, name: &str) -> Result<Self, Fault> {
        let group = reader(shared, name)?.group_metadata();
        let group = group.ok_or_else(|| Fault::plain("librdkafka does not know the group"))?;
        Ok(Self { group, done: HashMap::new() })
    }

    /// What is done of the batches whose names this topic carries; read once, as nobody else writes it.
    fn done_in(
        &mut self,
        topic: &Arc<str>,
        shared: &Shared,
        name: &str,
        deadline: Deadline,
    ) -> Result<Done, Fault> {
        if let Some(done) = self.done.get(topic) {
            return Ok(done.clone());
        }
        let reader = reader(shared, name)?;
        let mut met = None;
        let note = loop {
            match note(&reader, topic, deadline) {
                Ok(note) => break note,
                Err(fault) if fault.is_passing() && !deadline.is_over() => {
                    met = Some(fault);
                    std::thread::sleep(LOOK_INTERVAL);
                }
                Err(fault) if fault.is_late() => return Err(untold(name, &met.unwrap_or(fault))),
                Err(fault) => return Err(fault),
            }
        };
        let unknown =
            || Fault::plain(format!("what is committed for group {name:?} is not of this version: {note:?}"));
        let done = Done::parse(&note).ok_or_else(unknown)?;
        self.done.insert(topic.clone(), done.clone());
        Ok(done)
    }
}

fn reader(shared: &Shared, name: &str) -> Result<BaseConsumer<Events>, Fault> {
    let config = shared.settings.reader(name).map_err(|error| Fault::plain(error.to_string()))?;
    let events = shared.events()?;
    let needs_token = events.needs_token();
    let reader: BaseConsumer<Events> =
        config.create_with_context(events).map_err(|error| Fault::of(&error))?;
    if needs_token {
        // Nothing is there to be read but its wish for one.
        let _ = reader.poll(Duration::ZERO);
    }
    Ok(reader)
}

/// What was committed beside the offset of the topic's first partition; empty where nothing was.
fn note(reader: &BaseConsumer<Events>, topic: &str, deadline: Deadline) -> Result<String, Fault> {
    let mut offsets = TopicPartitionList::with_capacity(1);
    offsets.add_partition(topic, 0);
    let committed = reader.committed_offsets(offsets, deadline.left()).map_err(|error| Fault::of(&error))?;
    let Some(first) = committed.elements().into_iter().next() else { return Ok(String::new()) };
    first.error().map_err(|error| Fault::of(&error))?;
    Ok(first.metadata().to_owned())
}

/// Nothing is sent before it is known what is done: it could be there twice.
fn untold(name: &str, fault: &Fault) -> Fault {
    Fault::plain(format!(
        "what is committed for group {name:?} is not told in time ({fault}); if that goes on, see whether the group has a \
         coordinator, and whether a transaction hangs (kafka-transactions.sh find-hanging)"
    ))
}

/// Whether all is stored; why not, if it is for the sake of what the messages are.
fn judge(failed: &[Failed]) -> Result<Option<Refusal>, Fault> {
    let fault = |failed: &Failed| Fault::coded(failed.code, failed.code.to_string());
    let is_theirs = |failed: &&Failed| fault(failed).meaning() == Meaning::Messages;
    match (failed.iter().find(is_theirs), failed.first()) {
        (Some(theirs), _) => Ok(Some(fault(theirs).refusal())),
        (None, Some(first)) => Err(fault(first)),
        (None, None) => Ok(None),
    }
}
