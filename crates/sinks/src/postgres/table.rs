//! The events' table by its names, quoted wherever they reach the server.

use crate::SettingsError;

/// So that a partition's name, which is eleven bytes longer at most, is not cut.
const NAME_MAX_BYTES: usize = 50;

/// A table, in a schema or wherever the search path leads first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub schema: Option<String>,
    pub name: String,
}

impl Table {
    /// Reads `NAME` or `SCHEMA.NAME`. Case counts.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        if !is_plain(name) || schema.is_some_and(|schema| !is_plain(schema)) {
            return Err(SettingsError(format!(
                "table = {text:?}: write NAME or SCHEMA.NAME, each 1 to {NAME_MAX_BYTES} of a-z, A-Z, 0-9 and _, \
                 the first no digit"
            )));
        }
        if name.to_ascii_lowercase().starts_with("weir_") {
            return Err(SettingsError(format!(
                "table = {text:?}: names that begin with weir_ are taken; choose another"
            )));
        }
        Ok(Self { schema: schema.map(str::to_owned), name: name.to_owned() })
    }

    /// For the server to find it, quoted.
    pub fn sought(&self) -> String {
        match &self.schema {
            Some(schema) => qualified(schema, &self.name),
            None => quoted(&self.name),
        }
    }
}

fn is_plain(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        && name.len() <= NAME_MAX_BYTES
}

/// A name as an identifier, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name within a schema.
pub(super) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_with_or_without_its_schema() {
        assert_eq!(Table::parse("events").unwrap().sought(), "\"events\"");
        assert_eq!(Table::parse("Raw.Clicks_1").unwrap().sought(), "\"Raw\".\"Clicks_1\"");
        for bad in ["", ".", "a.", ".a", "a.b.c", "1a", "a b", "a\"b", "ä", "weir_batches", &"x".repeat(51)]
        {
            assert!(Table::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_quoted_whatever_is_in_it() {
        assert_eq!(qualified("a\"; drop", "b"), "\"a\"\"; drop\".\"b\"");
    }
}
