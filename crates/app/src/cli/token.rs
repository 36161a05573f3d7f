//! `weir token issue`

use anyhow::anyhow;

use super::arguments::IssueOptions;
use super::{Verdict, credential, output};
use crate::config::Settings;

/// Prints a token.
pub fn issue(settings: &Settings, options: &IssueOptions) -> anyhow::Result<Verdict> {
    let secret = settings.auth.jwt_secret.as_ref().ok_or_else(no_secret)?;
    let token = credential::token(secret, &options.subject, options.expires_in).ok_or_else(no_secret)?;
    output::print(&format!("{}\n", token.expose()))?;
    Ok(Verdict::Well)
}

fn no_secret() -> anyhow::Error {
    anyhow!(
        "auth.jwt_secret is not set, so there is nothing to sign with\n    \
         Set JWT_SECRET, for the server as well; `openssl rand -base64 32` makes a good one."
    )
}
