//! What comes again has no second effect: after a lost answer, in another month, from two at once, as a replay.

use futures::future::join_all;
use weir_core::sink::{Receipt, Sink};
use weir_core::testkit::sink::batch;

use crate::postgres::proxy::Proxy;
use crate::postgres::server::Server;
use crate::postgres::{SUITE, assert_retry, events, settings, start, unnamed};

const DECEMBER: &str = "2026-12-01T00:00:00Z";
const NEW: Receipt = Receipt { duplicates: 0, exceptions: Vec::new(), places: Vec::new() };

fn repeated(duplicates: u64) -> Receipt {
    Receipt { duplicates, ..NEW }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats() {
    let Some(server) = Server::of_our_own(SUITE, None) else { return };
    a_batch_whose_answer_was_lost_is_known(&server).await;
    another_batch_under_a_known_name_is_stored_all_the_same(&server).await;
    a_replay_meets_its_rows(&server).await;
    a_clients_repeat_in_the_next_month_is_known_and_so_is_one_that_was_late(&server).await;
    further_away_it_is_forgotten(&server).await;
    repeats_at_the_turn_of_the_month_that_come_at_once_are_one_row(&server).await;
}

async fn a_batch_whose_answer_was_lost_is_known(server: &Server) {
    let proxy = Proxy::before(server.port()).await;
    let mut lossy = settings(server, "lost");
    lossy.url = lossy.url.replace(&server.port().to_string(), &proxy.port.to_string());
    let sink = start(&lossy);
    for (records, name) in [(events(0..100, DECEMBER), "named"), (unnamed(200..300, DECEMBER), "unnamed")] {
        let batch = batch(name, records);
        sink.check().await.unwrap();
        proxy.lose_next();
        assert_retry(sink.deliver(&batch).await);
        assert_eq!(sink.deliver(&batch).await.unwrap(), repeated(100), "{name}");
    }
    assert_eq!(server.count("lost").await, (200, 200));
    let noted = server.ask("SELECT batch FROM weir_batches WHERE events_table = 'lost' ORDER BY 1").await;
    assert_eq!(noted, ["contract/named/0-100", "contract/unnamed/200-300"]);
}

async fn another_batch_under_a_known_name_is_stored_all_the_same(server: &Server) {
    let sink = start(&settings(server, "same_name"));
    let first = batch("p", events(0..10, DECEMBER));
    assert_eq!(sink.deliver(&first).await.unwrap(), NEW);
    let mut other = batch("p", unnamed(10..20, DECEMBER));
    other.id = first.id;
    assert_eq!(sink.deliver(&other).await.unwrap(), NEW);
    assert_eq!(sink.deliver(&other).await.unwrap(), repeated(10));
    assert_eq!(server.count("same_name").await, (20, 20));
    // What is noted and not there is stored: a note is no reason to lose anything.
    server.tell("TRUNCATE same_name").await;
    assert_eq!(sink.deliver(&other).await.unwrap(), NEW);
    assert_eq!(server.count("same_name").await, (10, 10));
}

async fn a_replay_meets_its_rows(server: &Server) {
    let sink = start(&settings(server, "replay"));
    let records = unnamed(0..100, DECEMBER);
    assert_eq!(sink.deliver(&batch("p", records[..60].to_vec())).await.unwrap(), NEW);
    let mut replay = batch("p", records);
    replay.id.part = "~replay".to_owned();
    assert_eq!(sink.deliver(&replay).await.unwrap(), repeated(60));
    assert_eq!(server.count("replay").await, (100, 100));
}

async fn a_clients_repeat_in_the_next_month_is_known_and_so_is_one_that_was_late(server: &Server) {
    let sink = start(&settings(server, "months"));
    assert_eq!(sink.deliver(&batch("december", events(0..10, DECEMBER))).await.unwrap(), NEW);
    let january = sink.deliver(&batch("january", events(0..20, "2027-01-31T00:00:00Z"))).await;
    assert_eq!(january.unwrap(), repeated(10));
    // What was held up for long comes after its repeat.
    let late = sink.deliver(&batch("late", events(15..25, "2026-12-31T00:00:00Z"))).await;
    assert_eq!(late.unwrap(), repeated(5));
    assert_eq!(server.count("months").await, (25, 25));
}

/// As far as `docs/guarantees.md` says, and no further.
async fn further_away_it_is_forgotten(server: &Server) {
    let sink = start(&settings(server, "far"));
    assert_eq!(sink.deliver(&batch("december", events(0..10, DECEMBER))).await.unwrap(), NEW);
    let february = sink.deliver(&batch("february", events(0..10, "2027-02-01T00:00:00Z"))).await;
    assert_eq!(february.unwrap(), NEW);
    assert_eq!(server.count("far").await, (20, 10));
}

async fn repeats_at_the_turn_of_the_month_that_come_at_once_are_one_row(server: &Server) {
    let sink = start(&settings(server, "turn"));
    sink.check().await.unwrap();
    let parts = (0..40_u64).map(|part| {
        let month = ["2026-11-30T23:00:00Z", DECEMBER][part as usize % 2];
        let from = part / 2 * 50;
        batch(&format!("part{part}"), events(from..from + 50, month))
    });
    let batches: Vec<_> = parts.collect();
    let mut duplicates = 0;
    for four in batches.chunks(4) {
        let receipts = join_all(four.iter().map(|batch| sink.deliver(batch))).await;
        duplicates += receipts.into_iter().map(|receipt| receipt.unwrap().duplicates).sum::<u64>();
    }
    assert_eq!((duplicates, server.count("turn").await), (1_000, (1_000, 1_000)));
}
