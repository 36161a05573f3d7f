//! The partitions of the table: which there are, which are missing, and which have had their time.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use weir_core::time::Timestamp;

use super::fault::Fault;
use super::month::Month;
use super::schema::Layout;
use super::table::{qualified, quoted};

/// A partition that is attached to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Schema and name, quoted.
    pub name: String,
    /// From this moment on; `None` from the beginning.
    pub begin: Option<Timestamp>,
    /// Up to this moment, which is not in it; `None` for ever.
    pub end: Option<Timestamp>,
    /// Whether no event can be in it twice.
    pub is_unique: bool,
}

impl Partition {
    pub fn holds(&self, moment: Timestamp) -> bool {
        self.begin.is_none_or(|begin| begin <= moment) && self.end.is_none_or(|end| moment < end)
    }
}

/// Bounds are written as times in the session's zone, which is UTC; the server reads them back itself.
const FIND: &str = "SELECT n.nspname, c.relname, \
    (extract(epoch FROM substring(b.bound FROM 'FROM \\(''([^'']*)''\\)')::timestamptz) * 1000000)::bigint, \
    (extract(epoch FROM substring(b.bound FROM 'TO \\(''([^'']*)''\\)')::timestamptz) * 1000000)::bigint, \
    EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'event_id' \
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL \
        AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) \
    FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace, \
    LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b \
    WHERE h.inhparent = to_regclass($1) AND b.bound <> 'DEFAULT' ORDER BY 3 NULLS FIRST";

/// Those that there are, by their time.
pub(super) async fn find(client: &Client, table: &str) -> Result<Vec<Partition>, Fault> {
    let rows = client.query(FIND, &[&table]).await?;
    let moment = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let partition = |row: &tokio_postgres::Row| {
        Ok::<_, Fault>(Partition {
            name: qualified(row.try_get(0)?, row.try_get(1)?),
            begin: moment(row.try_get(2)?),
            end: moment(row.try_get(3)?),
            is_unique: row.try_get(4)?,
        })
    };
    rows.iter().map(partition).collect()
}

/// What makes those of the months that have none. They are made by themselves and attached, which lets others read and
/// write the table meanwhile; and each has an index of its own, as one of the whole table would have to name the month.
pub(super) fn creation(layout: &Layout, months: &BTreeSet<Month>) -> Vec<String> {
    let lacking = months.iter().filter(|month| layout.partition_of(month.begin()).is_none());
    let statements = lacking.flat_map(|month| {
        let (table, name) = (layout.events(), qualified(&layout.schema, &format!("{}_{month}", layout.name)));
        let (from, to) = (month.literal(), month.plus(1).literal());
        [
            format!(
                "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED \
                 INCLUDING STORAGE, UNIQUE ({}))",
                quoted("event_id")
            ),
            format!("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"),
        ]
    });
    statements.collect()
}

/// What drops those whose rows were all received before this moment.
pub(super) fn removal(layout: &Layout, before: Timestamp) -> Vec<String> {
    let over = layout.partitions.iter().filter(|partition| partition.end.is_some_and(|end| end <= before));
    over.map(|partition| format!("DROP TABLE {}", partition.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(months: &[&str]) -> Layout {
        let partition = |month: &&str| {
            let begin = Timestamp::parse(&format!("{month}-01T00:00:00Z")).unwrap();
            let end = Month::of(begin).plus(1).begin();
            Partition { name: (*month).to_owned(), begin: Some(begin), end: Some(end), is_unique: true }
        };
        let partitions = months.iter().map(partition).collect();
        Layout { schema: "public".to_owned(), name: "events".to_owned(), partitions }
    }

    #[test]
    fn a_month_without_a_partition_is_given_one() {
        let layout = layout(&["2026-11", "2026-12"]);
        let now = Month::of(Timestamp::parse("2026-12-31T23:00:00Z").unwrap());
        let statements = creation(&layout, &[now, now.plus(1)].into());
        assert_eq!(statements.len(), 2, "{statements:?}");
        assert!(statements[0].starts_with("CREATE TABLE \"public\".\"events_2027_01\" "), "{statements:?}");
        let bounds = "FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00')";
        assert!(statements[1].ends_with(bounds), "{statements:?}");
    }

    #[test]
    fn a_partition_goes_only_when_all_of_it_has_had_its_time() {
        let layout = layout(&["2026-09", "2026-10", "2026-11"]);
        let removal = |moment: &str| removal(&layout, Timestamp::parse(moment).unwrap());
        assert_eq!(removal("2026-10-31T23:59:59Z"), ["DROP TABLE 2026-09"]);
        assert_eq!(removal("2026-11-01T00:00:00Z"), ["DROP TABLE 2026-09", "DROP TABLE 2026-10"]);
    }
}
