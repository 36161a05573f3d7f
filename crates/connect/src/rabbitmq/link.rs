//! One connection to a RabbitMQ server.

use std::sync::Arc;
use std::time::Duration;

use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::address::RabbitAddress;
use super::fault::judged;
use super::reactor::{self, Severable};
use crate::Fault;
use crate::address::Node;
use crate::tls::TlsSettings;
use crate::wire::Wire;

/// How long a server may take to let us in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection; cut when dropped.
pub struct RabbitLink {
    connection: Connection,
    node: Node,
    _cut: DropGuard,
}

impl RabbitLink {
    /// Connects to the first of the nodes that lets us in, under a name that people see there.
    pub async fn open(address: &RabbitAddress, tls: &TlsSettings, name: &str) -> Result<Self, Fault> {
        let mut trouble = Fault::Away("there is no address".to_owned());
        for node in &address.nodes {
            let opening = Self::to(node, address, tls, name);
            let late = |_| Err(Fault::Away(format!("no answer within {LOGIN_TIMEOUT:?}")));
            match timeout(LOGIN_TIMEOUT, opening).await.unwrap_or_else(late) {
                Ok(link) => return Ok(link),
                Err(fault) => trouble = fault.at(&node.to_string()),
            }
        }
        Err(trouble)
    }

    async fn to(node: &Node, address: &RabbitAddress, tls: &TlsSettings, name: &str) -> Result<Self, Fault> {
        let cut = CancellationToken::new();
        let guard = cut.clone().drop_guard();
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let (to, tls) = (node.clone(), address.is_encrypted().then(|| Arc::new(tls.clone())));
        let connect = async move |_, _| {
            let wire = Wire::open(&to, tls.as_deref()).await?;
            Ok(AsyncTcpStream::Plain(Severable::new(wire, cut.clone())))
        };
        let connected =
            Connection::connector(address.uri(node), reactor::runtime(), connect, properties).await;
        let connection = connected.map_err(|error| judged(&error))?;
        Ok(Self { connection, node: node.clone(), _cut: guard })
    }

    /// A channel of its own.
    pub async fn channel(&self) -> Result<Channel, Fault> {
        self.connection.create_channel().await.map_err(|error| judged(&error).at(&self.node.to_string()))
    }

    /// The node that it leads to.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Whether it can still be used.
    pub fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether the server takes nothing at the moment, as its memory or its disk is full.
    pub fn is_held_up(&self) -> bool {
        self.connection.status().blocked()
    }
}
