//! `weir`: the command line, and a server behind it.

use std::process::ExitCode;

use weir_app::{cli, run};

/// Events come and go by the ten thousand a second, made on one thread and dropped on another; this allocator takes
/// about half the time of the system's for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::execute(cli::parse(), async |configuration, logs| run::run(configuration, logs).await)
}
