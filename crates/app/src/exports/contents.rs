//! What an export holds.

use serde::{Deserialize, Serialize};

use super::coding::Coding;
use super::error::ExportError;
use super::files::{FilesChoice, FilesPlace, StoredFiles};
use super::part_file::PartFile;
use super::telemetry::{Telemetry, TelemetryChoice, TelemetryPlace};

/// What was asked for. Kept beside the parts, so that an export goes on as it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// What it holds.
    pub contents: Contents,
    /// Bytes of one part.
    pub part_max_bytes: u64,
    /// How parts of lines are packed.
    pub coding: Coding,
}

/// What can be exported.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contents {
    /// Records of telemetry, one a line.
    Telemetry(TelemetryChoice),
    /// Stored files.
    Files(FilesChoice),
    /// All records and, where files are kept, all files.
    All(Option<FilesChoice>),
}

/// Where a part ended, so that the next one can go on there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Among records.
    Telemetry(TelemetryPlace),
    /// Among files.
    Files(FilesPlace),
}

/// Where contents come from.
pub struct Sources {
    /// Records; none where lineage is turned off.
    pub telemetry: Option<Telemetry>,
    /// Files; none where they are turned off.
    pub files: Option<StoredFiles>,
}

/// A part that has all it will have.
pub struct Filled {
    /// The part.
    pub part: PartFile,
    /// What it is to be called.
    pub name: String,
    /// Where the next one begins; nothing where nothing follows.
    pub then: Option<Place>,
}

/// A part that is to be filled.
pub struct Growing<'a> {
    /// What was asked for.
    pub order: &'a Order,
    /// Its number among the export's parts.
    pub number: u32,
    /// Has an empty file for it; that of the time before is no more.
    pub grow: &'a dyn Fn() -> Result<PartFile, ExportError>,
}

impl Growing<'_> {
    /// Fills it, from the place on; from the beginning where there is none. Nothing where there is nothing more. On a thread
    /// that may wait.
    pub fn fill(&self, sources: &Sources, from: Option<Place>) -> Result<Option<Filled>, ExportError> {
        match (&self.order.contents, from) {
            (Contents::Telemetry(choice), None) => self.records(sources, choice, None),
            (Contents::Telemetry(choice), Some(Place::Telemetry(place))) => {
                self.records(sources, choice, Some(place))
            }
            (Contents::Files(choice), None) => self.files(sources, choice, FilesPlace::default()),
            (Contents::Files(choice) | Contents::All(Some(choice)), Some(Place::Files(place))) => {
                self.files(sources, choice, place)
            }
            (Contents::All(files), None) => self.all(sources, files.as_ref(), None),
            (Contents::All(files), Some(Place::Telemetry(place))) => {
                self.all(sources, files.as_ref(), Some(place))
            }
            (Contents::Telemetry(_) | Contents::All(None), Some(Place::Files(_)))
            | (Contents::Files(_), Some(Place::Telemetry(_))) => {
                Err(ExportError::Broken("an export goes on where it has nothing; ask for it anew".to_owned()))
            }
        }
    }

    /// Records first: what is stored meanwhile is then told by itself, when it is imported.
    fn all(
        &self,
        sources: &Sources,
        files: Option<&FilesChoice>,
        from: Option<TelemetryPlace>,
    ) -> Result<Option<Filled>, ExportError> {
        let all = TelemetryChoice::Period { from: None, to: None };
        match (self.records(sources, &all, from)?, files) {
            (Some(filled), Some(_)) => {
                let then = filled.then.or(Some(Place::Files(FilesPlace::default())));
                Ok(Some(Filled { then, ..filled }))
            }
            (None, Some(files)) => self.files(sources, files, FilesPlace::default()),
            (filled, None) => Ok(filled),
        }
    }

    fn records(
        &self,
        sources: &Sources,
        choice: &TelemetryChoice,
        from: Option<TelemetryPlace>,
    ) -> Result<Option<Filled>, ExportError> {
        let Some(telemetry) = &sources.telemetry else { return Ok(None) };
        telemetry.fill(choice, self, from)
    }

    fn files(
        &self,
        sources: &Sources,
        choice: &FilesChoice,
        from: FilesPlace,
    ) -> Result<Option<Filled>, ExportError> {
        let Some(files) = &sources.files else { return Ok(None) };
        files.fill(choice, self, from)
    }
}
