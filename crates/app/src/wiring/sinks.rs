//! From `[sinks.NAME]` to sinks.

use std::sync::Arc;

use anyhow::Context;
use weir_core::delivery::{BatchLimits, RetryPolicy, Route};
use weir_core::event::Stream;
use weir_core::sink::{Sink, SinkName};
use weir_core::world::Clock;
use weir_sinks::blackhole::Blackhole;
use weir_sinks::clickhouse::ClickHouseSink;
use weir_sinks::columns::ColumnSettings;
use weir_sinks::objects::ObjectsSink;
use weir_sinks::opensearch::{self, Credentials, OpenSearchSink};
use weir_sinks::postgres::{self, PostgresSink};
use weir_sinks::sqlite::{self, SqliteSink};
use weir_sinks::tls;

use super::clickhouse;
use super::objects::{self, Writer};
use crate::config::{
    BatchSettings, Beginning, ColumnFrom, ColumnsSettings, FilterSettings, OpenSearchSettings,
    PostgresSettings, RetrySettings, Settings, SinkSettings, SqliteSettings, StreamSelection, TlsSettings,
};
use crate::deliveries::ConfiguredSink;
use crate::secret::Secret;

/// What sinks are told beside their own settings.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The settings as a whole.
    pub settings: &'a Settings,
    /// This instance's name.
    pub instance_id: &'a str,
    /// The time.
    pub clock: &'a Arc<dyn Clock>,
}

/// Every sink that is configured, ready to be delivered to.
pub fn configured(around: Around<'_>) -> anyhow::Result<Vec<ConfiguredSink>> {
    let one = |(name, sink): (&String, &SinkSettings)| {
        let common = sink.common();
        Ok(ConfiguredSink {
            name: SinkName(name.as_str().into()),
            route: route(common.streams, common.filter),
            begins_with_oldest: common.from == Beginning::Oldest,
            limits: limits(common.batch),
            retry: retry(common.retry),
            sink: open(name, sink, around).with_context(|| format!("sinks.{name}"))?,
        })
    };
    around.settings.sinks.iter().map(one).collect()
}

fn open(name: &str, sink: &SinkSettings, around: Around<'_>) -> anyhow::Result<Arc<dyn Sink>> {
    let Around { settings, instance_id, clock } = around;
    Ok(match sink {
        SinkSettings::Blackhole(_) => Arc::new(Blackhole::new()),
        SinkSettings::Clickhouse(sink) => Arc::new(ClickHouseSink::start(clickhouse::settings(sink))?),
        SinkSettings::Postgres(sink) => {
            Arc::new(PostgresSink::start(&postgres_settings(sink), clock.clone())?)
        }
        SinkSettings::Sqlite(sink) => Arc::new(SqliteSink::start(sqlite_settings(sink), clock.clone())?),
        SinkSettings::Objects(sink) => {
            let writer = Writer { instance_id, sink: name, environment: &settings.environment };
            Arc::new(ObjectsSink::start(objects::settings(sink, &writer))?)
        }
        SinkSettings::Opensearch(sink) => {
            Arc::new(OpenSearchSink::start(opensearch_settings(sink, &settings.environment))?)
        }
    })
}

fn sqlite_settings(sink: &SqliteSettings) -> sqlite::SqliteSettings {
    sqlite::SqliteSettings {
        table: sink.table.clone(),
        columns: columns(&sink.columns),
        retention: sink.retention,
        ..sqlite::SqliteSettings::new(&sink.path)
    }
}

fn opensearch_settings(sink: &OpenSearchSettings, environment: &str) -> opensearch::OpenSearchSettings {
    let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    let credentials = match (text(&sink.api_key), sink.username.clone(), text(&sink.password)) {
        (Some(key), _, _) => Some(Credentials::ApiKey(key)),
        (None, Some(user), password) => {
            Some(Credentials::Basic { user, password: password.unwrap_or_default() })
        }
        (None, None, _) => None,
    };
    opensearch::OpenSearchSettings {
        index: sink.index.clone(),
        environment: environment.to_owned(),
        columns: columns(&sink.columns),
        credentials,
        tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        template_install: sink.install_template,
        request_timeout: sink.request_timeout,
        compress: sink.compress,
        ..opensearch::OpenSearchSettings::new(&sink.url)
    }
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

pub(super) fn tls_settings(settings: &TlsSettings) -> tls::TlsSettings {
    let TlsSettings { ca, cert, key, server_name } = settings.clone();
    tls::TlsSettings { ca, cert, key, server_name }
}

fn route(selection: &StreamSelection, filter: &FilterSettings) -> Route {
    let streams = match selection {
        StreamSelection::All => Route::all(),
        StreamSelection::Named(names) => Route::of(names.iter().filter_map(|name| Stream::new(name))),
    };
    match filter.filter() {
        Some(filter) => streams.with_filter(filter),
        None => streams,
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

fn limits(batch: &BatchSettings) -> BatchLimits {
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    BatchLimits {
        max_events: batch.max_events,
        max_bytes: bytes(batch.max_bytes),
        max_age: batch.max_age,
        in_flight: batch.in_flight,
        buffer_max_events: batch.buffer_max_events,
        buffer_max_bytes: bytes(batch.buffer_max_bytes),
    }
}

fn retry(retry: &RetrySettings) -> RetryPolicy {
    RetryPolicy { initial: retry.initial, max: retry.max }
}
