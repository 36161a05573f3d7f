//! `weir completions`

use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::CommandLine;
use super::{Verdict, output};

/// Prints the script for `shell`.
pub fn write(shell: Shell) -> anyhow::Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "weir", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Verdict::Well)
}
