//! Who is let in where.

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;

use super::cors;
use super::entrance::Door;
use super::entry::{Api, Surroundings};
use super::route::Route;
use crate::auth::{Caller, Denied};

/// Whether a request is let in, and as whose.
pub enum Admission {
    /// A browser asks what a page would be allowed.
    Preflight,
    /// It does not matter here who is asking.
    Anybody,
    /// Somebody with a key or token.
    Known(Caller),
    /// Somebody with a key or token, behind the door where nothing needs one.
    AtTheWrongDoor,
    /// Nobody we know.
    Denied(Denied),
}

impl Admission {
    /// The name of the credential, where one was right.
    pub fn credential(&self) -> Option<&str> {
        match self {
            Self::Known(caller) => Some(&caller.credential),
            _ => None,
        }
    }
}

impl Api {
    /// Decides before anything else is looked at, so that strangers cannot tell what there is.
    pub(super) fn admit(&self, route: Route<'_>, head: &Parts, door: Door) -> Admission {
        if !self.settings.cors_origins.is_empty() && cors::is_preflight(head) {
            return Admission::Preflight;
        }
        let metrics = route == Route::Metrics && (door == Door::Admin || self.settings.metrics_open);
        if metrics || route.is_public() {
            return Admission::Anybody;
        }
        let Surroundings { authenticator, clock, .. } = &self.surroundings;
        match (authenticator.authenticate(head.headers.get(AUTHORIZATION), clock.now()), door) {
            (Ok(caller), Door::Main) => Admission::Known(caller),
            (Ok(_), Door::Admin) => Admission::AtTheWrongDoor,
            (Err(denied), _) => Admission::Denied(denied),
        }
    }
}
