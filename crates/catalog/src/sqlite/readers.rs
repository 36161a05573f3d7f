//! Reading: a few connections, used one question at a time off the async runtime. In a write-ahead log readers and
//! the writer do not wait for one another; each question sees one moment.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ANSWER_TIMEOUT;
use super::connection::Place;
use super::fault::Fault;

/// Questions answered at once, each with a connection.
const READERS_MAX: usize = 3;

/// Connections that are opened when they are first needed.
pub(super) struct Readers {
    pool: Arc<Pool>,
    turns: Arc<Semaphore>,
}

struct Pool {
    place: Place,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(place: Place) -> Self {
        let pool = Pool { place, idle: Mutex::new(Vec::new()) };
        Self { pool: Arc::new(pool), turns: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Asks a question of its own connection.
    pub(super) async fn read<T: Send + 'static, E: From<Fault>>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, E> {
        let what = self.pool.place.what;
        let exchange = async {
            let turn = Arc::clone(&self.turns).acquire_owned().await;
            let turn = turn.map_err(|_| Fault::Broken(format!("the {what} is closed")))?;
            let pool = Arc::clone(&self.pool);
            let answer = tokio::task::spawn_blocking(move || {
                // Kept until the connection is back, even when nobody waits for the answer any more.
                let _turn = turn;
                pool.ask(question)
            });
            answer.await.unwrap_or_else(|error| Err(Fault::Retry(format!("reading the {what}: {error}"))))
        };
        let answer = timeout(ANSWER_TIMEOUT, exchange).await;
        Ok(answer.unwrap_or_else(|_| Err(Fault::Retry("the disk did not answer in time".to_owned())))?)
    }

    /// Closes what is idle; later questions are refused.
    pub(super) fn close(&self) {
        self.turns.close();
        self.pool.idle().clear();
    }
}

impl Pool {
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.place.connect_to_read()?,
        };
        // After an error the connection is not trusted again.
        let answer = question(&connection)?;
        self.idle().push(connection);
        Ok(answer)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
