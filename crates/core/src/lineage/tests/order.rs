//! Lineage is order-free: any permutation, repetition and division of the same records is the same, byte for byte.

use proptest::prelude::*;

use super::super::*;
use super::plain::lineage_of;
use crate::testkit::lineage::random_records;
use crate::testkit::world::SeededRandom;

fn bytes(lineage: &TraceLineage) -> String {
    let graph = Graph::of(lineage);
    let trace = Trace {
        facts: lineage.facts.clone(),
        figures: graph.figures(),
        databases: graph.databases() as u64,
        ..Trace::default()
    };
    canonical(&trace, &graph)
}

proptest! {
    #[test]
    fn any_permutation_repetition_and_division_is_the_same(
        seed: u64,
        order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..40_usize, 0..40),
        parts in prop::collection::vec(0..4_usize, 80),
    ) {
        let records = random_records(&SeededRandom::new(seed), 40);
        let sent = order.iter().chain(&again).map(|place| &records[*place]);
        let mut shares = vec![TraceLineage::default(); 4];
        for (record, part) in sent.zip(&parts) {
            if &*record.trace == "order-1" {
                shares[*part].apply(record);
            }
        }
        // In one row, as a tree, and the other way round.
        let [a, b, c, d] = &shares[..] else { unreachable!() };
        let joined = |shares: &[&TraceLineage]| {
            let mut whole = TraceLineage::default();
            shares.iter().for_each(|share| whole.join((*share).clone()));
            whole
        };
        let row = joined(&[a, b, c, d]);
        let tree = joined(&[&joined(&[d, c]), &joined(&[b, a, d])]);
        let straight = lineage_of(&records, "order-1");
        prop_assert_eq!(&row, &straight);
        prop_assert_eq!(&tree, &straight);
        prop_assert_eq!(bytes(&row), bytes(&straight));
    }
}

#[test]
fn the_canonical_form_is_frozen() {
    let records = crate::testkit::lineage::Shape::Lives(1).records("order-77");
    let lineage = lineage_of(&records, "order-77");
    insta::assert_snapshot!(bytes(&lineage));
}
