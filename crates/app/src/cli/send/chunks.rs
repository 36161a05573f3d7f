//! Cuts lines into chunks. The same bytes from the same place are always cut alike.

use std::io::{self, BufRead, Read};

/// Lines in a chunk.
const CHUNK_MAX_LINES: usize = 1000;
/// Bytes in a chunk, unless its first line is longer.
const CHUNK_MAX_BYTES: usize = 1024 * 1024;
/// A longer line is not sent: the server would refuse it, and it must not fill the memory.
const LINE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// A place between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
}

/// A line to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its place in [`Chunk::body`], its line feed included.
    pub span: std::ops::Range<usize>,
}

/// Some lines, sent as one request.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Where it ends.
    pub end: Place,
    /// The lines, each with its line feed; blank ones left out.
    pub body: Vec<u8>,
    /// What is in it.
    pub lines: Vec<Line>,
    /// Numbers of lines that are too long to be sent.
    pub too_long: Vec<u64>,
}

/// Reads chunk after chunk.
pub struct Chunks<R> {
    reader: R,
    place: Place,
    /// A line that was read, but did not fit into the chunk before.
    held: Option<(Vec<u8>, Taken)>,
}

/// How a line was read.
#[derive(Clone, Copy)]
struct Taken {
    bytes: u64,
    too_long: bool,
}

impl<R: BufRead> Chunks<R> {
    /// From `place` on, where `reader` stands.
    pub fn new(reader: R, place: Place) -> Self {
        Self { reader, place, held: None }
    }

    /// The next chunk, ending at the offset `planned_end` where one is given; `None` at the end.
    pub fn next(&mut self, planned_end: Option<u64>) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk { end: self.place, ..Chunk::default() };
        loop {
            let ends_here = match planned_end {
                Some(end) => chunk.end.offset >= end,
                None => chunk.lines.len() >= CHUNK_MAX_LINES,
            };
            if ends_here {
                break;
            }
            let Some((line, taken)) = self.line()? else { break };
            let fits = chunk.body.is_empty() || chunk.body.len() + line.len() < CHUNK_MAX_BYTES;
            if planned_end.is_none() && !fits {
                self.held = Some((line, taken));
                break;
            }
            chunk.add(&line, taken);
        }
        let is_empty = chunk.end.offset == self.place.offset;
        self.place = chunk.end;
        Ok((!is_empty).then_some(chunk))
    }

    fn line(&mut self) -> io::Result<Option<(Vec<u8>, Taken)>> {
        if let Some(held) = self.held.take() {
            return Ok(Some(held));
        }
        let mut line = Vec::new();
        let mut bytes = (&mut self.reader).take(LINE_MAX_BYTES as u64).read_until(b'\n', &mut line)? as u64;
        let too_long = bytes == LINE_MAX_BYTES as u64 && line.last() != Some(&b'\n');
        if too_long {
            line.clear();
            bytes += self.reader.skip_until(b'\n')? as u64;
        }
        Ok((bytes > 0).then_some((line, Taken { bytes, too_long })))
    }
}

impl Chunk {
    fn add(&mut self, line: &[u8], taken: Taken) {
        let offset = self.end.offset;
        self.end.offset += taken.bytes;
        self.end.lines += 1;
        if taken.too_long {
            self.too_long.push(self.end.lines);
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let start = self.body.len();
        self.body.extend_from_slice(line);
        self.body.push(b'\n');
        self.lines.push(Line { number: self.end.lines, offset, span: start..self.body.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Chunk> {
        let mut chunks = Chunks::new(text.as_bytes(), Place::default());
        std::iter::from_fn(|| chunks.next(None).unwrap()).collect()
    }

    #[test]
    fn a_chunk_ends_at_a_thousand_lines() {
        let text = "{}\n".repeat(2500);
        let counts: Vec<usize> = all(&text).iter().map(|chunk| chunk.lines.len()).collect();
        assert_eq!(counts, [1000, 1000, 500]);
    }

    #[test]
    fn a_chunk_ends_before_a_mebibyte_but_a_long_line_is_one_by_itself() {
        let long = format!("{}\n", "x".repeat(600 * 1024));
        let longer = format!("{}\n", "y".repeat(2 * CHUNK_MAX_BYTES));
        let chunks = all(&format!("{long}{long}{longer}{{}}\n"));
        let counts: Vec<usize> = chunks.iter().map(|chunk| chunk.lines.len()).collect();
        assert_eq!(counts, [1, 1, 1, 1]);
        assert_eq!(chunks.last().unwrap().end.lines, 4);
    }

    #[test]
    fn blank_lines_are_counted_and_not_sent_and_the_last_needs_no_line_feed() {
        let chunks = all("\n a \r\n\n  \nb");
        assert_eq!(chunks[0].body, b"a\nb\n");
        let numbers: Vec<u64> = chunks[0].lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 5]);
        assert_eq!(chunks[0].end, Place { offset: 11, lines: 5 });
    }

    #[test]
    fn a_planned_end_is_kept_though_the_file_has_grown() {
        let text = "a\nb\nc\nd\n";
        let mut chunks = Chunks::new(text.as_bytes(), Place::default());
        assert_eq!(chunks.next(Some(4)).unwrap().unwrap().body, b"a\nb\n");
        assert_eq!(chunks.next(None).unwrap().unwrap().body, b"c\nd\n");
        assert!(chunks.next(None).unwrap().is_none());
    }

    #[test]
    fn a_line_beyond_the_limit_is_passed_over_by_number() {
        let text = format!("a\n{}\nb\n", "x".repeat(LINE_MAX_BYTES + 5));
        let chunks = all(&text);
        let too_long: Vec<u64> = chunks.iter().flat_map(|chunk| chunk.too_long.clone()).collect();
        assert_eq!(too_long, [2]);
        let sent: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.body.clone()).collect();
        assert_eq!(sent, b"a\nb\n");
        assert_eq!(chunks.last().unwrap().end.offset, text.len() as u64);
    }
}
