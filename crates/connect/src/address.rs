//! An address as people write it: `SCHEME://USER:PASSWORD@HOST:PORT,HOST:PORT/PATH`.
//!
//! **Constraint.** It may hold a password, so no error shows any of it.

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::SettingsError;

/// One server of possibly many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Its name or address, an IPv6 one without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Node {
    /// Reads `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`.
    pub(crate) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']')?;
                (host, after.strip_prefix(':').or(after.is_empty().then_some("")))
            }
            None => text.rsplit_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port? {
            "" => default_port,
            digits => digits.parse().ok()?,
        };
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// The parts of an address, without their escapes.
pub(crate) struct Parts<'a> {
    pub scheme: &'a str,
    pub user: Option<String>,
    pub password: Option<String>,
    /// At least one.
    pub nodes: Vec<Node>,
    /// What stands behind the slash; `None` where there is none.
    pub path: Option<String>,
    /// What stands behind the question mark, as it is written.
    pub query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Reads them. `default_port` tells each scheme's port, and none for a scheme that is none.
    pub fn parse(
        url: &'a str,
        default_port: impl Fn(&str) -> Option<u16>,
        expected: &str,
    ) -> Result<Self, SettingsError> {
        let wrong = |what: &str| SettingsError(format!("url: {what}; expected {expected}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let default_port = default_port(scheme).ok_or_else(|| wrong("its scheme is unknown"))?;
        if rest.contains('#') {
            return Err(wrong("it may not have a fragment; write %23 for # in a password"));
        }
        // A password may hold what should have been escaped; a host, a path and a query never do.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (place, query) =
            place.split_once('?').map_or((place, None), |(place, query)| (place, Some(query)));
        let (hosts, path) = place.split_once('/').map_or((place, None), |(hosts, path)| (hosts, Some(path)));
        let node = |host| Node::parse(host, default_port).ok_or_else(|| wrong("a host is not HOST:PORT"));
        let nodes = hosts.split(',').map(node).collect::<Result<_, _>>()?;
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong("an escape is no UTF-8"));
            text.map(std::borrow::Cow::into_owned)
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            None => (None, None),
            Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
        };
        Ok(Self {
            scheme,
            user: user.filter(|user| !user.is_empty()),
            password: password.filter(|password| !password.is_empty()),
            nodes,
            path: path.map(decoded).transpose()?,
            query,
        })
    }

    /// The password, which may stand beside the address instead.
    pub fn with_password(self, beside: Option<&str>) -> Result<Self, SettingsError> {
        match (&self.password, beside) {
            (Some(_), Some(_)) => {
                Err(SettingsError("password: the address holds one too; keep one of them".to_owned()))
            }
            (_, None) => Ok(self),
            (None, Some(password)) => Ok(Self { password: Some(password.to_owned()), ..self }),
        }
    }
}

/// The nodes as they may be shown.
pub(crate) fn shown(nodes: &[Node]) -> String {
    nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Parts<'_>, SettingsError> {
        Parts::parse(url, |scheme| (scheme == "x").then_some(7), "x://HOST:PORT")
    }

    #[test]
    fn its_parts_are_read_without_their_escapes() {
        let parts = parse("x://us%40er:p%2Fw@h1,[::1]:8,h3:9/a%2Fb").unwrap();
        assert_eq!((parts.user.as_deref(), parts.password.as_deref()), (Some("us@er"), Some("p/w")));
        assert_eq!(shown(&parts.nodes), "h1:7,[::1]:8,h3:9");
        assert_eq!(parts.path.as_deref(), Some("a/b"));
        let bare = parse("x://h").unwrap();
        assert!(bare.user.is_none() && bare.password.is_none() && bare.path.is_none());
        assert_eq!(parse("x://:pw@h/").unwrap().path.as_deref(), Some(""));
        assert_eq!(parse("x://u:p@p/w?@h").unwrap().password.as_deref(), Some("p@p/w?"));
        assert_eq!(parse("x://h/v?a=b").unwrap().query, Some("a=b"));
    }

    #[test]
    fn an_error_shows_nothing_of_it() {
        for bad in [
            "x:/hunter2@h",
            "y://u:hunter2@h",
            "x://u:hunter2@h:port",
            "x://u:hunter2@",
            "x://u:hunter2@h,,i",
            "x://u:hunter2@h#a",
            "x://u:hunter2%ff@h",
        ] {
            let error = parse(bad).err().map(|error| error.to_string()).unwrap();
            assert!(error.starts_with("url: ") && !error.contains("hunter2"), "{error}");
        }
        let both = parse("x://u:hunter2@h").unwrap().with_password(Some("hunter3"));
        assert!(!both.err().unwrap().to_string().contains("hunter"));
    }
}
