//! Two instances and one partition that goes back and forth between them, by the dice.
//!
//! Each instance has a catalog of its own, or, in some worlds, both have one. In each tenure one of them takes up what
//! the broker has, and delivers until it is dropped at some await point; the one before may go on as if nothing had
//! happened, with a commit that is refused. Commits fail, dawdle and lose their answers; so do catalogs and stores. In the
//! end nothing fails any more, and stores, accounts and the commit must agree.

mod instance;
mod universe;

use crate::delivery::simulation::for_each_seed;
use crate::delivery::simulation::universe::block_on;

#[test]
fn nothing_is_lost_and_no_batch_changes_however_a_partition_goes_from_one_to_another() {
    for_each_seed(|seed| block_on(async { universe::Universe::new(seed).live_to_the_end().await }));
}
