//! The shape of `weir files`. The comments here are what `--help` prints.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::duration;
use crate::cli::moment::moment;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum FilesCommand {
    /// List versions of files, the oldest first
    List {
        #[command(flatten)]
        chosen: ChosenFiles,
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
    /// Show what is known of a file, also after its end
    Show {
        /// Its key, for the latest version; the number or UUID of a version
        key: String,
    },
    /// Store files
    ///
    /// A file larger than 8 MiB goes in parts, each of which is on the server's disk when it is answered. When the connection
    /// breaks, or the server is away for a while, it goes on where the server says that it stands. The SHA-256 is told before,
    /// so that other bytes are never stored.
    Put(PutOptions),
    /// Have a file back
    ///
    /// Goes on where it stopped when the connection breaks, also when the command is run again, and checks the SHA-256
    /// before the file gets its name.
    Get(GetOptions),
    /// Delete a version of a file
    Delete {
        /// Its key, for the latest version; the number or UUID of a version
        key: String,
    },
    /// Look at what ends files, or would
    Retention {
        #[command(subcommand)]
        command: RetentionCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RetentionCommand {
    /// Tell what the rules would end now; nothing is done
    Preview,
    /// List what ended files, the latest first: which rule, or who
    Acts {
        /// At most so many
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        limit: usize,
    },
}

/// Which files are meant; all that is given must hold.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct ChosenFiles {
    /// All versions of this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Of this user
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Of this trace
    #[arg(long, value_name = "TRACE")]
    pub trace: Option<String>,
    /// Stored at or after this time (2026-11-22T09:00:00Z, or seconds or milliseconds since 1970)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<String>,
    /// Stored before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<String>,
    /// Those that were deleted or expired as well
    #[arg(long)]
    pub ended: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PutOptions {
    /// The files
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::FilePath)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub names: Names,
    /// Give up when the server has been away or busy for so long
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub retry_for: Duration,
}

/// What is told of files that are stored.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Names {
    /// What to call it, where there is one; else a key is issued
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// What they are stored with
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Their trace, which is told that they came
    #[arg(long, value_name = "TRACE")]
    pub trace: Option<String>,
    /// Whose they are
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GetOptions {
    /// Its key, for the latest version; the number or UUID of a version
    pub key: String,
    /// Where it goes; else its own name, in this directory
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Give up when the server has been away or busy for so long
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub retry_for: Duration,
}
