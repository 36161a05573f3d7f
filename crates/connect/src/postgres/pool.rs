//! The connections, a bounded number of them, made when they are needed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ClientConfig;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::address::PostgresAddress;
use super::connection::Connection;
use super::encryption::Encrypting;
use super::fault::judged;
use crate::{Fault, SettingsError};

/// One that has been idle for longer may have been forgotten by whatever stands between.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Connections to one server, whose users keep prepared statements `S` with each.
pub struct Pool<S> {
    address: PostgresAddress,
    statement_timeout: Duration,
    places: Semaphore,
    idle: Mutex<Vec<Connection<S>>>,
    encryption: Mutex<Encryption>,
}

/// The TLS settings, and the state of the files that they were made from.
struct Encryption {
    config: Arc<ClientConfig>,
    made_from: Vec<Option<SystemTime>>,
}

/// A connection on loan; closed unless it is given back.
pub struct Lease<'p, S> {
    /// The connection.
    pub connection: Connection<S>,
    pool: &'p Pool<S>,
    _place: SemaphorePermit<'p>,
}

impl<S> Pool<S> {
    /// At most `size` of them, on each of which the server ends what takes longer than `statement_timeout`.
    pub fn new(
        address: PostgresAddress,
        size: usize,
        statement_timeout: Duration,
    ) -> Result<Self, SettingsError> {
        let encryption = Encryption { made_from: address.tls.changed_at(), config: encryption(&address)? };
        Ok(Self {
            address,
            statement_timeout,
            places: Semaphore::new(size),
            idle: Mutex::default(),
            encryption: Mutex::new(encryption),
        })
    }

    /// Where the server is.
    pub fn address(&self) -> &PostgresAddress {
        &self.address
    }

    /// Waits for a place, and takes a connection that is idle or makes one.
    pub async fn take(&self) -> Result<Lease<'_, S>, Fault> {
        let closed = |error: tokio::sync::AcquireError| Fault::Away(error.to_string());
        let place = self.places.acquire().await.map_err(closed)?;
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| judged(&error))?,
        };
        Ok(Lease { connection, pool: self, _place: place })
    }

    async fn connect(&self) -> Result<Connection<S>, tokio_postgres::Error> {
        Connection::open(&self.address, self.encrypting(), self.statement_timeout).await
    }

    fn take_idle(&self) -> Option<Connection<S>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| connection.used_at.elapsed() < IDLE_MAX && !connection.client.is_closed());
        idle.pop()
    }

    /// By the certificate files as they are now. While changed ones cannot be used, the old ones serve.
    fn encrypting(&self) -> Encrypting {
        let mut encryption = self.encryption.lock().unwrap_or_else(PoisonError::into_inner);
        let changed_at = self.address.tls.changed_at();
        if changed_at != encryption.made_from {
            match self::encryption(&self.address) {
                Ok(config) => *encryption = Encryption { config, made_from: changed_at },
                Err(error) => {
                    tracing::warn!(%error, "changed certificate files cannot be used; going on with the old ones");
                }
            }
        }
        Encrypting(encryption.config.clone())
    }
}

impl<S> Lease<'_, S> {
    /// The connection is as good as it was.
    pub fn give_back(mut self) {
        self.connection.used_at = Instant::now();
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}

fn encryption(address: &PostgresAddress) -> Result<Arc<ClientConfig>, SettingsError> {
    let mut config = address.tls.client_config_trusting(address.trust)?;
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(Arc::new(config))
}
