//! The event log of a process: segments on disk, or none where its role takes no events in.

use std::sync::Arc;

use anyhow::Context;
use weir_core::catalog::Catalog;
use weir_core::event::Offset;
use weir_core::log::{Append, EventLog, Partition};
use weir_log::{SegmentLog, segment};

use super::no_log::NoLog;
use crate::api::LogGauge;
use crate::config::{Durability, Settings};
use crate::data_dir::DataDir;
use crate::metrics::Metrics;

/// A log, as each of its users knows it.
pub(super) struct OpenLog {
    pub events: Arc<dyn EventLog>,
    pub append: Arc<dyn Append>,
    pub gauge: Arc<dyn LogGauge>,
    segments: Option<Arc<SegmentLog>>,
}

impl OpenLog {
    /// The log that the settings' role needs.
    pub async fn of(
        settings: &Settings,
        data_dir: &DataDir,
        partition: Partition,
        catalog: &dyn Catalog,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        if !settings.has_log() {
            tell_of_what_is_left(settings);
            let none = Arc::new(NoLog);
            return Ok(Self { events: none.clone(), append: none.clone(), gauge: none, segments: None });
        }
        let seen = seen_by(catalog, &partition).await?;
        let log = Arc::new(open(settings, data_dir, (partition, seen), metrics)?);
        Ok(Self { events: log.clone(), append: log.clone(), gauge: log.clone(), segments: Some(log) })
    }

    /// Closes it, where it is open.
    pub async fn close(&self) {
        if let Some(segments) = &self.segments {
            segments.close().await;
        }
    }
}

/// The directory may have been used with another role.
fn tell_of_what_is_left(settings: &Settings) {
    let folder = settings.log_dir();
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        tracing::warn!(
            role = %settings.role,
            "{} holds a log that this role does not read; what is not delivered of it stays there until this directory is \
             used with a role that does (`weir run --role all`)",
            folder.display()
        );
    }
}

/// How far the catalog has seen the log. A log that has lost its end must not give these offsets to other events: they
/// would be taken for delivered.
async fn seen_by(catalog: &dyn Catalog, partition: &Partition) -> anyhow::Result<Offset> {
    let accounts = catalog.accounts().await.context("the catalog cannot be read")?;
    let seen =
        accounts.iter().filter(|account| account.key.partition == *partition).map(|account| account.planned);
    Ok(seen.max().unwrap_or_default())
}

fn open(
    settings: &Settings,
    data_dir: &DataDir,
    (partition, continue_at): (Partition, Offset),
    metrics: Arc<Metrics>,
) -> anyhow::Result<SegmentLog> {
    let wanted = &settings.log;
    let settings = segment::LogSettings {
        continue_at,
        durability: match wanted.durability {
            Durability::Fsync => segment::Durability::Fsync,
            Durability::Os => segment::Durability::Os,
        },
        max_bytes: wanted.max_bytes,
        free_min_bytes: wanted.free_min_bytes,
        retention: wanted.retention,
        retention_max_bytes: wanted.retention_max_bytes.unwrap_or(wanted.max_bytes),
        segment_bytes: wanted.segment_bytes,
        ..segment::LogSettings::new(data_dir.path().join("log"), partition)
    };
    let (log, report) = SegmentLog::open(settings, metrics)?;
    tell(&report);
    Ok(log)
}

/// What a start should not pass over in silence.
fn tell(report: &segment::OpenReport) {
    if let Some(torn) = &report.torn {
        let file = torn.file.display();
        let (bytes, at) = (torn.bytes, torn.byte_offset);
        tracing::warn!(
            "{file}: an entry that was never finished, nor acknowledged, is cut off ({bytes} bytes at {at})"
        );
    }
    if report.left_out > 0 {
        tracing::error!(
            "the log ends {} events before what the catalog has seen of it: they were lost with the log's end, or the \
             log was restored from a backup; it goes on after them",
            report.left_out
        );
    }
    for damaged in &report.damaged {
        let (file, bytes, at) = (damaged.file.display(), damaged.bytes, damaged.byte_offset);
        let lost: u64 = damaged.lost.values().sum();
        tracing::error!(
            "{file}: {bytes} bytes at {at} cannot be read and are set aside; {lost} events are in them"
        );
    }
    for file in &report.heads_damaged {
        tracing::error!("{}: its head is damaged", file.display());
    }
}
