//! Retention by age: rows received too long ago are deleted, a bounded number at a time, so that no batch waits long.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use weir_core::time::Timestamp;
use weir_core::world::Clock;

const ROWS_AT_ONCE: usize = 10_000;
const INTERVAL: Duration = Duration::from_secs(60);

/// Knows when rows are due to go.
pub(super) struct Retention {
    age: Option<Duration>,
    clock: Arc<dyn Clock>,
    due_at: Timestamp,
}

impl Retention {
    pub fn new(age: Option<Duration>, clock: Arc<dyn Clock>) -> Self {
        Self { age, due_at: clock.now(), clock }
    }

    /// How long the writer may wait for work before it should call [`Retention::run`]; `None` for ever.
    pub fn pause(&self) -> Option<Duration> {
        self.age.map(|_| self.due_at.since(self.clock.now()).min(INTERVAL))
    }

    /// Deletes what is due, if it is time. More than a bounded number is left for the next turn.
    pub fn run(&mut self, connection: &Connection, table: &str) -> rusqlite::Result<()> {
        let now = self.clock.now();
        let Some(age) = self.age else { return Ok(()) };
        // A clock that was set back by more than the interval must not put the next turn off for as long.
        if now < self.due_at && self.due_at <= now.after(INTERVAL) {
            return Ok(());
        }
        self.due_at = now.after(INTERVAL);
        if delete(connection, table, now.before(age))? == ROWS_AT_ONCE {
            self.due_at = now;
        }
        Ok(())
    }
}

fn delete(connection: &Connection, table: &str, before: Timestamp) -> rusqlite::Result<usize> {
    let delete = format!(
        "DELETE FROM \"{table}\" WHERE rowid IN \
         (SELECT rowid FROM \"{table}\" WHERE received_at < ? ORDER BY received_at LIMIT {ROWS_AT_ONCE})"
    );
    connection.prepare_cached(&delete)?.execute([before.as_micros()])
}
