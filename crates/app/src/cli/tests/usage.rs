//! What can be said on the command line.

use clap::{CommandFactory, Parser};
use insta::assert_snapshot;

use crate::cli::arguments::{Command, CommandLine, DeadLettersCommand};

fn parse(line: &str) -> Result<CommandLine, clap::Error> {
    CommandLine::try_parse_from(line.split(' '))
}

#[test]
fn the_description_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn without_a_command_it_serves() {
    assert!(parse("weir").unwrap().command.is_none());
    assert!(matches!(parse("weir run --data-dir x").unwrap().command, Some(Command::Run)));
}

#[test]
fn roles_are_named_one_by_one_or_with_commas() {
    for line in
        ["weir run --role api --role jobs", "weir --role api,jobs", "weir config check --role api,jobs"]
    {
        assert_eq!(parse(line).unwrap().common.roles, ["api", "jobs"], "{line}");
    }
    assert!(parse("weir run").unwrap().common.roles.is_empty());
}

#[test]
fn common_options_stand_before_or_after_the_command() {
    for line in ["weir --json status", "weir status --json", "weir --config f dead-letters list --json"] {
        assert!(parse(line).unwrap().common.json, "{line}");
    }
    parse("weir dead-letters list --url http://h").unwrap();
    parse("weir dead-letters --url http://h list").unwrap();
}

#[test]
fn wrong_use_ends_with_2() {
    for line in [
        "weir statsu",
        "weir tail --stream",
        "weir send",
        "weir --config f --env g",
        "weir dead-letters list --from yesterday",
        "weir dead-letters replay",
        "weir dead-letters replay 1 --sink s",
        "weir dead-letters delete",
        "weir log replay",
        "weir schemas",
        "weir schemas compat",
        "weir schemas compat a --against b",
        "weir sinks",
        "weir sinks pause",
        "weir sinks forget",
        "weir sinks replay",
        "weir sinks replay s --from yesterday",
        "weir files",
        "weir files put",
        "weir files get",
        "weir files list --from yesterday",
        "weir files put a --retry-for soon",
        "weir token issue --subject a --expires-in soon",
        "weir trace journey",
        "weir export --out d",
        "weir export --all",
        "weir export --trace a --file b --out d",
        "weir export --all --from 1795338000 --out d",
        "weir export --from yesterday --out d",
        "weir export --all --coding rar --out d",
        "weir import",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
    assert_eq!(parse("weir --help").unwrap_err().exit_code(), 0);
    assert_eq!(parse("weir --version").unwrap_err().exit_code(), 0);
}

#[test]
fn dead_letters_are_chosen_by_number_by_what_they_have_in_common_or_all() {
    for line in [
        "weir dead-letters replay 1 2",
        "weir dead-letters replay --sink s",
        "weir dead-letters replay --reason r --from 1795338000",
        "weir dead-letters replay --all",
    ] {
        let Some(Command::DeadLetters { command, .. }) = parse(line).unwrap().command else {
            panic!("{line}")
        };
        assert!(matches!(command, DeadLettersCommand::Replay { .. }), "{line}");
    }
}

#[test]
fn help_is_complete_and_short() {
    let mut command = CommandLine::command();
    command.build();
    assert_snapshot!("help", command.render_long_help().to_string());
    let mut text = String::new();
    for path in [
        &["send"][..],
        &["dead-letters", "replay"],
        &["log"],
        &["log", "replay"],
        &["schemas"],
        &["schemas", "compat"],
        &["sinks"],
        &["sinks", "forget"],
        &["export"],
        &["import"],
        &["files"],
        &["files", "put"],
        &["files", "get"],
        &["token", "issue"],
    ] {
        let mut command = &mut command;
        for name in path {
            command = command.find_subcommand_mut(name).unwrap();
        }
        text.push_str(&format!("--- {}\n{}", path.join(" "), command.render_long_help()));
    }
    assert_snapshot!("help_of_commands", text);
}
