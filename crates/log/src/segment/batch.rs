//! Entries that are written with one call and made durable with one sync.

use std::time::Instant;

use weir_core::event::Stream;
use weir_core::log::{LogError, Span};

use super::encode::Encoded;
use super::inner::Inner;
use super::queue::Answer;

/// Entries up to this size are gathered: one part of the write costs more than copying so little.
const GATHER_MAX_BYTES: usize = 16 << 10;
const GATHERED_BYTES: usize = 64 << 10;

#[derive(Default)]
pub(super) struct Batch {
    parts: Vec<Vec<u8>>,
    bytes: u64,
    answers: Vec<(Answer, Span)>,
    counts: Vec<(Stream, u64)>,
}

impl Batch {
    pub(super) fn add(&mut self, encoded: Encoded, answer: Answer, span: Span) {
        self.bytes += encoded.bytes.len() as u64;
        match self.counts.last_mut().filter(|(stream, _)| *stream == encoded.stream) {
            Some((_, count)) => *count += encoded.events,
            None => self.counts.push((encoded.stream, encoded.events)),
        }
        self.gather(encoded.bytes);
        self.answers.push((answer, span));
    }

    fn gather(&mut self, bytes: Vec<u8>) {
        if bytes.len() > GATHER_MAX_BYTES {
            self.parts.push(bytes);
            return;
        }
        match self.parts.last_mut() {
            Some(last) if last.capacity() - last.len() >= bytes.len() => last.extend_from_slice(&bytes),
            // The first entry may be the only one: then it is not copied at all.
            None => self.parts.push(bytes),
            Some(_) => {
                let mut gathered = Vec::with_capacity(GATHERED_BYTES);
                gathered.extend_from_slice(&bytes);
                self.parts.push(gathered);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }

    /// Events by stream; a stream may come several times.
    pub(super) fn counts(&self) -> &[(Stream, u64)] {
        &self.counts
    }

    /// Shows who waits, so that the keeper can answer them should the disk not.
    pub(super) fn begin(&mut self, inner: &Inner, now: Instant) {
        let mut under_way = inner.under_way();
        under_way.since = Some(now);
        under_way.answers = std::mem::take(&mut self.answers);
    }

    /// Tells those who still wait, and is empty again.
    pub(super) fn done(&mut self, inner: &Inner, error: Option<&LogError>) {
        let answers = {
            let mut under_way = inner.under_way();
            under_way.since = None;
            std::mem::take(&mut under_way.answers)
        };
        for (answer, span) in answers {
            // Whoever has gone away does not want to know.
            let _ = answer.send(error.cloned().map_or(Ok(span), Err));
        }
        *self = Self::default();
    }
}
