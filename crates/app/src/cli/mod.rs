//! The command line: what can be asked of `weir`, and the exit status it answers with.
//!
//! **Constraints.** Results go to standard output, everything else to standard error. 0: well; 1: failed, or found
//! something wrong; 2: used wrongly. What came from outside is escaped before it reaches a terminal.

mod address;
mod arguments;
mod client;
mod completions;
mod config;
mod credential;
mod dead_letters;
mod export;
mod files;
mod import;
mod log;
mod moment;
mod output;
mod pages;
mod progress;
mod readable;
mod retry;
mod schemas;
mod send;
mod sinks;
mod status;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod token;
mod trace;
mod tree;
mod trust;
mod why;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

pub use arguments::CommandLine;

use crate::config::{Configuration, Request, Settings, load};
use crate::logging::{self, Logs};
use arguments::{At, Command, Common, ConfigCommand, LogCommand, TokenCommand};
use client::Client;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// All is well.
    Well,
    /// It found something wrong, and has said so.
    Wrong,
}

/// How long tasks that cannot be cancelled may hold up the end of the process.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads the command line. Ends the process where it is wrong (2) or asks for help (0).
pub fn parse() -> CommandLine {
    CommandLine::parse()
}

/// Does what was asked for. `serve` runs the server until it is told to stop.
pub fn execute<Serve>(command_line: CommandLine, serve: Serve) -> ExitCode
where
    Serve: AsyncFnOnce(&Configuration, &Logs) -> anyhow::Result<()>,
{
    let result = match command_line.command {
        None | Some(Command::Run) => run(&command_line.common, serve),
        Some(command) => command_result(&command_line.common, command),
    };
    match result {
        Ok(Verdict::Well) => ExitCode::SUCCESS,
        Ok(Verdict::Wrong) => ExitCode::FAILURE,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run<Serve>(common: &Common, serve: Serve) -> anyhow::Result<Verdict>
where
    Serve: AsyncFnOnce(&Configuration, &Logs) -> anyhow::Result<()>,
{
    let configuration = load(&request(common))?;
    let settings = &configuration.settings;
    let logs = logging::start(&settings.log_level, settings.log_format).context("logging")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    let ended = runtime.block_on(serve(&configuration, &logs));
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
    match ended {
        Ok(()) => Ok(Verdict::Well),
        // Whoever reads JSON finds it there; a person is told in plain words.
        Err(error) if logs.are_json() => {
            tracing::error!(error = format!("{error:#}"), "the server has failed");
            Ok(Verdict::Wrong)
        }
        Err(error) => Err(error),
    }
}

fn command_result(common: &Common, command: Command) -> anyhow::Result<Verdict> {
    match command {
        // A server is run by `execute` itself.
        Command::Run => Ok(Verdict::Well),
        Command::Config { command: ConfigCommand::Check } => config::check(&request(common), common.json),
        Command::Config { command: ConfigCommand::Show } => config::show(&request(common), common.json),
        Command::Completions { shell } => completions::write(shell),
        Command::Token { command: TokenCommand::Issue(options) } => {
            token::issue(&settings(common)?, &options)
        }
        Command::Schemas { folder, command } => {
            let folder = folder.map_or_else(|| Ok(settings(common)?.schemas.dir), anyhow::Ok)?;
            schemas::execute(&folder, command, common.json)
        }
        Command::Log { command: LogCommand::Inspect } => log::inspect(&settings(common)?, common.json),
        Command::Log { command: LogCommand::Verify } => log::verify(&settings(common)?, common.json),
        command => asked_of_a_server(common, command),
    }
}

fn asked_of_a_server(common: &Common, command: Command) -> anyhow::Result<Verdict> {
    let settings = settings(common)?;
    let json = common.json;
    let connect = |at: &At| Client::new(&settings, at.url(), at.ca());
    let asking = async {
        match command {
            Command::Status(at) => status::show(&connect(&at)?, json).await,
            Command::Tail(options) => tail::follow(&connect(&options.at)?, &options, json).await,
            Command::Send(options) => send::send(&connect(&options.at)?, &options, json).await,
            Command::DeadLetters { at, command } => {
                dead_letters::execute(&connect(&at)?, command, json).await
            }
            Command::Sinks { at, command } => sinks::execute(&connect(&at)?, command, json).await,
            Command::Trace { at, command } => trace::execute(&connect(&at)?, command, json).await,
            Command::Export(options) => export::export(&connect(&options.at)?, &options, json).await,
            Command::Import(options) => import::import(&connect(&options.at)?, &options, json).await,
            Command::Files { at, command } => files::execute(&connect(&at)?, command, json).await,
            Command::Why(options) => why::show(&connect(&options.at)?, &options, json).await,
            Command::Log { command: LogCommand::Replay(options) } => {
                sinks::replay(&connect(&options.at)?, &options.sink, &options.period, json).await
            }
            // The other commands need no server and were done before.
            _ => Ok(Verdict::Well),
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime")?;
    runtime.block_on(asking)
}

fn settings(common: &Common) -> anyhow::Result<Settings> {
    Ok(load(&request(common))?.settings)
}

fn request(common: &Common) -> Request {
    Request {
        config_file: common.config.clone(),
        environment_name: common.environment.clone(),
        data_dir: common.data_dir.clone(),
        log_level: common.log_level.clone(),
        roles: common.roles.clone(),
        ..Request::of_process()
    }
}
