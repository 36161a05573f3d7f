//! Thousands of small worlds in which everything goes wrong, each replayed by its seed.
//!
//! In each, clients send through a real intake while two deliveries bring the events to two stores, one of which may
//! take some of them only, by a filter and streams that may change from life to life. Both are paused at times; log,
//! catalog and stores fail, dawdle and lose their answers by the dice, and the whole is dropped at random polls (which
//! is a crash at some await point) and begun again over what was durable. In the end nothing fails any more, and the
//! accounts, the stores and what clients were told must agree.
//!
//! `WEIR_SIMULATION_SEEDS=N` runs that many; `WEIR_SIMULATION_SEED=S` runs the one that failed.

pub(crate) mod crash;
pub(crate) mod sent;
pub(crate) mod store;
pub(crate) mod taste;
pub(crate) mod universe;
pub(crate) mod weather;

use universe::Universe;

const SEEDS_DEFAULT: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a world for each seed, or for the one that the environment names.
pub(crate) fn for_each_seed(run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let seeds = match number("WEIR_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WEIR_SIMULATION_SEEDS").unwrap_or(SEEDS_DEFAULT),
    };
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("run it again with WEIR_SIMULATION_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_counts_twice() {
    for_each_seed(|seed| universe::block_on(async { Universe::new(seed).live_to_the_end().await }));
}
