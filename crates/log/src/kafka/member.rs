//! This instance's membership in the group: the thread that keeps it up, and what comes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use weir_core::event::Offset;
use weir_core::log::{LogError, Partition};
use weir_core::progress::{Commit, Found};
use weir_kafka::rdkafka::Offset as RawOffset;
use weir_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use weir_kafka::rdkafka::error::KafkaError;
use weir_kafka::{Events, SettingError};

use super::commit::GroupCommitter;
use super::group::{Group, MemberContext, Move, Place};
use super::health::{Health, InputStatus, PartitionStatus};
use super::log::{KafkaLog, QUESTION_TIMEOUT, asking};
use super::reader::Readers;
use super::reading::Reading;
use super::settings::KafkaSettings;

const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// How long leaving the group may take; else the group finds out by itself.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// An input while it runs. Its partitions come by [`Membership::next`].
pub struct Membership {
    log: Arc<KafkaLog>,
    begins_with_oldest: bool,
    moved: tokio::sync::Mutex<mpsc::UnboundedReceiver<Move>>,
    health: Arc<Health>,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<(JoinHandle<()>, oneshot::Receiver<()>)>>,
}

/// What becomes of a partition.
#[derive(Debug)]
pub enum Change {
    /// It is assigned to this instance.
    Assigned(Seat),
    /// It is no longer.
    Revoked(Partition),
}

/// A partition under one assignment.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Its name.
    pub partition: Partition,
    place: Place,
    number: u64,
}

impl Membership {
    /// Joins the group. Whether a broker can be reached shows later.
    pub fn start(settings: &KafkaSettings) -> Result<Self, SettingError> {
        settings.check()?;
        let refused = |error: KafkaError| SettingError(format!("librdkafka cannot start: {error}"));
        let events = Arc::new(Events::of(&settings.input));
        let (group, moved) = Group::new(&settings.input);
        let context = MemberContext { events: events.clone(), group: group.clone() };
        let member: BaseConsumer<_> = settings.member()?.create_with_context(context).map_err(refused)?;
        let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
        member.subscribe(&topics).map_err(refused)?;
        let log = Arc::new(KafkaLog {
            input: settings.input.clone(),
            group,
            member: Arc::new(member),
            readers: Arc::new(Readers::new(settings.reader()?, events.clone())),
            messages: settings.message_reader(),
            window_max_bytes: settings.window_max_bytes,
            readings: RwLock::default(),
            lost: AtomicU64::new(0),
        });
        let (stop, health) = (Arc::new(AtomicBool::new(false)), Arc::new(Health::new(events)));
        let member = Keeper { log: log.clone(), stop: stop.clone() };
        let watcher = Watcher { log: log.clone(), stop: stop.clone(), health: health.clone() };
        let threads =
            [thread("kafka-member", move || member.run()), thread("kafka-watch", move || watcher.run())];
        let threads = threads.into_iter().collect::<Result<Vec<_>, _>>()?;
        let moved = tokio::sync::Mutex::new(moved);
        let begins_with_oldest = settings.begins_with_oldest;
        Ok(Self { log, begins_with_oldest, moved, health, stop, threads: Mutex::new(threads) })
    }

    /// What reads the partitions that are here.
    pub fn log(&self) -> Arc<KafkaLog> {
        self.log.clone()
    }

    /// What becomes of partitions, one after the other; `None` when this has ended.
    pub async fn next(&self) -> Option<Change> {
        let group = &self.log.group;
        Some(match self.moved.lock().await.recv().await? {
            Move::Here(place, number) => {
                Change::Assigned(Seat { partition: group.partition(&place), place, number })
            }
            Move::Gone(place) => Change::Revoked(group.partition(&place)),
        })
    }

    /// Asks what is committed for the partition and where it ends, and has the log read it. `None` where it has gone
    /// meanwhile.
    pub async fn find(&self, seat: &Seat) -> Result<Option<Found>, LogError> {
        let (member, place) = (self.log.member.clone(), seat.place.clone());
        // First: where the partition ends then, it is at least as far.
        let commit = asking(move || committed(&member, &place)).await?;
        let (start, end) = self.log.extent_of(&seat.place).await?;
        if !self.holds(seat) {
            return Ok(None);
        }
        let partition = seat.partition.clone();
        self.log.put(partition.clone(), Reading::new(seat.place.clone(), start, end));
        let otherwise = Offset(if self.begins_with_oldest { start } else { end });
        Ok(Some(Found { partition, commit, end: Offset(end), otherwise }))
    }

    /// Has the log read a partition no longer that has gone. Its deliveries must have ended.
    pub fn forget(&self, partition: &Partition) {
        self.log.remove(partition);
    }

