//! What this machine can do at most, for `benches/run` to divide by. `limits COMMAND ARGUMENT…` prints one figure.

// It is a command of one run: it may end by panicking, and printing is what it does.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod clickhouse;
mod disk;
mod fill;
mod noop;
mod objects;
mod parse;
mod postgres;
mod steady;
mod stores;
mod telemetry;
/// Stores that do not do well, as the specs have them.
#[path = "../../tests/spec/harness"]
mod unwell {
    // What else there is of messages is the proxy's.
    #[allow(dead_code)]
    mod message;
    pub mod mute;
    pub mod slow_store;
}

use std::net::TcpListener;

use steady::Steady;
use telemetry::Telemetry;
use unwell::mute::Mute;
use unwell::slow_store::SlowStore;

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    match arguments.as_slice() {
        ["port"] => println!("{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()),
        ["fdatasync", file, seconds] => println!("{:.1}", disk::mean_fdatasync_us(file, number(seconds))),
        ["parse", port] => parse::serve(u16::try_from(number(port)).unwrap()),
        ["noop", port] => noop::serve(u16::try_from(number(port)).unwrap()),
        ["fill", url, key, events, event_bytes] => {
            fill::fill(url, key, number(events), number(event_bytes));
        }
        ["sqlite", made_by_weir, file, events] => {
            println!("{:.0}", stores::sqlite(made_by_weir, file, number(events)));
        }
        ["opensearch", url, round, events] => {
            println!("{:.0}", stores::opensearch(url, number(round), number(events)));
        }
        ["postgres", url, batch] => println!("{:.0}", postgres::postgres(url, number(batch))),
        ["clickhouse", url, batch] => println!("{:.0}", clickhouse::clickhouse(url, number(batch))),
        ["steady", base, key, events_per_second, seconds, sinks @ ..] => {
            let (events_per_second, seconds) = (number(events_per_second), number(seconds));
            println!("{}", Steady { base, key, events_per_second, seconds }.run(sinks));
        }
        ["telemetry", base, key, records] => Telemetry::new(base, key, number(records)).run(),
        ["mute"] => {
            let mute = Mute::start();
            serve_until_killed(&mute.url());
        }
        ["slow", events_per_second] => {
            let slow = SlowStore::start(u32::try_from(number(events_per_second)).unwrap());
            serve_until_killed(&slow.url());
        }
        ["folder", made_by_weir, into] => println!("{:.0}", objects::folder(made_by_weir, into)),
        ["bucket", made_by_weir, url, into] => println!("{:.0}", objects::bucket(made_by_weir, url, into)),
        // `cargo bench` and `cargo test --benches` run it without a command of ours.
        _ => println!(
            "limits port | fdatasync FILE SECONDS | noop PORT | parse PORT | fill URL KEY EVENTS EVENT_BYTES | sqlite MADE FILE EVENTS | \
             opensearch URL ROUND EVENTS | postgres URL BATCH | clickhouse URL BATCH | folder MADE INTO | \
             bucket MADE URL INTO | steady BASE KEY EVENTS_PER_SECOND SECONDS SINK… | telemetry BASE KEY RECORDS | mute | slow EVENTS_PER_SECOND"
        ),
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn serve_until_killed(url: &str) {
    println!("{url}");
    loop {
        std::thread::park();
    }
}
