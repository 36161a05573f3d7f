//! Claims, which carry over what an account has accounted for; and pauses, which outlive the process.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Claim, DeadLetterFilter};
use crate::event::Offset;
use crate::streams::Streams;
use crate::testkit::catalog::samples::{
    account, assert_broken, delivered, key, lane, letter, opening, plan, refused, sink, stream,
};

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    a_claim_is_kept_with_its_streams(&open().await).await;
    a_claim_carries_what_is_settled_under_way_or_waiting(&open().await).await;
    a_claim_made_twice_is_one(&open().await).await;
    a_claim_needs_its_account(&open().await).await;
    a_sink_is_paused_until_it_is_resumed(&open().await).await;
    a_forgotten_sink_is_not_paused(&open().await).await;
}

async fn a_claim_is_kept_with_its_streams<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(3)).await.unwrap();
    let named = Streams::Named([stream("store"), stream("x.y")].into());
    for streams in [Streams::All, named, Streams::Named(BTreeSet::new())] {
        let accepted_before = [(stream("events"), 3), (stream("store"), 0)].into();
        let claimed = catalog.claim(&key("a"), &streams, &accepted_before, 0).await.unwrap();
        assert_eq!(claimed.claim, Some(Claim { streams, accepted_before, carried: 0 }));
        assert_eq!((claimed.planned, claimed.opening), (Offset(3), opening(3)));
        assert_eq!(catalog.open_account(&key("a"), &opening(0)).await.unwrap(), claimed);
        assert_eq!(catalog.accounts().await.unwrap(), [claimed]);
    }
}

async fn a_claim_carries_what_is_settled_under_way_or_waiting<C: Catalog>(catalog: &C) {
    let key = key("a");
    catalog.open_account(&key, &opening(0)).await.unwrap();
    let plans = [plan(&key, 0, 10), plan(&key, 10, 14), plan(&key, 14, 20)];
    catalog.plan(&plans).await.unwrap();
    let settled = delivered(&plans[1]);
    catalog.settle(&crate::catalog::Settlement { delivered: 1, filtered: 3, ..settled }).await.unwrap();
    let mut many = letter(&key, 2);
    many.count = 4;
    catalog.settle(&refused(&plans[2], vec![letter(&key, 1), many, letter(&key, 3)])).await.unwrap();
    catalog.resend(&DeadLetterFilter::default(), Some(2)).await.unwrap();
    assert!(catalog.delete_dead_letter(3).await.unwrap());

    let claimed = catalog.claim(&key, &Streams::All, &[(stream("events"), 20)].into(), 7).await.unwrap();
    assert_eq!((claimed.delivered, claimed.filtered, claimed.dead), (1, 3, 2));
    assert_eq!(claimed.claim.unwrap().carried, 1 + 3 + 2 + 4 + 7);
}

async fn a_claim_made_twice_is_one<C: Catalog>(catalog: &C) {
    let key = key("a");
    catalog.open_account(&key, &opening(0)).await.unwrap();
    catalog.plan(&[plan(&key, 0, 10)]).await.unwrap();
    catalog.settle(&delivered(&plan(&key, 0, 10))).await.unwrap();
    let before = [(stream("events"), 10)].into();
    let once = catalog.claim(&key, &Streams::All, &before, 2).await.unwrap();
    assert_eq!(catalog.claim(&key, &Streams::All, &before, 2).await.unwrap(), once);
    assert_eq!(once.claim.unwrap().carried, 12);
}

async fn a_claim_needs_its_account<C: Catalog>(catalog: &C) {
    catalog.open_account(&lane("a", "replay"), &opening(0)).await.unwrap();
    assert_broken(catalog.claim(&key("a"), &Streams::All, &[].into(), 0).await);
    assert_eq!(account(catalog, &lane("a", "replay")).await.claim, None);
}

async fn a_sink_is_paused_until_it_is_resumed<C: Catalog>(catalog: &C) {
    assert_eq!(catalog.paused().await.unwrap(), [].into());
    for name in ["b", "a", "a"] {
        catalog.pause(&sink(name), true).await.unwrap();
    }
    assert_eq!(catalog.paused().await.unwrap(), [sink("a"), sink("b")].into());
    for _ in 0..2 {
        catalog.pause(&sink("a"), false).await.unwrap();
    }
    assert_eq!(catalog.paused().await.unwrap(), [sink("b")].into());
}

async fn a_forgotten_sink_is_not_paused<C: Catalog>(catalog: &C) {
    for key in [key("a"), lane("a", "replay"), key("b")] {
        catalog.open_account(&key, &opening(0)).await.unwrap();
        catalog.pause(&key.sink, true).await.unwrap();
    }
    catalog.forget(&sink("a"), "replay").await.unwrap();
    assert_eq!(catalog.paused().await.unwrap(), [sink("a"), sink("b")].into());
    catalog.forget(&sink("a"), "").await.unwrap();
    assert_eq!(catalog.paused().await.unwrap(), [sink("b")].into());
}
