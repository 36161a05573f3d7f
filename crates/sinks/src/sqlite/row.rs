//! One event as one row: its columns, ready to be bound.

use std::borrow::Cow;

use rusqlite::types::Value as Cell;
use weir_core::event::Record;
use weir_core::sink::Refusal;

use super::column::Kind;
use crate::columns::Mapping;
use crate::fields::Fields;

/// The columns that are read from the event's bytes, beside the record that knows the others.
pub(super) struct Row {
    pub record: Record,
    pub page: Option<Box<str>>,
    pub event: Option<Box<str>>,
    pub label: Option<Box<str>>,
    pub target: Option<Box<str>>,
    pub section: Option<Box<str>>,
    pub param: Option<Box<str>>,
    pub extra: Option<Box<str>>,
    /// Of the columns that were added, in their order.
    pub mapped: Vec<Cell>,
}

impl Row {
    /// Reads a row; the event is refused where its bytes are not one JSON object, or a column cannot hold its value.
    pub fn read(record: Record, mapping: &Mapping<Kind>) -> Result<Self, Refusal> {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Box::from(text.as_ref()));
        let (fields, values) = mapping.read(&record)?;
        let cells = mapping
            .columns()
            .iter()
            .zip(&values)
            .map(|(column, value)| column.kind.cell(value).ok_or_else(|| column.refusal(value)));
        let mapped = cells.collect::<Result<_, _>>()?;
        let Fields { page, event, label, target, section, param, extra } = fields;
        Ok(Self {
            page: owned(page),
            event: owned(event),
            label: owned(label),
            target: owned(target),
            section: owned(section),
            param: param.map(Box::from),
            extra: owned(extra),
            mapped,
            record,
        })
    }
}
