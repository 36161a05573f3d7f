//! `POST /v1/files`: a file comes in.

use bytes::Bytes;
use http_body::Body;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{HeaderMap, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use weir_core::files::{Added, ContentHash, FileFacts, StoredFile};
use weir_core::time::Timestamp;
use weir_files::{Staged, Upload};

use super::file_form::FileForm;
use super::incoming::{Incoming, too_large};
use super::multipart::receive_form;
use super::name::{check_key, check_name, check_user, name_of_key};
use super::{FileDesk, digest, problem, telling};
use crate::api::answer::{Answer, json};
use crate::api::body::{BodyError, content_length};
use crate::api::entry::{Api, Call};
use crate::api::issued_key::issued_key;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::api::sender;

const FIELDS: [&str; 5] = ["key", "name", "group", "trace", "user"];
/// What an address may say.
const KNOWN: [&str; 6] = ["key", "name", "group", "trace", "user", "stored_at"];

/// What its sender tells of a file.
#[derive(Debug, Default)]
pub struct Told {
    pub key: Option<String>,
    pub name: Option<String>,
    pub group: Option<String>,
    pub trace: Option<String>,
    pub user: Option<String>,
    pub content_type: Option<String>,
    /// When it was stored first, elsewhere.
    pub stored_at: Option<Timestamp>,
}

/// Takes a file in: the body as it is, or a form with the fields below and a part `file`.
///
/// Answers when bytes and row are on disk. The same key and content again is answered like the first time; another content
/// under a taken key is a new version.
#[utoipa::path(
    post, path = "/v1/files", tag = "files",
    params(
        ("key" = Option<String>, Query, description = "What to call it; absent: one is issued"),
        ("name" = Option<String>, Query, description = "Its name on its way out"),
        ("group" = Option<String>, Query, description = "What it is stored with"),
        ("trace" = Option<String>, Query, description = "Its trace, which is told that it came and was stored"),
        ("user" = Option<String>, Query, description = "Whose it is; absent: whom the credential is for"),
        ("stored_at" = Option<String>, Query, description = "When it was stored, if that was elsewhere and before; absent: now"),
        ("Content-Digest" = Option<String>, Header, description = "sha-256=:BASE64: other bytes are refused"),
    ),
    request_body(content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "multipart/form-data"))),
    responses(
        (status = 201, description = "Stored", body = FileForm),
        (status = 200, description = "It was stored before", body = FileForm),
        (status = 408, description = "It came too slowly", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Larger than the limit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A name or the digest is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn upload<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
    B::Error: Into<BodyError>,
{
    api.check_takes_events()?;
    let desk = FileDesk::of(api)?;
    let headers = &call.head.headers;
    let _place = desk.place_for_upload(call.patience, content_length(headers)).await?;
    let mut told = Told::of(&Query::parse(call.head.uri.query())?.only(&KNOWN)?)?;
    let digest = digest::told(headers)?;
    let file_max_bytes = desk.file_max_bytes();
    check_head(headers, file_max_bytes)?;
    let mut incoming = Incoming::new(body, call.patience, api.settings.body_timeout, file_max_bytes);
    let staged = match boundary(headers) {
        Some(boundary) => receive_form(desk, incoming, &boundary, &mut told).await?,
        None => {
            told.content_type =
                headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
            let mut receiving = Receiving::begin(desk);
            while let Some(bytes) = incoming.next().await? {
                receiving.add(bytes).await?;
            }
            receiving.finish().await?
        }
    };
    match keep(api, &call, staged, told, digest).await? {
        Added::New(file) => stored(StatusCode::CREATED, &file),
        Added::Known(file) => stored(StatusCode::OK, &file),
    }
}

/// Keeps what has come in whole, and tells its trace.
pub async fn keep(
    api: &Api,
    call: &Call<'_>,
    staged: Staged,
    told: Told,
    digest: Option<ContentHash>,
) -> Result<Added, Problem> {
    digest::check(digest, staged.hash)?;
    let origin = sender::origin(&call.head.headers, call.caller, call.client_ip.to_string());
    let facts = told.facts(&staged, origin.subject(), api.surroundings.clock.now())?;
    let added = FileDesk::of(api)?.files.store(staged, facts).await.map_err(|error| problem(&error))?;
    let (Added::New(file) | Added::Known(file)) = &added;
    telling::stored(api, call.patience, &origin, file).await?;
    Ok(added)
}

fn stored(status: StatusCode, file: &StoredFile) -> Answer {
    let mut answer = json(status, &FileForm::of(file))?;
    if let Ok(address) = HeaderValue::from_str(&address(&file.facts.key)) {
        answer.headers_mut().insert(LOCATION, address);
    }
    Ok(answer)
}

/// Where a file of this key can be had.
pub fn address(key: &str) -> String {
    format!("/v1/files/{}", utf8_percent_encode(key, NON_ALPHANUMERIC))
}

/// A file that comes in; given up, it leaves nothing behind.
pub struct Receiving(Upload);

impl Receiving {
    pub fn begin(desk: &FileDesk) -> Self {
        Self(desk.files.receive())
    }

    pub async fn add(&mut self, bytes: Bytes) -> Result<(), Problem> {
        self.0.write(bytes).await.map_err(|error| problem(&error))
    }

    pub async fn finish(self) -> Result<Staged, Problem> {
        self.0.finish().await.map_err(|error| problem(&error))
    }
}

/// Refuses before the body comes: who asks with `Expect: 100-continue` does not send it in vain.
fn check_head(headers: &HeaderMap, file_max_bytes: u64) -> Result<(), Problem> {
    if content_length(headers).is_some_and(|length| length as u64 > file_max_bytes) {
        return Err(too_large(file_max_bytes));
    }
    let is_plain =
        |coding: &HeaderValue| coding.to_str().is_ok_and(|coding| coding.eq_ignore_ascii_case("identity"));
    match headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-encoding",
            "a file is stored as it is sent: leave Content-Encoding out; Weir packs by itself",
        )),
    }
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    multer::parse_boundary(headers.get(CONTENT_TYPE)?.to_str().ok()?).ok()
}

