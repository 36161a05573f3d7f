//! Where RabbitMQ is, and how one gets in.

use std::fmt;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};

use crate::SettingsError;
use crate::address::{Node, Parts, shown};

const EXPECTED: &str = "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://… for TLS";
/// Two of them missed, and the other side is taken for gone.
const HEARTBEAT_SECONDS: u16 = 10;

/// Where it is, and how one gets in; shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RabbitAddress {
    /// Nodes that are tried in turn.
    pub(super) nodes: Vec<Node>,
    user: String,
    password: String,
    vhost: String,
    heartbeat_seconds: u16,
    is_encrypted: bool,
}

impl RabbitAddress {
    /// Reads it; the password may stand beside it.
    pub fn parse(url: &str, password: Option<&str>) -> Result<Self, SettingsError> {
        let port = |scheme: &str| match scheme {
            "amqp" => Some(5672),
            "amqps" => Some(5671),
            _ => None,
        };
        let parts = Parts::parse(url, port, EXPECTED)?.with_password(password)?;
        let wrong = |what: &str| SettingsError(format!("url: {what}; expected {EXPECTED}"));
        let heartbeat =
            parts.query.map(|query| query.strip_prefix("heartbeat=").and_then(|n| n.parse().ok()));
        let vhost = parts.path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        if vhost.len() > 255 {
            return Err(wrong("the name of its vhost is too long"));
        }
        Ok(Self {
            nodes: parts.nodes,
            user: parts.user.unwrap_or_else(|| "guest".to_owned()),
            password: parts.password.unwrap_or_else(|| "guest".to_owned()),
            vhost,
            heartbeat_seconds: match heartbeat {
                None => HEARTBEAT_SECONDS,
                Some(seconds) => seconds.ok_or_else(|| wrong("its query may be heartbeat=SECONDS alone"))?,
            },
            is_encrypted: parts.scheme == "amqps",
        })
    }

    /// Whether TLS is spoken.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Nodes and vhost, each written in one way only: two addresses that have one in common are the same server's.
    pub fn places(&self) -> Vec<String> {
        let place = |node: &Node| format!("{}/{}", node.to_string().to_ascii_lowercase(), self.vhost);
        self.nodes.iter().map(place).collect()
    }

    /// As the client wants it.
    pub(super) fn uri(&self, node: &Node) -> AMQPUri {
        AMQPUri {
            scheme: if self.is_encrypted { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo { username: self.user.clone(), password: self.password.clone() },
                host: node.host.clone(),
                port: node.port,
            },
            vhost: self.vhost.clone(),
            query: AMQPQueryString { heartbeat: Some(self.heartbeat_seconds), ..AMQPQueryString::default() },
        }
    }
}

impl fmt::Display for RabbitAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (vhost {})", shown(&self.nodes), self.vhost)
    }
}

impl fmt::Debug for RabbitAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RabbitAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_rabbitmq_has_it() {
        let address = RabbitAddress::parse("amqp://h", None).unwrap();
        assert_eq!((address.to_string().as_str(), address.is_encrypted()), ("h:5672 (vhost /)", false));
        assert_eq!((address.user.as_str(), address.password.as_str()), ("guest", "guest"));
        let address = RabbitAddress::parse("amqps://u:p@h,i:1/a%2Fb?heartbeat=30", None).unwrap();
        assert_eq!(address.to_string(), "h:5671,i:1 (vhost a/b)");
        assert_eq!((address.heartbeat_seconds, address.is_encrypted()), (30, true));
        assert_eq!(RabbitAddress::parse("amqp://h/", None).unwrap().places(), ["h:5672//"]);
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for bad in
            ["http://u:hunter2@h", "amqp://u:hunter2@h?frame_max=hunter2", "amqp://u:hunter2@h?heartbeat=x"]
        {
            let error = RabbitAddress::parse(bad, None).unwrap_err().to_string();
            assert!(error.starts_with("url: ") && !error.contains("hunter2"), "{error}");
        }
        let address = RabbitAddress::parse("amqp://u@h", Some("hunter2")).unwrap();
        assert!(!format!("{address:?} {address}").contains("hunter2"));
    }
}
