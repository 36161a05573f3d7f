//! From `type = "opensearch"` to the sink's own settings.

use weir_sinks::opensearch::{self, Credentials};

use super::sinks::{columns, tls_settings};
use crate::config::sinks::opensearch::OpenSearchSettings;
use crate::secret::Secret;

pub(super) fn settings(sink: &OpenSearchSettings, environment: &str) -> opensearch::OpenSearchSettings {
    opensearch::OpenSearchSettings {
        index: sink.index.clone(),
        environment: environment.to_owned(),
        columns: columns(&sink.columns),
        credentials: credentials(sink),
        tls: sink.tls.as_ref().map(tls_settings).unwrap_or_default(),
        template_install: sink.install_template,
        request_timeout: sink.request_timeout,
        compress: sink.compress,
        ..opensearch::OpenSearchSettings::new(&sink.url)
    }
}

fn credentials(sink: &OpenSearchSettings) -> Option<Credentials> {
    let text = |secret: &Secret| secret.expose().to_owned();
    if let Some(key) = &sink.api_key {
        return Some(Credentials::ApiKey(text(key)));
    }
    let user = sink.username.clone()?;
    let password = sink.password.as_ref().map(text).unwrap_or_default();
    Some(Credentials::Basic { user, password })
}
