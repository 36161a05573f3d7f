//! Names of attributes: those that nearly every sender uses are a number.

use super::bytes::{Damaged, Input, put_number, put_text};

/// Their place, from 1, stands on disk: new ones are added at the end, and none is ever moved.
const KNOWN: [&str; 20] = [
    "name",
    "bytes",
    "operation",
    "level",
    "message",
    "database",
    "table",
    "to",
    "path",
    "type",
    "size",
    "sha256",
    "rows",
    "status",
    "host",
    "duration_ms",
    "error",
    "url",
    "group",
    "store",
];

pub fn put(out: &mut Vec<u8>, name: &str) {
    match KNOWN.iter().position(|known| *known == name) {
        Some(place) => put_number(out, place as u64 + 1),
        None => {
            put_number(out, 0);
            put_text(out, name);
        }
    }
}

pub fn read<'a>(input: &mut Input<'a>) -> Result<&'a str, Damaged> {
    match input.number()? {
        0 => input.text(),
        place => KNOWN.get(place as usize - 1).copied().ok_or(Damaged),
    }
}
