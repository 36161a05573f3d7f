//! Changes of the tables.

use tokio_postgres::error::SqlState;

use super::Connection;
use super::fault::{self, Fault};

/// Statements of one transaction without answers; all of them or none.
pub(super) async fn change(connection: &Connection, statements: &[String]) -> Result<(), Fault> {
    let script = format!("BEGIN;\n{};\nCOMMIT", statements.join(";\n"));
    match connection.client.batch_execute(&script).await {
        Ok(()) => Ok(()),
        Err(error) => {
            connection.roll_back().await?;
            // Another Weir was faster.
            let is_made = [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION];
            match is_made.iter().any(|code| fault::is(&error, code)) {
                true => Err(Fault::Changed(format!("somebody else makes the same tables now: {error}"))),
                false => Err(error.into()),
            }
        }
    }
}
