//! From `[inputs.NAME]` with `type = "redis"` or `type = "rabbitmq"` to readers that append to this instance's log.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use weir_core::event::Stream;
use weir_core::ledger::InputLetters;
use weir_core::message::{MessageReader, ValueFormat};
use weir_inputs::{Door, Standing, rabbitmq, redis};

use super::inputs::Surroundings;
use super::sinks::tls_settings;
use crate::config::inputs::rabbitmq::{QueueKind, RabbitmqInputSettings};
use crate::config::inputs::redis::RedisInputSettings;
use crate::config::inputs::{InputBeginning, InputFormat};
use crate::inputs::{Input, InputStatus};
use crate::secret::Secret;

pub(super) fn start_redis(
    name: &str,
    input: &RedisInputSettings,
    around: &Surroundings,
) -> anyhow::Result<Arc<dyn Input>> {
    let settings = redis::RedisInputSettings {
        password: input.password.as_ref().map(exposed),
        keys: input.keys.clone(),
        group: input.group.clone(),
        begins_with_oldest: input.from == InputBeginning::Oldest,
        claim_after: input.claim_after,
        trims: input.trim,
        request_timeout: input.request_timeout,
        tls: input.tls.as_ref().map(tls_settings).unwrap_or_default(),
        ..redis::RedisInputSettings::new(name, input.url.expose(), &around.instance_id)
    };
    let message = (input.stream.as_deref(), input.format, input.message_max_bytes);
    let (door, standing) = door("redis", name, message, around);
    let reading = redis::read(&settings, &door, &standing)?;
    Ok(BrokerInput::start("redis", name, standing, reading))
}

pub(super) fn start_rabbitmq(
    name: &str,
    input: &RabbitmqInputSettings,
    around: &Surroundings,
) -> anyhow::Result<Arc<dyn Input>> {
    let settings = rabbitmq::RabbitInputSettings {
        password: input.password.as_ref().map(exposed),
        declare: input.declare.map(|kind| match kind {
            QueueKind::Classic => rabbitmq::QueueKind::Classic,
            QueueKind::Quorum => rabbitmq::QueueKind::Quorum,
        }),
        prefetch: input.prefetch,
        rejects: input.reject,
        request_timeout: input.request_timeout,
        tls: input.tls.as_ref().map(tls_settings).unwrap_or_default(),
        ..rabbitmq::RabbitInputSettings::new(name, input.url.expose(), &input.queue)
    };
    let message = (input.stream.as_deref(), input.format, input.message_max_bytes);
    let (door, standing) = door("rabbitmq", name, message, around);
    let world = (around.clock.clone(), around.random.clone());
    let reading = rabbitmq::read(&settings, door, standing.clone(), world)?;
    Ok(BrokerInput::start("rabbitmq", name, standing, reading))
}

fn door(
    kind: &'static str,
    name: &str,
    (stream, format, message_max_bytes): (Option<&str>, InputFormat, u64),
    around: &Surroundings,
) -> (Arc<Door>, Arc<Standing>) {
    let rules: BTreeMap<Stream, _> =
        around.rules.iter().map(|rules| (rules.stream().clone(), rules.clone())).collect();
    let reader = MessageReader {
        kind,
        stream: stream.and_then(Stream::new),
        format: value_format(format),
        schemas: around.schemas.clone(),
        message: None,
        rules,
        value_max_bytes: usize::try_from(message_max_bytes).unwrap_or(usize::MAX),
    };
    let letters = InputLetters::new(
        (kind, name, &around.instance_id),
        around.ledger.clone(),
        around.catalog.clone(),
        around.row_ids.clone(),
        around.clock.clone(),
    );
    let door = Door { input: name.to_owned(), reader, intake: around.intake.clone(), letters };
    (Arc::new(door), Arc::new(Standing::new(name)))
}

fn value_format(format: InputFormat) -> ValueFormat {
    match format {
        InputFormat::Json => ValueFormat::Json,
        InputFormat::Ndjson => ValueFormat::Lines,
        InputFormat::Protobuf => ValueFormat::Protobuf,
        InputFormat::Raw => ValueFormat::Raw,
    }
}

fn exposed(secret: &Secret) -> String {
    secret.expose().to_owned()
}

/// Reads as long as it is not closed.
struct BrokerInput {
    kind: &'static str,
    name: String,
    standing: Arc<Standing>,
    reading: JoinHandle<()>,
}

impl BrokerInput {
    fn start(
        kind: &'static str,
        name: &str,
        standing: Arc<Standing>,
        reading: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<dyn Input> {
        Arc::new(Self { kind, name: name.to_owned(), standing, reading: tokio::spawn(reading) })
    }
}

#[async_trait]
impl Input for BrokerInput {
    fn status(&self) -> InputStatus {
        InputStatus {
            name: self.name.clone(),
            kind: self.kind,
            partitions: Vec::new(),
            lost: self.standing.lost(),
            trouble: self.standing.trouble(),
        }
    }

    /// What is under way is not acknowledged, and comes again.
    async fn close(&self) {
        self.reading.abort();
    }
}
