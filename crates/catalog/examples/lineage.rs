//! Records a second into a growing store, what a record takes there, and how long questions take:
//! `cargo run --release -p weir-catalog --example lineage -- [RECORDS] [FOLDER | postgres://…]`.
//!
//! Ten million records without a word, in traces of some hundred; then two large traces. A file of SQLite in the folder,
//! which should be on a disk (the system's temporary one often is not), or a database that has no lineage yet.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use weir_catalog::{PostgresLineage, SqliteLineage};
use weir_connect::postgres::PostgresAddress;
use weir_connect::tls::TlsSettings;
use weir_core::lineage::{Circles, Direction, LineageStore, Links, TelemetryRecord, WalkLimits, layout};
use weir_core::row_id::RowIds;
use weir_core::testkit::lineage::Shape;
use weir_core::time::Timestamp;
use weir_core::world::Clock;

const BATCH_RECORDS: usize = 2_000;
/// Batches under way at once, as a delivery has them.
const IN_FLIGHT: usize = 10;
const QUESTIONS: usize = 20;
const EVERYTHING: WalkLimits = WalkLimits { depth_max: usize::MAX, nodes_max: 1_000_000 };

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let records: usize = arguments.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let place = arguments.next().unwrap_or_else(|| std::env::temp_dir().display().to_string());
    if place.starts_with("postgres") {
        let address = PostgresAddress::parse(&place, None, &TlsSettings::default())?;
        return measure(&Measured::Postgres(PostgresLineage::start(address, row_ids())?), records).await;
    }
    let directory = tempfile::tempdir_in(place)?;
    let path = directory.path().join("lineage.db");
    measure(&Measured::Sqlite(SqliteLineage::open(&path, row_ids())?), records).await
}

/// What is measured.
enum Measured {
    Sqlite(SqliteLineage),
    Postgres(PostgresLineage),
}

impl Measured {
    fn store(&self) -> &dyn LineageStore {
        match self {
            Self::Sqlite(lineage) => lineage,
            Self::Postgres(lineage) => lineage,
        }
    }

    async fn size_bytes(&self) -> anyhow::Result<u64> {
        match self {
            Self::Sqlite(lineage) => Ok(lineage.size_bytes()),
            Self::Postgres(lineage) => Ok(lineage.size_bytes().await?),
        }
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(lineage) => lineage.close().await,
            Self::Postgres(lineage) => lineage.close().await,
        }
    }
}

async fn measure(measured: &Measured, records: usize) -> anyhow::Result<()> {
    let lineage = measured.store();
    let shape = Shape::Lives(50);
    let traces = records / shape.records("").len();
    for part in 0..10 {
        let began = Instant::now();
        let joined = grow(lineage, shape, part * traces / 10..(part + 1) * traces / 10).await?;
        let a_second = joined as f64 / began.elapsed().as_secs_f64();
        println!("{:>3} % at {a_second:>8.0} records/s", (part + 1) * 10);
    }
    let total = traces * shape.records("").len();
    println!("{:.1} bytes a record", measured.size_bytes().await? as f64 / total as f64);
    for files in [2_700, 27_000] {
        let key = format!("large-{files}");
        join(lineage, vec![Shape::Lives(files).records(&key)]).await?;
        ask(lineage, &key, files).await?;
    }
    println!(
        "{:.1} bytes a record, all in all",
        measured.size_bytes().await? as f64 / (total + 29_700 * 7) as f64
    );
    measured.close().await;
    Ok(())
}

fn row_ids() -> Arc<RowIds> {
    Arc::new(RowIds::new(Arc::new(RealClock), 1))
}

/// Ten traces at a time come side by side, as ten senders would send them.
async fn grow(
    lineage: &dyn LineageStore,
    shape: Shape,
    traces: std::ops::Range<usize>,
) -> anyhow::Result<usize> {
    let mut joined = 0;
    for group in traces.collect::<Vec<_>>().chunks(1_000) {
        let told = group.iter().map(|trace| shape.records(&format!("order-{trace:08}"))).collect();
        joined += join(lineage, told).await?;
    }
    Ok(joined)
}

async fn join(lineage: &dyn LineageStore, traces: Vec<Vec<TelemetryRecord>>) -> anyhow::Result<usize> {
    let mut side_by_side = Vec::new();
    for ten in traces.chunks(10) {
        let longest = ten.iter().map(Vec::len).max().unwrap_or(0);
        let nth = |n: usize| ten.iter().filter_map(move |records| records.get(n));
        side_by_side.extend((0..longest).flat_map(nth).cloned());
    }
    let batches: Vec<Vec<TelemetryRecord>> = side_by_side.chunks(BATCH_RECORDS).map(<[_]>::to_vec).collect();
    let mut joins = stream::iter(batches).map(|batch| lineage.join(batch)).buffer_unordered(IN_FLIGHT);
    while let Some(joined) = joins.next().await {
        joined?;
    }
    Ok(side_by_side.len())
}

async fn ask(lineage: &dyn LineageStore, key: &str, files: usize) -> anyhow::Result<()> {
    let trace = lineage.trace(key).await?.context("it was joined")?;
    let leaf = format!("file:out-{}.csv", files / 2);
    let found = lineage.nodes(&leaf, Some(trace.id), None, 1).await?;
    let (_, leaf) = found.first().context("it was joined")?;
    let nodes = trace.figures.nodes;
    print_time(&format!("a graph of {nodes} nodes, read"), async || {
        lineage.graph(trace.id, usize::MAX).await.map(drop)
    })
    .await?;
    print_time(&format!("a graph of {nodes} nodes, read and laid out"), async || {
        let graph = lineage.graph(trace.id, usize::MAX).await?.graph;
        let links = Links::of(&graph);
        let circles = Circles::of(&graph, &links);
        layout(&graph, &links, &circles);
        Ok(())
    })
    .await?;
    print_time(&format!("upstream of a leaf among {nodes}"), async || {
        lineage.part(leaf.id, Direction::Upstream, EVERYTHING).await.map(drop)
    })
    .await?;
    print_time("all traces of a key", async || lineage.nodes("file:in-7.csv", None, None, 10).await.map(drop))
        .await
}

async fn print_time(
    what: &str,
    question: impl AsyncFn() -> Result<(), weir_core::lineage::LineageError>,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        let began = Instant::now();
        question().await?;
        times.push(began.elapsed());
    }
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (half, most) = (milliseconds(times[QUESTIONS / 2]), milliseconds(times[QUESTIONS - 1]));
    println!("{what}: {half:.2} ms, at most {most:.2} ms");
    Ok(())
}

/// The system's clock.
struct RealClock;

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0).after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
