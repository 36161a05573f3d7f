//! The `Content-Encoding` header, and gRPC's own.

use std::fmt;

use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName};
use hyper::{HeaderMap, StatusCode};

use crate::api::problem::Problem;

/// How often a body may be packed over again.
const CODINGS_MAX: usize = 2;
const TAKEN: &str = "gzip, zstd, deflate, br";

/// How gRPC says it of a call's messages.
pub const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// A way of packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950; RFC 1951 without its frame is taken for it, as everybody does.
    Deflate,
    /// RFC 7932.
    Brotli,
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        })
    }
}

/// How the body is packed, as the header of this name tells, in the order in which that was done.
pub fn codings(headers: &HeaderMap, header_name: &HeaderName) -> Result<Vec<Coding>, Problem> {
    let not_taken = || not_taken(header_name);
    let mut codings = Vec::new();
    for header in headers.get_all(header_name) {
        for name in header.to_str().map_err(|_| not_taken())?.split(',') {
            match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "zstd" => codings.push(Coding::Zstd),
                "deflate" => codings.push(Coding::Deflate),
                "br" => codings.push(Coding::Brotli),
                _ => return Err(not_taken()),
            }
        }
    }
    match codings.len() {
        0..=CODINGS_MAX => Ok(codings),
        _ => Err(not_taken()),
    }
}

fn not_taken(header_name: &HeaderName) -> Problem {
    let (name, accept) = match *header_name == CONTENT_ENCODING {
        true => ("Content-Encoding", ACCEPT_ENCODING),
        false => ("grpc-encoding", GRPC_ACCEPT_ENCODING),
    };
    let detail = format!("{name} must be one of {TAKEN}, or at most {CODINGS_MAX} of them");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-encoding", detail)
        .with_header(accept, TAKEN)
}
