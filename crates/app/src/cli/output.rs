//! Writing to people and pipes.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// Writes to standard output. A reader that went away is an error that [`is_closed`] knows.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

/// Writes a value as one line of JSON.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Writes a line to standard error, where a reader that went away keeps nothing from going on.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why the command failed.
pub fn complain(error: &anyhow::Error) {
    let color =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (red, plain) = if color { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
    let text = format!("{error:#}");
    // Several problems stand better below the word than beside it.
    let separator = if text.contains('\n') { "\n" } else { " " };
    note(&format!("{red}error:{plain}{separator}{text}"));
}

/// Whether the output's reader went away, as `head` does when it has enough.
pub fn is_closed(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
