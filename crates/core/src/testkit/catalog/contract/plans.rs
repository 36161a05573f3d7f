//! Plans: contiguous, made once, settled once.

use futures::future::join_all;

use crate::catalog::{Catalog, Settlement};
use crate::event::Offset;
use crate::testkit::catalog::samples::{
    account, assert_broken, delivered, key, letter, listed, opening, plan, refused,
};

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    plans_follow_one_another(&open().await).await;
    a_plan_that_leaves_a_gap_is_a_contradiction(&open().await).await;
    a_plan_that_overlaps_another_is_a_contradiction(&open().await).await;
    several_plans_are_made_all_or_none(&open().await).await;
    a_plan_made_twice_is_one(&open().await).await;
    a_plan_that_was_settled_is_not_made_again(&open().await).await;
    unsettled_plans_come_by_rising_first(&open().await).await;
    settling_adds_each_count_to_its_own(&open().await).await;
    settling_twice_counts_once(&open().await).await;
    settling_what_was_never_planned_is_a_contradiction(&open().await).await;
    a_settlement_that_fails_changes_nothing(&open().await).await;
    a_letter_may_stand_for_many_events(&open().await).await;
    settlements_at_once_count_each_once(&open().await).await;
    plans_of_several_accounts_go_together(&open().await).await;
}

async fn plans_follow_one_another<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(3)).await.unwrap();
    catalog.plan(&[]).await.unwrap();
    catalog.plan(&[plan(&key("a"), 3, 5)]).await.unwrap();
    catalog.plan(&[plan(&key("a"), 5, 6), plan(&key("a"), 6, 16)]).await.unwrap();
    assert_eq!(account(catalog, &key("a")).await.planned, Offset(16));
}

async fn a_plan_that_leaves_a_gap_is_a_contradiction<C: Catalog>(catalog: &C) {
    assert_broken(catalog.plan(&[plan(&key("a"), 0, 1)]).await);
    catalog.open_account(&key("a"), &opening(3)).await.unwrap();
    assert_broken(catalog.plan(&[plan(&key("a"), 4, 5)]).await);
    assert_broken(catalog.plan(&[plan(&key("a"), 2, 3)]).await);
    assert_broken(catalog.plan(&[plan(&key("a"), 3, 3)]).await);
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), []);
}

async fn a_plan_that_overlaps_another_is_a_contradiction<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    catalog.plan(&[plan(&key("a"), 0, 10), plan(&key("a"), 10, 20)]).await.unwrap();
    for (first, end) in [(0, 9), (0, 11), (1, 10), (5, 15), (15, 25), (0, 20)] {
        assert_broken(catalog.plan(&[plan(&key("a"), first, end)]).await);
        assert_broken(catalog.settle(&delivered(&plan(&key("a"), first, end))).await);
    }
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap().len(), 2);
}

async fn several_plans_are_made_all_or_none<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    assert_broken(catalog.plan(&[plan(&key("a"), 0, 5), plan(&key("a"), 6, 7)]).await);
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), []);
    assert_eq!(account(catalog, &key("a")).await.planned, Offset(0));
}

async fn a_plan_made_twice_is_one<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let first = plan(&key("a"), 0, 5);
    let second = plan(&key("a"), 5, 8);
    catalog.plan(std::slice::from_ref(&first)).await.unwrap();
    catalog.plan(std::slice::from_ref(&first)).await.unwrap();
    catalog.plan(&[first.clone(), second.clone()]).await.unwrap();
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), [first, second]);
    assert_eq!(account(catalog, &key("a")).await.planned, Offset(8));
}

async fn a_plan_that_was_settled_is_not_made_again<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let batch = plan(&key("a"), 0, 5);
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    catalog.settle(&delivered(&batch)).await.unwrap();
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), []);
    assert_eq!(account(catalog, &key("a")).await.planned, Offset(5));
}

async fn unsettled_plans_come_by_rising_first<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let plans: Vec<_> = (0..12).map(|i| plan(&key("a"), i * 100, i * 100 + 100)).collect();
    catalog.plan(&plans).await.unwrap();
    for settled in [&plans[4], &plans[0], &plans[11]] {
        catalog.settle(&delivered(settled)).await.unwrap();
    }
    let left: Vec<_> = catalog.unsettled(&key("a")).await.unwrap().iter().map(|plan| plan.first.0).collect();
    assert_eq!(left, [100, 200, 300, 500, 600, 700, 800, 900, 1000]);
}

