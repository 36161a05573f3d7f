//! Whose request it is, as far as proxies can be believed.
//!
//! **Constraint.** A header is believed only where a trusted proxy wrote it: the list is walked from its end, and the
//! first address that is no trusted proxy's is the client's. What stands before that anybody could have written.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

/// The client's address: of `X-Forwarded-For`, else of `Forwarded` (RFC 7239), else the other end of the socket.
pub fn client_ip(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if trusted.is_empty() || !is_trusted(&peer) {
        return peer;
    }
    let hops = if headers.contains_key("x-forwarded-for") {
        hops(headers, "x-forwarded-for", Some)
    } else {
        hops(headers, "forwarded", forwarded_for)
    };
    let mut client = peer;
    for hop in hops.iter().rev() {
        // An unknown or hidden hop ends the chain: whoever stands before it is hearsay.
        let Some(ip) = hop.and_then(address) else { break };
        client = ip;
        if !is_trusted(&ip) {
            break;
        }
    }
    client
}

/// The elements of all headers of this name, in order.
fn hops<'a>(
    headers: &'a HeaderMap,
    name: &str,
    pick: impl Fn(&'a str) -> Option<&'a str>,
) -> Vec<Option<&'a str>> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or(""));
    lines.flat_map(|line| line.split(',')).map(|element| pick(element.trim())).collect()
}

fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"'))
    })
}

/// `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5`.
fn address(text: &str) -> Option<IpAddr> {
    let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = unbracketed.unwrap_or(text).parse::<IpAddr>();
    let ip = ip.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip())).ok()?;
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        client_ip(SocketAddr::new(peer.parse().unwrap(), 1), &map, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("9.9.9.9", &[("x-forwarded-for", "1.1.1.1")]), "9.9.9.9");
        assert_eq!(seen("::ffff:9.9.9.9", &[]), "9.9.9.9");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        let forwarded = [("x-forwarded-for", "6.6.6.6, 1.1.1.1"), ("x-forwarded-for", "10.0.0.2:443")];
        assert_eq!(seen("10.0.0.1", &forwarded), "1.1.1.1");
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")]), "10.0.0.3");
        assert_eq!(seen("::ffff:10.0.0.1", &[("x-forwarded-for", "2001:db8::1")]), "2001:db8::1");
    }

    #[test]
    fn rfc_7239_is_read_too() {
        let forwarded = [("forwarded", r#"for=6.6.6.6, proto=https;For="[2001:db8::7]:99", for=10.1.1.1"#)];
        assert_eq!(seen("fd00::1", &forwarded), "2001:db8::7");
    }

    #[test]
    fn what_cannot_be_read_ends_the_chain() {
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, unknown")]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[("forwarded", "for=_hidden, by=x")]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, , 10.0.0.2")]), "10.0.0.2");
    }
}
