//! The statements: how the table is made, and how rows are put into it.
//!
//! - **Engine.** `ReplacingMergeTree` by `precedence`: of rows of one event, the one that came in first stays.
//! - **Order.** Stream, event, day, user: what people ask by. All of them are the event's own, and so is its id at the
//!   end, so that a client's repeat meets the row it made. The time itself is not in it: where the client told none, it
//!   is the time of arrival, and a repeat's would be another.
//! - **Partition.** The month in which the event was received, which no retry changes.

use std::time::Duration;

use super::layout::{PRECEDENCE, Place};
use super::settings::ClickHouseSettings;

/// Batches that a table remembers: those under way at one time, of many instances, over and over.
pub(super) const WINDOW: &str = "deduplication_window = 10000";
/// In one insert, however many rows: a block that is divided would be remembered in parts.
const ROWS_MAX: &str = "1000000000";

/// The settings of an insert: one block, known by its token, read strictly.
pub(super) const INSERT_SETTINGS: [(&str, &str); 12] = [
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("max_insert_block_size", ROWS_MAX),
    ("min_insert_block_size_rows", ROWS_MAX),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    ("max_partitions_per_insert_block", "0"),
    ("input_format_with_names_use_header", "1"),
    ("input_format_with_types_use_header", "1"),
    ("input_format_skip_unknown_fields", "0"),
    ("input_format_allow_errors_num", "0"),
    ("input_format_allow_errors_ratio", "0"),
];

/// `` `database`.`table` ``
pub(super) fn name(settings: &ClickHouseSettings) -> String {
    format!("{}.{}", quoted(&settings.database), quoted(&settings.table))
}

/// Rows follow, in columns that they name themselves.
pub(super) fn insert(settings: &ClickHouseSettings) -> String {
    format!("INSERT INTO {} FORMAT RowBinaryWithNamesAndTypes", name(settings))
}

/// `ALTER TABLE … `, for a change to follow.
pub(super) fn alter(settings: &ClickHouseSettings) -> String {
    format!("ALTER TABLE {}{}", name(settings), on_cluster(settings))
}

/// When rows go, as the server writes it.
pub(super) fn ttl(after: Duration) -> String {
    let interval = match after.as_secs() {
        seconds if seconds.is_multiple_of(86_400) => format!("toIntervalDay({})", seconds / 86_400),
        seconds => format!("toIntervalSecond({seconds})"),
    };
    format!("TTL toDateTime(received_at) + {interval}")
}

/// Makes the table.
pub(super) fn create(settings: &ClickHouseSettings, places: &[Place]) -> String {
    let columns: Vec<String> = places.iter().map(Place::declaration).collect();
    let ttl = settings.ttl.map(|after| format!(" {}", ttl(after))).unwrap_or_default();
    let (engine, memory) = match settings.is_replicated {
        true => {
            ("Replicated", format!("replicated_{WINDOW}, replicated_deduplication_window_seconds = 604800"))
        }
        false => ("", format!("non_replicated_{WINDOW}")),
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {name}{cluster} ({columns}, \
         `{PRECEDENCE}` UInt64 MATERIALIZED bitNot(toUInt64(toUnixTimestamp64Micro(received_at))) CODEC(Delta(8), ZSTD(1)), \
         INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 1) \
         ENGINE = {engine}ReplacingMergeTree({PRECEDENCE}) \
         PARTITION BY toYYYYMM(received_at) \
         ORDER BY (stream, event, toDate32(occurred_at), user_id, event_id){ttl} \
         SETTINGS allow_nullable_key = 1, {memory}, ttl_only_drop_parts = 1, \
         fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 134217728",
        name = name(settings),
        cluster = on_cluster(settings),
        columns = columns.join(", "),
    )
}

fn on_cluster(settings: &ClickHouseSettings) -> String {
    settings.cluster.as_ref().map(|cluster| format!(" ON CLUSTER {}", quoted(cluster))).unwrap_or_default()
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        let mut settings = ClickHouseSettings::new("http://h");
        (settings.database, settings.table) = ("a b".to_owned(), "t`; DROP\\".to_owned());
        assert_eq!(name(&settings), r"`a b`.`t\`; DROP\\`");
    }

    #[test]
    fn a_table_of_a_cluster_is_made_and_altered_on_all_of_it() {
        let mut settings = ClickHouseSettings::new("http://h");
        (settings.cluster, settings.is_replicated) = (Some("c".to_owned()), true);
        let create = create(&settings, &[]);
        assert!(
            create.starts_with("CREATE TABLE IF NOT EXISTS `default`.`events` ON CLUSTER `c` ("),
            "{create}"
        );
        assert!(create.contains("ENGINE = ReplicatedReplacingMergeTree(precedence)"), "{create}");
        assert!(create.contains("replicated_deduplication_window = 10000"), "{create}");
        assert_eq!(alter(&settings), "ALTER TABLE `default`.`events` ON CLUSTER `c`");
    }

    #[test]
    fn rows_go_after_whole_days_or_seconds() {
        assert_eq!(ttl(Duration::from_secs(86_400 * 90)), "TTL toDateTime(received_at) + toIntervalDay(90)");
        assert_eq!(ttl(Duration::from_secs(90)), "TTL toDateTime(received_at) + toIntervalSecond(90)");
    }
}