impl Told {
    fn of(query: &Query) -> Result<Self, Problem> {
        let mut told = Self::default();
        for name in FIELDS {
            if let Some(text) = query.get(name) {
                told.tell(name, text.to_owned())?;
            }
        }
        told.stored_at = query.moment("stored_at")?;
        told.check()?;
        Ok(told)
    }

    /// Tells one more.
    pub fn tell(&mut self, name: &str, text: String) -> Result<(), Problem> {
        let place = match name {
            "key" => &mut self.key,
            "name" => &mut self.name,
            "group" => &mut self.group,
            "trace" => &mut self.trace,
            "user" => &mut self.user,
            _ => {
                let detail =
                    format!("the form's field {name:?} is none of key, name, group, trace, user and file");
                return Err(Problem::invalid(detail));
            }
        };
        *place = Some(text);
        Ok(())
    }

    /// Tells one more; whether it had not been told before.
    pub fn tell_once(&mut self, name: &str, text: String) -> Result<bool, Problem> {
        let told = [&self.key, &self.name, &self.group, &self.trace, &self.user];
        let is_new = FIELDS.iter().zip(told).all(|(field, told)| *field != name || told.is_none());
        self.tell(name, text)?;
        Ok(is_new)
    }

    /// Checks what can be checked before the file comes.
    pub fn check(&self) -> Result<(), Problem> {
        let keys = [("key", &self.key), ("group", &self.group), ("trace", &self.trace)];
        for (member, key) in keys.into_iter().filter_map(|(member, key)| Some((member, key.as_ref()?))) {
            check_key(member, key)?;
        }
        self.name.as_deref().map_or(Ok(()), check_name)?;
        self.user.as_deref().map_or(Ok(()), check_user)
    }

    fn facts(self, staged: &Staged, subject: Option<&str>, now: Timestamp) -> Result<FileFacts, Problem> {
        self.check()?;
        if self.stored_at.is_some_and(|at| at > now) {
            return Err(Problem::invalid("stored_at is still to come").with("member", "stored_at"));
        }
        let key = self.key.unwrap_or_else(|| format!("file:{}", issued_key(now)));
        Ok(FileFacts {
            name: self.name.unwrap_or_else(|| name_of_key(&key)).into(),
            key: key.into(),
            group: self.group.map(Into::into),
            trace: self.trace.map(Into::into),
            user: self.user.map(Into::into).or(subject.map(Into::into)),
            content_type: self.content_type.map(Into::into),
            hash: staged.hash,
            bytes: staged.bytes,
            stored_at: self.stored_at.unwrap_or(now),
        })
    }
}
