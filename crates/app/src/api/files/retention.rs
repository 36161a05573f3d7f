//! `GET /v1/retention/acts` and `/v1/retention/preview`: what ended files, and what would end some now.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::files::{Act, Ending};
use weir_files::{Going, ROUND_MAX};

use super::{FileDesk, problem};
use crate::api::answer::{Answer, json};
use crate::api::entry::{Api, Call};
use crate::api::query::Query;

/// A page of what ended files, the latest first.
#[derive(Serialize, ToSchema)]
pub struct ActsPage<'a> {
    /// The acts.
    items: Vec<ActForm<'a>>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
}

/// What retention would end now.
#[derive(Serialize, ToSchema)]
#[schema(as = RetentionPreview)]
pub struct PreviewForm<'a> {
    /// The files, by rule, the oldest first.
    items: Vec<GoingForm<'a>>,
    /// Whether there are more than these.
    more: bool,
}

/// A file that would go.
#[derive(Serialize, ToSchema)]
#[schema(as = GoingFile)]
struct GoingForm<'a> {
    /// The file's key.
    key: &'a str,
    /// The file's number.
    file: String,
    /// The rule that asks for it.
    rule: &'a str,
    /// What was found.
    reason: &'a str,
    /// Bytes of the file.
    bytes: u64,
    /// When it was stored.
    stored_at: String,
}

/// What ended files: rules of retention, and people.
#[utoipa::path(
    get, path = "/v1/retention/acts", tag = "files",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "A page, the latest first", body = ActsPage))
)]
pub async fn acts(api: &Api, call: &Call<'_>) -> Answer {
    let desk = FileDesk::of(api)?;
    let query = Query::parse(call.head.uri.query())?.only(&["limit", "cursor"])?;
    let page = desk.files.catalog().acts(query.cursor()?, query.limit()?).await;
    let page = page.map_err(|error| problem(&error))?;
    let items = page.items.iter().map(ActForm::of).collect();
    json(StatusCode::OK, &ActsPage { items, next: page.next.map(|next| next.to_string()) })
}

/// What retention would end if it ran now, by which rule. Changes nothing.
#[utoipa::path(
    get, path = "/v1/retention/preview", tag = "files",
    responses((status = 200, description = "At most 1,000 files", body = PreviewForm))
)]
pub async fn preview(api: &Api, call: &Call<'_>) -> Answer {
    let desk = FileDesk::of(api)?;
    Query::parse(call.head.uri.query())?.only(&[])?;
    let going = desk.files.preview(&desk.rules).await.map_err(|error| problem(&error))?;
    let items = going.iter().map(GoingForm::of).collect();
    json(StatusCode::OK, &PreviewForm { items, more: going.len() == ROUND_MAX })
}

impl<'a> GoingForm<'a> {
    fn of(Going { file, reason }: &'a Going) -> Self {
        Self {
            key: &file.facts.key,
            file: file.id.to_string(),
            rule: &reason.rule,
            reason: &reason.words,
            bytes: file.facts.bytes,
            stored_at: file.facts.stored_at.to_string(),
        }
    }
}

/// How a file came to its end.
#[derive(Serialize, ToSchema)]
#[schema(as = RetentionAct)]
pub struct ActForm<'a> {
    /// Its number.
    id: String,
    /// The file's key.
    key: &'a str,
    /// The file's number.
    file: String,
    /// The rule that asked for it; null where somebody did.
    rule: Option<&'a str>,
    /// What the limit was and what was found.
    reason: Option<&'a str>,
    /// Who asked for it; null where a rule did.
    deleted_by: Option<&'a str>,
    /// Bytes of the file.
    bytes: u64,
    /// Bytes that it freed on the disk: none while another file has the same content.
    freed_bytes: u64,
    /// When.
    at: String,
}

impl<'a> ActForm<'a> {
    /// Its form.
    pub fn of(act: &'a Act) -> Self {
        let (rule, reason, deleted_by) = match &act.ending {
            Ending::Deleted { by } => (None, None, Some(&**by)),
            Ending::Expired { rule, reason } => (Some(&**rule), Some(&**reason), None),
        };
        Self {
            id: act.id.to_string(),
            key: &act.file.facts.key,
            file: act.file.id.to_string(),
            rule,
            reason,
            deleted_by,
            bytes: act.file.facts.bytes,
            freed_bytes: act.freed_bytes,
            at: act.at.to_string(),
        }
    }
}
