//! What a log says of itself without being read agrees with what is read.

use std::collections::BTreeMap;

use super::{Append, EventLog, Offset, Sample, Stream, only, read_all};

pub(super) async fn a_mark_tells_what_was_accepted_before_it<L: Append + EventLog>(
    log: L,
    reopen: &impl AsyncFn(L) -> L,
) {
    for (stream, count) in [("events", 3), ("store", 4), ("events", 2), ("actions", 6)] {
        log.append(Sample::new(stream, count).entry()).await.expect("an append");
    }
    let log = reopen(log).await;
    log.append(Sample::new("store", 5).entry()).await.expect("an append");
    let records = read_all(&log, 0).await;
    for at in 0..=20 {
        let Some(mark) = log.mark(&only(&log), Offset(at)) else { continue };
        assert!(mark.offset <= Offset(at), "{mark:?} is not before {at}");
        let mut accepted: BTreeMap<Stream, u64> = BTreeMap::new();
        for record in records.iter().take_while(|record| record.offset < mark.offset) {
            *accepted.entry(record.stream.clone()).or_default() += 1;
        }
        assert_eq!(mark.accepted, accepted, "before {}", mark.offset);
    }
}
