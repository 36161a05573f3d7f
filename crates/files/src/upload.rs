//! A file as it comes in.

use bytes::Bytes;
use weir_core::files::FilesError;

use crate::fault::blocking;
use crate::filling::Filling;
use crate::packing::Progress;
use crate::staging::{Part, Staged, Staging};

/// A file that comes in. Dropped before its end, it leaves nothing behind.
pub struct Upload(Filling<Part>);

impl Upload {
    pub(crate) async fn begin(staging: Staging) -> Result<Self, FilesError> {
        let made = blocking(move || {
            staging.check_room(0)?;
            let (part, file) = staging.make()?;
            let path = part.path().to_owned();
            Filling::begin(staging, path, file, Progress::default(), part)
        });
        made.await.map(Self)
    }

    /// Takes some more. Waits where more comes than can be packed.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        self.0.write(bytes).await
    }

    /// That was all of it: it is packed and durable on return.
    pub async fn finish(self) -> Result<Staged, FilesError> {
        let (progress, part) = self.0.finish().await?;
        Ok(Staged::new(part, &progress))
    }
}
