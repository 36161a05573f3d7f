//! `columns`: what a store keeps in columns of its own, beside those that every table has.
//!
//! ```toml
//! columns = { price = { from = "/param/price", type = "REAL" } }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::event::COLUMNS;

use super::place::check_place;
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;

/// The columns, by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnsSettings(pub BTreeMap<String, ColumnFrom>);

/// What is in a column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ColumnFrom {
    /// A member of the event, or a JSON pointer into it.
    pub from: String,
    /// The store's own name for the type.
    #[serde(rename = "type")]
    pub kind: String,
}

impl ColumnsSettings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and places; the store's types as well where it has a `kinds` that can be listed.
    pub(super) fn check(&self, key: &Key, kinds: Option<&[&str]>, report: &mut Report<'_>) {
        for (name, column) in &self.0 {
            let key = key.child(name);
            self.check_name(&key, name, report);
            check_place(&key.child("from"), &column.from, report);
            let is_known = |kinds: &&[&str]| kinds.iter().any(|kind| kind.eq_ignore_ascii_case(&column.kind));
            if let Some(kinds) = kinds.filter(|kinds| !is_known(kinds)) {
                let what = format!("is no type that such a sink has: {:?}", column.kind);
                report.wrong(&key.child("type"), what, suggestion(&column.kind, kinds));
            }
        }
    }

    fn check_name(&self, key: &Key, name: &str, report: &mut Report<'_>) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_name = |other: &str| other.eq_ignore_ascii_case(name);
        if !begins_well || !name.bytes().all(plain) || name.len() > 63 {
            let remedy = "Use 1 to 63 of a-z A-Z 0-9 _, no digit first.";
            report.wrong(key, "has no name that a column can have", remedy);
        } else if COLUMNS.iter().any(|column| is_name(column)) {
            report.wrong(key, "is a column that every table has", "Give your column another name.");
        } else if self.0.keys().filter(|other| is_name(other)).count() > 1 {
            report.wrong(key, "is there twice, in small and in capital letters", "Rename one of them.");
        }
    }
}
