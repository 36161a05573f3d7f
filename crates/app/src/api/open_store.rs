//! Who may send to `/store` without a key.
//!
//! **Constraint.** To come from this machine's own address is not enough: a proxy on this machine does so for the whole
//! world, and a page in a browser for whoever wrote it. What a proxy or a browser adds to a request makes the key
//! required; so does an address that is named as a proxy's.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::HOST;
use hyper::http::request::Parts;
use ipnet::IpNet;

/// What relays add, and what a browser adds to whatever a page sends.
const RELAYED: [&str; 8] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-client-ip",
    "origin",
];

/// For whom `/store` is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenStore {
    /// Everybody needs a key.
    ToNobody,
    /// Programs of this machine need none.
    ToThisMachine,
    /// Nobody needs one.
    ToEverybody,
}

impl OpenStore {
    /// Whether a request without a key is let in.
    pub fn admits(self, peer: SocketAddr, head: &Parts, trusted_proxies: &[IpNet]) -> bool {
        match self {
            Self::ToNobody => false,
            Self::ToEverybody => true,
            Self::ToThisMachine => {
                let ip = peer.ip().to_canonical();
                ip.is_loopback()
                    && !trusted_proxies.iter().any(|network| network.contains(&ip))
                    && !RELAYED.iter().any(|name| head.headers.contains_key(*name))
                    && calls_this_machine(head.uri.host(), &head.headers)
            }
        }
    }
}

/// Whether the request was meant for this machine by a name that only this machine has: a name of the network leads here
/// by a proxy, or by a page's trick with it.
fn calls_this_machine(authority: Option<&str>, headers: &HeaderMap) -> bool {
    let header = headers.get(HOST).map(|host| host.to_str().unwrap_or("?"));
    let Some(host) = authority.or(header) else { return true };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn is_admitted(peer: &str, headers: &[(&str, &str)], trusted: &[&str]) -> bool {
        let mut request = Request::builder().uri("/store");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        OpenStore::ToThisMachine.admits(SocketAddr::new(peer.parse().unwrap(), 1), &head, &trusted)
    }

    #[test]
    fn programs_of_this_machine_are_let_in() {
        for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert!(is_admitted(peer, &[], &[]), "{peer}");
        }
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "LOCALHOST"] {
            assert!(is_admitted("127.0.0.1", &[("host", host)], &["10.0.0.0/8"]), "{host}");
        }
    }

    #[test]
    fn what_may_come_from_elsewhere_is_not() {
        assert!(!is_admitted("192.0.2.7", &[], &[]));
        assert!(!is_admitted("127.0.0.1", &[], &["127.0.0.0/8"]));
        assert!(!is_admitted("::ffff:127.0.0.1", &[], &["127.0.0.1/32"]));
        for name in RELAYED {
            assert!(!is_admitted("127.0.0.1", &[(name, "127.0.0.1")], &[]), "{name}");
        }
        for host in ["weir.example.com", "127.0.0.1.example.com", "10.0.0.1:5000", "", "["] {
            assert!(!is_admitted("127.0.0.1", &[("host", host)], &[]), "{host}");
        }
    }
}
