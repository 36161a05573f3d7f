//! From `type = "objects"` to the sink's own settings.

use weir_connect::s3::{BucketAccess, Credentials};
use weir_sinks::objects::{self, Compression, EventTime};

use super::sinks::{Around, tls_settings};
use crate::config::sinks::objects::{ObjectCompression, ObjectTime, ObjectsSettings};
use crate::secret::Secret;

/// Objects' names tell who it is that puts them.
pub(super) fn settings(name: &str, sink: &ObjectsSettings, writer: Around<'_>) -> objects::ObjectsSettings {
    objects::ObjectsSettings {
        access: BucketAccess {
            endpoint: sink.endpoint.clone(),
            region: sink.region.clone(),
            credentials: credentials(&sink.access_key, &sink.secret_key, &sink.session_token),
            path_style: sink.path_style,
            tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        },
        conditional_put: sink.conditional_put,
        name: sink.name.clone(),
        time: match sink.time {
            ObjectTime::OccurredAt => EventTime::Occurred,
            ObjectTime::ReceivedAt => EventTime::Received,
        },
        compression: match sink.compression {
            ObjectCompression::None => Compression::None,
            ObjectCompression::Gzip => Compression::Gzip,
            ObjectCompression::Zstd => Compression::Zstd,
        },
        consumer: writer.instance_id.to_owned(),
        sink: name.to_owned(),
        environment: writer.environment.to_owned(),
        request_timeout: sink.request_timeout,
        ..objects::ObjectsSettings::new(&sink.url)
    }
}

/// Who we are to a bucket's server, where that is set.
pub(super) fn credentials(
    access_key: &Option<Secret>,
    secret_key: &Option<Secret>,
    session_token: &Option<Secret>,
) -> Option<Credentials> {
    let text = |secret: &Secret| secret.expose().to_owned();
    let (access_key, secret_key) = access_key.as_ref().zip(secret_key.as_ref())?;
    Some(Credentials {
        access_key: text(access_key),
        secret_key: text(secret_key),
        session_token: session_token.as_ref().map(text),
    })
}
