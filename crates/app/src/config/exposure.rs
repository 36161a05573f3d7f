//! Warns of credentials that anybody on the way can read.
//!
//! **Constraint.** Of an address nothing is shown: it may hold a password.

use std::net::IpAddr;

use super::key::Key;
use super::problem::Report;

/// Warns where `url` leads to another machine without TLS, and a credential goes along: one in the address itself, or
/// one that is set beside it. `is_encrypted` is for those addresses whose scheme does not tell.
pub fn warn_if_exposed(
    key: &Key,
    url: &str,
    is_encrypted: bool,
    has_credentials_beside: bool,
    report: &mut Report<'_>,
) {
    let authority = authority(url);
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let has_credentials = has_credentials_beside || user.contains(':');
    if !is_encrypted && has_credentials && hosts(authority).any(|host| !is_this_machine(host)) {
        report.warn(
            key,
            "leads to another machine, and nothing makes sure that TLS is spoken: the credentials and all events may be \
             read on the way. Use https://, for Postgres sslmode=verify-full, for Kafka `tls`",
        );
    }
}

/// Whether a host's name or address means this machine alone.
pub fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| match address {
        IpAddr::V6(address) => address.to_canonical().is_loopback(),
        IpAddr::V4(address) => address.is_loopback(),
    };
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    // A path is a socket of this machine.
    host.starts_with('/')
        || name == "localhost"
        || name.ends_with(".localhost")
        || host.parse().is_ok_and(is_loopback)
}

/// What stands between scheme and path.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The hosts, one or several, without their ports.
fn hosts(authority: &str) -> impl Iterator<Item = &str> {
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    hosts.split(',').map(|host| match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::{Node, Origin};

    fn warnings(url: &str, is_encrypted: bool, has_credentials_beside: bool) -> Vec<String> {
        let tree = Node::section(Origin::BuiltIn);
        let mut report = Report::new(&tree);
        let key = Key::of(["sinks", "a", "url"]);
        warn_if_exposed(&key, url, is_encrypted, has_credentials_beside, &mut report);
        report.warnings
    }

    #[test]
    fn credentials_that_can_be_read_on_the_way_are_warned_of_by_key_and_not_shown() {
        for (url, beside) in [
            ("http://search:9200", true),
            ("http://elastic:hunter2@search:9200/x", false),
            ("http://10.0.0.1", true),
            ("http://[2001:db8::1]:9200", true),
            ("http://127.0.0.1.example.com", true),
            ("postgres://weir:hunter2@localhost,db/analytics?sslmode=prefer", false),
        ] {
            let warnings = warnings(url, false, beside);
            assert!(warnings.len() == 1 && warnings[0].starts_with("`sinks.a.url`"), "{url}: {warnings:?}");
            assert!(!warnings[0].contains("hunter2"), "{warnings:?}");
        }
    }

    #[test]
    fn what_nobody_can_read_or_is_worth_nothing_is_not_warned_of() {
        for (url, is_encrypted, beside) in [
            ("https://search:9200", true, true),
            ("http://search:9200", false, false),
            ("postgres://weir@db/analytics", false, false),
            ("http://localhost:9200", false, true),
            ("http://weir:hunter2@127.8.0.1:9200", false, true),
            ("http://[::1]:9200", false, true),
            ("http://[::ffff:127.0.0.1]", false, true),
            ("postgres://weir:hunter2@db/analytics?sslmode=verify-full", true, false),
            ("postgres://weir:hunter2@localhost/analytics?host=a@b", false, false),
        ] {
            assert_eq!(warnings(url, is_encrypted, beside), [""; 0], "{url}");
        }
    }
}
