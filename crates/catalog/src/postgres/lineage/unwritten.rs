//! What a transaction has put and not written yet; all of it is sent to the server at once.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use futures::try_join;
use tokio_postgres::{Client, Error, Statement};

use super::tables::PostgresTables;
use super::trace_rows;
use crate::lineage::tables::GivenNames;
use crate::postgres::fault::Fault;

const PUT_BLOCKS: &str = "INSERT INTO weir_lineage.blocks (trace, part, first, items)
    SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bytea[], $4::bytea[])
    ON CONFLICT (trace, part, first) DO UPDATE SET items = EXCLUDED.items";
const ADD_DIGESTS: &str = "INSERT INTO weir_lineage.trace_digests (digest, trace)
    SELECT * FROM unnest($1::bigint[], $2::bigint[])";
const ADD_NAMES: &str = "INSERT INTO weir_lineage.name_numbers (first_id, trace, first_number)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])";
const ADD_RUN: &str =
    "WITH run AS (INSERT INTO weir_lineage.key_run_sizes (entries) VALUES ($1) RETURNING run)
    INSERT INTO weir_lineage.key_runs (run, first, entries)
    SELECT run.run, r.first, r.entries FROM run, unnest($2::bigint[], $3::bytea[]) AS r(first, entries)";

/// What is to be written beside blocks.
#[derive(Default)]
pub(super) struct Unwritten {
    /// Traces whose rows have changed, by their keys.
    pub traces: BTreeSet<Box<str>>,
    /// Digests of keys, and the traces that were begun under them.
    pub new_traces: Vec<(i64, i64)>,
    pub names: Vec<GivenNames>,
    pub runs: Vec<NewRun>,
}

/// A run of keys that is to be written.
pub(super) struct NewRun {
    /// Each under its lowest digest.
    pub rows: Vec<(i64, Vec<u8>)>,
    pub entries: i64,
}

/// Columns of blocks.
#[derive(Default)]
struct BlockColumns {
    traces: Vec<i64>,
    parts: Vec<i16>,
    firsts: Vec<Vec<u8>>,
    items: Vec<Vec<u8>>,
}

impl PostgresTables<'_> {
    /// Writes what was put, and ends the transaction. How many bytes of stored blocks it has taken the place of.
    pub(super) fn write(mut self) -> Result<u64, Fault> {
        let (mut blocks, mut replaced_bytes) = (BlockColumns::default(), 0);
        for change in self.shelves.changes() {
            replaced_bytes += change.replaced_bytes as u64;
            blocks.traces.push(change.place.trace);
            blocks.parts.push(change.place.part as i16);
            blocks.firsts.push(change.first.to_vec());
            blocks.items.push(self.packing.pack(change.block));
        }
        let [put_blocks, add_digests, add_names, add_run, put_trace] =
            [PUT_BLOCKS, ADD_DIGESTS, ADD_NAMES, ADD_RUN, trace_rows::PUT]
                .map(|text| self.session.statement(text));
        let (add_run, put_trace) = (add_run?, put_trace?);
        let (put_blocks, add_digests, add_names) = (put_blocks?, add_digests?, add_names?);
        let client = self.session.client();
        let rows = self.unwritten.traces.iter().filter_map(|key| self.traces.get(key)?.as_ref());
        // Sent in this order without waiting; what fails makes all after it fail, the end of the transaction too.
        self.session.run(async {
            try_join!(
                blocks.put(client, &put_blocks),
                try_join_all(rows.map(|row| trace_rows::put(client, &put_trace, row))),
                self.unwritten.add_digests(client, &add_digests),
                self.unwritten.add_names(client, &add_names),
                self.unwritten.add_runs(client, &add_run),
                client.batch_execute("COMMIT"),
            )
        })?;
        Ok(replaced_bytes)
    }
}

impl BlockColumns {
    async fn put(&self, client: &Client, statement: &Statement) -> Result<(), Error> {
        if self.traces.is_empty() {
            return Ok(());
        }
        let Self { traces, parts, firsts, items } = self;
        client.execute(statement, &[traces, parts, firsts, items]).await.map(drop)
    }
}

impl Unwritten {
    async fn add_digests(&self, client: &Client, statement: &Statement) -> Result<(), Error> {
        let (digests, traces): (Vec<i64>, Vec<i64>) = self.new_traces.iter().copied().unzip();
        if digests.is_empty() {
            return Ok(());
        }
        client.execute(statement, &[&digests, &traces]).await.map(drop)
    }

    async fn add_names(&self, client: &Client, statement: &Statement) -> Result<(), Error> {
        if self.names.is_empty() {
            return Ok(());
        }
        let first_ids: Vec<i64> = self.names.iter().map(|names| names.first_id).collect();
        let traces: Vec<i64> = self.names.iter().map(|names| names.trace).collect();
        let first_numbers: Vec<i64> = self.names.iter().map(|names| i64::from(names.first_number)).collect();
        client.execute(statement, &[&first_ids, &traces, &first_numbers]).await.map(drop)
    }

    async fn add_runs(&self, client: &Client, statement: &Statement) -> Result<(), Error> {
        let add = async |NewRun { rows, entries }: &NewRun| {
            let (firsts, entries_of_rows): (Vec<i64>, Vec<&[u8]>) =
                rows.iter().map(|(first, row)| (*first, row.as_slice())).unzip();
            client.execute(statement, &[entries, &firsts, &entries_of_rows]).await
        };
        try_join_all(self.runs.iter().map(add)).await.map(drop)
    }
}
