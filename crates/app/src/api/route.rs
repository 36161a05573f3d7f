//! Which path means what.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::problem::Problem;

/// What a path means, with the names that stand in it as they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/events`
    Events,
    /// `/v1/streams/{stream}/events`
    StreamEvents(&'a str),
    /// `/store`
    Store,
    /// `/ping`
    Ping,
    /// `/healthz`
    Health,
    /// `/readyz`
    Readiness,
    /// `/metrics`
    Metrics,
    /// `/openapi.json`
    OpenApi,
    /// `/v1/status`
    Status,
    /// `/v1/tail`
    Tail,
    /// `/v1/dead-letters`
    DeadLetters,
    /// `/v1/dead-letters/replay`
    DeadLettersReplay,
    /// `/v1/dead-letters/{id}`
    DeadLetter(&'a str),
    /// `/v1/dead-letters/{id}/replay`
    DeadLetterReplay(&'a str),
    /// `/v1/schemas`
    Schemas,
    /// `/v1/sinks`
    Sinks,
    /// `/v1/sinks/{name}/replay`
    SinkReplay(&'a str),
    /// `/v1/sinks/{name}/check`
    SinkCheck(&'a str),
    /// `/v1/sinks/{name}/pause`
    SinkPause(&'a str),
    /// `/v1/sinks/{name}/resume`
    SinkResume(&'a str),
    /// `/v1/sinks/{name}/forget`
    SinkForget(&'a str),
    /// Anything else.
    Unknown,
}

/// How many kinds of route there are.
pub const ROUTES: usize = 22;

impl<'a> Route<'a> {
    /// Reads a path.
    pub fn of(path: &'a str) -> Self {
        if path == "/events" {
            return Self::Events;
        }
        let mut segments = [""; 4];
        let mut count = 0;
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            match segments.get_mut(count) {
                Some(place) if !segment.is_empty() => *place = segment,
                _ => return Self::Unknown,
            }
            count += 1;
        }
        match segments[..count] {
            ["store"] => Self::Store,
            ["ping"] => Self::Ping,
            ["healthz"] => Self::Health,
            ["readyz"] => Self::Readiness,
            ["metrics"] => Self::Metrics,
            ["openapi.json"] => Self::OpenApi,
            ["v1", "status"] => Self::Status,
            ["v1", "tail"] => Self::Tail,
            ["v1", "streams", stream, "events"] => Self::StreamEvents(stream),
            ["v1", "dead-letters"] => Self::DeadLetters,
            ["v1", "dead-letters", "replay"] => Self::DeadLettersReplay,
            ["v1", "dead-letters", id] => Self::DeadLetter(id),
            ["v1", "dead-letters", id, "replay"] => Self::DeadLetterReplay(id),
            ["v1", "schemas"] => Self::Schemas,
            ["v1", "sinks"] => Self::Sinks,
            ["v1", "sinks", name, "replay"] => Self::SinkReplay(name),
            ["v1", "sinks", name, "check"] => Self::SinkCheck(name),
            ["v1", "sinks", name, "pause"] => Self::SinkPause(name),
            ["v1", "sinks", name, "resume"] => Self::SinkResume(name),
            ["v1", "sinks", name, "forget"] => Self::SinkForget(name),
            _ => Self::Unknown,
        }
    }

    /// A number below [`ROUTES`], and the path with its names left open; the label of metrics.
    pub fn kind(self) -> (usize, &'static str) {
        match self {
            Self::Events => (0, "/events"),
            Self::StreamEvents(_) => (1, "/v1/streams/{stream}/events"),
            Self::Ping => (2, "/ping"),
            Self::Health => (3, "/healthz"),
            Self::Readiness => (4, "/readyz"),
            Self::Metrics => (5, "/metrics"),
            Self::OpenApi => (6, "/openapi.json"),
            Self::Status => (7, "/v1/status"),
            Self::Tail => (8, "/v1/tail"),
            Self::DeadLetters => (9, "/v1/dead-letters"),
            Self::DeadLettersReplay => (10, "/v1/dead-letters/replay"),
            Self::DeadLetter(_) => (11, "/v1/dead-letters/{id}"),
            Self::DeadLetterReplay(_) => (12, "/v1/dead-letters/{id}/replay"),
            Self::SinkReplay(_) => (13, "/v1/sinks/{name}/replay"),
            Self::Sinks => (14, "/v1/sinks"),
            Self::SinkCheck(_) => (15, "/v1/sinks/{name}/check"),
            Self::SinkPause(_) => (16, "/v1/sinks/{name}/pause"),
            Self::SinkResume(_) => (17, "/v1/sinks/{name}/resume"),
            Self::SinkForget(_) => (18, "/v1/sinks/{name}/forget"),
            Self::Store => (19, "/store"),
            Self::Schemas => (20, "/v1/schemas"),
            Self::Unknown => (ROUTES - 1, "unknown"),
        }
    }

    /// What may be done there, as the `Allow` header has it.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Events
            | Self::StreamEvents(_)
            | Self::Store
            | Self::DeadLettersReplay
            | Self::DeadLetterReplay(_)
            | Self::SinkReplay(_)
            | Self::SinkCheck(_)
            | Self::SinkPause(_)
            | Self::SinkResume(_)
            | Self::SinkForget(_) => "POST",
            Self::DeadLetter(_) => "GET, HEAD, DELETE",
            _ => "GET, HEAD",
        }
    }

    /// Whether strangers are answered.
    pub fn is_public(self) -> bool {
        matches!(self, Self::Ping | Self::Health | Self::Readiness)
    }

    /// Whether the method may be used there.
    pub fn allows(self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| allowed == method.as_str())
    }
}

/// A name in a path, percent-decoded.
pub fn decoded(segment: &str) -> Result<Cow<'_, str>, Problem> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Problem::bad_request("bad-path", "the address, percent-decoded, is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_the_path_leaves_them_open() {
        assert_eq!(Route::of("/events"), Route::Events);
        assert_eq!(Route::of("/v1/streams/orders/events"), Route::StreamEvents("orders"));
        assert_eq!(Route::of("/v1/dead-letters/7"), Route::DeadLetter("7"));
        assert_eq!(Route::of("/v1/dead-letters/replay"), Route::DeadLettersReplay);
        assert_eq!(Route::of("/v1/dead-letters/7/replay"), Route::DeadLetterReplay("7"));
    }

    #[test]
    fn what_is_nearly_a_path_is_none() {
        for path in [
            "",
            "/",
            "/events/",
            "//events",
            "/Events",
            "/v1",
            "/v1//status",
            "/v1/streams//events",
            "/a/b/c/d/e",
        ] {
            assert_eq!(Route::of(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn every_kind_has_a_number_of_its_own() {
        let routes = [
            Route::Events,
            Route::StreamEvents(""),
            Route::Ping,
            Route::Health,
            Route::Readiness,
            Route::Metrics,
            Route::OpenApi,
            Route::Status,
            Route::Tail,
            Route::DeadLetters,
            Route::DeadLettersReplay,
            Route::DeadLetter(""),
            Route::DeadLetterReplay(""),
            Route::SinkReplay(""),
            Route::Sinks,
            Route::SinkCheck(""),
            Route::SinkPause(""),
            Route::SinkResume(""),
            Route::SinkForget(""),
            Route::Store,
            Route::Schemas,
            Route::Unknown,
        ];
        let numbers: std::collections::BTreeSet<usize> = routes.iter().map(|route| route.kind().0).collect();
        assert_eq!(numbers, (0..ROUTES).collect());
    }
}
