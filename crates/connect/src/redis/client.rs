//! Asks Redis, wherever what is asked about is now.
//!
//! **Constraints.** A connection that fails is dropped, and made anew by the next question. Nothing is asked twice,
//! save where a node says that it has not done it because the key is another's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::address::RedisAddress;
use super::link::Link;
use super::slot::slot;
use crate::Fault;
use crate::address::Node;
use crate::tls::TlsSettings;

/// How often a question is passed on from node to node.
const MOVES_MAX: usize = 4;
/// Beyond so many, all that is known of nodes is forgotten.
const NODES_MAX: usize = 64;

/// Connections to Redis, one for each node that was asked.
pub struct RedisClient {
    address: RedisAddress,
    tls: TlsSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of a cluster: which node has which slot. Other slots are asked for at the address.
    moved: BTreeMap<u16, Node>,
    /// `None` is the address's own.
    links: BTreeMap<Option<Node>, Arc<Link>>,
}

impl RedisClient {
    /// Made ready, without asking a server for anything.
    pub fn new(address: RedisAddress, tls: TlsSettings) -> Self {
        Self { address, tls, state: Mutex::default() }
    }

    /// Where it is, as it may be shown.
    pub fn address(&self) -> &RedisAddress {
        &self.address
    }

    /// Asks about a key; an answer that takes longer than `limit` is not waited for, and its connection is given up.
    pub async fn ask(&self, key: &str, command: &Cmd, limit: Duration) -> Result<Value, Fault> {
        let mut answer = self.ask_once(key, command, limit).await;
        for _ in 0..MOVES_MAX {
            let Err(Fault::Moved(slot, node)) = answer else { break };
            self.state.lock().await.moved.insert(slot, node);
            answer = self.ask_once(key, command, limit).await;
        }
        answer
    }

    async fn ask_once(&self, key: &str, command: &Cmd, limit: Duration) -> Result<Value, Fault> {
        let late = || Fault::Away(format!("{}: no answer within {limit:?}", self.address));
        let node = self.state.lock().await.moved.get(&slot(key.as_bytes())).cloned();
        let asking = async {
            let link = self.link(node.clone()).await?;
            let answer = link.ask(command).await;
            answer.map_err(|fault| fault.at(&self.place(node.as_ref())))
        };
        let answer = timeout(limit, asking).await.unwrap_or_else(|_| Err(late()));
        if matches!(answer, Err(Fault::Away(_) | Fault::Refused(_))) {
            self.drop_link(node).await;
        }
        answer
    }

    /// Held while one connects, so that all who wait use what it makes.
    async fn link(&self, node: Option<Node>) -> Result<Arc<Link>, Fault> {
        let mut state = self.state.lock().await;
        if let Some(link) = state.links.get(&node) {
            return Ok(link.clone());
        }
        if state.links.len() >= NODES_MAX {
            *state = State::default();
        }
        let link = Arc::new(Link::open(&self.address, &self.tls, node.as_ref()).await?);
        state.links.insert(node, link.clone());
        Ok(link)
    }

    /// The node may have gone for good: the next question begins at the address again.
    async fn drop_link(&self, node: Option<Node>) {
        let mut state = self.state.lock().await;
        state.links.remove(&node);
        if node.is_some() {
            state.moved.retain(|_, other| Some(&*other) != node.as_ref());
        }
    }

    fn place(&self, node: Option<&Node>) -> String {
        node.map_or_else(|| self.address.to_string(), Node::to_string)
    }
}
