//! Unpacking, with an eye on the size at every step: a bomb is noticed before it is in memory.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::budget::{Budget, Share};
use super::coding::Coding;

const STEP_BYTES: usize = 64 * 1024;
const BROTLI_BUFFER_BYTES: usize = 4 * 1024;
/// 8 MiB, which every decoder must have and none may be asked for more (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Why a body could not be unpacked.
#[derive(Debug)]
pub enum UnpackError {
    /// It is larger than allowed.
    TooLarge,
    /// There is no memory for it now.
    Crowded,
    /// It is not what it is said to be.
    Broken {
        /// What it is said to be.
        coding: Coding,
        /// What the decoder says.
        cause: io::Error,
    },
}

/// Undoes the codings, the last one first. The share comes back as large as what it stands for.
pub fn unpack(
    mut bytes: Bytes,
    codings: &[Coding],
    max_bytes: usize,
    budget: &Budget,
    mut share: Share,
) -> Result<(Bytes, Share), UnpackError> {
    for &coding in codings.iter().rev() {
        let kept = bytes.len();
        let broken = |cause| UnpackError::Broken { coding, cause };
        let mut decoder = decoder(coding, &bytes).map_err(broken)?;
        let mut unpacked = Vec::new();
        loop {
            let before = unpacked.len();
            let step = STEP_BYTES.min(max_bytes + 1 - before) as u64;
            (&mut decoder).take(step).read_to_end(&mut unpacked).map_err(broken)?;
            match unpacked.len() {
                size if size == before => break,
                size if size > max_bytes => return Err(UnpackError::TooLarge),
                size if !budget.try_grow(&mut share, kept + size) => return Err(UnpackError::Crowded),
                _ => {}
            }
        }
        drop(decoder);
        bytes = Bytes::from(unpacked);
    }
    Ok((bytes, share))
}

fn decoder<'a>(coding: Coding, bytes: &'a [u8]) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match coding {
        Coding::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        Coding::Deflate => Box::new(Deflate::new(bytes)),
        Coding::Brotli => {
            Box::new(Brotli(brotli_decompressor::Decompressor::new(bytes, BROTLI_BUFFER_BYTES)))
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
    })
}

/// Inflates with a check that the stream's end was seen; flate2's readers take a truncated stream for a whole one.
struct Deflate<'a> {
    packed: &'a [u8],
    state: Decompress,
    done: bool,
}

impl<'a> Deflate<'a> {
    fn new(packed: &'a [u8]) -> Self {
        // A zlib header: method 8, and a checksum over its two bytes.
        let framed = matches!(packed, [first, second, ..]
            if first & 0x0F == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0);
        Self { packed, state: Decompress::new(framed), done: false }
    }
}

impl Read for Deflate<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.done || out.is_empty() {
            return Ok(0);
        }
        let (read, written) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(self.packed, out, FlushDecompress::None)?;
        let (read, written) = (self.state.total_in() - read, self.state.total_out() - written);
        // Both are bounded by the lengths of the slices that were handed in.
        self.packed = &self.packed[read as usize..];
        match status {
            Status::StreamEnd if !self.packed.is_empty() => Err(invalid("bytes after the end")),
            Status::StreamEnd => {
                self.done = true;
                Ok(written as usize)
            }
            _ if written == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(written as usize),
        }
    }
}

/// Brotli's decoder does not look at what follows the end of the stream.
struct Brotli<R: Read>(brotli_decompressor::Decompressor<R>);

impl<R: BufRead> Read for Brotli<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let written = self.0.read(out)?;
        if written == 0 && !out.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() {
            return Err(invalid("bytes after the end"));
        }
        Ok(written)
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    const MAX: usize = 1024 * 1024;

    fn packed(coding: Coding, text: &[u8]) -> Vec<u8> {
        use flate2::Compression;
        let level = Compression::default();
        match coding {
            Coding::Zstd => zstd::encode_all(text, 3).unwrap(),
            Coding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Brotli => {
                let mut out = Vec::new();
                brotli::CompressorWriter::new(&mut out, 4096, 5, 20).write_all(text).unwrap();
                out
            }
        }
    }

    fn unpacked(bytes: impl Into<Bytes>, codings: &[Coding]) -> Result<Bytes, UnpackError> {
        let budget = Budget::new(4 * MAX, Duration::ZERO);
        unpack(bytes.into(), codings, MAX, &budget, Share::default()).map(|(bytes, _)| bytes)
    }

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Zstd, Coding::Deflate, Coding::Brotli];

    #[test]
    fn what_was_packed_comes_out_again() {
        let text = b"{\"page\":\"/\",\"event\":\"view\"}\n".repeat(10_000);
        for coding in ALL {
            assert_eq!(unpacked(packed(coding, &text), &[coding]).unwrap(), text, "{coding}");
        }
        let twice = packed(Coding::Brotli, &packed(Coding::Gzip, &text));
        assert_eq!(unpacked(twice, &[Coding::Gzip, Coding::Brotli]).unwrap(), text);
    }

    #[test]
    fn deflate_is_taken_with_and_without_its_frame() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"text").unwrap();
        assert_eq!(unpacked(encoder.finish().unwrap(), &[Coding::Deflate]).unwrap(), "text");
    }

    #[test]
    fn a_bomb_is_noticed_at_the_limit() {
        for coding in ALL {
            let bomb = packed(coding, &vec![b' '; MAX + 1]);
            assert!(bomb.len() < 10_000, "{coding}");
            assert!(matches!(unpacked(bomb, &[coding]), Err(UnpackError::TooLarge)), "{coding}");
            assert_eq!(unpacked(packed(coding, &vec![b' '; MAX]), &[coding]).unwrap().len(), MAX, "{coding}");
        }
    }

    #[test]
    fn whatever_is_cut_off_or_hung_on_is_noticed() {
        let text: Vec<u8> =
            (0..2_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for coding in ALL {
            let whole = packed(coding, &text);
            for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
                let cut = Bytes::copy_from_slice(&whole[..length]);
                let result = unpacked(cut, &[coding]);
                // Nothing at all unpacks to nothing in some codings; an empty body is refused further on.
                let harmless = length == 0 && result.as_ref().is_ok_and(Bytes::is_empty);
                assert!(
                    harmless || matches!(result, Err(UnpackError::Broken { .. })),
                    "{coding} at {length}"
                );
            }
            let hung_on = [whole, b"junk".to_vec()].concat();
            assert!(matches!(unpacked(hung_on, &[coding]), Err(UnpackError::Broken { .. })), "{coding}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut seed = 7_u64;
        for length in 0..400 {
            let noise: Vec<u8> = (0..length)
                .map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 56) as u8
                })
                .collect();
            for coding in ALL {
                let _ = unpacked(noise.clone(), &[coding]);
            }
        }
    }

    #[test]
    fn a_window_beyond_eight_mebibytes_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(24).unwrap();
        encoder.write_all(&[b' '; 100]).unwrap();
        let frame = encoder.finish().unwrap();
        assert!(matches!(unpacked(frame, &[Coding::Zstd]), Err(UnpackError::Broken { .. })));
    }
}
