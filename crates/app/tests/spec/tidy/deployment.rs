//! What `deploy` says of Weir is what this Weir knows.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use serde_json::Value;

use super::{files, none, root, yaml};

const WEIR: &str = "/usr/local/bin/weir";
const COMPOSE: &str = "deploy/compose.yaml";
const DOCKERFILE: &str = "deploy/Dockerfile";

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn services() -> BTreeMap<String, Value> {
    serde_json::from_value(yaml::parse(&read(COMPOSE))["services"].clone()).unwrap()
}

/// The services that are Weir.
fn of_weir() -> BTreeMap<String, Value> {
    let mut services = services();
    services.retain(|_, service| service["image"] == "weir");
    services
}

/// What follows this instruction, in the last stage of the image.
fn image(instruction: &str) -> Vec<String> {
    let text = read(DOCKERFILE);
    let (_, stage) = text.rsplit_once("\nFROM ").unwrap();
    let lines = stage.lines().filter_map(|line| line.strip_prefix(instruction));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The variables that a service gives Weir, beside those of the image; what is asked of people is made up.
fn variables(service: &Value) -> BTreeMap<String, String> {
    let of_image = image("ENV ").into_iter().flat_map(|line| {
        let pairs = line.split(' ').map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    });
    let own: BTreeMap<String, String> = serde_json::from_value(service["environment"].clone()).unwrap();
    let made_up =
        |value: String| if value.starts_with("${") { "made-up-for-a-test".to_owned() } else { value };
    of_image.chain(own).map(|(name, value)| (name, made_up(value))).collect()
}

fn weir(arguments: &[String], variables: &BTreeMap<String, String>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).current_dir(root().join("deploy")).env_clear().envs(variables).output().unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn its_settings_and_variables_are_those_that_weir_knows() {
    let (page, file) = (read("docs/configuration.md"), read("deploy/weir.toml"));
    let mut roles = BTreeSet::new();
    for (service, told) in of_weir() {
        let variables = variables(&told);
        roles.extend(variables.get("WEIR_ROLE").cloned());
        let checked = weir(&words(&["config", "check", "--json"]), &variables);
        let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
        let told_without_kafka = |problem: &Value| {
            let key = problem["key"].as_str().unwrap();
            !cfg!(feature = "kafka") && (key.starts_with("inputs") || key == "sinks.bus.type")
        };
        let mut found = checked["problems"].as_array().unwrap().clone();
        found.retain(|problem| !told_without_kafka(problem));
        let passed_over = |warning: &&Value| warning.as_str().unwrap().contains("no setting");
        found.extend(checked["warnings"].as_array().unwrap().iter().filter(passed_over).cloned());
        let is_known =
            |name: &str| page.contains(&format!("`{name}`")) || file.contains(&format!("\"env:{name}\""));
        let strangers = variables.keys().filter(|name| !name.starts_with("WEIR_") && !is_known(name));
        found.extend(strangers.map(|name| Value::from(format!("{name} means nothing to Weir"))));
        let found = found.iter().map(ToString::to_string).collect::<Vec<_>>();
        none(&found, &format!("mend the service {service}, or deploy/weir.toml"));
    }
    assert_eq!(roles, words(&["api", "loader"]).into_iter().collect());
}

#[test]
fn its_commands_are_those_that_weir_has() {
    // With this it only tells about the command, if there is one of these words.
    let is_known = |command: &[String]| {
        let [program, arguments @ ..] = command else { return false };
        let arguments = [arguments, &words(&["--help"])].concat();
        program == WEIR && weir(&arguments, &BTreeMap::new()).status.success()
    };
    assert!(!is_known(&words(&[WEIR, "statuses"])) && !is_known(&words(&[WEIR, "status", "--often"])));

    let list = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap();
    let [entry] = image("ENTRYPOINT ").try_into().unwrap();
    let [run] = image("CMD ").try_into().unwrap();
    let mut commands = vec![[list(&entry), list(&run)].concat()];
    let health = image("HEALTHCHECK ");
    commands.extend(health.iter().map(|line| list(line.split_once("CMD ").unwrap().1)));
    for service in of_weir().values() {
        let test: Vec<String> = serde_json::from_value(service["healthcheck"]["test"].clone()).unwrap();
        assert_eq!(test[0], "CMD");
        commands.push(test[1..].to_vec());
        assert!(service.get("command").or(service.get("entrypoint")).is_none(), "the image's own serve");
    }
    let strange = commands.iter().filter(|command| !is_known(command)).map(|command| command.join(" "));
    none(&strange.collect::<Vec<_>>(), "there is no such command");
}

#[test]
fn weir_runs_without_rights_on_a_file_system_that_nobody_writes() {
    for (name, service) in of_weir() {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{name}");
        assert!(service["user"].is_null(), "{name} has the image's user");
    }
    assert_eq!(image("USER "), ["65532:65532"]);
}

#[test]
fn every_service_that_stays_is_watched_and_keeps_what_it_has_in_a_volume() {
    let volumes = yaml::parse(&read(COMPOSE))["volumes"].clone();
    for (name, service) in services().into_iter().filter(|(_, service)| service["restart"] != "on-failure") {
        assert!(service["healthcheck"]["test"].is_array(), "{name} has no health check");
        let mounts: Vec<String> = serde_json::from_value(service["volumes"].clone()).unwrap();
        let kept = mounts.iter().filter_map(|mount| mount.split_once(':')).map(|(volume, _)| volume);
        assert_eq!(kept.filter(|volume| volumes.get(volume).is_some()).count(), 1, "{name}: {mounts:?}");
    }
}

#[test]
fn rules_and_dashboards_ask_for_metrics_that_there_are() {
    let page = read("docs/operation.md") + &read("docs/inputs.md");
    let of_histogram = ["_bucket", "_sum", "_count"];
    let is_there = |name: &&str| {
        let family = of_histogram.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        page.lines().any(|line| line.starts_with('|') && line.contains(&format!("`{family}")))
    };
    let mut asked = BTreeSet::new();
    for file in files(&["deploy/prometheus", "deploy/grafana"], &["yml", "json"]) {
        let words = file.text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        asked.extend(words.filter(|word| word.starts_with("weir_")).map(ToOwned::to_owned));
    }
    assert!(asked.len() > 10, "{asked:?}");
    let strange = asked.iter().map(String::as_str).filter(|name| !is_there(name)).map(ToOwned::to_owned);
    none(&strange.collect::<Vec<_>>(), "neither docs/operation.md nor docs/inputs.md knows such a metric");
}

#[test]
fn the_image_is_built_with_this_repositorys_compiler() {
    let toolchain: toml::Table = read("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let (release, _) = channel.rsplit_once('.').unwrap();
    assert!(read(DOCKERFILE).contains(&format!("FROM rust:{release}-")), "{channel}");
}

#[test]
fn the_page_tells_of_every_secret_that_is_asked_for() {
    let (text, page) = (read(COMPOSE), read("docs/deployment.md"));
    let asked = text.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap());
    let missing = asked.filter(|name| !page.contains(name)).map(ToOwned::to_owned).collect::<Vec<_>>();
    none(&missing, "docs/deployment.md says nothing of these");
}
