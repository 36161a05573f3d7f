//! The inputs there are: a line for each in the enum and in every `match`.
//!
//! **Constraint.** They are listed here alone. What a type's settings are, and what is wrong with them, stands in its
//! file in `config/settings/inputs`.

use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize, Serializer};
use weir_core::catalog::Catalog;
use weir_core::intake::{Intake, StreamRules};
use weir_core::ledger::Ledger;
use weir_core::row_id::RowIds;
use weir_core::schema::CurrentRegistry;
use weir_core::world::{Clock, Random};

use super::{broker_inputs, kafka_input};
use crate::config::Settings;
use crate::config::inputs::InputType;
use crate::config::inputs::kafka::KafkaInputSettings;
use crate::config::inputs::rabbitmq::RabbitmqInputSettings;
use crate::config::inputs::redis::RedisInputSettings;
use crate::deliveries::Deliveries;
use crate::inputs::Input;

/// One input; its member `type` says which.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputSettings {
    /// Messages of Kafka's topics.
    Kafka(KafkaInputSettings),
    /// A queue of RabbitMQ.
    Rabbitmq(RabbitmqInputSettings),
    /// Streams of Redis.
    Redis(RedisInputSettings),
}

/// What `type` can be.
pub const INPUT_TYPES: [&str; 3] = ["kafka", "rabbitmq", "redis"];

/// What an input works with.
pub(super) struct Surroundings {
    #[cfg_attr(
        not(feature = "kafka"),
        expect(dead_code, reason = "only partitions are assigned to deliveries")
    )]
    pub deliveries: Arc<Deliveries>,
    pub intake: Arc<Intake>,
    pub ledger: Arc<Ledger>,
    pub row_ids: Arc<RowIds>,
    pub clock: Arc<dyn Clock>,
    /// This instance's name.
    pub instance_id: String,
    pub catalog: Arc<dyn Catalog>,
    pub random: Arc<dyn Random>,
    /// What streams ask of their events.
    pub rules: Vec<StreamRules>,
    /// The event types.
    pub schemas: CurrentRegistry,
}

impl InputSettings {
    /// What only its type has.
    pub fn own(&self) -> &dyn InputType {
        match self {
            Self::Kafka(input) => input,
            Self::Rabbitmq(input) => input,
            Self::Redis(input) => input,
        }
    }

    fn start(&self, name: &str, around: &Surroundings) -> anyhow::Result<Arc<dyn Input>> {
        match self {
            Self::Kafka(input) => kafka_input::start(name, input, around),
            Self::Rabbitmq(input) => broker_inputs::start_rabbitmq(name, input, around),
            Self::Redis(input) => broker_inputs::start_redis(name, input, around),
        }
    }
}

impl Serialize for InputSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        enum Tagged<'a> {
            Kafka(&'a KafkaInputSettings),
            Rabbitmq(&'a RabbitmqInputSettings),
            Redis(&'a RedisInputSettings),
        }
        match self {
            Self::Kafka(input) => Tagged::Kafka(input),
            Self::Rabbitmq(input) => Tagged::Rabbitmq(input),
            Self::Redis(input) => Tagged::Redis(input),
        }
        .serialize(serializer)
    }
}

/// Every input of this process, running.
pub(super) fn start(settings: &Settings, around: &Surroundings) -> anyhow::Result<Vec<Arc<dyn Input>>> {
    let one = |(name, input): (&String, &InputSettings)| {
        input.start(name, around).with_context(|| format!("inputs.{name}"))
    };
    settings.inputs_here().map(one).collect()
}
