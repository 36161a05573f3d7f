//! `GET /v1/status`: how everything stands, at a glance.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::ledger::Standing;

use super::answer::{Answer, json};
use super::entry::Api;
use crate::inputs::{InputStatus, PartitionStatus};

/// How everything stands.
#[derive(Serialize, ToSchema)]
pub struct Status {
    /// Weir's version.
    version: &'static str,
    /// Seconds since the start.
    uptime_seconds: u64,
    /// This instance's name.
    instance_id: String,
    /// What it does: `all`, or some of `api`, `loader` and `jobs`.
    roles: Vec<&'static str>,
    /// The log; with a role that has none, an empty one.
    log: LogStatus,
    /// Every sink that is delivered to here, and those that were.
    sinks: Vec<SinkStatus>,
    /// Every input beside HTTP.
    inputs: Vec<InputForm>,
}

/// How an input stands.
#[derive(Serialize, ToSchema)]
struct InputForm {
    /// Its name.
    name: String,
    /// Its type.
    r#type: &'static str,
    /// `running`, or `retrying` while something keeps it from its work.
    state: &'static str,
    /// What of the broker's topics this instance reads.
    partitions: Vec<PartitionForm>,
    /// Places in them that not every sink has settled.
    lag: u64,
    /// Messages that could not be read, each a dead letter of the sink `input:NAME`.
    dead: u64,
    /// Messages that the broker deleted before they were read, since the start.
    lost: u64,
    /// What keeps it from its work.
    trouble: Option<String>,
}

/// How a partition stands.
#[derive(Serialize, ToSchema)]
struct PartitionForm {
    /// Its name.
    partition: String,
    /// Everything before this is settled by every sink, and committed.
    committed: Option<u64>,
    /// Where it ends, as of some seconds ago.
    end: u64,
}

/// How the log stands.
#[derive(Serialize, ToSchema)]
struct LogStatus {
    /// What it takes on disk.
    size_bytes: u64,
    /// Events ever accepted.
    accepted: u64,
    /// When the oldest event came that some sink still lacks.
    oldest_pending_at: Option<String>,
    /// How long ago that is.
    oldest_pending_age_seconds: Option<f64>,
    /// Why it takes nothing at the moment.
    trouble: Option<String>,
}

/// How a sink, or a replay into it, stands. accepted = delivered + dead + filtered + pending.
#[derive(Serialize, ToSchema)]
pub struct SinkStatus {
    /// Its name.
    name: String,
    /// The log's partition it reads.
    partition: String,
    /// The replay that this is, if it is one.
    replay: Option<String>,
    /// `running`, `retrying`, `blocked`, `paused`, `removed`, or `elsewhere`: processes of other roles deliver to it.
    state: &'static str,
    /// Events for it.
    accepted: u64,
    /// Stored, duplicates included.
    delivered: u64,
    /// Of those, there before.
    duplicates: u64,
    /// In the dead letters.
    dead: u64,
    /// Left out by its filter.
    filtered: u64,
    /// None of these yet.
    pending: u64,
    /// When the oldest of those came.
    oldest_pending_at: Option<String>,
    /// What last went wrong.
    last_error: Option<Failure>,
    /// When it is tried again.
    next_try_at: Option<String>,
}

/// Something that went wrong.
#[derive(Serialize, ToSchema)]
struct Failure {
    /// In the sink's own words.
    text: String,
    /// When.
    at: String,
}

/// Version, uptime, the log, and every sink.
#[utoipa::path(
    get, path = "/v1/status", tag = "operation",
    responses((status = 200, description = "How everything stands", body = Status))
)]
pub fn get_status(api: &Api) -> Answer {
    let around = &api.surroundings;
    let snapshot = around.ledger.snapshot();
    let oldest = snapshot.sinks.iter().filter_map(|standing| standing.oldest_pending_at).min();
    let log = LogStatus {
        size_bytes: around.log_gauge.size_bytes(),
        accepted: snapshot.accepted.values().sum(),
        oldest_pending_at: oldest.map(|at| at.to_string()),
        oldest_pending_age_seconds: oldest.map(|at| around.clock.now().since(at).as_secs_f64()),
        trouble: around.log_gauge.trouble(),
    };
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: api.started.elapsed().as_secs(),
        instance_id: api.settings.instance_id.clone(),
        roles: api.settings.roles.clone(),
        log,
        inputs: around.inputs.iter().map(|input| InputForm::of(input.status(), &snapshot.inputs)).collect(),
        sinks: snapshot.sinks.into_iter().map(SinkStatus::of).collect(),
    };
    json(StatusCode::OK, &status)
}

impl InputForm {
    fn of(status: InputStatus, accounts: &[Standing]) -> Self {
        let own = accounts.iter().filter(|account| account.sink.input() == Some(&status.name));
        let partition =
            |PartitionStatus { partition, committed, end }| PartitionForm { partition, committed, end };
        Self {
            lag: status.lag(),
            dead: own.map(|account| account.dead).sum(),
            r#type: status.kind,
            state: if status.trouble.is_some() { "retrying" } else { "running" },
            partitions: status.partitions.into_iter().map(partition).collect(),
            lost: status.lost,
            trouble: status.trouble,
            name: status.name,
        }
    }
}

impl SinkStatus {
    /// The standing, as it is told.
    pub fn of(standing: Standing) -> Self {
        let condition = standing.condition;
        Self {
            name: standing.sink.to_string(),
            partition: standing.partition.to_string(),
            replay: Some(standing.lane).filter(|lane| !lane.is_empty()),
            state: condition.state.as_str(),
            accepted: standing.routed,
            delivered: standing.delivered,
            duplicates: standing.duplicates,
            dead: standing.dead,
            filtered: standing.filtered,
            pending: standing.pending,
            oldest_pending_at: standing.oldest_pending_at.map(|at| at.to_string()),
            last_error: condition
                .last_error
                .map(|failure| Failure { text: failure.text, at: failure.at.to_string() }),
            next_try_at: condition.next_try_at.map(|at| at.to_string()),
        }
    }
}
