//! The topics that events go to: whether they are there, and how one is made.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use weir_kafka::Events;
use weir_kafka::rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use weir_kafka::rdkafka::config::ClientConfig;
use weir_kafka::rdkafka::error::{IsError, RDKafkaErrorCode};

use super::client::{Client, Deadline};
use super::fault::Fault;
use super::settings::CreateTopics;

/// A topic that is made takes a moment until every broker knows of it; so does one that brokers make on being asked.
const APPEARING_MAX: Duration = Duration::from_secs(3);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The topics that were seen.
pub(super) struct Topics {
    seen: Mutex<BTreeSet<String>>,
    create: Option<CreateTopics>,
    most: usize,
}

impl Topics {
    pub fn new(create: Option<CreateTopics>, most: usize) -> Self {
        Self { seen: Mutex::default(), create, most }
    }

    /// Sees to it that the topic is there. `config` is for who makes it.
    pub fn ensure(
        &self,
        topic: &str,
        (client, config): (&Client, &ClientConfig),
        deadline: Deadline,
    ) -> Result<(), Fault> {
        if self.seen().contains(topic) {
            return Ok(());
        }
        match (self.look(topic, client, deadline), self.create) {
            (Err(fault), Some(create)) if fault.is_missing_topic() => {
                self.make(topic, create, config, deadline)?;
                self.await_it(topic, client, deadline)
            }
            (Err(fault), None) if fault.is_missing_topic() => self.await_it(topic, client, deadline),
            (looked, _) => looked,
        }
    }

    /// Of these topics, those that would be too many beside the ones that were seen.
    pub fn too_many<'a>(&self, topics: impl Iterator<Item = &'a Arc<str>>) -> BTreeSet<Arc<str>> {
        let seen = self.seen();
        let (mut new, mut too_many) = (BTreeSet::new(), BTreeSet::new());
        for topic in topics.filter(|topic| !seen.contains(&***topic)) {
            if new.contains(topic) || seen.len() + new.len() < self.most {
                new.insert(topic.clone());
            } else {
                too_many.insert(topic.clone());
            }
        }
        too_many
    }

    /// Something went wrong, and it may be that one of them has gone.
    pub fn forget(&self) {
        self.seen().clear();
    }

    fn look(&self, topic: &str, client: &Client, deadline: Deadline) -> Result<(), Fault> {
        let metadata = client.metadata(topic, deadline)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let error = match found {
            Some(found) => found.error().filter(IsError::is_error).map(RDKafkaErrorCode::from),
            None => Some(RDKafkaErrorCode::UnknownTopicOrPartition),
        };
        match error {
            None => {
                self.seen().insert(topic.to_owned());
                Ok(())
            }
            Some(code) => Err(Fault::coded(code, format!("topic {topic}: {code}"))),
        }
    }

    fn await_it(&self, topic: &str, client: &Client, deadline: Deadline) -> Result<(), Fault> {
        let appearing = Deadline::after(APPEARING_MAX.min(deadline.left()));
        loop {
            match self.look(topic, client, deadline) {
                Err(fault) if fault.is_missing_topic() && !appearing.is_over() => {
                    std::thread::sleep(LOOK_INTERVAL);
                }
                looked => return looked,
            }
        }
    }

    fn make(
        &self,
        topic: &str,
        create: CreateTopics,
        config: &ClientConfig,
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let CreateTopics { partitions, replication } = create;
        // Less than none is what the brokers have for a default.
        let (partitions, replication) = (partitions.unwrap_or(-1), replication.unwrap_or(-1));
        let admin: AdminClient<Events> =
            config.create_with_context(Events::of("kafka")).map_err(|error| Fault::of(&error))?;
        let wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(replication));
        let options = AdminOptions::new().operation_timeout(Some(deadline.left()));
        let made = Handle::current().block_on(admin.create_topics([&wanted], &options));
        let mut results = made.map_err(|error| Fault::of(&error))?;
        match results.pop() {
            // Somebody else was quicker.
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
                tracing::info!(topic, partitions, replication, "the topic was made");
                Ok(())
            }
            Some(Err((_, code))) => Err(Fault::coded(code, format!("topic {topic} cannot be made: {code}"))),
        }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
