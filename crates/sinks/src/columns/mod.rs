//! Columns of one's own: what stands somewhere in an event, beside the columns that every table has.
//!
//! **Constraint.** A store gives its types and says for each value whether a column of that type holds it; what it
//! does not hold makes the event a dead letter, and nothing is rounded, cut or clamped to fit. What is mapped stays in
//! `param` and `extra` too, so a mapping can be changed without losing anything.

pub(crate) mod fit;

use std::fmt;

use weir_core::event::Record;
use weir_core::selection::{Selection, Source, Value};
use weir_core::sink::Refusal;

use crate::SettingsError;
use crate::fields::{self, Fields};

/// The columns that every table has, in their order.
pub use weir_core::event::COLUMNS as FIXED_COLUMNS;

/// Columns that one sink may add.
const COLUMNS_MAX: usize = 500;
const NAME_MAX_BYTES: usize = 63;

/// One column as it is set: `price = { from = "/param/price", type = "Float64" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSettings {
    /// The column.
    pub name: String,
    /// A member of the event, or a JSON pointer into it.
    pub from: String,
    /// The store's own name for the type.
    pub kind: String,
}

/// The columns that a sink adds, with the store's own types.
#[derive(Clone, Debug)]
pub struct Mapping<T> {
    columns: Vec<Column<T>>,
    selection: Selection,
}

/// A column that a sink adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column<T> {
    /// Its name: letters, digits and `_`.
    pub name: String,
    /// Its type, as the store's module knows it.
    pub kind: T,
    /// Its type, as it was written.
    pub kind_name: String,
}

impl<T> Mapping<T> {
    /// Reads the settings; `kind` knows the store's types, and says which there are where it is given another.
    pub fn new(
        settings: &[ColumnSettings],
        kind: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Self, SettingsError> {
        if settings.len() > COLUMNS_MAX {
            let count = settings.len();
            return Err(SettingsError(format!(
                "columns: {count} are more than the {COLUMNS_MAX} that a sink may add"
            )));
        }
        let (mut columns, mut sources) = (Vec::new(), Vec::new());
        for column in settings {
            let at = |what: &dyn fmt::Display| SettingsError(format!("columns.{}: {what}", column.name));
            check_name(&column.name, &columns).map_err(|what| at(&what))?;
            let source = Source::parse(&column.from);
            sources.push(source.ok_or_else(|| at(&"`from` is empty; name a member, or a JSON pointer"))?);
            columns.push(Column {
                name: column.name.clone(),
                kind: kind(&column.kind).map_err(|what| at(&what))?,
                kind_name: column.kind.clone(),
            });
        }
        Ok(Self { columns, selection: Selection::new(sources) })
    }

    /// The columns, in the order of the settings.
    pub fn columns(&self) -> &[Column<T>] {
        &self.columns
    }

    /// The event's fixed columns, and the value of each of these, in one walk over its bytes.
    pub(crate) fn read<'a>(&self, record: &'a Record) -> Result<(Fields<'a>, Vec<Value<'a>>), Refusal> {
        let mut watch = self.selection.watch();
        let fields = Fields::watched(record, &mut watch)?;
        let values = watch.finish(record).map_err(fields::refusal)?;
        Ok((fields, values))
    }
}

impl<T> Default for Mapping<T> {
    /// No columns but those that every table has.
    fn default() -> Self {
        Self { columns: Vec::new(), selection: Selection::default() }
    }
}

fn check_name<T>(name: &str, others: &[Column<T>]) -> Result<(), String> {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let valid = name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        && name.len() <= NAME_MAX_BYTES;
    if !valid {
        return Err(format!(
            "a column's name is 1 to {NAME_MAX_BYTES} of a-z, A-Z, 0-9 and _, the first no digit"
        ));
    }
    if FIXED_COLUMNS.iter().any(|fixed| fixed.eq_ignore_ascii_case(name)) {
        return Err("every table has a column of this name; choose another".to_owned());
    }
    match others.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
        true => Err("there is a column of this name already; choose another".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;

    fn settings(columns: &[(&str, &str)]) -> Vec<ColumnSettings> {
        let one = |(name, from): &(&str, &str)| ColumnSettings {
            name: (*name).to_owned(),
            from: (*from).to_owned(),
            kind: "ANY".to_owned(),
        };
        columns.iter().map(one).collect()
    }

    fn mapping(columns: &[(&str, &str)]) -> Result<Mapping<()>, SettingsError> {
        let kind = |name: &str| if name == "ANY" { Ok(()) } else { Err(format!("no type {name}")) };
        Mapping::new(&settings(columns), kind)
    }

    fn read(stream: &str, body: &str, columns: &[(&str, &str)]) -> (Vec<String>, Option<String>) {
        let mut record = record(1, stream, 0);
        record.event.body = body.to_owned().into();
        let mapping = mapping(columns).unwrap();
        let (fields, values) = mapping.read(&record).unwrap();
        let extra = fields.extra.map(|extra| extra.into_owned());
        (values.iter().map(|value| value.json().into_owned()).collect(), extra)
    }

    #[test]
    fn what_is_mapped_is_there_twice_in_its_column_and_where_it_was() {
        let body = r#"{"page":"/p","event":"e","param":{"price":1.50},"tags":["a"],"user_id":null}"#;
        let columns = [("price", "/param/price"), ("tag", "/tags/0"), ("at", "page"), ("who", "user_id")];
        let (values, extra) = read("events", body, &columns);
        assert_eq!(values, ["1.50", "\"a\"", "\"/p\"", "null"]);
        assert_eq!(extra.as_deref(), Some(r#"{"tags":["a"],"user_id":null}"#));
    }

    #[test]
    fn of_another_stream_the_whole_object_is_extra_all_the_same() {
        let body = r#"{"page":1,"param":{"price":2}}"#;
        let (values, extra) = read("actions", body, &[("price", "/param/price"), ("number", "page")]);
        assert_eq!((values, extra.as_deref()), (vec!["2".to_owned(), "1".to_owned()], Some(body)));
    }

    #[test]
    fn a_name_is_plain_and_stands_once() {
        for bad in ["", "1a", "a-b", "ä", "a\"b", "Event_ID", "extra", &"x".repeat(64)] {
            assert!(mapping(&[(bad, "a")]).is_err(), "{bad}");
        }
        assert!(mapping(&[("a", "x"), ("A", "y")]).is_err());
        let error = mapping(&[("price", "")]).unwrap_err().to_string();
        assert_eq!(error, "columns.price: `from` is empty; name a member, or a JSON pointer");
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_with_its_column_type_and_value_cut_short() {
        let mapping = mapping(&[("price", "p")]).unwrap();
        let long = "ä".repeat(1000);
        let refusal = mapping.columns()[0].refusal(&Value::Text(long.as_str().into()));
        assert_eq!(refusal.reason, "column_mismatch");
        assert!(
            refusal.detail.starts_with("column \"price\" of type ANY cannot hold \"ää"),
            "{}",
            refusal.detail
        );
        assert!(refusal.detail.ends_with("…") && refusal.detail.len() < 300, "{}", refusal.detail);
    }
}
