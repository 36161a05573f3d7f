//! Events that a broker had.

use super::*;
use crate::testkit::record;

#[tokio::test]
async fn what_a_broker_had_keeps_its_id_its_times_and_its_order() {
    let door = Door::open();
    let mut records: Vec<_> = (0..5).map(|offset| record(offset, "events", 3)).collect();
    records[2].stream = door.actions.clone();
    records[3].received_at = Timestamp::from_micros(7);
    records[4].origin = Arc::new(Origin { client_ip: Some("192.0.2.1".into()), ..Origin::default() });
    door.intake.take_in(&records).await.unwrap();
    door.intake.take_in(&[]).await.unwrap();
    assert_eq!(door.records().await, records);
}

#[tokio::test]
async fn large_events_are_entries_of_their_own() {
    let door = Door::open();
    let mut records: Vec<_> = (0..3).map(|offset| record(offset, "events", 3)).collect();
    records[1].event.body = vec![b' '; 5 << 20].into();
    door.intake.take_in(&records).await.unwrap();
    assert_eq!(door.records().await.len(), 3);
}
