//! Finding out how far a content has come that was left half packed.
//!
//! **Constraint.** Only what its frame's checksum vouches for counts: what a crash left torn, or never wrote, ends the walk.

use std::io::{self, Read};

use zstd::bulk::Decompressor;
use zstd::zstd_safe;

use super::PIECE_BYTES;
use super::packer::Progress;

/// What is there.
pub struct Walked {
    /// Up to the last whole frame.
    pub progress: Progress,
    /// Whether its table follows: then nothing comes any more.
    pub is_whole: bool,
}

/// Walks over what is there, from its beginning.
pub fn walk(mut from: impl Read) -> io::Result<Walked> {
    let frame_max_bytes = zstd_safe::compress_bound(PIECE_BYTES);
    let (mut buffer, mut progress) = (Vec::new(), Progress::default());
    let mut decompressor = Decompressor::new()?;
    loop {
        let wanted = frame_max_bytes.saturating_sub(buffer.len()) as u64;
        from.by_ref().take(wanted).read_to_end(&mut buffer)?;
        let Ok(packed_bytes @ 1..) = zstd_safe::find_frame_compressed_size(&buffer) else { break };
        let piece = match decompressor.decompress(&buffer[..packed_bytes], PIECE_BYTES) {
            Ok(piece) if !piece.is_empty() => piece,
            _ => break,
        };
        progress.add(&piece, packed_bytes)?;
        buffer.drain(..packed_bytes);
    }
    // The table of a large content is longer than a frame.
    let ending = progress.ending();
    from.take(ending.len() as u64).read_to_end(&mut buffer)?;
    Ok(Walked { is_whole: buffer == ending, progress })
}

#[cfg(test)]
mod tests {
    use super::super::Packer;
    use super::*;

    fn packed(pieces: &[&[u8]]) -> (Vec<u8>, Progress) {
        let mut packer = Packer::new(Vec::new()).unwrap();
        pieces.iter().for_each(|piece| packer.add(piece).unwrap());
        packer.pause()
    }

    #[test]
    fn what_was_left_half_packed_is_gone_on_with() {
        let (half, left) = packed(&[b"one", b"two"]);
        let walked = walk(half.as_slice()).unwrap();
        assert_eq!((walked.progress.bytes(), walked.is_whole), (6, false));
        assert_eq!(walked.progress.packed_bytes(), half.len() as u64);
        assert_eq!(walked.progress.hash(), left.hash());

        let mut packer = Packer::resume(half, walked.progress).unwrap();
        packer.add(b"three").unwrap();
        let (whole, _) = packer.finish().unwrap();
        let (mut at_once, progress) = packed(&[b"one", b"two", b"three"]);
        at_once.extend(progress.ending());
        assert_eq!(whole, at_once);
        assert!(walk(whole.as_slice()).unwrap().is_whole);
    }

    #[test]
    fn what_is_torn_anywhere_counts_up_to_its_last_whole_piece() {
        let (half, progress) = packed(&[b"one", b"two"]);
        let first = packed(&[b"one"]).0.len();
        for length in 0..half.len() {
            let walked = walk(&half[..length]).unwrap();
            assert_eq!(walked.progress.bytes(), if length < first { 0 } else { 3 }, "{length}");
        }
        let mut zeros = half.clone();
        zeros.extend([0; 100]);
        assert_eq!(walk(zeros.as_slice()).unwrap().progress.bytes(), 6);
        let whole = [half, progress.ending()].concat();
        assert!(!walk(&whole[..whole.len() - 1]).unwrap().is_whole);
    }
}
