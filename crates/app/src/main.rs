//! `weir`: the command line, and a server behind it.

use std::process::ExitCode;

use weir_app::{cli, run};

fn main() -> ExitCode {
    cli::execute(cli::parse(), async |configuration, logs| run::run(configuration, logs).await)
}
