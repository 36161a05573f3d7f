//! The well-known messages out of JSON.

use std::collections::HashMap;

use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, Value};

use super::Reader;
use crate::schema::fault::Path;
use crate::schema::json::Json;
use crate::schema::moment::{read_duration, read_timestamp};
use crate::schema::well_known::{ANY, WellKnown, mask_from_json};

/// The fields of `google.protobuf.Value`.
mod value {
    pub const NULL: u32 = 1;
    pub const NUMBER: u32 = 2;
    pub const TEXT: u32 = 3;
    pub const BOOL: u32 = 4;
    pub const OBJECT: u32 = 5;
    pub const LIST: u32 = 6;
}

impl Reader {
    pub(super) fn well_known(
        &mut self,
        kind: WellKnown,
        descriptor: &MessageDescriptor,
        json: &Json<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Option<DynamicMessage> {
        let wrong = match kind {
            WellKnown::Any => ANY.to_owned(),
            WellKnown::Struct => return self.structure(descriptor, json, path, depth),
            WellKnown::Value => return self.value(descriptor, json, path, depth),
            WellKnown::List => return self.list(descriptor, json, path, depth),
            WellKnown::Wrapper => {
                let value = self.single(&descriptor.get_field(1)?.kind(), json, path, depth)?;
                return self.made(descriptor, [(1, value)], path);
            }
            WellKnown::Timestamp => match text(json).and_then(read_timestamp) {
                Some(moment) => return self.made(descriptor, seconds_and_nanos(moment), path),
                None => "must be an RFC 3339 time of the years 1 to 9999, such as \"2026-11-22T09:00:00Z\""
                    .to_owned(),
            },
            WellKnown::Duration => match text(json).and_then(read_duration) {
                Some(length) => return self.made(descriptor, seconds_and_nanos(length), path),
                None => "must be a number of seconds with an s, such as \"1.5s\"".to_owned(),
            },
            WellKnown::FieldMask => match text(json).and_then(mask) {
                Some(paths) => return self.made(descriptor, [(1, paths)], path),
                None => "must be names in camel case with commas between, such as \"userId,page\"".to_owned(),
            },
        };
        self.faults.add(path, wrong);
        None
    }

    fn structure(
        &mut self,
        descriptor: &MessageDescriptor,
        json: &Json<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Option<DynamicMessage> {
        let Json::Object(members) = json else {
            self.faults.add(path, format!("must be an object, not {}", json.kind()));
            return None;
        };
        let field = descriptor.get_field(1)?;
        let entry = field.kind().as_message().filter(|_| field.is_map())?.clone();
        let kind = entry.map_entry_value_field().kind();
        let mut values = HashMap::with_capacity(members.len());
        for (name, item) in members {
            let path = path.member(name);
            let Some(value) = self.single(&kind, item, &path, depth + 1) else { continue };
            if values.insert(MapKey::String(name.clone().into_owned()), value).is_some() {
                self.faults.add(&path, "stands twice");
            }
        }
        self.made(descriptor, [(1, Value::Map(values))], path)
    }

    fn list(
        &mut self,
        descriptor: &MessageDescriptor,
        json: &Json<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Option<DynamicMessage> {
        let values = self.field(&descriptor.get_field(1)?, json, path, depth)?;
        self.made(descriptor, [(1, values)], path)
    }

    fn value(
        &mut self,
        descriptor: &MessageDescriptor,
        json: &Json<'_>,
        path: &Path<'_>,
        depth: usize,
    ) -> Option<DynamicMessage> {
        let number = match json {
            Json::Null => value::NULL,
            Json::Bool(_) => value::BOOL,
            Json::Number(_) => value::NUMBER,
            Json::Text(_) => value::TEXT,
            Json::List(_) => value::LIST,
            Json::Object(_) => value::OBJECT,
        };
        let kind = descriptor.get_field(number)?.kind();
        let value = match (&kind, json) {
            (Kind::Enum(_), Json::Null) => Value::EnumNumber(0),
            _ => self.single(&kind, json, path, depth)?,
        };
        self.made(descriptor, [(number, value)], path)
    }

    /// A message of these fields; a fault where a file calls another shape by a well-known name.
    fn made(
        &mut self,
        descriptor: &MessageDescriptor,
        fields: impl IntoIterator<Item = (u32, Value)>,
        path: &Path<'_>,
    ) -> Option<DynamicMessage> {
        let mut message = DynamicMessage::new(descriptor.clone());
        for (number, value) in fields {
            if message.try_set_field_by_number(number, value).is_err() {
                self.faults.add(
                    path,
                    format!("is no {}: the type of this name has another shape", descriptor.full_name()),
                );
                return None;
            }
        }
        Some(message)
    }
}

fn text<'j>(json: &'j Json<'_>) -> Option<&'j str> {
    match json {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn seconds_and_nanos((seconds, nanos): (i64, i32)) -> [(u32, Value); 2] {
    [(1, Value::I64(seconds)), (2, Value::I32(nanos))]
}

fn mask(text: &str) -> Option<Value> {
    let paths = text.split(',').filter(|path| !path.is_empty());
    let paths: Option<Vec<_>> = paths.map(|path| mask_from_json(path).map(Value::String)).collect();
    paths.map(Value::List)
}
