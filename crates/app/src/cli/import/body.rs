//! A file of the disk as what a request sends.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const PIECE_BYTES: u64 = 256 << 10;

/// Its bytes, piece by piece; as many as it had when it was opened.
pub struct FileBody {
    file: File,
    left_bytes: u64,
}

impl FileBody {
    /// All of it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let left_bytes = file.metadata()?.len();
        Ok(Self { file, left_bytes })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    // Read where it is asked for: nobody else waits for this thread.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left_bytes == 0 {
            return Poll::Ready(None);
        }
        let mut piece = vec![0; usize::try_from(self.left_bytes.min(PIECE_BYTES)).unwrap_or_default()];
        if let Err(error) = self.file.read_exact(&mut piece) {
            return Poll::Ready(Some(Err(error)));
        }
        self.left_bytes -= piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }
}
