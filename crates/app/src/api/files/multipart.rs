//! A file in a form, as a browser sends it: fields, and a part `file`.

use std::fmt;

use bytes::Bytes;
use futures::stream;
use http_body::Body;
use multer::{Constraints, Error, Field, Multipart, SizeLimit};
use weir_files::Staged;

use super::incoming::Incoming;
use super::upload::{Receiving, Told};
use super::{FileDesk, problem};
use crate::api::body::BodyError;
use crate::api::problem::Problem;

const FIELD_MAX_BYTES: u64 = 4 << 10;

/// A problem of the body, on its way through the parser.
struct Cut(Problem);

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is not whole")
    }
}

impl std::error::Error for Cut {}

/// Takes the form in. What its fields tell goes before what the address tells.
pub async fn receive_form<B>(
    desk: &FileDesk,
    incoming: Incoming<B>,
    boundary: &str,
    told: &mut Told,
) -> Result<Staged, Problem>
where
    B: Body<Data = Bytes> + Unpin + Send,
    B::Error: Into<BodyError>,
{
    let bits = Box::pin(stream::try_unfold(incoming, |mut incoming| async move {
        let bit = incoming.next().await.map_err(Cut)?;
        Ok::<_, Cut>(bit.map(|bit| (bit, incoming)))
    }));
    let limits = SizeLimit::new().per_field(FIELD_MAX_BYTES).for_field("file", u64::MAX);
    let mut form = Multipart::with_constraints(bits, boundary, Constraints::new().size_limit(limits));
    let mut staged = None;
    while let Some(mut field) = form.next_field().await.map_err(of_form)? {
        match (field.name().unwrap_or_default(), &staged) {
            ("file", None) => staged = Some(take(desk, &mut field, told).await?),
            ("file", Some(_)) => {
                return Err(Problem::invalid("the form has two parts named file; send one file at a time"));
            }
            (name, _) => {
                let name = name.to_owned();
                let text = field.text().await.map_err(of_form)?;
                told.tell(&name, text)?;
            }
        }
    }
    staged.ok_or_else(|| Problem::invalid("the form has no part named file"))
}

async fn take(desk: &FileDesk, field: &mut Field<'_>, told: &mut Told) -> Result<Staged, Problem> {
    if told.name.is_none() {
        // Some senders tell the whole path.
        let name = field.file_name().map(|name| name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned());
        told.name = name;
    }
    if let Some(kind) = field.content_type() {
        told.content_type = Some(kind.to_string());
    }
    let mut receiving = Receiving::begin(desk);
    while let Some(bytes) = field.chunk().await.map_err(of_form)? {
        receiving.add(bytes).await?;
    }
    receiving.finish().await
}

fn of_form(error: Error) -> Problem {
    match error {
        Error::StreamReadFailed(cause) => match cause.downcast::<Cut>() {
            Ok(cut) => cut.0,
            Err(cause) => problem(&weir_core::files::FilesError::Retry(anyhow::anyhow!(cause))),
        },
        Error::FieldSizeExceeded { field_name, .. } => Problem::invalid(format!(
            "the field {:?} has more than {FIELD_MAX_BYTES} bytes",
            field_name.unwrap_or_default()
        )),
        error => Problem::bad_request("malformed", format!("the form cannot be read: {error}")),
    }
}
