//! What this instance has of its consumer group: the partitions that are assigned to it, as callbacks tell.
//!
//! **Constraint.** An assignment has a number of its own. Whoever commits shows it, and an assignment ends only when no
//! commit is under way: so nothing that began under an assignment which has ended can commit under the next.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use weir_core::log::Partition;
use weir_kafka::Events;
use weir_kafka::rdkafka::client::{ClientContext, OAuthToken};
use weir_kafka::rdkafka::config::RDKafkaLogLevel;
use weir_kafka::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use weir_kafka::rdkafka::error::{KafkaError, KafkaResult};
use weir_kafka::rdkafka::types::RDKafkaRespErr;
use weir_kafka::rdkafka::{Offset, TopicPartitionList};

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The topic.
    pub topic: Arc<str>,
    /// Its number.
    pub number: i32,
}

impl Place {
    /// With an offset, as librdkafka wants it.
    pub fn at(&self, offset: Offset) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, self.number, offset)?;
        Ok(list)
    }
}

/// What becomes of partitions.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// It is this instance's, by the assignment of this number.
    Here(Place, u64),
    /// It is no longer.
    Gone(Place),
}

/// Shared by the member's callbacks and those who commit.
pub(super) struct Group {
    input: String,
    seats: Mutex<Seats>,
    moves: mpsc::UnboundedSender<Move>,
    /// Told when a commit has ended.
    commit_ended: Condvar,
}

#[derive(Default)]
struct Seats {
    /// Counts assignments.
    assigned: u64,
    held: BTreeMap<Place, u64>,
    /// Commits under way; at most one a partition.
    committing: BTreeSet<Place>,
    /// Held by whoever commits for the partition, or waits for its answer.
    turns: BTreeMap<Place, Turn>,
    /// What was committed last, as long as the partition is here.
    committed: BTreeMap<Place, u64>,
}

/// Whoever has it commits.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// A commit that is under way, until it is dropped.
pub(super) struct UnderWay<'a> {
    group: &'a Group,
    place: Place,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.group.seats().committing.remove(&self.place);
        self.group.commit_ended.notify_all();
    }
}

impl Group {
    pub fn new(input: &str) -> (Arc<Self>, mpsc::UnboundedReceiver<Move>) {
        let (moves, moved) = mpsc::unbounded_channel();
        let (seats, commit_ended) = (Mutex::default(), Condvar::new());
        (Arc::new(Self { input: input.to_owned(), seats, moves, commit_ended }), moved)
    }

    pub fn partition(&self, place: &Place) -> Partition {
        Partition::of_topic("kafka", &self.input, &place.topic, place.number)
    }

    /// Whether the assignment of this number still holds.
    pub fn holds(&self, place: &Place, number: u64) -> bool {
        self.seats().held.get(place) == Some(&number)
    }

    /// Of one partition, one commits at a time.
    pub fn turn(&self, place: &Place) -> Turn {
        self.seats().turns.entry(place.clone()).or_default().clone()
    }

    /// Holds the assignment while a commit is made under it; `None` where it has ended.
    pub fn begin_commit(&self, place: &Place, number: u64) -> Option<UnderWay<'_>> {
        let mut seats = self.seats();
        if seats.held.get(place) != Some(&number) {
            return None;
        }
        seats.committing.insert(place.clone());
        Some(UnderWay { group: self, place: place.clone() })
    }

    /// Everything before this offset is committed as settled.
    pub fn committed(&self, place: &Place, offset: u64) {
        self.seats().committed.insert(place.clone(), offset);
    }

    /// What was committed last.
    pub fn committed_of(&self, place: &Place) -> Option<u64> {
        self.seats().committed.get(place).copied()
    }

    /// Has a partition taken up once more, by the assignment that it has.
    pub fn take_up_again(&self, place: &Place) {
        let number = self.seats().held.get(place).copied();
        if let Some(number) = number {
            self.tell(Move::Here(place.clone(), number));
        }
    }

    fn took(&self, list: &TopicPartitionList) {
        let mut seats = self.seats();
        for place in places(list) {
            seats.assigned += 1;
            let number = seats.assigned;
            seats.held.insert(place.clone(), number);
            tracing::info!(input = self.input, partition = %self.partition(&place), "the partition is assigned to this instance");
            self.tell(Move::Here(place, number));
        }
    }

    /// Returns when no commit of these is under way any more: librdkafka answers each of them, be it that it was not made.
    fn left(&self, gone: &[Place]) {
        let mut seats = self.seats();
        for place in gone {
            seats.committed.remove(place);
            if seats.held.remove(place).is_some() {
                tracing::info!(
                    input = self.input, partition = %self.partition(place), "the partition is no longer this instance's"
                );
                self.tell(Move::Gone(place.clone()));
            }
        }
        let is_busy = |seats: &mut Seats| gone.iter().any(|place| seats.committing.contains(place));
        drop(self.commit_ended.wait_while(seats, is_busy));
    }

    fn held(&self) -> Vec<Place> {
        self.seats().held.keys().cloned().collect()
    }

    fn tell(&self, moved: Move) {
        // Nobody listens any more while the program ends.
        let _ = self.moves.send(moved);
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // No change can panic half-way.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn places(list: &TopicPartitionList) -> Vec<Place> {
    let elements = list.elements();
    elements.iter().map(|one| Place { topic: one.topic().into(), number: one.partition() }).collect()
}

/// What the member's callbacks do. They run within its polling, so an assignment ends before the next can begin.
pub(super) struct MemberContext {
    pub events: Arc<Events>,
    pub group: Arc<Group>,
}

impl MemberContext {
    /// Nothing is read by the member itself.
    fn take(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        list.set_all_offsets(Offset::End)?;
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(list)?,
            _ => consumer.assign(list)?,
        }
        if list.count() > 0 {
            consumer.pause(list)?;
        }
        self.group.took(list);
        Ok(())
    }

    fn leave(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        self.group.left(&places(list));
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            _ => {
                self.group.left(&self.group.held());
                consumer.unassign()
            }
        }
    }
}

impl ClientContext for MemberContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Events::ENABLE_REFRESH_OAUTH_TOKEN;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.events.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.events.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.events.error(error, reason);
    }
}

impl ConsumerContext for MemberContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.take(consumer, list),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.leave(consumer, list),
            _ => {
                self.group.left(&self.group.held());
                consumer.unassign()
            }
        };
        if let Err(error) = done {
            tracing::error!(input = self.group.input, %error, "an assignment of partitions could not be followed");
        }
    }
}