async fn settling_adds_each_count_to_its_own<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let batch = plan(&key("a"), 0, 10);
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    let dead = vec![letter(&key("a"), 1), letter(&key("a"), 2)];
    catalog
        .settle(&Settlement { delivered: 7, duplicates: 3, filtered: 1, ..refused(&batch, dead) })
        .await
        .unwrap();
    let after = account(catalog, &key("a")).await;
    assert_eq!((after.delivered, after.duplicates, after.filtered, after.dead), (7, 3, 1, 2));
    assert_eq!(listed(catalog).await, [2, 1]);
}

async fn settling_twice_counts_once<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let batch = plan(&key("a"), 0, 2);
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    let settlement = Settlement { delivered: 1, ..refused(&batch, vec![letter(&key("a"), 1)]) };
    catalog.settle(&settlement).await.unwrap();
    let once = account(catalog, &key("a")).await;
    catalog.settle(&settlement).await.unwrap();
    assert_eq!(account(catalog, &key("a")).await, once);
    catalog.delete_dead_letter(1).await.unwrap();
    catalog.settle(&settlement).await.unwrap();
    assert_eq!(account(catalog, &key("a")).await, once);
    assert_eq!(listed(catalog).await, [0_i64; 0]);
}

async fn settling_what_was_never_planned_is_a_contradiction<C: Catalog>(catalog: &C) {
    assert_broken(catalog.settle(&delivered(&plan(&key("a"), 0, 5))).await);
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    assert_broken(catalog.settle(&delivered(&plan(&key("a"), 0, 5))).await);
    assert_eq!(account(catalog, &key("a")).await.delivered, 0);
}

async fn a_settlement_that_fails_changes_nothing<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let (first, second) = (plan(&key("a"), 0, 1), plan(&key("a"), 1, 3));
    catalog.plan(&[first.clone(), second.clone()]).await.unwrap();
    catalog.settle(&refused(&first, vec![letter(&key("a"), 1)])).await.unwrap();
    let before = account(catalog, &key("a")).await;

    let taken_number = refused(&second, vec![letter(&key("a"), 2), letter(&key("a"), 1)]);
    assert_broken(catalog.settle(&taken_number).await);
    let twice = refused(&second, vec![letter(&key("a"), 3), letter(&key("a"), 3)]);
    assert_broken(catalog.settle(&twice).await);
    let of_no_account = refused(&second, vec![letter(&key("a"), 4), letter(&key("b"), 5)]);
    assert_broken(catalog.settle(&of_no_account).await);
    assert_eq!(account(catalog, &key("a")).await, before);
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), [second]);
    assert_eq!(listed(catalog).await, [1]);
}

async fn a_letter_may_stand_for_many_events<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    let batch = plan(&key("a"), 0, 1_000);
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    let mut lost = letter(&key("a"), 1);
    (lost.count, lost.record) = (998, None);
    catalog.settle(&refused(&batch, vec![lost.clone(), letter(&key("a"), 2)])).await.unwrap();
    assert_eq!(account(catalog, &key("a")).await.dead, 999);
    assert_eq!(catalog.dead_letter(1).await.unwrap(), Some(lost));
    assert!(catalog.delete_dead_letter(1).await.unwrap());
    assert_eq!(account(catalog, &key("a")).await.dead, 999);
}

async fn settlements_at_once_count_each_once<C: Catalog>(catalog: &C) {
    let keys = [key("a"), key("b"), key("c")];
    let mut plans = Vec::new();
    for key in &keys {
        catalog.open_account(key, &opening(0)).await.unwrap();
        plans.extend((0..20).map(|i| plan(key, i * 10, i * 10 + 10)));
    }
    catalog.plan(&plans).await.unwrap();
    let settlements: Vec<_> = plans.iter().map(delivered).collect();
    let twice = settlements.iter().chain(settlements.iter().rev());
    for answer in join_all(twice.map(|settlement| catalog.settle(settlement))).await {
        answer.unwrap();
    }
    for key in &keys {
        assert_eq!(account(catalog, key).await.delivered, 200);
        assert_eq!(catalog.unsettled(key).await.unwrap(), []);
    }
}

async fn plans_of_several_accounts_go_together<C: Catalog>(catalog: &C) {
    catalog.open_account(&key("a"), &opening(0)).await.unwrap();
    catalog.open_account(&key("b"), &opening(50)).await.unwrap();
    let plans =
        [plan(&key("a"), 0, 5), plan(&key("b"), 50, 60), plan(&key("a"), 5, 7), plan(&key("b"), 60, 61)];
    catalog.plan(&plans).await.unwrap();
    assert_eq!(account(catalog, &key("a")).await.planned, Offset(7));
    assert_eq!(account(catalog, &key("b")).await.planned, Offset(61));
}
