//! Sending again: a letter leaves `dead`, waits, and comes to rest as delivered or dead, once.

use crate::catalog::{Account, AccountKey, Catalog, DeadLetter, DeadLetterFilter, Resent};
use crate::testkit::catalog::samples::{
    account, again, assert_broken, key, lane, letter, listed, opening, plan, refused, sink, with_letters,
};

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    resending_takes_letters_out_of_the_dead(&open().await).await;
    a_letter_is_taken_once(&open().await).await;
    only_matching_letters_are_taken(&open().await).await;
    a_letter_without_its_bytes_is_not_sent_again(&open().await).await;
    waiting_letters_come_by_rising_number(&open().await).await;
    waiting_letters_are_those_of_the_lane(&open().await).await;
    a_letter_of_a_replay_is_sent_again_by_the_main_lane(&open().await).await;
    a_waiting_letter_is_shown_but_not_deleted(&open().await).await;
    a_delivered_letter_counts_as_delivered_once(&open().await).await;
    a_letter_refused_again_is_dead_again_once(&open().await).await;
    a_late_repeat_of_a_refusal_leaves_the_next_attempt_alone(&open().await).await;
    outcomes_are_recorded_all_or_none(&open().await).await;
}

fn every() -> DeadLetterFilter {
    DeadLetterFilter::default()
}

fn counts(account: &Account) -> (u64, u64, u64) {
    (account.delivered, account.duplicates, account.dead)
}

async fn waiting<C: Catalog>(catalog: &C, key: &AccountKey) -> Vec<i64> {
    catalog.resending(key, 100).await.unwrap().iter().map(|letter| letter.id).collect()
}

async fn resending_takes_letters_out_of_the_dead<C: Catalog>(catalog: &C) {
    let letters: Vec<_> = (1..=3).map(|id| letter(&key("a"), id)).collect();
    with_letters(catalog, &key("a"), &letters).await;
    assert_eq!(catalog.resend(&every(), Some(2)).await.unwrap(), [(key("a"), 1)]);
    assert_eq!(listed(catalog).await, [3, 1]);
    assert_eq!(counts(&account(catalog, &key("a")).await), (0, 0, 2));
    assert_eq!(catalog.resending(&key("a"), 10).await.unwrap(), [letters[1].clone()]);
    assert_eq!(catalog.resend(&every(), None).await.unwrap(), [(key("a"), 2)]);
    assert_eq!(listed(catalog).await, [0_i64; 0]);
    assert_eq!(account(catalog, &key("a")).await.dead, 0);
}

async fn a_letter_is_taken_once<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1)]).await;
    assert_eq!(catalog.resend(&every(), Some(1)).await.unwrap(), [(key("a"), 1)]);
    assert_eq!(catalog.resend(&every(), Some(1)).await.unwrap(), []);
    assert_eq!(catalog.resend(&every(), None).await.unwrap(), []);
    assert_eq!(account(catalog, &key("a")).await.dead, 0);
}

async fn only_matching_letters_are_taken<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1)]).await;
    with_letters(catalog, &key("b"), &[letter(&key("b"), 2), letter(&key("b"), 3)]).await;
    let of_b = DeadLetterFilter { sink: Some("b".to_owned()), ..every() };
    assert_eq!(catalog.resend(&of_b, Some(1)).await.unwrap(), []);
    assert_eq!(catalog.resend(&of_b, Some(9)).await.unwrap(), []);
    assert_eq!(catalog.resend(&of_b, None).await.unwrap(), [(key("b"), 2)]);
    assert_eq!(listed(catalog).await, [1]);
    assert_eq!(account(catalog, &key("a")).await.dead, 1);
    assert_eq!(account(catalog, &key("b")).await.dead, 0);
}

async fn a_letter_without_its_bytes_is_not_sent_again<C: Catalog>(catalog: &C) {
    let mut lost = letter(&key("a"), 1);
    (lost.record, lost.count) = (None, 12);
    with_letters(catalog, &key("a"), &[lost]).await;
    assert_eq!(catalog.resend(&every(), Some(1)).await.unwrap(), []);
    assert_eq!(catalog.resend(&every(), None).await.unwrap(), []);
    assert_eq!(account(catalog, &key("a")).await.dead, 12);
    assert_eq!(listed(catalog).await, [1]);
}

async fn waiting_letters_come_by_rising_number<C: Catalog>(catalog: &C) {
    let letters: Vec<_> = (1..=12).map(|id| letter(&key("a"), id)).collect();
    with_letters(catalog, &key("a"), &letters).await;
    assert_eq!(catalog.resend(&every(), None).await.unwrap(), [(key("a"), 12)]);
    assert_eq!(catalog.resending(&key("a"), 5).await.unwrap(), letters[..5]);
    assert_eq!(waiting(catalog, &key("a")).await, (1..=12).collect::<Vec<_>>());
}

async fn waiting_letters_are_those_of_the_lane<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1)]).await;
    with_letters(catalog, &lane("a", "replay"), &[letter(&lane("a", "replay"), 2)]).await;
    let taken = catalog.resend(&every(), None).await.unwrap();
    assert_eq!(taken, [(key("a"), 1), (lane("a", "replay"), 1)]);
    assert_eq!(waiting(catalog, &key("a")).await, [1]);
    assert_eq!(waiting(catalog, &lane("a", "replay")).await, [2]);
    assert_broken(
        catalog.settle_resent(&key("a"), &[Resent::Delivered { id: 2, count: 1, duplicate: false }]).await,
    );
}

