//! The shape of `weir export` and `weir import`. The comments here are what `--help` prints.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::{At, duration};
use crate::cli::moment::moment;

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportOptions {
    #[command(flatten)]
    pub at: At,
    #[command(flatten)]
    pub chosen: ChosenContents,
    /// Into this directory, which is made where it is missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// No part is larger than SIZE (1KiB to 1GiB, with files from 64KiB; 64MiB where nothing is said)
    #[arg(long, value_name = "SIZE")]
    pub part_max_bytes: Option<String>,
    /// How parts of records are packed; those of files are tar.gz
    #[arg(long, value_name = "CODING", conflicts_with = "files", value_parser = ["zstd", "gzip"])]
    pub coding: Option<String>,
}

/// What is exported.
#[derive(Debug, Args)]
#[group(required = true, multiple = true, args = ["trace", "file", "from", "to", "files", "all"])]
pub(in crate::cli) struct ChosenContents {
    /// All records of a trace: its number, its UUID, or what its senders call it
    #[arg(long, value_name = "ID", conflicts_with_all = ["file", "from", "to", "files", "all"])]
    pub trace: Option<String>,
    /// All records of everything up- and downstream of a key, in every trace that has it
    #[arg(long, value_name = "KEY", conflicts_with_all = ["from", "to", "files", "all"])]
    pub file: Option<String>,
    /// What happened at or after this time (2026-11-22T09:00:00Z, or seconds or milliseconds since 1970)
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with_all = ["files", "all"])]
    pub from: Option<String>,
    /// What happened before this time
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with_all = ["files", "all"])]
    pub to: Option<String>,
    /// All stored files, unless --day or --group says which
    #[arg(long, conflicts_with = "all")]
    pub files: bool,
    /// Of the files, those that were stored on this day, in UTC (2026-11-20)
    #[arg(long, value_name = "DAY", requires = "files", conflicts_with = "group")]
    pub day: Option<String>,
    /// Of the files, those that were stored with this group
    #[arg(long, value_name = "GROUP", requires = "files")]
    pub group: Option<String>,
    /// Everything: all records, and all stored files
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportOptions {
    #[command(flatten)]
    pub at: At,
    /// What `weir export` wrote
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
    /// Begin at the first part, whatever was sent before (which has no second effect)
    #[arg(long)]
    pub restart: bool,
    /// Give up when the server has been away or busy for so long (5s if it never answered)
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub retry_for: Duration,
}
