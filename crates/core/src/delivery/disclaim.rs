//! Accounts of sinks that processes of other roles serve, while this process has the log.
//!
//! **Constraints.** As with [`claim`](super::claim()), neither intake nor the account's delivery runs meanwhile. What the
//! sink lacks of the log stays its own; only what is accepted later is not.

use std::collections::BTreeSet;

use crate::catalog::{Account, Settlement};
use crate::event::Offset;
use crate::streams::Streams;

use super::claim::Counting;
use super::{DeliveryError, Plan, Surroundings};

/// Has the account count nothing that is accepted from now on.
pub async fn disclaim(surroundings: &Surroundings, account: Account) -> Result<Account, DeliveryError> {
    let Some(claim) = account.claim.clone().filter(|_| !is_disclaimed(&account)) else { return Ok(account) };
    let counting = Counting::of(surroundings, &account.key.partition);
    let accepted = surroundings.log.extent(&account.key.partition).accepted;
    let before = counting.before(account.planned).await?;
    let mut lacking = counting.under_way(surroundings, &account.key, &claim.streams).await?;
    for (stream, count) in accepted.iter().filter(|(stream, _)| claim.streams.contains(stream)) {
        lacking += count.saturating_sub(before.get(stream).copied().unwrap_or(0));
    }
    let nothing = Streams::Named(BTreeSet::new());
    Ok(surroundings.catalog.claim(&account.key, &nothing, &accepted, lacking).await?)
}

/// Takes a disclaimed account up again, for its sink to be delivered to. Where it lacks something it goes on where it
/// stands; else with the oldest that the log has after that, or with what is accepted from now on.
pub async fn take_back(
    surroundings: &Surroundings,
    account: Account,
    begins_with_oldest: bool,
) -> Result<Account, DeliveryError> {
    if !is_disclaimed(&account) {
        return Ok(account);
    }
    let extent = surroundings.log.extent(&account.key.partition);
    let lacks = account.lacks() > 0;
    let begin = match lacks || begins_with_oldest {
        true => account.planned.max(extent.start),
        false => extent.end,
    };
    // Nothing of what is passed over is the sink's, or it would have kept the log from trimming it.
    pass_over(surroundings, &account, begin, |plan| !lacks || plan.end <= extent.start).await?;
    Ok(surroundings.catalog.open_account(&account.key, &account.opening).await?)
}

/// Settles, as holding nothing, what lies before `begin`, and those of the batches under way that `is_void` says.
async fn pass_over(
    surroundings: &Surroundings,
    account: &Account,
    begin: Offset,
    is_void: impl Fn(&Plan) -> bool,
) -> Result<(), DeliveryError> {
    let Surroundings { catalog, .. } = surroundings;
    if begin > account.planned {
        catalog.plan(&[Plan { key: account.key.clone(), first: account.planned, end: begin }]).await?;
    }
    let under_way = catalog.unsettled(&account.key).await?;
    for plan in under_way.into_iter().filter(|plan| plan.first >= account.planned || is_void(plan)) {
        catalog
            .settle(&Settlement { plan, delivered: 0, duplicates: 0, filtered: 0, dead: Vec::new() })
            .await?;
    }
    Ok(())
}

fn is_disclaimed(account: &Account) -> bool {
    let is_nothing = |streams: &Streams| matches!(streams, Streams::Named(named) if named.is_empty());
    account.claim.as_ref().is_some_and(|claim| is_nothing(&claim.streams))
}
