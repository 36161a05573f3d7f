//! Who is let in where.

use std::net::SocketAddr;

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
    pub(super) fn admit(&self, route: Route<'_>, head: &Parts, door: Door, peer: SocketAddr) -> Admission {
        if !self.settings.cors_origins.is_empty() && cors::is_preflight(head) {
            return Admission::Preflight;
        }
        let metrics = route == Route::Metrics && (door == Door::Admin || self.settings.metrics_open);
        if metrics || route.is_public() {
            return Admission::Anybody;
        }
        let is_here = match door {
            Door::Main => true,
            Door::Store => route == Route::Store,
            Door::Grpc => matches!(route, Route::Grpc(_)),
            Door::Admin => false,
        };
        let Surroundings { authenticator, clock, .. } = &self.surroundings;
        match authenticator.authenticate(head.headers.get(AUTHORIZATION), clock.now()) {
            Ok(caller) if is_here => Admission::Known(caller),
            Ok(_) => Admission::AtTheWrongDoor,
            // Whoever shows a key means to be known by it; a wrong one never admits.
            Err(Denied::Missing) if is_here && route == Route::Store && self.admits_unnamed(head, peer) => {
                Admission::Known(Caller::unnamed())
            }
            Err(denied) => Admission::Denied(denied),
        }
    }

    fn admits_unnamed(&self, head: &Parts, peer: SocketAddr) -> bool {
        self.settings.open_store.admits(peer, head, &self.settings.trusted_proxies)
    }
}
