//! The sinks there are: a line for each in the enum, in every `match`, and in [`sink_types`].
//!
//! **Constraint.** They are listed here alone. What a type's settings are, and what is wrong with them, stands in its
//! file in `config/settings/sinks`; here its settings are handed to the sink in `weir_sinks`.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use weir_core::schema::CurrentRegistry;
use weir_core::sink::Sink;
use weir_core::world::Clock;
use weir_sinks::blackhole::Blackhole;
use weir_sinks::clickhouse::ClickHouseSink;
use weir_sinks::columns::ColumnSettings;
use weir_sinks::objects::ObjectsSink;
use weir_sinks::opensearch::OpenSearchSink;
use weir_sinks::postgres::{self, PostgresSink};
use weir_sinks::rabbitmq::RabbitSink;
use weir_sinks::redis::RedisSink;
use weir_sinks::sqlite::{self, SqliteSink};
use weir_sinks::tls;

use super::{brokers, clickhouse, kafka, objects, opensearch};
use crate::config::sinks::blackhole::BlackholeSettings;
use crate::config::sinks::clickhouse::ClickHouseSettings;
use crate::config::sinks::kafka::KafkaSettings;
use crate::config::sinks::objects::ObjectsSettings;
use crate::config::sinks::opensearch::OpenSearchSettings;
use crate::config::sinks::postgres::PostgresSettings;
use crate::config::sinks::rabbitmq::RabbitmqSettings;
use crate::config::sinks::redis::RedisSettings;
use crate::config::sinks::sqlite::SqliteSettings;
use crate::config::{ColumnFrom, ColumnsSettings, SinkOf, SinkType, TlsSettings, TypeFacts};

/// One sink; its member `type` says which.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkSettings {
    /// Counts and discards.
    Blackhole(SinkOf<BlackholeSettings>),
    /// A table in ClickHouse.
    Clickhouse(SinkOf<ClickHouseSettings>),
    /// Messages to Kafka.
    Kafka(SinkOf<KafkaSettings>),
    /// Objects in a bucket or a folder.
    Objects(SinkOf<ObjectsSettings>),
    /// A monthly index in OpenSearch or Elasticsearch.
    Opensearch(SinkOf<OpenSearchSettings>),
    /// A table of Postgres, partitioned by month.
    Postgres(SinkOf<PostgresSettings>),
    /// Messages to RabbitMQ.
    Rabbitmq(SinkOf<RabbitmqSettings>),
    /// Entries of streams in Redis.
    Redis(SinkOf<RedisSettings>),
    /// A table in a SQLite file.
    Sqlite(SinkOf<SqliteSettings>),
}

/// What is known of each type before any settings are read.
pub fn sink_types() -> Vec<TypeFacts> {
    vec![
        BlackholeSettings::facts(),
        ClickHouseSettings::facts(),
        KafkaSettings::facts(),
        ObjectsSettings::facts(),
        OpenSearchSettings::facts(),
        PostgresSettings::facts(),
        RabbitmqSettings::facts(),
        RedisSettings::facts(),
        SqliteSettings::facts(),
    ]
}

impl SinkSettings {
    /// The sink, whatever its type.
    pub fn common(&self) -> &SinkOf<dyn SinkType> {
        match self {
            Self::Blackhole(sink) => sink,
            Self::Clickhouse(sink) => sink,
            Self::Kafka(sink) => sink,
            Self::Objects(sink) => sink,
            Self::Opensearch(sink) => sink,
            Self::Postgres(sink) => sink,
            Self::Rabbitmq(sink) => sink,
            Self::Redis(sink) => sink,
            Self::Sqlite(sink) => sink,
        }
    }

    /// The sink itself, ready to be delivered to.
    pub(super) fn open(&self, name: &str, around: Around<'_>) -> anyhow::Result<Arc<dyn Sink>> {
        let Around { environment, clock, .. } = around;
        Ok(match self {
            Self::Blackhole(_) => Arc::new(Blackhole::new()),
            Self::Clickhouse(sink) => Arc::new(ClickHouseSink::start(clickhouse::settings(sink))?),
            Self::Kafka(sink) => kafka::open(name, sink, around)?,
            Self::Objects(sink) => Arc::new(ObjectsSink::start(objects::settings(name, sink, around))?),
            Self::Opensearch(sink) => {
                Arc::new(OpenSearchSink::start(opensearch::settings(sink, environment))?)
            }
            Self::Postgres(sink) => Arc::new(PostgresSink::start(&postgres_settings(sink), clock.clone())?),
            Self::Rabbitmq(sink) => Arc::new(RabbitSink::start(&brokers::rabbitmq_settings(sink))?),
            Self::Redis(sink) => Arc::new(RedisSink::start(&brokers::redis_settings(sink))?),
            Self::Sqlite(sink) => Arc::new(SqliteSink::start(sqlite_settings(sink), clock.clone())?),
        })
    }
}

impl Serialize for SinkSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Blackhole(sink) => sink.serialize(serializer),
            Self::Clickhouse(sink) => sink.serialize(serializer),
            Self::Kafka(sink) => sink.serialize(serializer),
            Self::Objects(sink) => sink.serialize(serializer),
            Self::Opensearch(sink) => sink.serialize(serializer),
            Self::Postgres(sink) => sink.serialize(serializer),
            Self::Rabbitmq(sink) => sink.serialize(serializer),
            Self::Redis(sink) => sink.serialize(serializer),
            Self::Sqlite(sink) => sink.serialize(serializer),
        }
    }
}

/// What a sink is told beside its own settings.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// The environment's name.
    pub environment: &'a str,
    /// This instance's name.
    pub instance_id: &'a str,
    /// The time.
    pub clock: &'a Arc<dyn Clock>,
    /// The event types of `/store`.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka takes Protobuf"))]
    pub schemas: &'a CurrentRegistry,
}

fn postgres_settings(sink: &PostgresSettings) -> postgres::PostgresSettings {
    postgres::PostgresSettings {
        password: sink.password.as_ref().map(|password| password.expose().to_owned()),
        table: sink.table.clone(),
        columns: columns(&sink.columns),
        retention: sink.retention,
        pool_max_connections: sink.pool_max_connections,
        statement_timeout: sink.statement_timeout,
        tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        ..postgres::PostgresSettings::new(sink.url.expose())
    }
}

fn sqlite_settings(sink: &SqliteSettings) -> sqlite::SqliteSettings {
    sqlite::SqliteSettings {
        table: sink.table.clone(),
        columns: columns(&sink.columns),
        retention: sink.retention,
        ..sqlite::SqliteSettings::new(&sink.path)
    }
}

pub(super) fn columns(settings: &ColumnsSettings) -> Vec<ColumnSettings> {
    let column = |(name, column): (&String, &ColumnFrom)| ColumnSettings {
        name: name.clone(),
        from: column.from.clone(),
        kind: column.kind.clone(),
    };
    settings.0.iter().map(column).collect()
}

pub(super) fn tls_settings(settings: &TlsSettings) -> tls::TlsSettings {
    let TlsSettings { ca, cert, key, server_name } = settings.clone();
    tls::TlsSettings { ca, cert, key, server_name }
}
