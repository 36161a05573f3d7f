//! Dead letters: found by every member of the filter, page by page, and deleted.

use crate::catalog::{Catalog, DeadLetter, DeadLetterFilter};
use crate::testkit::catalog::samples::{account, key, letter, listed, stream, with_letters};
use crate::time::Timestamp;

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    letters_come_by_falling_number_page_by_page(&open().await).await;
    each_member_of_the_filter_narrows_alone(&open().await).await;
    all_members_of_the_filter_must_hold(&open().await).await;
    filtered_letters_page_too(&open().await).await;
    a_period_includes_its_begin_but_not_its_end(&open().await).await;
    a_deleted_letter_is_gone_and_stays_counted(&open().await).await;
}

async fn letters_come_by_falling_number_page_by_page<C: Catalog>(catalog: &C) {
    let letters: Vec<_> = (1..=25).map(|id| letter(&key("a"), id)).collect();
    with_letters(catalog, &key("a"), &letters).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = catalog.dead_letters(&DeadLetterFilter::default(), before, 10).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10);
        before = Some(last.id);
        seen.extend(page);
    }
    assert_eq!(seen, letters.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(catalog.dead_letters(&DeadLetterFilter::default(), None, 0).await.unwrap(), []);
}

/// Eight letters that differ in each respect: number 1 is the only one of stream `store`, and so on.
async fn assorted<C: Catalog>(catalog: &C) {
    let mut of_a: Vec<DeadLetter> = (1..=6).map(|id| letter(&key("a"), id)).collect();
    of_a[0].stream = stream("store");
    of_a[0].record.as_mut().unwrap().stream = stream("store");
    of_a[1].reason = "zu groß: 'x'".to_owned();
    of_a[2].last_at = Timestamp::from_micros(-5);
    of_a[3].record = None;
    with_letters(catalog, &key("a"), &of_a).await;
    with_letters(catalog, &key("b"), &[letter(&key("b"), 7), letter(&key("b"), 8)]).await;
}

async fn found<C: Catalog>(catalog: &C, filter: DeadLetterFilter) -> Vec<i64> {
    let letters = catalog.dead_letters(&filter, None, 100).await.unwrap();
    letters.iter().map(|letter| letter.id).collect()
}

async fn each_member_of_the_filter_narrows_alone<C: Catalog>(catalog: &C) {
    assorted(catalog).await;
    let none = DeadLetterFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let second = |second: i64| Some(Timestamp::from_micros(second * 1_000_000));
    let cases = [
        (none(), vec![8, 7, 6, 5, 4, 3, 2, 1]),
        (DeadLetterFilter { sink: text("b"), ..none() }, vec![8, 7]),
        (DeadLetterFilter { stream: text("store"), ..none() }, vec![1]),
        (DeadLetterFilter { reason: text("zu groß: 'x'"), ..none() }, vec![2]),
        (DeadLetterFilter { from: second(6), ..none() }, vec![8, 7, 6]),
        (DeadLetterFilter { to: second(2), ..none() }, vec![3, 1]),
        (DeadLetterFilter { sink: text("no such"), ..none() }, vec![]),
        (DeadLetterFilter { stream: text("not a stream's name"), ..none() }, vec![]),
        (DeadLetterFilter { reason: text("' or 1=1 --"), ..none() }, vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(found(catalog, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn all_members_of_the_filter_must_hold<C: Catalog>(catalog: &C) {
    assorted(catalog).await;
    let filter = DeadLetterFilter {
        sink: Some("a".to_owned()),
        stream: Some("events".to_owned()),
        reason: Some("broken".to_owned()),
        from: Some(Timestamp::from_micros(0)),
        to: Some(Timestamp::from_micros(6_000_000)),
    };
    assert_eq!(found(catalog, filter.clone()).await, [5, 4]);
    assert_eq!(found(catalog, DeadLetterFilter { sink: Some("b".to_owned()), ..filter }).await, [0_i64; 0]);
}

async fn filtered_letters_page_too<C: Catalog>(catalog: &C) {
    let odd_of_b = |id| if id % 2 == 1 { key("b") } else { key("a") };
    for id in 1..=10 {
        with_letters(catalog, &odd_of_b(id), &[letter(&odd_of_b(id), id)]).await;
    }
    let filter = DeadLetterFilter { sink: Some("b".to_owned()), ..DeadLetterFilter::default() };
    let page = catalog.dead_letters(&filter, Some(7), 2).await.unwrap();
    assert_eq!(page.iter().map(|letter| letter.id).collect::<Vec<_>>(), [5, 3]);
}

async fn a_period_includes_its_begin_but_not_its_end<C: Catalog>(catalog: &C) {
    let letters: Vec<_> = (1..=3).map(|id| letter(&key("a"), id)).collect();
    with_letters(catalog, &key("a"), &letters).await;
    let period = |from: &DeadLetter, to: &DeadLetter| DeadLetterFilter {
        from: Some(from.last_at),
        to: Some(to.last_at),
        ..DeadLetterFilter::default()
    };
    assert_eq!(found(catalog, period(&letters[0], &letters[2])).await, [2, 1]);
    assert_eq!(found(catalog, period(&letters[1], &letters[1])).await, [0_i64; 0]);
}

async fn a_deleted_letter_is_gone_and_stays_counted<C: Catalog>(catalog: &C) {
    with_letters(catalog, &key("a"), &[letter(&key("a"), 1), letter(&key("a"), 2)]).await;
    assert!(catalog.delete_dead_letter(1).await.unwrap());
    assert!(!catalog.delete_dead_letter(1).await.unwrap());
    assert_eq!(catalog.dead_letter(1).await.unwrap(), None);
    assert_eq!(listed(catalog).await, [2]);
    assert_eq!(account(catalog, &key("a")).await.dead, 2);
}
