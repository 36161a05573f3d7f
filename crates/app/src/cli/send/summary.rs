//! What became of the lines.

use serde_json::{Value, json};

use super::chunks::Chunk;
use crate::cli::progress::Progress;
use crate::cli::{Verdict, output};
use crate::logging::escaped;

/// More rejected lines than this are counted, but not named.
const NAMED_MAX: usize = 1000;

/// What became of a chunk.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Lines that were accepted.
    pub accepted: u64,
    /// Those that were not.
    pub rejected: Vec<Rejected>,
}

/// A line that was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its number in the file, from 1.
    pub line: u64,
    /// A short word.
    pub code: String,
    /// What is wrong with it.
    pub detail: String,
}

/// What became of all chunks so far.
pub struct Summary {
    source: String,
    json: bool,
    lines: u64,
    accepted: u64,
    rejected: u64,
    named: Vec<Value>,
}

impl Summary {
    /// Nothing yet.
    pub fn new(source: String, json: bool) -> Self {
        Self { source, json, lines: 0, accepted: 0, rejected: 0, named: Vec::new() }
    }

    /// Adds a chunk, and names its rejected lines.
    pub fn add(&mut self, chunk: &Chunk, outcome: Outcome, progress: &Progress) {
        self.lines += (chunk.lines.len() + chunk.too_long.len()) as u64;
        self.accepted += outcome.accepted;
        let too_long = |line: &u64| Rejected {
            line: *line,
            code: "too_long".to_owned(),
            detail: "longer than 16 MiB; not sent".to_owned(),
        };
        for rejected in chunk.too_long.iter().map(too_long).chain(outcome.rejected) {
            self.reject(rejected, progress);
        }
    }

    fn reject(&mut self, Rejected { line, code, detail }: Rejected, progress: &Progress) {
        self.rejected += 1;
        if self.named.len() == NAMED_MAX {
            return;
        }
        if !self.json {
            progress.say(&format!("line {line}: {}: {}", escaped(&code), escaped(&detail)));
        }
        self.named.push(json!({ "line": line, "code": code, "detail": detail }));
    }

    /// Tells it all. Whether all is well.
    pub fn tell(self) -> anyhow::Result<Verdict> {
        let Self { source, lines, accepted, rejected, named, json } = self;
        if json {
            let summary =
                json!({ "lines": lines, "accepted": accepted, "rejected": rejected, "rejections": named });
            output::print_json(&summary)?;
        } else {
            let unnamed = rejected - named.len() as u64;
            if unnamed > 0 {
                output::note(&format!("… and {unnamed} more lines"));
            }
            let text = match lines {
                0 => format!("{source}: nothing that was not sent before\n"),
                _ => format!("{source}: {lines} lines sent, {accepted} accepted, {rejected} rejected\n"),
            };
            output::print(&text)?;
        }
        Ok(if rejected == 0 { Verdict::Well } else { Verdict::Wrong })
    }
}
