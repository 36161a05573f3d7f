//! One connection to a Redis server.

use std::slice;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value, cmd};
use tokio::task::AbortHandle;

use super::address::RedisAddress;
use super::fault::judged;
use crate::Fault;
use crate::address::Node;
use crate::tls::TlsSettings;
use crate::wire::Wire;

/// A connection that many may ask at once; closed when dropped.
pub(super) struct Link {
    connection: MultiplexedConnection,
    driver: AbortHandle,
}

impl Link {
    /// Connects to this node, or to the first of the address's that can be reached.
    pub async fn open(address: &RedisAddress, tls: &TlsSettings, node: Option<&Node>) -> Result<Self, Fault> {
        let named;
        let nodes = match (node, &address.master) {
            (Some(node), _) => slice::from_ref(node),
            (None, None) => &address.nodes,
            (None, Some(master)) => {
                named = named_by_sentinels(master, address, tls).await?;
                slice::from_ref(&named)
            }
        };
        let mut trouble = nowhere();
        for node in nodes {
            match Self::to(node, address, tls).await {
                Ok(link) => return Ok(link),
                Err(fault) => trouble = fault.at(&node.to_string()),
            }
        }
        Err(trouble)
    }

    async fn to(node: &Node, address: &RedisAddress, tls: &TlsSettings) -> Result<Self, Fault> {
        let mut info = RedisConnectionInfo::default().set_db(address.database);
        if let Some(user) = &address.user {
            info = info.set_username(user);
        }
        if let Some(password) = &address.password {
            info = info.set_password(password);
        }
        Self::with(node, &info, address.is_encrypted().then_some(tls)).await
    }

    async fn with(node: &Node, info: &RedisConnectionInfo, tls: Option<&TlsSettings>) -> Result<Self, Fault> {
        let wire = Wire::open(node, tls).await.map_err(|error| Fault::of_io(&error))?;
        // Who asks says how long the answer may take.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let info = info.clone().set_skip_set_lib_name();
        let made = MultiplexedConnection::new_with_config(&info, wire, config).await;
        let (connection, driver) = made.map_err(|error| judged(&error))?;
        Ok(Self { connection, driver: tokio::spawn(driver).abort_handle() })
    }

    /// What the server answers.
    pub async fn ask(&self, command: &Cmd) -> Result<Value, Fault> {
        let answer = self.connection.clone().req_packed_command(command).await;
        answer.and_then(Value::extract_error).map_err(|error| judged(&error))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn nowhere() -> Fault {
    Fault::Away("there is no address".to_owned())
}

/// The server that the first sentinel which can be reached names. Sentinels are asked without a password.
async fn named_by_sentinels(master: &str, address: &RedisAddress, tls: &TlsSettings) -> Result<Node, Fault> {
    let tls = address.is_encrypted().then_some(tls);
    let mut trouble = nowhere();
    for sentinel in &address.nodes {
        match named_by(sentinel, master, tls).await {
            Ok(node) => return Ok(node),
            Err(fault) => trouble = fault.at(&format!("sentinel {sentinel}")),
        }
    }
    Err(trouble)
}

async fn named_by(sentinel: &Node, master: &str, tls: Option<&TlsSettings>) -> Result<Node, Fault> {
    let link = Link::with(sentinel, &RedisConnectionInfo::default(), tls).await?;
    let answer = link.ask(cmd("SENTINEL").arg("get-master-addr-by-name").arg(master)).await?;
    match redis::from_redis_value::<Option<(String, u16)>>(answer) {
        Ok(Some((host, port))) => Ok(Node { host, port }),
        Ok(None) => Err(Fault::Blocked(format!("it knows no server that is called {master}; see to `url`"))),
        Err(error) => Err(Fault::Away(error.to_string())),
    }
}
