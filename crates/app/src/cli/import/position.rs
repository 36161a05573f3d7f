//! How far an import came: `import-position.json`, beside what is imported.
//!
//! It is advice. Where it is missing, damaged, or about another server, importing begins at the first record, and the server
//! knows what it had.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::output;
use crate::cli::send::chunks::Place;

const NAME: &str = "import-position.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    server: String,
    /// By a part's SHA-256.
    parts: BTreeMap<String, Reached>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Reached {
    offset: u64,
    lines: u64,
    is_done: bool,
}

/// The file, and what stands in it.
pub struct PositionFile {
    path: PathBuf,
    position: Position,
    can_be_written: bool,
}

impl PositionFile {
    /// Of this directory and server.
    pub fn open(directory: &Path, server: &str, restart: bool) -> Self {
        let path = directory.join(NAME);
        let found = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Position>(&text).ok());
        let found = found.filter(|position| position.server == server && !restart);
        let position =
            found.unwrap_or_else(|| Position { server: server.to_owned(), parts: BTreeMap::new() });
        Self { path, position, can_be_written: true }
    }

    /// Whether the part was sent to its end.
    pub fn is_done(&self, part: &str) -> bool {
        self.position.parts.get(part).is_some_and(|reached| reached.is_done)
    }

    /// How far the part was sent.
    pub fn of(&self, part: &str) -> Place {
        let Reached { offset, lines, .. } = self.position.parts.get(part).copied().unwrap_or_default();
        Place { offset, lines }
    }

    /// Everything of the part before this place was answered.
    pub fn reached(&mut self, part: &str, place: Place) {
        let reached = Reached { offset: place.offset, lines: place.lines, is_done: false };
        self.put(part, reached);
    }

    /// All of the part was answered.
    pub fn done(&mut self, part: &str) {
        let reached = self.position.parts.get(part).copied().unwrap_or_default();
        self.put(part, Reached { is_done: true, ..reached });
    }

    fn put(&mut self, part: &str, reached: Reached) {
        self.position.parts.insert(part.to_owned(), reached);
        if !self.can_be_written {
            return;
        }
        if let Err(error) = self.write() {
            let path = self.path.display();
            output::note(&format!("{path} cannot be written ({error}); going on without it"));
            self.can_be_written = false;
        }
    }

    // Not synced: if the machine fails, sending begins earlier, and what the server had has no second effect.
    fn write(&self) -> io::Result<()> {
        let growing = self.path.with_extension("json.new");
        fs::write(&growing, serde_json::to_vec(&self.position)?)?;
        fs::rename(&growing, &self.path)
    }
}
