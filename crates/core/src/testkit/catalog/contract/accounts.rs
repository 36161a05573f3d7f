//! Accounts: opened once, listed by key, separate by lane, forgotten with all that is theirs.

use crate::catalog::{Catalog, DeadLetterFilter, Opening};
use crate::event::Offset;
use crate::testkit::catalog::samples::{
    account, assert_broken, delivered, key, lane, letter, listed, opening, plan, sink, with_letters,
};

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    an_empty_catalog_holds_nothing(&open().await).await;
    an_account_opens_once(&open().await).await;
    accounts_are_listed_by_key(&open().await).await;
    lanes_are_separate_accounts(&open().await).await;
    forgetting_a_sink_removes_all_that_is_its(&open().await).await;
    forgetting_a_lane_leaves_the_others(&open().await).await;
    a_letter_of_a_forgotten_lane_stays_readable_but_is_not_sent_again(&open().await).await;
    a_forgotten_account_opens_anew(&open().await).await;
}

async fn an_empty_catalog_holds_nothing<C: Catalog>(catalog: &C) {
    assert_eq!(catalog.accounts().await.unwrap(), []);
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), []);
    assert_eq!(catalog.resending(&key("a"), 10).await.unwrap(), []);
    assert_eq!(listed(catalog).await, [0_i64; 0]);
    assert_eq!(catalog.dead_letter(1).await.unwrap(), None);
    assert!(!catalog.delete_dead_letter(1).await.unwrap());
    assert!(!catalog.forget(&sink("a"), "").await.unwrap());
    assert_eq!(catalog.resend(&DeadLetterFilter::default(), None).await.unwrap(), []);
}

async fn an_account_opens_once<C: Catalog>(catalog: &C) {
    let first = Opening { from: Offset(7), until: Some(Offset(90)) };
    let opened = catalog.open_account(&key("a"), &first).await.unwrap();
    assert_eq!((&opened.key, &opened.opening, opened.planned), (&key("a"), &first, Offset(7)));
    assert_eq!(opened.claim, None);
    assert_eq!((opened.delivered, opened.duplicates, opened.dead, opened.filtered), (0, 0, 0, 0));

    catalog.plan(&[plan(&key("a"), 7, 10)]).await.unwrap();
    let again = catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    assert_eq!(again.opening, first);
    assert_eq!(again.planned, Offset(10));
    assert_eq!(catalog.accounts().await.unwrap(), [again]);
}

async fn accounts_are_listed_by_key<C: Catalog>(catalog: &C) {
    let keys = [key("a"), lane("a", "replay-1"), key("a b"), key("b"), key("ä")];
    for key in keys.iter().rev() {
        catalog.open_account(key, &opening(0)).await.unwrap();
    }
    let listed: Vec<_> = catalog.accounts().await.unwrap().into_iter().map(|account| account.key).collect();
    assert_eq!(listed, keys);
}

async fn lanes_are_separate_accounts<C: Catalog>(catalog: &C) {
    let (main, replay) = (key("a"), lane("a", "replay"));
    catalog.open_account(&main, &opening(0)).await.unwrap();
    catalog.open_account(&replay, &opening(5)).await.unwrap();
    let batch = plan(&replay, 5, 9);
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(catalog.unsettled(&main).await.unwrap(), []);
    catalog.settle(&delivered(&batch)).await.unwrap();
    assert_eq!(account(catalog, &main).await.delivered, 0);
    assert_eq!(account(catalog, &replay).await.delivered, 4);
}

async fn forgetting_a_sink_removes_all_that_is_its<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1)]).await;
    with_letters(catalog, &lane("a", "replay"), &[letter(&lane("a", "replay"), 2)]).await;
    with_letters(catalog, &key("b"), &[letter(&key("b"), 3)]).await;
    catalog.plan(&[plan(&key("a"), 1, 2)]).await.unwrap();

    assert!(catalog.forget(&sink("a"), "").await.unwrap());
    assert!(!catalog.forget(&sink("a"), "").await.unwrap());
    let left: Vec<_> = catalog.accounts().await.unwrap().into_iter().map(|account| account.key).collect();
    assert_eq!(left, [key("b")]);
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), []);
    assert_eq!(listed(catalog).await, [3]);
    assert_broken(catalog.settle(&delivered(&plan(&key("a"), 1, 2))).await);
}

async fn forgetting_a_lane_leaves_the_others<C: Catalog>(catalog: &C) {
    for key in [key("a"), lane("a", "x"), lane("a", "y"), lane("b", "x")] {
        catalog.open_account(&key, &opening(0)).await.unwrap();
        catalog.plan(&[plan(&key, 0, 1)]).await.unwrap();
    }
    assert!(catalog.forget(&sink("a"), "x").await.unwrap());
    let left: Vec<_> = catalog.accounts().await.unwrap().into_iter().map(|account| account.key).collect();
    assert_eq!(left, [key("a"), lane("a", "y"), lane("b", "x")]);
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap().len(), 1);
}

async fn a_letter_of_a_forgotten_lane_stays_readable_but_is_not_sent_again<C: Catalog>(catalog: &C) {
    let replay = lane("a", "replay");
    let letters = [letter(&replay, 1), letter(&replay, 2)];
    with_letters(catalog, &replay, &letters).await;
    assert_eq!(catalog.resend(&DeadLetterFilter::default(), Some(2)).await.unwrap(), [(replay.clone(), 1)]);
    catalog.forget(&sink("a"), "replay").await.unwrap();
    catalog.open_account(&replay, &opening(0)).await.unwrap();

    assert_eq!(listed(catalog).await, [2, 1]);
    assert_eq!(catalog.resending(&replay, 10).await.unwrap(), []);
    assert_eq!(catalog.resend(&DeadLetterFilter::default(), None).await.unwrap(), []);
    assert_eq!(account(catalog, &replay).await.dead, 0);
    assert!(catalog.delete_dead_letter(2).await.unwrap());
    assert_eq!(listed(catalog).await, [1]);
}

async fn a_forgotten_account_opens_anew<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    catalog.plan(&[plan(&key("a"), 0, 5)]).await.unwrap();
    catalog.settle(&delivered(&plan(&key("a"), 0, 5))).await.unwrap();
    catalog.forget(&sink("a"), "").await.unwrap();
    let anew = catalog.open_account(&key("a"), &opening(2)).await.unwrap();
    assert_eq!((anew.planned, anew.delivered), (Offset(2), 0));
}
