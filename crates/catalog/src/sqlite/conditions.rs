//! What must hold of a row, put together from what is asked.

use rusqlite::{Params, ToSql};

/// SQL that must hold, and the values in it.
pub(super) struct Conditions {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// This must hold.
    pub(super) fn that(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds `comparison` with the value, where there is one.
    pub(super) fn and(&mut self, comparison: &str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.values.push(Box::new(value));
            self.sql = format!("{} AND {comparison} ?{}", self.sql, self.values.len());
        }
    }

    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) fn values(&self) -> impl Params {
        rusqlite::params_from_iter(self.values.iter())
    }
}
