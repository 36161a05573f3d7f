//! Stored files, each part a `tar.gz` of its own.
//!
//! **Constraints.** Files stand by rising number. A file is in one part, unless it is larger than one: then it is in pieces, which
//! together are the file. One that cannot be had any more is left out, and the list says so; it keeps no other from being
//! taken away.

mod choice;
mod filling;
mod line;
mod part;
mod path;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use weir_files::Files;

use super::contents::{Filled, Growing, Place};
use super::error::{ExportError, unwritten};
use filling::{Filling, Halt, Lost};
use part::FilePart;

pub use choice::FilesChoice;
pub use line::FileLine;

/// Where to go on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct FilesPlace {
    /// After the file of this number,
    after: Option<i64>,
    /// and within the file of this number from this byte on.
    split: Option<(i64, u64)>,
}

/// Where files come from.
pub struct StoredFiles {
    files: Arc<Files>,
    stop: CancellationToken,
}

impl StoredFiles {
    /// From here, until the program is to end.
    pub fn new(files: Arc<Files>, stop: CancellationToken) -> Self {
        Self { files, stop }
    }

    /// Fills one part. On a thread that may wait.
    pub fn fill(
        &self,
        choice: &FilesChoice,
        growing: &Growing<'_>,
        from: FilesPlace,
    ) -> Result<Option<Filled>, ExportError> {
        let (mut lost, part_max_bytes, number) = (Lost::new(), growing.order.part_max_bytes, growing.number);
        loop {
            let mut part = FilePart::new((growing.grow)()?, part_max_bytes);
            let filling = Filling {
                files: &self.files,
                choice,
                stop: &self.stop,
                lost: &lost,
                part_max_bytes,
                runtime: Handle::current(),
            };
            let then = match filling.fill(&mut part, from) {
                Ok(then) => then,
                // What is half in it cannot be taken out of it: the part is made anew without that file.
                Err(Halt::Lost(id, reason)) => {
                    lost.insert(id, reason);
                    continue;
                }
                Err(Halt::Failed(error)) => return Err(error),
            };
            if part.is_empty() {
                return Ok(None);
            }
            let list_name = format!("files-{number:06}.ndjson");
            let part = part.finish(&list_name, choice.began_at()).map_err(|error| unwritten(&error))?;
            let name = format!("files-{number:06}.tar.gz");
            return Ok(Some(Filled { part, name, then: then.map(Place::Files) }));
        }
    }
}
