//! What Redis' errors mean: their first word decides.

use redis::RedisError;

use crate::{Fault, Node};

const DEFAULT_PORT: u16 = 6379;

/// The error, by what to do about it.
pub fn judged(error: &RedisError) -> Fault {
    let words = words(error);
    if let Some(moved) = moved(error) {
        return moved;
    }
    let blocked = |advice: &str| Fault::Blocked(format!("{words}; {advice}"));
    match error.code() {
        Some("NOAUTH") => blocked("set user and password in `url`"),
        Some("WRONGPASS") => blocked("see to user and password in `url`"),
        Some("NOPERM") => blocked("give the user the right (ACL SETUSER); docs/redis.md has the list"),
        Some("WRONGTYPE") => {
            blocked("the key holds something that is no stream: choose another, or delete it")
        }
        Some("NOGROUP" | "UNBLOCKED") => Fault::Missing(words),
        Some("CROSSSLOT") => blocked("the keys are in different parts of the cluster"),
        // A server that demands a password and is told a wrong one in the old way has no word for it.
        Some("ERR") => by_words(words),
        Some(_) => Fault::Away(words),
        None if error.kind() == redis::ErrorKind::AuthenticationFailed => {
            blocked("see to user and password in `url`")
        }
        None => Fault::Away(words),
    }
}

fn by_words(words: String) -> Fault {
    let has = |part: &str| words.contains(part);
    if has("Protocol error: invalid bulk length") || has("exceeds the maximum allowed size") {
        return Fault::Refused(words);
    }
    if has("no such key") {
        return Fault::Missing(words);
    }
    let needs_a_person = ["invalid password", "AUTH", "unknown command", "DB index is out of range"];
    match needs_a_person.into_iter().any(has) {
        true => Fault::Blocked(format!("{words}; see to `url`, and to the server's version (5.0 or later)")),
        false => Fault::Away(words),
    }
}

/// Where a slot has moved to. One that is moving is asked for again later.
fn moved(error: &RedisError) -> Option<Fault> {
    let (place, slot) = error.redirect_node().filter(|_| error.code() == Some("MOVED"))?;
    let node = Node::parse(place, DEFAULT_PORT)?;
    Some(Fault::Moved(slot, node))
}

fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Fault {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        judged(&value.extract_error().unwrap_err())
    }

    #[test]
    fn the_first_word_decides() {
        for line in [
            "LOADING x",
            "OOM command not allowed",
            "READONLY x",
            "MISCONF x",
            "CLUSTERDOWN x",
            "ERR other",
            "ASK 3 h:1",
        ] {
            assert!(matches!(said(line), Fault::Away(_)), "{line}");
        }
        for line in [
            "NOAUTH x",
            "WRONGPASS x",
            "NOPERM x",
            "WRONGTYPE x",
            "ERR invalid password",
            "ERR unknown command 'XADD'",
            "ERR DB index is out of range",
        ] {
            assert!(matches!(said(line), Fault::Blocked(_)), "{line}");
        }
        assert!(matches!(said("ERR Protocol error: invalid bulk length"), Fault::Refused(_)));
        assert!(matches!(said("NOGROUP No such key 'a' or consumer group 'b'"), Fault::Missing(_)));
    }

    #[test]
    fn a_slot_that_has_moved_is_told_with_its_node() {
        for (line, node) in
            [("MOVED 3999 10.0.0.1:6381", "10.0.0.1:6381"), ("MOVED 3999 2001:db8::1:7", "[2001:db8::1]:7")]
        {
            let Fault::Moved(3999, found) = said(line) else { panic!("{:?}", said(line)) };
            assert_eq!(found.to_string(), node);
        }
    }
}