/// What a replay brings was accounted for when it was first delivered: its letters count 0, in the main account.
async fn a_letter_of_a_replay_is_sent_again_by_the_main_lane<C: Catalog>(catalog: &C) {
    let (main, replay) = (key("a"), lane("a", "replay"));
    let batch = plan(&replay, 0, 1);
    for key in [&main, &replay] {
        catalog.open_account(key, &opening(0)).await.unwrap();
    }
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    let uncounted = DeadLetter { count: 0, ..letter(&main, 1) };
    catalog.settle(&refused(&batch, vec![uncounted])).await.unwrap();
    catalog.forget(&sink("a"), "replay").await.unwrap();

    assert_eq!(counts(&account(catalog, &main).await), (0, 0, 0));
    assert_eq!(catalog.resend(&every(), Some(1)).await.unwrap(), [(main.clone(), 0)]);
    assert_eq!(waiting(catalog, &main).await, [1]);
    catalog.settle_resent(&main, &[Resent::Delivered { id: 1, count: 0, duplicate: true }]).await.unwrap();
    assert_eq!(counts(&account(catalog, &main).await), (0, 0, 0));
    assert_eq!(catalog.dead_letter(1).await.unwrap(), None);
}

async fn a_waiting_letter_is_shown_but_not_deleted<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1)]).await;
    catalog.resend(&every(), Some(1)).await.unwrap();
    assert_eq!(catalog.dead_letter(1).await.unwrap(), Some(letter(&key("a"), 1)));
    assert!(!catalog.delete_dead_letter(1).await.unwrap());
    assert_eq!(waiting(catalog, &key("a")).await, [1]);
}

async fn a_delivered_letter_counts_as_delivered_once<C: Catalog>(catalog: &C) {
    let mut triple = letter(&key("a"), 3);
    triple.count = 3;
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1), letter(&key("a"), 2), triple]).await;
    catalog.resend(&every(), None).await.unwrap();
    let outcomes = [
        Resent::Delivered { id: 1, count: 1, duplicate: false },
        Resent::Delivered { id: 2, count: 1, duplicate: true },
        Resent::Delivered { id: 3, count: 3, duplicate: false },
    ];
    for _ in 0..2 {
        catalog.settle_resent(&key("a"), &outcomes).await.unwrap();
        assert_eq!(counts(&account(catalog, &key("a")).await), (5, 1, 0));
        assert_eq!(waiting(catalog, &key("a")).await, [0_i64; 0]);
        assert_eq!(catalog.dead_letter(1).await.unwrap(), None);
    }
}

async fn a_letter_refused_again_is_dead_again_once<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1), letter(&key("a"), 2)]).await;
    catalog.resend(&every(), Some(1)).await.unwrap();
    let mut refused = again(&letter(&key("a"), 1));
    refused.reason = "still broken".to_owned();
    refused.detail = "other words".to_owned();
    for _ in 0..2 {
        catalog.settle_resent(&key("a"), &[Resent::Refused(refused.clone())]).await.unwrap();
        assert_eq!(counts(&account(catalog, &key("a")).await), (0, 0, 2));
        assert_eq!(catalog.dead_letter(1).await.unwrap(), Some(refused.clone()));
        assert_eq!(listed(catalog).await, [2, 1]);
    }
    let by_new_reason = DeadLetterFilter { reason: Some("still broken".to_owned()), ..every() };
    assert_eq!(catalog.dead_letters(&by_new_reason, None, 9).await.unwrap(), [refused]);
}

async fn a_late_repeat_of_a_refusal_leaves_the_next_attempt_alone<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1)]).await;
    let second = again(&letter(&key("a"), 1));
    let third = again(&second);
    catalog.resend(&every(), None).await.unwrap();
    catalog.settle_resent(&key("a"), &[Resent::Refused(second.clone())]).await.unwrap();
    catalog.resend(&every(), None).await.unwrap();
    catalog.settle_resent(&key("a"), &[Resent::Refused(second)]).await.unwrap();
    assert_eq!(waiting(catalog, &key("a")).await, [1]);
    catalog.settle_resent(&key("a"), &[Resent::Refused(third.clone())]).await.unwrap();
    assert_eq!(catalog.dead_letter(1).await.unwrap(), Some(third));
    assert_eq!(account(catalog, &key("a")).await.dead, 1);
}

async fn outcomes_are_recorded_all_or_none<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1), letter(&key("a"), 2)]).await;
    catalog.resend(&every(), None).await.unwrap();
    let mut grown = again(&letter(&key("a"), 2));
    grown.count = 2;
    let outcomes = [Resent::Delivered { id: 1, count: 1, duplicate: false }, Resent::Refused(grown)];
    assert_broken(catalog.settle_resent(&key("a"), &outcomes).await);
    assert_eq!(waiting(catalog, &key("a")).await, [1, 2]);
    assert_eq!(counts(&account(catalog, &key("a")).await), (0, 0, 0));
    catalog.open_account(&key("b"), &opening(0)).await.unwrap();
    catalog.settle_resent(&key("b"), &[]).await.unwrap();
    assert_broken(catalog.settle_resent(&key("no such"), &outcomes).await);
}
