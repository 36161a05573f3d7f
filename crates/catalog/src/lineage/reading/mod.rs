//! Reading a trace: the whole graph, a part of it, its records, what is missing.

mod graph;
mod missing;
mod names;
mod part;
mod records;

use std::ops::ControlFlow;

pub use graph::graph;
pub use missing::missing;
pub use names::{NameReader, greatest_id, number_of_id, number_of_name};
pub use part::part;
pub use records::{Choice, records};

use super::block::{Item, decode};
use super::shelf::{Blocks, Place};

/// Hands a set's items to `take`, from the block in which `from` lies on.
fn each<I: Item, B: Blocks>(
    blocks: &mut B,
    place: Place,
    from: &[u8],
    mut take: impl FnMut(I) -> Result<ControlFlow<()>, B::Error>,
) -> Result<(), B::Error> {
    blocks.each(place, from, &mut |block| {
        for item in decode::<I>(block)? {
            if take(item)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}
