//! Where Redis is, and how one gets in.

use std::fmt;

use crate::SettingsError;
use crate::address::{Node, Parts, shown};

const EXPECTED: &str = "redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss://… for TLS, or redis+sentinel://…/NAME for a \
                        server that sentinels name";

/// Where it is, and how one gets in; shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// Servers that are tried in turn, or sentinels.
    pub(super) nodes: Vec<Node>,
    /// What the sentinels call the server.
    pub(super) master: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
    is_encrypted: bool,
}

impl RedisAddress {
    /// Reads it; the password may stand beside it.
    pub fn parse(url: &str, password: Option<&str>) -> Result<Self, SettingsError> {
        let port = |scheme: &str| match scheme {
            "redis" | "rediss" => Some(6379),
            "redis+sentinel" | "rediss+sentinel" => Some(26379),
            _ => None,
        };
        let parts = Parts::parse(url, port, EXPECTED)?.with_password(password)?;
        let wrong = |what: &str| SettingsError(format!("url: {what}; expected {EXPECTED}"));
        if parts.query.is_some() {
            return Err(wrong("it may not have a query"));
        }
        let path = parts.path.as_deref().unwrap_or_default();
        let (master, database) = match parts.scheme.ends_with("+sentinel") {
            false => (None, path),
            true => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(wrong("it does not tell what the sentinels call the server"));
                }
                (Some(master.to_owned()), database)
            }
        };
        let database = match database {
            "" => 0,
            digits => digits.parse::<u16>().map_err(|_| wrong("its database is no number"))?,
        };
        Ok(Self {
            nodes: parts.nodes,
            master,
            user: parts.user,
            password: parts.password,
            database: i64::from(database),
            is_encrypted: parts.scheme.starts_with("rediss"),
        })
    }

    /// Whether TLS is spoken.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Servers and database, each written in one way only: two addresses that have one in common may be the same store.
    pub fn places(&self) -> Vec<String> {
        let name = self.master.as_ref().map(|master| format!("{master}@")).unwrap_or_default();
        let place =
            |node: &Node| format!("{name}{}/{}", node.to_string().to_ascii_lowercase(), self.database);
        self.nodes.iter().map(place).collect()
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.master {
            None => write!(f, "{}/{}", shown(&self.nodes), self.database),
            Some(master) => write!(f, "{master}/{} by sentinels {}", self.database, shown(&self.nodes)),
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<RedisAddress, SettingsError> {
        RedisAddress::parse(url, None)
    }

    #[test]
    fn servers_sentinels_and_databases_are_told_apart() {
        let one = parse("redis://h").unwrap();
        assert_eq!((one.to_string().as_str(), one.is_encrypted()), ("h:6379/0", false));
        let several = parse("rediss://u:p@h,i:1/3").unwrap();
        assert_eq!((several.to_string().as_str(), several.is_encrypted()), ("h:6379,i:1/3", true));
        let watched = parse("redis+sentinel://s,t:1/main/2").unwrap();
        assert_eq!(watched.to_string(), "main/2 by sentinels s:26379,t:1");
        assert_eq!(watched.places(), ["main@s:26379/2", "main@t:1/2"]);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for bad in [
            "http://u:hunter2@h",
            "redis://u:hunter2@h/x",
            "redis://u:hunter2@h/0?x=hunter2",
            "redis+sentinel://u:hunter2@h",
            "redis+sentinel://u:hunter2@h//0",
        ] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.starts_with("url: ") && !error.contains("hunter2"), "{error}");
        }
        let address = RedisAddress::parse("redis://u@h", Some("hunter2")).unwrap();
        assert!(!format!("{address:?} {address}").contains("hunter2"));
    }
}
