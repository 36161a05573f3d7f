//! What may be asked of every export.

use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::config::parse_size;
use crate::exports::{Coding, FILES_PART_MIN_BYTES, PART_DEFAULT_BYTES, PART_MAX_BYTES, PART_MIN_BYTES};

/// Bytes that no part of records exceeds.
pub fn part_max_bytes(query: &Query) -> Result<u64, Problem> {
    bytes(query, PART_MIN_BYTES, "1KiB")
}

/// The same where parts may hold files.
pub fn files_part_max_bytes(query: &Query) -> Result<u64, Problem> {
    bytes(query, FILES_PART_MIN_BYTES, "64KiB")
}

fn bytes(query: &Query, min: u64, shown: &str) -> Result<u64, Problem> {
    let Some(text) = query.get("part_max_bytes") else { return Ok(PART_DEFAULT_BYTES) };
    match parse_size(text) {
        Some(bytes) if (min..=PART_MAX_BYTES).contains(&bytes) => Ok(bytes),
        _ => {
            Err(bad("part_max_bytes", &format!("must be a size from {shown} to 1GiB, or a number of bytes")))
        }
    }
}

/// How records are packed.
pub fn coding(query: &Query) -> Result<Coding, Problem> {
    let Some(name) = query.get("coding") else { return Ok(Coding::Zstd) };
    Coding::parse(name).ok_or_else(|| bad("coding", "must be zstd or gzip"))
}

/// 400, with the parameter's name.
pub fn bad(name: &str, what: &str) -> Problem {
    Problem::bad_request("bad-query", format!("query parameter {name:?} {what}"))
}
