//! Pictures: every node has a place of its own, `x` grows along every edge, circles are marked.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::*;
use super::plain::lineage_of;
use crate::testkit::lineage::{Shape, random_records};
use crate::testkit::world::SeededRandom;

struct Drawn {
    graph: Graph,
    circles: Circles,
    places: Vec<Place>,
}

fn draw(records: &[TelemetryRecord], trace: &str) -> Drawn {
    let graph = Graph::of(&lineage_of(records, trace));
    let links = Links::of(&graph);
    let circles = Circles::of(&graph, &links);
    let places = layout(&graph, &links, &circles);
    Drawn { graph, circles, places }
}

impl Drawn {
    fn at(&self, key: &str) -> (usize, f64) {
        let place = self.places[self.graph.place_of(key).unwrap()];
        (place.x, place.y)
    }

    fn check(&self) {
        let Self { graph, circles, places } = self;
        assert_eq!(places.len(), graph.nodes.len());
        for (edge, is_back) in graph.edges.iter().zip(&circles.is_back) {
            assert!(*is_back || places[edge.from].x < places[edge.to].x, "{edge:?}");
        }
        let mut layers: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for place in places {
            assert!(place.x >= 1 && place.y >= 0.0 && place.y.is_finite(), "{place:?}");
            layers.entry(place.x).or_default().push(place.y);
        }
        for rows in layers.values_mut() {
            rows.sort_by(f64::total_cmp);
            // Rounded to two digits each.
            assert!(rows.windows(2).all(|pair| pair[1] - pair[0] > 0.98), "{rows:?}");
        }
    }

    /// An edge lies on a circle where one can come back from its end to its beginning.
    fn check_circles(&self) {
        let Self { graph, circles, .. } = self;
        for (edge, is_on_circle) in graph.edges.iter().zip(&circles.is_on_circle) {
            let mut reached = BTreeSet::from([edge.to]);
            while !reached.contains(&edge.from) {
                let next = graph.edges.iter().filter(|e| reached.contains(&e.from)).map(|e| e.to);
                let next: BTreeSet<usize> = next.filter(|to| !reached.contains(to)).collect();
                if next.is_empty() {
                    break;
                }
                reached.extend(next);
            }
            assert_eq!(*is_on_circle, reached.contains(&edge.from), "{edge:?}");
        }
        let is_marked = circles.is_back.iter().zip(&circles.is_on_circle).all(|(back, on)| !back || *on);
        assert!(is_marked, "what leads back lies on a circle");
    }
}

#[test]
fn every_shape_is_drawn_from_left_to_right() {
    for shape in [
        Shape::FanOut(2_000),
        Shape::FanIn(2_000),
        Shape::Chain(1_000),
        Shape::Diamonds(300),
        Shape::Lives(0),
        Shape::Lives(1),
        Shape::Lives(700),
    ] {
        let drawn = draw(&shape.records("t"), "t");
        drawn.check();
        assert!(!drawn.circles.is_on_circle.contains(&true));
    }
}

#[test]
fn a_chain_is_a_straight_line_and_a_parent_stands_amid_its_children() {
    let chain = draw(&Shape::Chain(1_000).records("t"), "t");
    assert_eq!(chain.at("file:first"), (1, 0.0));
    assert_eq!(chain.at("data:999"), (1_001, 0.0));
    let fan = draw(&Shape::FanOut(101).records("t"), "t");
    assert_eq!(fan.at("file:source"), (1, 50.0));
    let lives = draw(&Shape::Lives(1).records("t"), "t");
    let (file, one, other) = (lives.at("file:in-0.csv"), lives.at("data:0-1"), lives.at("data:0-2"));
    assert_eq!((file, one, other), ((1, 0.5), (2, 0.0), (2, 1.0)));
    assert_eq!((lives.at("db:sales.orders"), lives.at("file:out-0.csv")), ((3, 0.0), (3, 1.0)));
}

#[test]
fn a_circle_is_drawn_with_one_edge_that_leads_back() {
    for count in [2, 3, 100] {
        let drawn = draw(&Shape::Circle(count).records("t"), "t");
        drawn.check();
        drawn.check_circles();
        assert_eq!(drawn.circles.is_back.iter().filter(|is_back| **is_back).count(), 1);
        assert!(drawn.circles.is_on_circle.iter().all(|is_on| *is_on));
        assert_eq!(drawn.places.iter().map(|place| place.x).max(), Some(count));
    }
}

#[test]
fn a_hundred_thousand_nodes_in_a_row_overflow_nothing() {
    draw(&Shape::Circle(100_000).records("t"), "t").check();
}

proptest! {
    #[test]
    fn whatever_the_dice_make_can_be_drawn(seed: u64, count in 1_usize..80) {
        let records = random_records(&SeededRandom::new(seed), count);
        let drawn = draw(&records, "order-1");
        drawn.check();
        drawn.check_circles();
    }
}
