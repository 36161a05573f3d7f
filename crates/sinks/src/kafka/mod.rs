//! The Kafka sink: one message an event, behind the messages that came in before it.
//!
//! **Constraint.** A message counts as stored when every broker that is to have it has it. The batches of a log follow
//! one another, each of them in one transaction where the brokers know them, so that a batch is there once, whatever is
//! killed in between. In which order events reach a partition is the order in which they came in; that holds as long as
//! the sink is given one batch at a time.
//!
//! A [`lane`] brings the batches of one log: [`message`]s named by a [`topic_name`] and holding a [`payload`], through a [`client`] of
//! librdkafka's, to [`topics`]; [`letters`] those of what is no event; [`done`] is what it knows of earlier ones, [`fault`] what Kafka's errors mean.

mod client;
mod done;
mod fault;
mod lane;
mod letters;
mod message;
mod payload;
mod settings;
mod shared;
mod topic_name;
mod topics;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Mutex as AsyncMutex;
use weir_core::log::Partition;
use weir_core::sink::{Batch, BatchId, Receipt, Sink, SinkError};

use crate::SettingsError;
use crate::client::within;
use client::{Client, Deadline};
use lane::Lane;
use message::Messages;
pub use settings::{CreateTopics, Format, KafkaSettings};
use shared::Shared;
pub use weir_kafka::{Connection, TlsFiles};

/// How many logs have a producer at a time. More than that only wait for one another.
const LANES_MAX: usize = 64;
/// How long after its time a delivery may still be at work before it is given up for lost.
const OVERDUE: Duration = Duration::from_secs(1);
/// What is left of a delivery's time for saying what kept it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Stores events as messages.
pub struct KafkaSink {
    shared: Arc<Shared>,
    lanes: Mutex<HashMap<Partition, Used>>,
}

#[derive(Clone)]
struct Used {
    lane: Arc<AsyncMutex<Lane>>,
    /// When the work that is under way has to be done.
    due: Arc<Mutex<Option<Deadline>>>,
    /// The messages of the batch that comes next.
    prepared: Arc<Mutex<Option<(BatchId, Messages)>>>,
    at: Instant,
}

impl KafkaSink {
    /// Made ready, without asking a broker for anything.
    pub fn start(settings: KafkaSettings) -> Result<Self, SettingsError> {
        Ok(Self { shared: Arc::new(Shared::new(settings)?), lanes: Mutex::default() })
    }

    /// The lane of this log; that of another one makes room for it if need be.
    fn lane(&self, partition: &Partition, sink: &str) -> Used {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.get(partition).is_some_and(Used::is_lost) {
            tracing::warn!(sink, %partition, "librdkafka has not come back from a batch; a new producer takes over");
            lanes.remove(partition);
        }
        if lanes.len() >= LANES_MAX && !lanes.contains_key(partition) {
            let idle = lanes.iter().filter(|(_, used)| Arc::strong_count(&used.lane) == 1);
            if let Some(longest) =
                idle.min_by_key(|(_, used)| used.at).map(|(partition, _)| partition.clone())
            {
                let_go(lanes.remove(&longest));
            }
        }
        let now = Instant::now();
        let used = lanes.entry(partition.clone()).or_insert_with(|| {
            let name = format!("{}.{sink}.{partition}", self.shared.settings.group);
            let lane = Arc::new(AsyncMutex::new(Lane::new(self.shared.clone(), name)));
            Used { lane, due: Arc::default(), prepared: Arc::default(), at: now }
        });
        used.at = now;
        used.clone()
    }

    /// Has `work` done on a thread that may wait. It ends by itself in time, also when nobody waits for it any more.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(Deadline) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let limit = self.shared.settings.request_timeout;
        let deadline = Deadline::after(limit.saturating_sub(LAST_WORDS).max(limit / 2));
        let done = tokio::task::spawn_blocking(move || work(deadline));
        done.await.map_err(SinkError::retry)?
    }

    async fn store(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let Used { lane, due, prepared, .. } = self.lane(&batch.id.partition, &batch.id.sink.0);
        let mut lane = lane.lock_owned().await;
        let prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
        let prepared = prepared.filter(|(id, _)| *id == batch.id).map(|(_, messages)| messages);
        let batch = batch.clone();
        let set = move |at| *due.lock().unwrap_or_else(PoisonError::into_inner) = at;
        let bring = move |deadline| {
            set(Some(deadline));
            let answer = lane.deliver(&batch, prepared, deadline);
            set(None);
            answer
        };
        self.apart(bring).await
    }
}

#[async_trait]
impl Sink for KafkaSink {
    async fn check(&self) -> Result<(), SinkError> {
        let shared = self.shared.clone();
        let look = self.apart(move |deadline| {
            let look = || {
                let client = Client::new(&shared.plain, shared.events()?)?;
                client.reach(deadline)?;
                let Some(topic) = shared.form.topic.literal() else { return Ok(()) };
                shared.topics.forget();
                shared.topics.ensure(topic, (&client, &shared.plain), deadline)
            };
            look().map_err(|fault| fault.at(&shared.address))
        });
        within(self.shared.settings.request_timeout, &self.shared.address, look).await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        within(self.shared.settings.request_timeout, &self.shared.address, self.store(batch)).await
    }

    /// Nothing is on its way while messages are made, unless they are made before.
    async fn prepare(&self, batch: &Batch) {
        let Used { prepared, .. } = self.lane(&batch.id.partition, &batch.id.sink.0);
        let (shared, batch) = (self.shared.clone(), batch.clone());
        let make = move || {
            let messages = shared.form.messages(&batch);
            *prepared.lock().unwrap_or_else(PoisonError::into_inner) = Some((batch.id, messages));
        };
        // What could not be made now is made, or found to be impossible, when it is delivered.
        let _ = tokio::task::spawn_blocking(make).await;
    }
}

impl Drop for KafkaSink {
    fn drop(&mut self) {
        let lanes = self.lanes.get_mut().unwrap_or_else(PoisonError::into_inner);
        lanes.drain().for_each(|(_, used)| let_go(Some(used)));
    }
}

impl Used {
    /// Whether whoever works there has not come back though its time is over. It may yet, and does no harm then: the
    /// broker has shut it out.
    fn is_lost(&self) -> bool {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.is_some_and(|due| due.is_over_since(OVERDUE))
    }
}

/// librdkafka takes its time to end, which is not for a thread that serves others.
fn let_go(used: Option<Used>) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn_blocking(move || drop(used));
    }
}
