//! Which path means what.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::grpc::Method as GrpcMethod;
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
    /// `/v1/telemetry`
    Telemetry,
    /// `/v1/traces`
    Traces,
    /// `/v1/traces/{id}`
    Trace(&'a str),
    /// `/v1/traces/{id}/graph`
    TraceGraph(&'a str),
    /// `/v1/traces/{id}/logs`
    TraceLogs(&'a str),
    /// `/v1/nodes/{id}/upstream`
    NodeUpstream(&'a str),
    /// `/v1/nodes/{id}/downstream`
    NodeDownstream(&'a str),
    /// `/v1/nodes/{id}/why`
    NodeWhy(&'a str),
    /// `/v1/files`
    Files,
    /// `/v1/files/{key}`
    File(&'a str),
    /// `/v1/files/{key}/metadata`
    FileMetadata(&'a str),
    /// `/v1/files/{key}/journey`
    FileJourney(&'a str),
    /// `/v1/uploads`
    Uploads,
    /// `/v1/uploads/{id}`
    Upload(&'a str),
    /// `/v1/groups/{group}/files`
    GroupFiles(&'a str),
    /// `/v1/groups/{group}.tar.gz`
    GroupArchive(&'a str),
    /// `/v1/exports/telemetry`
    ExportTelemetry,
    /// `/v1/exports/files`
    ExportFiles,
    /// `/v1/exports/all`
    ExportAll,
    /// `/v1/exports/{id}`
    Export(&'a str),
    /// `/v1/exports/{id}/{part}`
    ExportPart(&'a str, &'a str),
    /// `/v1/retention/acts`
    RetentionActs,
    /// `/v1/retention/preview`
    RetentionPreview,
    /// A method of gRPC's: `/{service}/{method}`
    Grpc(GrpcMethod),
    /// Anything else.
    Unknown,
}

/// What an archive's address ends with.
const ARCHIVE: &str = ".tar.gz";

/// How many kinds of route there are.
pub const ROUTES: usize = 45 + GrpcMethod::ALL.len();

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
            ["v1", "telemetry"] => Self::Telemetry,
            ["v1", "traces"] => Self::Traces,
            ["v1", "traces", id] => Self::Trace(id),
            ["v1", "traces", id, "graph"] => Self::TraceGraph(id),
            ["v1", "traces", id, "logs"] => Self::TraceLogs(id),
            ["v1", "nodes", id, "upstream"] => Self::NodeUpstream(id),
            ["v1", "nodes", id, "downstream"] => Self::NodeDownstream(id),
            ["v1", "nodes", id, "why"] => Self::NodeWhy(id),
            ["v1", "files"] => Self::Files,
            ["v1", "files", key] => Self::File(key),
            ["v1", "files", key, "metadata"] => Self::FileMetadata(key),
            ["v1", "files", key, "journey"] => Self::FileJourney(key),
            ["v1", "uploads"] => Self::Uploads,
            ["v1", "uploads", id] => Self::Upload(id),
            ["v1", "groups", group, "files"] => Self::GroupFiles(group),
            ["v1", "groups", archive] if archive.ends_with(ARCHIVE) => {
                Self::GroupArchive(archive.trim_end_matches(ARCHIVE))
            }
            ["v1", "exports", "telemetry"] => Self::ExportTelemetry,
            ["v1", "exports", "files"] => Self::ExportFiles,
            ["v1", "exports", "all"] => Self::ExportAll,
            ["v1", "exports", id] => Self::Export(id),
            ["v1", "exports", id, part] => Self::ExportPart(id, part),
            ["v1", "retention", "acts"] => Self::RetentionActs,
            ["v1", "retention", "preview"] => Self::RetentionPreview,
            [service, method] => GrpcMethod::of(service, method).map_or(Self::Unknown, Self::Grpc),
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
            Self::Telemetry => (21, "/v1/telemetry"),
            Self::Traces => (22, "/v1/traces"),
            Self::Trace(_) => (23, "/v1/traces/{id}"),
            Self::TraceGraph(_) => (24, "/v1/traces/{id}/graph"),
            Self::NodeUpstream(_) => (25, "/v1/nodes/{id}/upstream"),
            Self::NodeDownstream(_) => (26, "/v1/nodes/{id}/downstream"),
            Self::NodeWhy(_) => (27, "/v1/nodes/{id}/why"),
            Self::Files => (28, "/v1/files"),
            Self::File(_) => (29, "/v1/files/{key}"),
            Self::FileMetadata(_) => (30, "/v1/files/{key}/metadata"),
            Self::GroupFiles(_) => (31, "/v1/groups/{group}/files"),
            Self::GroupArchive(_) => (32, "/v1/groups/{group}.tar.gz"),
            Self::RetentionActs => (33, "/v1/retention/acts"),
            Self::RetentionPreview => (34, "/v1/retention/preview"),
            Self::TraceLogs(_) => (35, "/v1/traces/{id}/logs"),
            Self::FileJourney(_) => (36, "/v1/files/{key}/journey"),
            Self::ExportTelemetry => (37, "/v1/exports/telemetry"),
            Self::Export(_) => (38, "/v1/exports/{id}"),
            Self::ExportPart(..) => (39, "/v1/exports/{id}/{part}"),
            Self::Uploads => (42, "/v1/uploads"),
            Self::Upload(_) => (43, "/v1/uploads/{id}"),
            Self::ExportFiles => (40, "/v1/exports/files"),
            Self::ExportAll => (41, "/v1/exports/all"),
            Self::Grpc(method) => {
                let (place, path) = method.kind();
                (ROUTES - 2 - place, path)
            }
            Self::Unknown => (ROUTES - 1, "unknown"),
        }
    }

    /// What may be done there, as the `Allow` header has it.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Events
            | Self::StreamEvents(_)
            | Self::Telemetry
            | Self::Store
            | Self::DeadLettersReplay
            | Self::DeadLetterReplay(_)
            | Self::SinkReplay(_)
            | Self::SinkCheck(_)
            | Self::SinkPause(_)
            | Self::SinkResume(_)
            | Self::SinkForget(_)
            | Self::Grpc(_) => "POST",
            Self::DeadLetter(_) | Self::File(_) => "GET, HEAD, DELETE",
            Self::Traces | Self::Files => "GET, HEAD, POST",
            // To ask is to have parts made.
            Self::ExportTelemetry | Self::ExportFiles | Self::ExportAll | Self::Export(_) => "GET",
            Self::Uploads => "POST, OPTIONS",
            Self::Upload(_) => "HEAD, PATCH, DELETE, OPTIONS",
            _ => "GET, HEAD",
        }
    }

    /// Whether it is about events as they come in, which not every role takes.
    pub fn needs_events(self) -> bool {
        match self {
            Self::Events | Self::StreamEvents(_) | Self::Telemetry | Self::Store | Self::Tail => true,
            Self::Grpc(method) => method.needs_events(),
            _ => false,
        }
    }

    /// Whether strangers are answered.
    pub fn is_public(self) -> bool {
        match self {
            Self::Ping | Self::Health | Self::Readiness => true,
            Self::Grpc(method) => method.is_probe(),
            _ => false,
        }
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
        assert_eq!(Route::of("/v1/groups/g.tar.gz"), Route::GroupArchive("g"));
        assert_eq!(Route::of("/weir.v1.Telemetry/Send"), Route::Grpc(GrpcMethod::Send));
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
            "/weir.v1.Telemetry/send",
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
            Route::Telemetry,
            Route::Traces,
            Route::Trace(""),
            Route::TraceGraph(""),
            Route::NodeUpstream(""),
            Route::NodeDownstream(""),
            Route::NodeWhy(""),
            Route::Files,
            Route::File(""),
            Route::FileMetadata(""),
            Route::GroupFiles(""),
            Route::GroupArchive(""),
            Route::RetentionActs,
            Route::RetentionPreview,
            Route::TraceLogs(""),
            Route::FileJourney(""),
            Route::ExportTelemetry,
            Route::ExportFiles,
            Route::ExportAll,
            Route::Export(""),
            Route::ExportPart("", ""),
            Route::Uploads,
            Route::Upload(""),
            Route::Unknown,
        ];
        let methods = GrpcMethod::ALL.map(|(method, _)| Route::Grpc(method));
        let routes = routes.into_iter().chain(methods);
        let numbers: std::collections::BTreeSet<usize> = routes.map(|route| route.kind().0).collect();
        assert_eq!(numbers, (0..ROUTES).collect());
    }
}
