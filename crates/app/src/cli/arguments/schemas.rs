//! The shape of `weir schemas`. The comments here are what `--help` prints.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SchemasCommand {
    /// List the event types with package, file and fields
    List,
    /// Compile the files and tell every flaw by file and line; exit status 1 if there is one
    Check,
    /// Tell what the files break for readers of what was stored by older ones; exit status 1 if anything
    Compat {
        /// The folder of the older files
        #[arg(value_name = "OLD_DIR", value_hint = ValueHint::DirPath, required_unless_present = "against")]
        old: Option<PathBuf>,
        /// The same, by name
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "old")]
        against: Option<PathBuf>,
    },
}
