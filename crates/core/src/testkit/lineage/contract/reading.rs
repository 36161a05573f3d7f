//! Reading: lists of traces, and the records of one, page by page.

use super::comparing::{node_id, records};
use crate::lineage::{
    LineageStore, PageLimits, RecordChoice, RecordType, TelemetryRecord, Trace, TraceFilter, TraceState,
};
use crate::testkit::lineage::{Shape, record};
use crate::testkit::world::TestClock;
use crate::time::Timestamp;

pub(super) async fn all<S: LineageStore, F: AsyncFn() -> S>(open: &F) {
    traces_are_listed_the_newest_first_page_by_page(&open().await).await;
    each_filter_finds_its_traces(&open().await).await;
    a_trace_without_a_user_has_its_credentials_subject(&open().await).await;
    records_come_by_moment_page_by_page(&open().await).await;
    a_page_ends_at_its_size(&open().await).await;
    log_lines_and_the_records_of_a_node_are_found(&open().await).await;
    the_records_of_a_period_are_found(&open().await).await;
    what_is_missing_is_told_by_sender(&open().await).await;
}

async fn traces_are_listed_the_newest_first_page_by_page(store: &impl LineageStore) {
    for n in 0..25 {
        store.join(vec![record(RecordType::FileRead, &format!("trace-{n}"), "file:a", n)]).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.traces(&TraceFilter::default(), before, 10).await.unwrap();
        assert!(page.traces.len() <= 10);
        seen.extend(page.traces);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert!(seen.is_sorted_by(|newer, older| newer.id > older.id));
    let expected: Vec<String> = (0..25).rev().map(|n| format!("trace-{n}")).collect();
    assert_eq!(seen.iter().map(|trace| &*trace.key).collect::<Vec<_>>(), expected);
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_micros(TestClock::BEGIN + second * 1_000_000)
}

fn start(trace: &str, user: Option<&str>, second: i64) -> TelemetryRecord {
    let user = user.map(Into::into);
    TelemetryRecord { user, ..TelemetryRecord::new(RecordType::TraceStart, trace, moment(second)) }
}

async fn each_filter_finds_its_traces(store: &impl LineageStore) {
    let file = |record_type, trace, second| TelemetryRecord {
        created_at: moment(second),
        ..record(record_type, trace, "file:a", 0)
    };
    let end = TelemetryRecord::new(RecordType::TraceEnd, "Ended", moment(20));
    let records = vec![
        start("Ended", Some("ann"), 10),
        end,
        start("dropped", Some("ann"), 30),
        file(RecordType::Drop, "dropped", 35),
        start("open", Some("Bob"), 40),
        file(RecordType::FileRead, "open", 100),
    ];
    store.join(records).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let state = |state| Some((state, moment(50)));
    let none = TraceFilter::default;
    let cases = [
        (none(), "Ended dropped open"),
        (TraceFilter { user: text("ann"), ..none() }, "Ended dropped"),
        (TraceFilter { user: text("bob"), ..none() }, ""),
        (TraceFilter { from: Some(moment(35)), ..none() }, "dropped open"),
        (TraceFilter { from: Some(moment(36)), ..none() }, "open"),
        (TraceFilter { to: Some(moment(10)), ..none() }, ""),
        (TraceFilter { to: Some(moment(31)), ..none() }, "Ended dropped"),
        (TraceFilter { from: Some(moment(25)), to: Some(moment(40)), ..none() }, "dropped"),
        (TraceFilter { state: state(TraceState::Ended), ..none() }, "Ended"),
        (TraceFilter { state: state(TraceState::Quiet), ..none() }, "dropped"),
        (TraceFilter { state: state(TraceState::Open), ..none() }, "open"),
        (TraceFilter { has_drops: Some(true), ..none() }, "dropped"),
        (TraceFilter { has_drops: Some(false), ..none() }, "Ended open"),
        (TraceFilter { text: text("PE"), ..none() }, "dropped open"),
        (TraceFilter { text: text("ob"), ..none() }, "open"),
        (TraceFilter { text: text("%"), ..none() }, ""),
        (TraceFilter { text: text("_nde"), ..none() }, ""),
    ];
    for (filter, expected) in cases {
        let page = store.traces(&filter, None, 100).await.unwrap();
        let mut keys: Vec<String> = page.traces.iter().map(|trace| trace.key.to_string()).collect();
        keys.sort();
        assert_eq!(keys.join(" "), expected, "{filter:?}");
    }
}

async fn a_trace_without_a_user_has_its_credentials_subject(store: &impl LineageStore) {
    let by = |subject: &str, record: TelemetryRecord| record.sent_by(subject);
    let read = |trace: &str| record(RecordType::FileRead, trace, "file:a", 0);
    store.join(vec![by("subject", read("1")), by("starter", start("1", None, 9))]).await.unwrap();
    store.join(vec![by("subject", read("2")), by("subject", start("2", None, 9))]).await.unwrap();
    let told = TelemetryRecord { user: Some("told".into()), ..read("2") };
    store.join(vec![by("subject", told)]).await.unwrap();
    store.join(vec![start("3", Some("starter"), 9), by("subject", read("3"))]).await.unwrap();
    for (trace, user) in [("1", "starter"), ("2", "told"), ("3", "starter")] {
        assert_eq!(&*store.trace(trace).await.unwrap().unwrap().facts.user.unwrap().2, user, "{trace}");
    }
}

async fn pages(
    store: &impl LineageStore,
    trace: &Trace,
    choice: RecordChoice,
    limits: PageLimits,
) -> Vec<Vec<TelemetryRecord>> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = store.records(trace.id, choice, after, limits).await.unwrap();
        pages.push(page.records);
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

async fn records_come_by_moment_page_by_page(store: &impl LineageStore) {
    let sent = Shape::Lives(100).records("records");
    store.join(sent.clone()).await.unwrap();
    let trace = store.trace("records").await.unwrap().unwrap();
    for max_records in [1, 7, 100, 100_000] {
        let limits = PageLimits { max_records, max_bytes: 1 << 30 };
        for latest_first in [false, true] {
            let choice = RecordChoice { latest_first, ..RecordChoice::default() };
            let pages = pages(store, &trace, choice, limits).await;
            assert!(pages.iter().all(|page| page.len() <= max_records));
            let mut found = pages.concat();
            if latest_first {
                found.reverse();
            }
            assert_eq!(found, sent, "{max_records} at a time");
        }
    }
}

async fn a_page_ends_at_its_size(store: &impl LineageStore) {
    let sent = Shape::Lives(20).records("sizes");
    store.join(sent.clone()).await.unwrap();
    let trace = store.trace("sizes").await.unwrap().unwrap();
    let limits = PageLimits { max_records: 1_000, max_bytes: 2_000 };
    let found = pages(store, &trace, RecordChoice::default(), limits).await;
    assert!(found.len() > 3, "one page has everything");
    assert_eq!(found.concat(), sent);
    let tiny = PageLimits { max_bytes: 1, ..limits };
    let found = pages(store, &trace, RecordChoice::default(), tiny).await;
    assert!(found.iter().all(|page| page.len() == 1), "each record has to be given at some time");
}

async fn log_lines_and_the_records_of_a_node_are_found(store: &impl LineageStore) {
    let mut sent = Shape::Lives(60).records("choice");
    let alias = TelemetryRecord {
        alias: Some("file:in-9.csv".into()),
        ..record(RecordType::Alias, "choice", "upload-9", 100_000)
    };
    sent.push(alias);
    store.join(sent.clone()).await.unwrap();
    let trace = store.trace("choice").await.unwrap().unwrap();
    let logs = RecordChoice { logs_only: true, ..RecordChoice::default() };
    let is_log = |record: &&TelemetryRecord| record.record_type == RecordType::Log;
    let expected: Vec<_> = sent.iter().filter(is_log).cloned().collect();
    assert_eq!(records(store, &trace, logs).await, expected);

    let node = Some(node_id(store, &trace, "upload-9").await);
    let names = ["upload-9", "file:in-9.csv"];
    let is_named = |record: &&TelemetryRecord| record.names().any(|name| names.contains(&name));
    let expected: Vec<_> = sent.iter().filter(is_named).cloned().collect();
    assert_eq!(records(store, &trace, RecordChoice { node, ..RecordChoice::default() }).await, expected);
    let expected: Vec<_> = expected.into_iter().filter(|record| is_log(&record)).collect();
    assert_eq!(records(store, &trace, RecordChoice { node, ..logs }).await, expected);
    let child = Some(node_id(store, &trace, "data:3-1").await);
    assert_eq!(
        records(store, &trace, RecordChoice { node: child, ..RecordChoice::default() }).await.len(),
        3
    );
    let nobody = RecordChoice { node: Some(1), ..RecordChoice::default() };
    assert!(records(store, &trace, nobody).await.is_empty());
}

async fn the_records_of_a_period_are_found(store: &impl LineageStore) {
    let sent = Shape::Lives(100).records("period");
    store.join(sent.clone()).await.unwrap();
    let trace = store.trace("period").await.unwrap().unwrap();
    let moment_of = |place: usize| Some(sent[place].created_at);
    let last = sent.len() - 1;
    let cases = [
        (None, None),
        (moment_of(0), moment_of(last)),
        (moment_of(50), None),
        (None, moment_of(50)),
        (moment_of(20), moment_of(180)),
        (moment_of(50), moment_of(50)),
        (Some(Timestamp::from_micros(i64::MIN)), Some(Timestamp::from_micros(i64::MIN))),
        (Some(Timestamp::from_micros(i64::MAX)), None),
    ];
    for (from, to) in cases {
        let is_meant = |at: Timestamp| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
        let mut expected: Vec<_> =
            sent.iter().filter(|record| is_meant(record.created_at)).cloned().collect();
        for latest_first in [false, true] {
            let choice = RecordChoice { from, to, latest_first, ..RecordChoice::default() };
            for max_records in [7, 100_000] {
                let limits = PageLimits { max_records, max_bytes: 1 << 30 };
                let found = pages(store, &trace, choice, limits).await.concat();
                assert_eq!(found, expected, "{from:?} to {to:?}, {max_records} at a time");
            }
            expected.reverse();
        }
    }
}

async fn what_is_missing_is_told_by_sender(store: &impl LineageStore) {
    let numbered = |user: &str, seq: u64| TelemetryRecord {
        user: Some(user.into()),
        seq: Some(seq),
        ..record(RecordType::FileRead, "numbers", "file:a", seq as usize)
    };
    let of_x = (1..=16).chain([20, 21, 30]).map(|seq| numbered("X", seq));
    let of_y = [numbered("Y", 3)];
    store.join(of_x.chain(of_y).collect()).await.unwrap();
    let told = |trace: &Trace| {
        let gap = |gap: &crate::lineage::Missing| format!("{} {}-{}", gap.sender, gap.from, gap.to);
        trace.missing.iter().map(gap).collect::<Vec<_>>().join(", ")
    };
    let trace = store.trace("numbers").await.unwrap().unwrap();
    assert_eq!(told(&trace), "X 17-19, X 22-29, Y 1-2");
    store.join((17..=29).map(|seq| numbered("X", seq)).collect()).await.unwrap();
    let trace = store.trace("numbers").await.unwrap().unwrap();
    assert_eq!((told(&trace).as_str(), trace.missing_more), ("Y 1-2", 0));
    let odd = (0..1_500).map(|n| numbered("Z", 2 * n + 1));
    store.join(odd.collect()).await.unwrap();
    let trace = store.trace("numbers").await.unwrap().unwrap();
    assert_eq!((trace.missing.len(), trace.missing_more), (1_000, 500));
}
