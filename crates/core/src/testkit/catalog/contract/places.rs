//! Places: how far an account is by somebody else's word, and what of it is kept here.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Place};
use crate::event::Offset;
use crate::testkit::catalog::samples::{
    account, assert_broken, delivered, key, lane, letter, opening, plan, refused,
};

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    an_account_goes_where_it_is_brought(&open().await).await;
    what_was_settled_here_is_not_under_way_again(&open().await).await;
    another_era_is_taken_as_it_comes(&open().await).await;
    what_was_fixed_here_and_lost_elsewhere_stays_fixed(&open().await).await;
    taking_up_twice_is_once(&open().await).await;
    taking_up_needs_its_account(&open().await).await;
}

fn place(era: u64, planned: u64, unsettled: &[(u64, u64)]) -> Place {
    let unsettled = unsettled.iter().map(|(first, end)| (Offset(*first), Offset(*end))).collect();
    Place { era, planned: Offset(planned), unsettled }
}

async fn unsettled<C: Catalog>(catalog: &C) -> Vec<(u64, u64)> {
    let plans = catalog.unsettled(&key("a")).await.unwrap();
    plans.iter().map(|plan| (plan.first.0, plan.end.0)).collect()
}

async fn an_account_goes_where_it_is_brought<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(50)).await.unwrap();
    let far = place(7, 100, &[(60, 80), (90, 100)]);
    assert_eq!(catalog.take_up(&key("a"), &far).await.unwrap(), far);
    let taken = account(catalog, &key("a")).await;
    assert_eq!((taken.planned, taken.opening), (Offset(100), opening(50)));
    assert_eq!(unsettled(catalog).await, [(60, 80), (90, 100)]);

    // It goes on from there as any other.
    let next = plan(&key("a"), 100, 110);
    catalog.plan(std::slice::from_ref(&next)).await.unwrap();
    catalog.settle(&delivered(&next)).await.unwrap();
    catalog.settle(&refused(&plan(&key("a"), 90, 100), vec![letter(&key("a"), 1)])).await.unwrap();
    let after = account(catalog, &key("a")).await;
    assert_eq!((after.planned, after.delivered, after.dead), (Offset(110), 10, 1));
    assert_eq!(unsettled(catalog).await, [(60, 80)]);

    // Another instance had it meanwhile.
    let further = place(7, 500, &[(480, 500)]);
    assert_eq!(catalog.take_up(&key("a"), &further).await.unwrap(), further);
    assert_eq!(unsettled(catalog).await, [(480, 500)]);
    assert_eq!(account(catalog, &key("a")).await.delivered, 10, "counts stay as they are");
}

async fn what_was_settled_here_is_not_under_way_again<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    catalog.take_up(&key("a"), &place(7, 0, &[])).await.unwrap();
    let batches = [plan(&key("a"), 0, 5), plan(&key("a"), 5, 9), plan(&key("a"), 9, 12)];
    catalog.plan(&batches).await.unwrap();
    catalog.settle(&delivered(&batches[1])).await.unwrap();
    let brought = place(7, 20, &[(0, 5), (5, 9), (9, 12), (12, 20)]);
    let joined = catalog.take_up(&key("a"), &brought).await.unwrap();
    assert_eq!(joined, place(7, 20, &[(0, 5), (9, 12), (12, 20)]));
    assert_eq!(unsettled(catalog).await, [(0, 5), (9, 12), (12, 20)]);
    catalog.settle(&delivered(&batches[1])).await.unwrap();
    assert_eq!(account(catalog, &key("a")).await.delivered, 4, "settled once");
}

async fn another_era_is_taken_as_it_comes<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(100)).await.unwrap();
    catalog.take_up(&key("a"), &place(7, 100, &[])).await.unwrap();
    let batches = [plan(&key("a"), 100, 110), plan(&key("a"), 110, 120)];
    catalog.plan(&batches).await.unwrap();
    catalog.settle(&delivered(&batches[0])).await.unwrap();
    // Somebody has set the group's offsets back, and a batch is under way by the bounds of one that was settled.
    let again = place(8, 110, &[(90, 100), (100, 110)]);
    assert_eq!(catalog.take_up(&key("a"), &again).await.unwrap(), again);
    assert_eq!(unsettled(catalog).await, [(90, 100), (100, 110)]);
    for batch in [plan(&key("a"), 90, 100), plan(&key("a"), 100, 110)] {
        for _ in 0..2 {
            catalog.settle(&delivered(&batch)).await.unwrap();
        }
    }
    let after = account(catalog, &key("a")).await;
    assert_eq!((after.delivered, after.opening), (30, opening(90)));
}

async fn what_was_fixed_here_and_lost_elsewhere_stays_fixed<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    catalog.take_up(&key("a"), &place(7, 0, &[])).await.unwrap();
    let batches = [plan(&key("a"), 0, 5), plan(&key("a"), 5, 9), plan(&key("a"), 9, 12)];
    catalog.plan(&batches).await.unwrap();
    catalog.settle(&delivered(&batches[1])).await.unwrap();
    let joined = catalog.take_up(&key("a"), &place(7, 5, &[(0, 5)])).await.unwrap();
    assert_eq!(joined, place(7, 12, &[(0, 5), (9, 12)]));
    assert_eq!(unsettled(catalog).await, [(0, 5), (9, 12)]);
}

async fn taking_up_twice_is_once<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(30)).await.unwrap();
    let brought = place(u64::from(u32::MAX), 40, &[(10, 20)]);
    for _ in 0..2 {
        assert_eq!(catalog.take_up(&key("a"), &brought).await.unwrap(), brought);
    }
    let taken = account(catalog, &key("a")).await;
    assert_eq!((taken.planned, taken.opening, taken.delivered), (Offset(40), opening(10), 0));
}

async fn taking_up_needs_its_account<C: Catalog>(catalog: &C) {
    catalog.open_account(&lane("a", "replay"), &opening(3)).await.unwrap();
    let nothing = Place { era: 1, planned: Offset(9), unsettled: BTreeMap::new() };
    assert_broken(catalog.take_up(&key("a"), &nothing).await);
    assert_eq!(account(catalog, &lane("a", "replay")).await.planned, Offset(3));
}
