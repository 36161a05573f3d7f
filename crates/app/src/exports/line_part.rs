//! A part of lines.
//!
//! **Constraint.** A part is never larger than it may be, unless its first line alone is.

use std::io::{self, Write};

use super::coding::Coding;
use super::packed::Packed;
use super::part_file::PartFile;

/// Lines, and where they go.
pub struct LinePart {
    packed: Packed,
    lines: u64,
}

impl LinePart {
    /// Into this file.
    pub fn new(file: PartFile, coding: Coding, max_bytes: u64) -> io::Result<Self> {
        Ok(Self { packed: Packed::new(file, coding, max_bytes)?, lines: 0 })
    }

    /// Lines so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Adds a line, unless the part has no room for it.
    pub fn push(&mut self, line: &str) -> io::Result<bool> {
        if self.lines > 0 && !self.packed.fits(line.len() as u64 + 1)? {
            return Ok(false);
        }
        self.packed.write_all(line.as_bytes())?;
        self.packed.write_all(b"\n")?;
        self.lines += 1;
        Ok(true)
    }

    /// The file, with all lines in it.
    pub fn finish(self) -> io::Result<PartFile> {
        self.packed.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn filled(coding: Coding, max_bytes: u64, lines: &[String]) -> (usize, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let (growing, whole) = (directory.path().join("growing"), directory.path().join("whole"));
        let mut part = LinePart::new(PartFile::make(growing).unwrap(), coding, max_bytes).unwrap();
        let taken = lines.iter().take_while(|line| part.push(line).unwrap()).count();
        let finished = part.finish().unwrap().keep(&whole).unwrap();
        let bytes = std::fs::read(&whole).unwrap();
        assert_eq!(finished.bytes, bytes.len() as u64);
        (taken, bytes)
    }

    fn unpacked(coding: Coding, bytes: &[u8]) -> String {
        let mut text = String::new();
        match coding {
            Coding::Zstd => zstd::Decoder::new(bytes).unwrap().read_to_string(&mut text).unwrap(),
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap(),
        };
        text
    }

    /// Lines that cannot be made much smaller.
    fn noise(count: usize) -> Vec<String> {
        (0..count)
            .map(|_| format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>()))
            .collect()
    }

    #[test]
    fn a_part_has_whole_lines_and_is_never_larger_than_it_may_be() {
        let alike: Vec<String> = (0..20_000).map(|n| format!("{{\"n\":{n},\"same\":\"as ever\"}}")).collect();
        for (coding, _) in Coding::ALL {
            for lines in [noise(2_000), alike.clone()] {
                for max_bytes in [1_024, 10_000, 50_000] {
                    let (taken, bytes) = filled(coding, max_bytes, &lines);
                    assert!(bytes.len() as u64 <= max_bytes, "{} of {max_bytes}", bytes.len());
                    assert!(taken > 1, "{taken}");
                    assert_eq!(unpacked(coding, &bytes), lines[..taken].join("\n") + "\n");
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_too_large_is_a_part_of_its_own() {
        let large = "x".repeat(5_000) + &noise(100).concat();
        for (coding, _) in Coding::ALL {
            let (taken, bytes) = filled(coding, 1_024, &[large.clone(), "small".to_owned()]);
            assert_eq!((taken, unpacked(coding, &bytes)), (1, large.clone() + "\n"));
        }
    }
}
