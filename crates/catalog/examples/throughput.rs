//! Pairs of plan and settlement a second, each durable: `cargo run --release -p weir-catalog --example throughput`.
//!
//! The directory to measure in may be given; the system's temporary directory is often not on a disk.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_catalog::SqliteCatalog;
use weir_core::catalog::{AccountKey, Catalog, Opening, Plan, Settlement};
use weir_core::event::Offset;
use weir_core::log::Partition;
use weir_core::sink::SinkName;

const DURATION: Duration = Duration::from_secs(5);
const BATCH_EVENTS: u64 = 1_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let parent = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    for callers in [1, 10, 100] {
        let directory = tempfile::tempdir_in(&parent)?;
        let catalog = Arc::new(SqliteCatalog::open(&directory.path().join("catalog.db"))?);
        let pairs = measure(&catalog, callers).await?;
        catalog.close().await;
        let a_second = pairs as f64 / DURATION.as_secs_f64();
        println!("{callers:>4} callers: {a_second:>8.0} pairs/s");
    }
    Ok(())
}

async fn measure(catalog: &Arc<SqliteCatalog>, callers: u32) -> anyhow::Result<u64> {
    let end = Instant::now() + DURATION;
    let running: Vec<_> = (0..callers)
        .map(|caller| {
            let catalog = Arc::clone(catalog);
            tokio::spawn(async move { plan_and_settle_until(&catalog, caller, end).await })
        })
        .collect();
    let mut pairs = 0;
    for caller in running {
        pairs += caller.await??;
    }
    Ok(pairs)
}

async fn plan_and_settle_until(catalog: &SqliteCatalog, caller: u32, end: Instant) -> anyhow::Result<u64> {
    let key = AccountKey::main(&SinkName(format!("sink-{caller}").into()), &Partition("node-1".into()));
    catalog.open_account(&key, &Opening::default()).await?;
    let mut pairs = 0;
    while Instant::now() < end {
        let first = Offset(pairs * BATCH_EVENTS);
        let plan = Plan { key: key.clone(), first, end: Offset(first.0 + BATCH_EVENTS) };
        catalog.plan(std::slice::from_ref(&plan)).await?;
        let counts =
            Settlement { plan, delivered: BATCH_EVENTS, duplicates: 0, filtered: 0, dead: Vec::new() };
        catalog.settle(&counts).await?;
        pairs += 1;
    }
    Ok(pairs)
}
