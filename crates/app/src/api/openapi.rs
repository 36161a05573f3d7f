//! `GET /openapi.json`: the whole API, told by the handlers themselves.
//!
//! `api/openapi.json` in the repository is this document; a test keeps the two equal.

use std::sync::LazyLock;

use hyper::StatusCode;
use utoipa::openapi::Response;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::answer::{Answer, of_type};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir",
        description = "Takes in events, has them on disk before it says so, delivers them with the effect of once.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/")),
    paths(
        super::events::post_events,
        super::events::post_stream_events,
        super::store::post_store,
        super::probes::get_ping,
        super::probes::get_healthz,
        super::probes::get_readyz,
        super::probes::get_metrics,
        super::status::get_status,
        super::tail::get_tail,
        super::events::post_telemetry,
        super::files::upload,
        super::files::resumable::create,
        super::files::resumable::about,
        super::files::resumable::offset,
        super::files::resumable::append,
        super::files::resumable::end,
        super::files::resumable::about_one,
        super::files::list,
        super::files::download,
        super::files::metadata,
        super::files::delete,
        super::files::group,
        super::files::archive,
        super::files::acts,
        super::files::preview,
        super::lineage::begin,
        super::lineage::list,
        super::lineage::show,
        super::lineage::graph,
        super::lineage::logs,
        super::lineage::upstream,
        super::lineage::downstream,
        super::lineage::why,
        super::lineage::journey,
        super::exports::telemetry,
        super::exports::files,
        super::exports::all,
        super::exports::manifest,
        super::exports::part,
        super::dead_letters::list,
        super::dead_letters::replay_matching,
        super::dead_letters::show,
        super::dead_letters::delete,
        super::dead_letters::replay_one,
        super::schemas::list,
        super::sinks::list,
        super::sinks::check,
        super::sinks::pause,
        super::sinks::resume,
        super::sinks::forget,
        super::replay::replay_sink,
        get_openapi,
    ),
    modifiers(&Security),
    security(("bearer" = []), ("basic" = [])),
)]
struct Document;

/// What holds for all operations: how to be admitted, and what strangers are told.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            let operations = [
                &mut item.get,
                &mut item.head,
                &mut item.post,
                &mut item.patch,
                &mut item.delete,
                &mut item.options,
            ];
            for operation in operations.into_iter().flatten().filter(|operation| operation.security.is_none())
            {
                let denied = Response::new("No key or token, or a wrong one");
                operation.responses.responses.entry("401".to_owned()).or_insert(denied.into());
            }
        }
        let components = document.components.get_or_insert_default();
        for (name, scheme) in [("bearer", HttpAuthScheme::Bearer), ("basic", HttpAuthScheme::Basic)] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
        }
    }
}

/// The document as JSON, indented, with a line end.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // Text and numbers only; there is nothing in it that JSON cannot say.
        Document::openapi().to_pretty_json().map(|text| text + "\n").unwrap_or_default()
    });
    &TEXT
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub fn get_openapi() -> Answer {
    Ok(of_type(StatusCode::OK, "application/json", document()))
}
