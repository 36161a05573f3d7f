//! The shape of the command line. The comments here are what `--help` prints.

mod exports;
mod files;
mod schemas;
mod sinks;
mod trace;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::moment::moment;
use crate::config::parse_duration;

pub(super) use exports::{ChosenContents, ExportOptions, ImportOptions};
pub(super) use files::{ChosenFiles, FilesCommand, GetOptions, Names, PutOptions, RetentionCommand};
pub(super) use schemas::SchemasCommand;
pub(super) use sinks::{Period, SinksCommand};
pub(super) use trace::{Chosen as ChosenTraces, Picture, TraceCommand, WhyOptions};

/// Takes in events over HTTP, has them on disk before it says so, and delivers them with the effect of once.
///
/// Without a command it serves. Settings come from weir.toml, .env, the environment (WEIR_SERVER__PORT=8080) and the
/// options below; `weir config show` tells which are in force. The other commands find the server by the same
/// settings, so run them in the same directory.
///
/// Exit status: 0 well, 1 failed or found something wrong, 2 used wrongly.
#[derive(Debug, Parser)]
#[command(name = "weir", version, max_term_width = 100)]
pub struct CommandLine {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// Read settings from FILE instead of weir.toml
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "environment")]
    pub config: Option<PathBuf>,
    /// Read settings from NAME.toml or config/NAME.toml
    #[arg(long = "env", id = "environment", global = true, value_name = "NAME")]
    pub environment: Option<String>,
    /// Keep everything in DIR instead of ./data
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Do only this part of the work: api, loader, jobs; several with commas. For `run` and `config`
    #[arg(long = "role", global = true, value_name = "ROLE", value_delimiter = ',')]
    pub roles: Vec<String>,
    /// Say more or less: error, warn, info, debug, trace, or pairs such as warn,weir_log=debug
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Print JSON instead of text and tables
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve until SIGTERM or Ctrl-C (what `weir` alone does)
    Run,
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Show how the log and every sink stand
    Status(At),
    /// Print events as they are accepted, one a line, until Ctrl-C
    Tail(TailOptions),
    /// Send a file of events, one JSON object a line
    ///
    /// Sends 1,000 lines at a time, each time under an Idempotency-Key made of their content and their place in the
    /// file. So a file that is sent again, after a crash of either side or by mistake, has its effect once. How far
    /// it came is kept in FILE.weir-position, from where it goes on; lines that were added since are sent. Waits
    /// and tries again while the server is away or busy. Lines that are not accepted are told by number, and the
    /// exit status is 1.
    Send(SendOptions),
    /// Look at events that a sink refused, send them again, or give them up
    DeadLetters {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: DeadLettersCommand,
    },
    /// Look at sinks, check them, have them wait and go on, or give removed ones up
    Sinks {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: SinksCommand,
    },
    /// Look at traces: what became of their files
    Trace {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: TraceCommand,
    },
    /// Tell why a file or datum became what it became, or nothing
    Why(WhyOptions),
    /// Take records of telemetry and stored files away
    ///
    /// Writes DIR/manifest.json and the parts that it names, each by itself packed lines of records, or a tar.gz of stored
    /// files with a list of what is in it. What was broken off goes on when the same command is run again: parts that are there are checked by their hash, and half a part is
    /// gone on with.
    Export(ExportOptions),
    /// Send what an export wrote to a server: the same traces and files, whoever sends them
    ///
    /// Checks the hash of each part first. How far it came is kept in DIR, from where it goes on; a record that is sent
    /// twice has its effect once. A record keeps the user and the sender that it had. A file keeps its key, its
    /// names and its time, and is not stored again where it is. Records that are not accepted are told by part and line,
    /// files by their key, and the exit status is 1.
    Import(ImportOptions),
    /// Store files, have them back, list and delete them, and look at what retention does
    Files {
        #[command(flatten)]
        at: At,
        #[command(subcommand)]
        command: FilesCommand,
    },
    /// Look at the event types of /store in their files, and at what a change would break
    Schemas {
        /// Look at the files in DIR instead of schemas.dir
        #[arg(long = "schemas", global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: Option<PathBuf>,
        #[command(subcommand)]
        command: SchemasCommand,
    },
    /// Look into the event log, or send what it keeps to a sink once more
    Log {
        #[command(subcommand)]
        command: LogCommand,
    },
    /// Make tokens for clients
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Print a script that completes weir's commands: `weir completions bash > /etc/bash_completion.d/weir`
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Tell everything that is wrong with the settings; exit status 1 if anything is
    Check,
    /// Print the settings in force, each with where it comes from; secrets are hidden
    Show,
}

/// Which server is asked.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The server's address, if it is not the one that the settings name
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    url: Option<String>,
    /// Trust the authorities whose certificates are in FILE (PEM), beside the system's and the server's own
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca: Option<PathBuf>,
}

impl At {
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }
}

#[derive(Debug, Args)]
pub(super) struct TailOptions {
    #[command(flatten)]
    pub at: At,
    /// Only of this stream
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SendOptions {
    #[command(flatten)]
    pub at: At,
    /// The file; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The stream they belong to
    #[arg(long, value_name = "STREAM", default_value = "events")]
    pub stream: String,
    /// Begin at the first line, whatever was sent before (which has no second effect)
    #[arg(long)]
    pub restart: bool,
    /// Make this sending another than one of the same lines under another NAME: both then have their effect
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub run: String,
    /// Give up when the server has been away or busy for so long (5s if it never answered)
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub retry_for: Duration,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// List them, the newest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
    /// Show one, with its event
    Show {
        /// Its number
        id: i64,
    },
    /// Send them to their sink again
    Replay {
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Give them up; they stay counted as dead
    Delete {
        /// Their numbers
        #[arg(required = true)]
        ids: Vec<i64>,
    },
}

/// Which dead letters are meant; all that is given must hold.
#[derive(Debug, Default, Args)]
pub(super) struct Filter {
    /// Refused by this sink
    #[arg(long, value_name = "SINK")]
    pub sink: Option<String>,
    /// Of this stream
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// Refused for this reason
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Last refused at or after this time (2026-11-22T09:00:00Z, or seconds or milliseconds since 1970)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<String>,
    /// Last refused before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true, args = ["ids", "sink", "stream", "reason", "from", "to", "all"])]
pub(super) struct Chosen {
    /// Their numbers
    #[arg(conflicts_with_all = ["sink", "stream", "reason", "from", "to", "all"])]
    pub ids: Vec<i64>,
    #[command(flatten)]
    pub filter: Filter,
    /// All of them
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Show what is in the log's files (the server must be stopped)
    Inspect,
    /// Check every block of the log; exit status 1 if one is damaged (the server must be stopped)
    Verify,
    /// Send what the log still keeps of a period to a sink once more
    Replay(ReplayOptions),
}

#[derive(Debug, Args)]
pub(super) struct ReplayOptions {
    #[command(flatten)]
    pub at: At,
    /// The sink
    #[arg(long, value_name = "SINK")]
    pub sink: String,
    #[command(flatten)]
    pub period: Period,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Print a token signed with auth.jwt_secret
    Issue(IssueOptions),
}

#[derive(Debug, Args)]
pub(super) struct IssueOptions {
    /// Whom it is for; becomes the events' user_id
    #[arg(long, value_name = "NAME")]
    pub subject: String,
    /// How long it is good
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration)]
    pub expires_in: Duration,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write it as 500ms, 5s, 10m, 1h or 90d".to_owned())
}
