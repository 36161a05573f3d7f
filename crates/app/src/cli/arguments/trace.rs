//! The shape of `weir trace` and `weir why`. The comments here are what `--help` prints.

use clap::{Args, Subcommand};

use super::At;
use crate::cli::moment::moment;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TraceCommand {
    /// List them with their figures, the newest first
    List {
        #[command(flatten)]
        chosen: Chosen,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
    /// Draw a trace as a tree: its files, why they were dropped, and what they became
    Show {
        /// Its number, its UUID, or what its senders call it
        id: String,
        #[command(flatten)]
        picture: Picture,
    },
    /// Follow a key through all traces that have it: how it stands in each, what it came from and what came of it
    Journey {
        /// Its key
        key: String,
        /// At most so many traces
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
}

/// Which traces are meant; all that is given must hold.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Chosen {
    /// Of this user
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// With a record at or after this time (2026-11-22T09:00:00Z, or seconds or milliseconds since 1970)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<String>,
    /// With a record before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<String>,
    /// open, ended or quiet
    #[arg(long, value_name = "STATE", value_parser = ["open", "ended", "quiet"])]
    pub state: Option<String>,
    /// With a dropped file
    #[arg(long)]
    pub drops: bool,
    /// With this text in their key or user
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
}

/// What of a trace is drawn.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Picture {
    /// Only what lies about this node
    #[arg(long, value_name = "KEY")]
    pub around: Option<String>,
    /// So many steps from there
    #[arg(long, value_name = "COUNT", requires = "around")]
    pub depth: Option<usize>,
    /// Siblings of one kind and one fate are one line, with their number
    #[arg(long)]
    pub collapse: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WhyOptions {
    #[command(flatten)]
    pub at: At,
    /// Its key, its number, or its UUID
    pub key: String,
    /// Its trace, where several have a node of this key
    #[arg(long, value_name = "TRACE")]
    pub trace: Option<String>,
}
