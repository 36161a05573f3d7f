//! What became of the events of a request, as it is written.

use serde::Serialize;
use utoipa::ToSchema;
use weir_core::intake::{Outcome, Rejection};

/// An id's text and what stands around it.
const ID_BYTES: usize = 36 + 3;

/// The answer to events that were sent.
#[derive(Serialize, ToSchema)]
pub struct Accepted<'a> {
    /// How many were accepted. They are on disk.
    pub accepted: usize,
    /// Their ids, in the order in which they came.
    #[schema(value_type = Vec<String>)]
    pub ids: Vec<String>,
    /// Those that were not, by rising index.
    pub rejected: Vec<Rejected<'a>>,
}

/// Why an event was not accepted.
#[derive(Serialize, ToSchema)]
pub struct Rejected<'a> {
    /// Its place in the request, from 0.
    index: usize,
    /// A short word that stays the same.
    code: &'a str,
    /// What is wrong and what is expected.
    detail: &'a str,
}

impl<'a> Accepted<'a> {
    /// The answer for this outcome.
    pub fn of(outcome: &'a Outcome) -> Self {
        Self {
            accepted: outcome.ids.len(),
            ids: outcome.ids.iter().map(ToString::to_string).collect(),
            rejected: outcome.rejected.iter().map(rejected).collect(),
        }
    }
}

fn rejected(Rejection { index, code, detail }: &Rejection) -> Rejected<'_> {
    Rejected { index: *index, code, detail }
}

/// The same as [`Accepted::of`] as JSON, without a text for each id on its way: a thousand of them are common.
pub fn write_accepted(outcome: &Outcome) -> Vec<u8> {
    let mut json = Vec::with_capacity(64 + outcome.ids.len() * ID_BYTES);
    json.extend_from_slice(b"{\"accepted\":");
    json.extend_from_slice(outcome.ids.len().to_string().as_bytes());
    json.extend_from_slice(b",\"ids\":[");
    for (index, id) in outcome.ids.iter().enumerate() {
        json.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        push_uuid(&mut json, &id.0);
        json.push(b'"');
    }
    json.extend_from_slice(b"],\"rejected\":");
    let rejected: Vec<Rejected<'_>> = outcome.rejected.iter().map(rejected).collect();
    // Writing plain text and numbers into memory cannot fail.
    let _ = serde_json::to_writer(&mut json, &rejected);
    json.push(b'}');
    json
}

fn push_uuid(json: &mut Vec<u8>, id: &[u8; 16]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut place = 0;
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            place += 1;
        }
        text[place] = DIGITS[usize::from(byte >> 4)];
        text[place + 1] = DIGITS[usize::from(byte & 15)];
        place += 2;
    }
    json.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use weir_core::event::EventId;

    use super::*;

    #[test]
    fn writing_by_hand_gives_what_serde_gives() {
        let id =
            |n: u8| EventId(std::array::from_fn(|index| n.wrapping_mul(31).wrapping_add(index as u8 * 17)));
        let rejection =
            |index| Rejection { index, code: "wrong_type", detail: "page \"must\" be\n…".to_owned() };
        for (ids, rejections) in [(0, 0), (1, 0), (3, 2), (0, 1), (200, 0)] {
            let outcome = Outcome {
                ids: (0..ids).map(id).collect(),
                rejected: (0..rejections).map(rejection).collect(),
                span: None,
            };
            let by_serde = serde_json::to_string(&Accepted::of(&outcome)).unwrap();
            assert_eq!(String::from_utf8(write_accepted(&outcome)).unwrap(), by_serde);
        }
    }
}
