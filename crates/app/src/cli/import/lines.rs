//! The lines of a part.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use flate2::read::MultiGzDecoder;

use crate::exports::Coding;

const BUFFER_BYTES: usize = 256 << 10;

/// From so many bytes of the unpacked lines on.
pub fn open(path: &Path, offset: u64) -> anyhow::Result<Box<dyn BufRead>> {
    let shown = || path.display().to_string();
    let file = File::open(path).with_context(shown)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut reader: Box<dyn BufRead> = match Coding::of_name(name) {
        Some(Coding::Zstd) => Box::new(buffered(zstd::Decoder::new(file).with_context(shown)?)),
        Some(Coding::Gzip) => Box::new(buffered(MultiGzDecoder::new(file))),
        None => bail!("{} is packed in a way that this version of Weir does not know", shown()),
    };
    io::copy(&mut (&mut reader).take(offset), &mut io::sink()).with_context(shown)?;
    Ok(reader)
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER_BYTES, reader)
}
