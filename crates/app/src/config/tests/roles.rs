//! What a process does of all that one file describes.

use insta::assert_snapshot;

use super::{Place, with_file};
use crate::config::{Acknowledge, Role, Roles, Settings};

/// A store, one that is said to be handed on to, and one that everybody delivers to.
const SINKS: &str = r#"
[sinks.table]
type = "sqlite"
[sinks.bus]
type = "blackhole"
roles = "api"
[sinks.both]
type = "blackhole"
roles = ["api", "loader"]
"#;

fn here(settings: &Settings) -> Vec<&str> {
    settings.sinks_here().map(|(name, _)| name.as_str()).collect()
}

fn elsewhere(settings: &Settings) -> Vec<&str> {
    settings.sinks_elsewhere().map(|(name, _)| name.as_str()).collect()
}

fn in_role(role: &str) -> Settings {
    with_file(SINKS).variable("WEIR_ROLE", role).load().settings
}

#[test]
fn by_default_a_process_does_everything() {
    let settings = with_file(SINKS).load().settings;
    assert_eq!(settings.role, Roles::all());
    assert_eq!((here(&settings), elsewhere(&settings)), (vec!["both", "bus", "table"], vec![]));
    assert!(settings.takes_events() && settings.has_log());
}

#[test]
fn one_file_serves_every_role_and_a_sink_has_the_role_of_its_type_unless_it_says_another() {
    let api = in_role("api");
    assert_eq!((here(&api), elsewhere(&api)), (vec!["both", "bus"], vec!["table"]));
    assert!(api.takes_events() && api.has_log());
    let loader = in_role("loader");
    assert_eq!((here(&loader), elsewhere(&loader)), (vec!["both", "table"], vec!["bus"]));
    assert!(!loader.takes_events() && !loader.has_log());
    let jobs = in_role("jobs");
    assert_eq!(here(&jobs), [""; 0]);
    assert!(!jobs.takes_events());
    let two = in_role("loader, jobs");
    assert_eq!((two.role.to_string().as_str(), here(&two)), ("loader, jobs", vec!["both", "table"]));
    assert_eq!(in_role("jobs, loader, api").role, Roles::all());
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let mut place = with_file(&format!("role = [\"jobs\"]\n{SINKS}"));
    assert_eq!(place.load().settings.role, Role::Jobs.into());
    place = place.variable("WEIR_ROLE", "loader");
    assert_eq!(place.load().settings.role, Role::Loader.into());
    place.request.roles = vec!["api".to_owned(), "jobs".to_owned()];
    let configuration = place.load();
    assert_eq!(configuration.settings.role.words(), ["api", "jobs"]);
    assert!(
        configuration
            .show()
            .lines()
            .any(|line| line.starts_with("role = ") && line.ends_with("# option --role"))
    );
}

#[test]
fn a_word_that_is_no_role_is_told_with_those_there_are() {
    let text = "role = [\"api\", \"loder\"]\n[sinks.a]\ntype = \"blackhole\"\nroles = []\n";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:1: `role` cannot be "loder"
        Did you mean `loader`? There are: `all`, `api`, `loader`, `jobs`.
    weir.toml:4: `sinks.a.roles` names no role
        Leave it out, or name some.
    "#);
}

#[test]
fn events_that_would_go_nowhere_are_not_taken_in() {
    assert_snapshot!(Place::new().variable("WEIR_ROLE", "api").problems(), @r#"
    environment variable WEIR_ROLE: `role` is api, which takes events in, and no sink is of that role: they would go nowhere
        Add a sink that hands events on to a broker, or say roles = ["api"] in the section of one that is there: `sqlite` is of loader.
    "#);
    let unused = with_file("role = \"api\"\n[sinks.a]\ntype = \"blackhole\"\nroles = [\"jobs\"]\n");
    assert!(unused.problems().contains("go nowhere"));
    assert!(with_file("role = \"loader\"").load().warnings.is_empty());
}

#[test]
fn what_a_process_does_not_open_is_looked_at_all_the_same() {
    let place = with_file(
        "[sinks.a]\ntype = \"sqlite\"\ntable = \"sqlite_x\"\n[sinks.bus]\ntype = \"blackhole\"\nroles = \"api\"",
    );
    let place = place.variable("WEIR_ROLE", "api");
    assert!(place.problems().contains("`sinks.a.table` cannot be a table's name"), "{}", place.problems());
}

#[test]
fn a_secret_is_needed_only_where_it_is_used() {
    let file = r#"
[sinks.bus]
type = "blackhole"
roles = "api"
[sinks.rows]
type = "clickhouse"
url = "https://ch:8443"
user = "weir"
password = "env:CLICKHOUSE_PASSWORD"
tls = { ca = "ca.pem" }
"#;
    let place = with_file(file);
    assert!(place.problems().contains("CLICKHOUSE_PASSWORD, which is not set"));
    let place = place.variable("WEIR_ROLE", "api");
    let configuration = place.load();
    assert_eq!(elsewhere(&configuration.settings), ["rows"]);
    assert_snapshot!(place.without_directory(&configuration.warnings.join("\n")), @"`sinks.rows.password` wants the environment variable CLICKHOUSE_PASSWORD, which is not set; `sinks.rows` is of the role loader, so it was not looked at further");

    // With its secret it is looked at, but for the files that it would need.
    let place = place.variable("CLICKHOUSE_PASSWORD", "p");
    assert!(place.load().warnings.is_empty());
    let place = place.variable("WEIR_SINKS__ROWS__TLS__SERVER_NAME", "no host");
    assert!(place.problems().contains("is no host's name"));
    let place = place.variable("WEIR_ROLE", "loader");
    assert!(place.problems().contains("names no file"));
}

#[test]
fn answers_wait_for_a_sink_that_is_delivered_to_by_whoever_answers() {
    let waiting = |sink: &str| with_file(&format!("acknowledge = \"{sink}\"\n{SINKS}"));
    assert_eq!(waiting("log").load().settings.acknowledge, Acknowledge::Log);
    for role in ["all", "api", "loader"] {
        let settings = waiting("sink:bus").variable("WEIR_ROLE", role).load().settings;
        assert_eq!(settings.acknowledge, Acknowledge::Sink("bus".to_owned()), "{role}");
    }
    assert!(waiting("sink:table").load().warnings.is_empty(), "one process delivers to all");
    let text =
        ["sink:table", "sink:bsu", "bus"].map(|sink| waiting(sink).variable("WEIR_ROLE", "api").problems());
    assert_snapshot!(text.join("\n"), @r#"
    weir.toml:1: `acknowledge` waits for the sink "table", which is of the role loader, in a process of the role api
        Name a sink of the role api, or say roles = ["api", …] in [sinks.table].
    weir.toml:1: `acknowledge` names a sink that is not there: "bsu"
        Did you mean `bus`? There are: `both`, `bus`, `table`.
    weir.toml:1: `acknowledge` cannot be "bus"
        Write "log", or "sink:NAME" with the name of a sink.
    "#);
    let text = "acknowledge_timeout = \"0s\"";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:1: `acknowledge_timeout` is zero
        Write a value above zero; to have the default, leave the key out.
    "#);
}
