//! Lineage in a real Postgres, through the whole program: the same graph as in a file, whatever is killed in between.

use std::time::Duration;

use crate::harness::{Postgres, Setup, Weir, until};
use crate::lineage::{CANONICAL, SCENARIO, send};

const SUITE: &str = "lineage in Postgres";
const SOON: Duration = Duration::from_secs(60);
/// The server is gone at once; what was under way may take a moment.
const AWAY_WITHIN: Duration = Duration::from_secs(30);

fn weir_over(server: &Postgres) -> Weir {
    Weir::start(Setup::new().variable("DATABASE_URL", &server.url()))
}

/// The graph as a Weir keeps it that has a file for it.
fn graph_in_a_file() -> String {
    let weir = Weir::start(Setup::new());
    send(&weir, &SCENARIO);
    weir.drained("lineage", SOON);
    weir.get(CANONICAL).body
}

#[test]
fn records_that_come_backwards_twice_and_over_kills_of_both_make_the_graph_that_a_file_has() {
    let Some(mut server) = Postgres::start(SUITE) else { return };
    let mut weir = weir_over(&server);
    let mut backwards = SCENARIO;
    backwards.reverse();
    for (place, record) in backwards.iter().enumerate() {
        send(&weir, &[record, record]);
        match place % 4 {
            1 => {
                weir.kill9();
                weir.restart();
            }
            3 => {
                server.kill9();
                send(&weir, &SCENARIO[..2]);
                server.restart();
            }
            _ => {}
        }
    }
    send(&weir, &SCENARIO[3..]);
    weir.drained("lineage", SOON);
    assert_eq!(weir.get(CANONICAL).body, graph_in_a_file());
    let account = weir.metrics().account("lineage");
    assert!(account.is_balanced() && account.dead == 0.0, "{account:?}");
    assert_eq!(server.ask("SELECT records FROM weir_lineage.traces"), ["11"]);
    assert!(!weir.path("data/lineage.db").exists() && weir.path("data/catalog.db").exists());
}

#[test]
fn a_server_that_is_away_at_the_start_holds_nothing_up_and_nothing_is_lost() {
    let Some(mut server) = Postgres::start(SUITE) else { return };
    server.kill9();
    let weir = weir_over(&server);
    send(&weir, &SCENARIO);
    assert_eq!(weir.get("/readyz").status, 200);
    assert_eq!(weir.get("/v1/traces/order-77").status, 503);
    let account = weir.metrics().account("lineage");
    assert_eq!((account.pending, account.dead), (11.0, 0.0));
    server.restart();
    weir.drained("lineage", SOON);
    assert_eq!(weir.get(CANONICAL).body, graph_in_a_file());
}

#[test]
fn two_instances_over_one_database_answer_the_same() {
    let Some(server) = Postgres::start(SUITE) else { return };
    let (one, other) = (weir_over(&server), weir_over(&server));
    for (place, record) in SCENARIO.iter().enumerate() {
        send(if place % 2 == 0 { &one } else { &other }, &[record]);
    }
    for weir in [&one, &other] {
        weir.drained("lineage", SOON);
    }
    let graph = one.get(CANONICAL).body;
    assert_eq!(graph, other.get(CANONICAL).body);
    assert_eq!(graph, graph_in_a_file());
}

#[test]
fn the_password_is_shown_nowhere() {
    let Some(mut server) = Postgres::start(SUITE) else { return };
    let weir = weir_over(&server);
    send(&weir, &SCENARIO);
    weir.drained("lineage", SOON);
    server.kill9();
    until(AWAY_WITHIN, "the question to fail", || weir.get("/v1/traces").status == 503);
    let shown = String::from_utf8(weir.run(&["config", "show"]).stdout).unwrap();
    assert!(shown.contains("postgres://weir:(hidden)@127.0.0.1"), "{shown}");
    for text in [shown, weir.said(), weir.get("/v1/traces").body, weir.get_json("/v1/status").to_string()] {
        assert!(!text.contains("weir-password"), "{text}");
    }
}

#[test]
fn a_schema_of_somebody_else_is_refused_at_the_start_with_what_to_do() {
    let Some(server) = Postgres::start(SUITE) else { return };
    server.ask("CREATE SCHEMA weir_lineage AUTHORIZATION weir");
    let mut weir = Weir::prepare(Setup::new().variable("DATABASE_URL", &server.url()));
    weir.launch();
    assert_eq!(weir.wait().code(), Some(1));
    let said = weir.said();
    assert!(said.contains("not Weir's") && said.contains("catalog.url"), "{said}");
    assert_eq!(
        server.ask("SELECT count(*) FROM pg_class WHERE relnamespace = 'weir_lineage'::regnamespace"),
        ["0"]
    );
    assert!(!said.contains("weir-password"), "{said}");
}
