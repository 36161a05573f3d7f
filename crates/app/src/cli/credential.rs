//! What commands show the server: the same key that its settings say.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use weir_core::time::Timestamp;

use crate::auth;
use crate::config::Settings;
use crate::data_dir::read_api_key;
use crate::secret::Secret;

/// Long enough for clocks that differ, short enough to be of no use to anybody.
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);
/// The subject of tokens that commands sign for themselves.
const SUBJECT: &str = "weir-command";

/// A way in.
pub enum Credential {
    /// A static key, and where it is from, for errors.
    Key(Secret, String),
    /// A token is signed for each request.
    JwtSecret(Secret),
}

impl Credential {
    /// The first static key, else the secret that tokens are signed with, else the key that the server made.
    pub fn find(settings: &Settings) -> Result<Self, PathBuf> {
        if let Some(api_key) = settings.auth.api_keys.first() {
            return Ok(Self::Key(api_key.key.clone(), format!("the key {:?}", api_key.name)));
        }
        if let Some(secret) = &settings.auth.jwt_secret {
            return Ok(Self::JwtSecret(secret.clone()));
        }
        let path = settings.data_dir.join("api-key");
        match read_api_key(&settings.data_dir) {
            Some(key) => Ok(Self::Key(key, format!("the key in {}", path.display()))),
            None => Err(path),
        }
    }

    /// What stands behind `Bearer`.
    pub fn bearer(&self) -> Secret {
        match self {
            Self::Key(key, _) => key.clone(),
            Self::JwtSecret(secret) => {
                token(secret, SUBJECT, TOKEN_LIFETIME).unwrap_or_else(|| Secret::new(""))
            }
        }
    }

    /// What it is, for errors.
    pub fn describe(&self) -> &str {
        match self {
            Self::Key(_, description) => description,
            Self::JwtSecret(_) => "a token signed with auth.jwt_secret",
        }
    }
}

/// A token for `subject`; `None` where the secret is empty.
pub fn token(secret: &Secret, subject: &str, lifetime: Duration) -> Option<Secret> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    auth::sign(secret, subject, None, now.after(lifetime)).map(Secret::new)
}