    /// Whether the assignment still holds.
    pub fn holds(&self, seat: &Seat) -> bool {
        self.log.group.holds(&seat.place, seat.number)
    }

    /// What commits for the partition while the assignment holds.
    pub fn committer(&self, seat: &Seat) -> GroupCommitter {
        let KafkaLog { member, group, .. } = self.log.as_ref();
        GroupCommitter {
            member: member.clone(),
            group: group.clone(),
            place: seat.place.clone(),
            number: seat.number,
        }
    }

    /// How it stands.
    pub fn status(&self) -> InputStatus {
        let partition = |(partition, reading): (Partition, Arc<Reading>)| PartitionStatus {
            committed: self.log.group.committed_of(&reading.place),
            end: reading.latest(),
            partition,
        };
        InputStatus {
            partitions: self.log.all().into_iter().map(partition).collect(),
            lost: self.log.lost.load(Ordering::Relaxed),
            trouble: self.health.trouble(),
        }
    }

    /// Leaves the group, so that others have its partitions at once. Deliveries must have ended.
    pub async fn close(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async {
            for (_, ended) in threads {
                // A thread that panicked has ended, too.
                let _ = ended.await;
            }
        };
        if tokio::time::timeout(LEAVE_TIMEOUT * 2, ended).await.is_err() {
            tracing::warn!(
                input = self.log.input,
                "Kafka's client has not ended in time; the group finds out by itself"
            );
        }
    }
}

fn thread(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<(JoinHandle<()>, oneshot::Receiver<()>), SettingError> {
    let (end, ended) = oneshot::channel();
    let run = move || {
        run();
        // Nobody may be waiting.
        let _ = end.send(());
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    let thread = thread.map_err(|error| SettingError(format!("a thread for Kafka cannot start: {error}")))?;
    Ok((thread, ended))
}

fn committed(member: &BaseConsumer<MemberContext>, place: &Place) -> Result<Option<Commit>, KafkaError> {
    let list = member.committed_offsets(place.at(RawOffset::Invalid)?, QUESTION_TIMEOUT)?;
    let Some(found) = list.find_partition(&place.topic, place.number) else { return Ok(None) };
    found.error()?;
    let RawOffset::Offset(offset) = found.offset() else { return Ok(None) };
    // rdkafka panics where it is no text; then it is somebody else's.
    let metadata = catch_unwind(AssertUnwindSafe(|| found.metadata().to_owned())).unwrap_or_default();
    Ok(Some(Commit { offset: Offset(offset.cast_unsigned()), metadata }))
}

/// Keeps up the membership: its polling runs the callbacks.
struct Keeper {
    log: Arc<KafkaLog>,
    stop: Arc<AtomicBool>,
}

impl Keeper {
    fn run(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            self.poll();
        }
        self.log.member.unsubscribe();
        let until = Instant::now() + LEAVE_TIMEOUT;
        // It has left when nothing is assigned to it any more.
        while Instant::now() < until && self.log.member.assignment().is_ok_and(|held| held.count() > 0) {
            self.poll();
        }
    }

    fn poll(&self) {
        let KafkaLog { member, input, .. } = self.log.as_ref();
        if let Some(Err(error)) = member.poll(POLL_TIMEOUT) {
            tracing::warn!(input, %error, "Kafka's group");
        }
    }
}

/// Looks after the readers, and now and then where partitions end.
struct Watcher {
    log: Arc<KafkaLog>,
    stop: Arc<AtomicBool>,
    health: Arc<Health>,
}

impl Watcher {
    /// How often it is asked where partitions end.
    const EVERY: Duration = Duration::from_secs(10);
    const ASK_TIMEOUT: Duration = Duration::from_secs(3);

    fn run(&self) {
        let mut due = Instant::now() + Self::EVERY;
        while !self.stop.load(Ordering::SeqCst) {
            std::thread::sleep(POLL_TIMEOUT);
            self.log.readers.serve();
            self.health.listen();
            if Instant::now() >= due || self.health.wants_proof() {
                self.look();
                due = Instant::now() + Self::EVERY;
            }
        }
    }

    fn look(&self) {
        let readings = self.log.all();
        for (_, reading) in &readings {
            let Place { topic, number } = &reading.place;
            match self.log.member.fetch_watermarks(topic, *number, Self::ASK_TIMEOUT) {
                Ok((start, end)) => {
                    reading.learn(start.cast_unsigned(), end.cast_unsigned());
                    self.health.is_well();
                }
                Err(error) => return self.health.is_ill(&error),
            }
        }
        if readings.is_empty() {
            match self.log.member.fetch_metadata(None, Self::ASK_TIMEOUT) {
                Ok(_) => self.health.is_well(),
                Err(error) => self.health.is_ill(&error),
            }
        }
    }
}
