//! A bar on a terminal; nothing elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;

/// How far sending is.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins at `offset` of `size` bytes, where that is known.
    pub fn start(size: Option<u64>, offset: u64, json: bool) -> Self {
        let bar = match size {
            Some(size) => ProgressBar::new(size).with_position(offset),
            None => ProgressBar::no_length(),
        };
        if json || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = match size {
            Some(_) => "{bar:30} {percent}% {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}",
            None => "{spinner} {bytes} {bytes_per_sec} {msg}",
        };
        // The templates are constants, and the tests draw both; a mistake in one leaves indicatif's own style.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Everything before `offset` was answered.
    pub fn reached(&self, offset: u64) {
        self.bar.set_message("");
        self.bar.set_position(offset);
    }

    /// Why it does not go on at the moment.
    pub fn waits(&self, why: &str) {
        if self.bar.is_hidden() {
            output::note(why);
        } else {
            self.bar.set_message(why.to_owned());
        }
    }

    /// Says a line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| output::note(line));
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_understood() {
        for size in [Some(10), None] {
            let progress = Progress::start(size, 0, true);
            progress.reached(5);
            assert_eq!(progress.bar.position(), 5);
        }
        for template in
            ["{bar:30} {percent}% {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}", "{spinner} {bytes}"]
        {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
