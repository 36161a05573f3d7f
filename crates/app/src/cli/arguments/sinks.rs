//! The shape of `weir sinks`. The comments here are what `--help` prints.

use clap::{Args, Subcommand};

use crate::cli::moment::moment;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SinksCommand {
    /// List them with their accounts, those taken out of the settings included
    List,
    /// Ask a sink, or all, whether deliveries would succeed; exit status 1 if not, with what would mend it
    Check {
        /// Its name
        name: Option<String>,
    },
    /// Have a sink wait, also after a restart; its events stay pending and are kept
    Pause {
        /// Its name
        name: String,
    },
    /// Have a paused sink go on where it stood
    Resume {
        /// Its name
        name: String,
    },
    /// Give up a sink that was taken out of the settings, with what is pending for it and its dead letters
    ///
    /// Until then it holds the log, in case it was taken out by mistake. Tells what would be lost and asks for the
    /// name once more.
    Forget {
        /// Its name
        name: String,
        /// Its name once more, for whom there is nobody to ask
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Send what the log still keeps of a period to a sink once more
    Replay {
        /// Its name
        name: String,
        #[command(flatten)]
        period: Period,
    },
}

/// When events were received.
#[derive(Debug, Args)]
pub(in crate::cli) struct Period {
    /// Received at or after this time; else from the oldest that is kept
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<String>,
    /// Received before this time; else up to now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<String>,
}
