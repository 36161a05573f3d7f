//! One process a data directory.

use std::time::Duration;

use crate::harness::{Setup, Weir};

#[test]
fn a_second_process_is_refused_and_told_the_first_ones_number() {
    let first = Weir::start(Setup::new());
    let directory = first.path("");
    let mut second = Weir::prepare(Setup::new().directory(directory));
    second.launch();
    assert_eq!(second.wait().code(), Some(1));

    let number = first.process().id().to_string();
    assert!(second.said().contains(&number), "names process {number}: {}", second.said());
    assert_eq!(first.get("/readyz").status, 200, "and the first one goes on");
}

#[test]
fn a_kill_leaves_no_lock_behind() {
    let mut weir = Weir::start(Setup::new());
    weir.kill9();
    weir.restart();
    weir.accept(r#"{"page":"/a","event":"x"}"#);
    weir.drained("sqlite", Duration::from_secs(30));
}
