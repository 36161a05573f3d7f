//! From `type = "clickhouse"` to the sink's own settings.

use weir_sinks::clickhouse::{self, Compression, JsonType};

use super::sinks::{columns, tls_settings};
use crate::config::sinks::clickhouse::{ClickHouseCompression, ClickHouseJson, ClickHouseSettings};

pub(super) fn settings(sink: &ClickHouseSettings) -> clickhouse::ClickHouseSettings {
    clickhouse::ClickHouseSettings {
        urls: sink.addresses().cloned().collect(),
        database: sink.database.clone(),
        table: sink.table.clone(),
        columns: columns(&sink.columns),
        user: sink.user.clone(),
        password: sink.password.as_ref().map(|password| password.expose().to_owned()),
        tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        ttl: sink.ttl,
        cluster: sink.cluster.clone(),
        is_replicated: sink.replicated.unwrap_or(sink.cluster.is_some()),
        json: match sink.json {
            ClickHouseJson::String => JsonType::Text,
            ClickHouseJson::Json => JsonType::Json,
            ClickHouseJson::Auto => JsonType::Auto,
        },
        compression: match sink.compression {
            ClickHouseCompression::None => Compression::None,
            ClickHouseCompression::Gzip => Compression::Gzip,
            ClickHouseCompression::Zstd => Compression::Zstd,
        },
        request_timeout: sink.request_timeout,
    }
}
