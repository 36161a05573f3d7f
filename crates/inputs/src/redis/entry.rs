//! Entries of a stream, as Redis answers them.

use bytes::Bytes;
use weir_connect::redis::Value;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was added, in milliseconds, and which it is of those of that moment: `1763802000000-0`.
    pub id: String,
    /// Its fields and their values, in their order.
    pub fields: Vec<(Bytes, Bytes)>,
}

impl Entry {
    /// How much it takes.
    pub fn bytes(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// The two parts of its id.
    pub fn place(&self) -> Option<(u64, u64)> {
        place(&self.id)
    }
}

/// The two parts of an id.
pub(super) fn place(id: &str) -> Option<(u64, u64)> {
    let (millis, which) = id.split_once('-')?;
    Some((millis.parse().ok()?, which.parse().ok()?))
}

/// Entries that were found, and those that were deleted before anybody had read them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What is there.
    pub entries: Vec<Entry>,
    /// The ids of what is gone.
    pub gone: Vec<String>,
}

impl Found {
    /// Whether there is nothing to do about it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.gone.is_empty()
    }

    /// Every entry's id.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.id.as_str()).chain(self.gone.iter().map(String::as_str))
    }

    /// The answer to `XREADGROUP` for one key.
    pub(super) fn of_read(answer: Value) -> Option<Self> {
        match answer {
            Value::Nil => Some(Self::default()),
            Value::Array(mut keys) => {
                let Some(Value::Array(mut key)) = keys.pop() else { return None };
                Self::of_list(key.pop()?)
            }
            _ => None,
        }
    }

    /// The answer to `XAUTOCLAIM`: where to go on, and what was taken over.
    pub(super) fn of_claim(answer: Value) -> Option<(String, Self)> {
        let Value::Array(parts) = answer else { return None };
        let mut parts = parts.into_iter();
        let next = text(parts.next()?)?;
        let mut found = Self::of_list(parts.next()?)?;
        // Before Redis 7 nobody tells of them.
        if let Some(Value::Array(gone)) = parts.next() {
            found.gone.extend(gone.into_iter().filter_map(text));
        }
        Some((next, found))
    }

    fn of_list(list: Value) -> Option<Self> {
        let Value::Array(list) = list else { return None };
        let mut found = Self::default();
        for one in list {
            match one {
                Value::Nil => {}
                Value::Array(parts) => {
                    let [id, fields] = <[Value; 2]>::try_from(parts).ok()?;
                    let id = text(id)?;
                    match fields {
                        Value::Array(fields) => found.entries.push(Entry { id, fields: pairs(fields)? }),
                        Value::Nil => found.gone.push(id),
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(found)
    }
}

fn pairs(values: Vec<Value>) -> Option<Vec<(Bytes, Bytes)>> {
    let mut values = values.into_iter();
    let mut pairs = Vec::with_capacity(values.len() / 2);
    while let Some(name) = values.next() {
        pairs.push((bytes(name)?, bytes(values.next()?)?));
    }
    Some(pairs)
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        Value::SimpleString(text) => Some(text.into()),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn entry(id: &str, fields: &[&str]) -> Value {
        Value::Array(vec![bulk(id), Value::Array(fields.iter().map(|text| bulk(text)).collect())])
    }

    #[test]
    fn what_was_deleted_is_told_from_what_is_there() {
        let gone = Value::Array(vec![bulk("2-0"), Value::Nil]);
        let list = Value::Array(vec![entry("1-0", &["a", "1", "a", "2"]), gone]);
        let found = Found::of_read(Value::Array(vec![Value::Array(vec![bulk("key"), list])])).unwrap();
        let pair = |name: &'static str, value: &'static str| (Bytes::from(name), Bytes::from(value));
        assert_eq!(found.entries, [Entry { id: "1-0".into(), fields: vec![pair("a", "1"), pair("a", "2")] }]);
        assert_eq!(found.ids().collect::<Vec<_>>(), ["1-0", "2-0"]);
        assert_eq!((found.entries[0].place(), found.entries[0].bytes()), (Some((1, 0)), 4));
        assert!(Found::of_read(Value::Nil).unwrap().is_empty());
    }

    #[test]
    fn what_was_taken_over_is_told_with_where_to_go_on() {
        let gone = Value::Array(vec![bulk("3-0")]);
        let list = || Value::Array(vec![Value::Nil, entry("1-0", &["a", "1"])]);
        let (next, found) = Found::of_claim(Value::Array(vec![bulk("0-0"), list(), gone])).unwrap();
        assert_eq!((next.as_str(), found.entries.len(), found.gone.len()), ("0-0", 1, 1));
        let (_, old) = Found::of_claim(Value::Array(vec![bulk("7-1"), list()])).unwrap();
        assert_eq!((old.entries.len(), old.gone.len()), (1, 0));
    }

    #[test]
    fn an_answer_of_another_kind_is_none() {
        for answer in [Value::Int(1), Value::Array(vec![]), Value::Array(vec![Value::Array(vec![])])] {
            assert_eq!(Found::of_read(answer.clone()), None);
            assert_eq!(Found::of_claim(answer), None);
        }
        assert_eq!(Found::of_list(Value::Array(vec![entry("1-0", &["a"])])), None);
    }
}
