//! Reads TOML into the tree, each value with its line.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::Key;
use super::problem::Problem;
use super::tree::{Node, Origin, Table, Value};

/// Reads a file's text; `path` is how errors name it.
pub fn parse(path: &str, text: &str) -> Result<Node, Problem> {
    let document = Document { path: path.into(), text };
    let table = DeTable::parse(text).map_err(|error| document.problem(&error))?;
    let origin = Origin::File { path: Arc::clone(&document.path), line: 1 };
    Ok(Node { value: Value::Table(document.table(table.get_ref())?), origin })
}

/// Reads one value as it would stand behind `=`. `None` where it is no TOML.
pub fn parse_value(text: &str, origin: &Origin) -> Option<Value> {
    let document = Document { path: "".into(), text };
    let value = DeValue::parse(text).ok()?;
    let mut value = document.value(&value).ok()?;
    stamp(&mut value, origin);
    Some(value)
}

fn stamp(value: &mut Value, origin: &Origin) {
    let below: Vec<&mut Node> = match value {
        Value::List(items) => items.iter_mut().collect(),
        Value::Table(table) => table.values_mut().collect(),
        _ => return,
    };
    for node in below {
        node.origin = origin.clone();
        stamp(&mut node.value, origin);
    }
}

struct Document<'t> {
    path: Arc<str>,
    text: &'t str,
}

impl Document<'_> {
    fn table(&self, table: &DeTable<'_>) -> Result<Table, Problem> {
        let node = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let name: &std::borrow::Cow<'_, str> = name.get_ref();
            let node = Node { value: self.value(value)?, origin: self.origin(value.span().start) };
            Ok((name.to_string(), node))
        };
        table.iter().map(node).collect()
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Datetime(moment) => Value::Text(moment.to_string()),
            DeValue::Integer(number) => Value::Integer(
                i64::from_str_radix(number.as_str(), number.radix())
                    .map_err(|_| self.too_large(value.span().start))?,
            ),
            DeValue::Float(number) => {
                Value::Float(number.as_str().parse().map_err(|_| self.too_large(value.span().start))?)
            }
            DeValue::Array(items) => {
                let item =
                    |item| Ok(Node { value: self.value(item)?, origin: self.origin(item.span().start) });
                Value::List(items.iter().map(item).collect::<Result<_, Problem>>()?)
            }
            DeValue::Table(table) => Value::Table(self.table(table)?),
        })
    }

    fn origin(&self, start: usize) -> Origin {
        Origin::File { path: Arc::clone(&self.path), line: self.line(start) }
    }

    fn line(&self, start: usize) -> usize {
        let before = &self.text.as_bytes()[..start.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn too_large(&self, start: usize) -> Problem {
        Problem {
            key: Key::default(),
            origin: Some(self.origin(start)),
            what: "a number that does not fit into 64 bits".to_owned(),
            remedy: "Write a smaller one.".to_owned(),
        }
    }

    // The library's own display shows the line, and with it perhaps a secret; its message does not.
    fn problem(&self, error: &toml::de::Error) -> Problem {
        let start = error.span().map_or(0, |span| span.start);
        Problem {
            key: Key::default(),
            origin: Some(self.origin(start)),
            what: format!("is not TOML: {}", error.message().trim()),
            remedy: "Mend the line; https://toml.io has the rules. Texts need quotes.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let tree = parse("weir.toml", "a = 1\n\n[b.c]\nd = [\n  true,\n]\n").unwrap();
        for (key, place) in [
            (Key::of(["a"]), "weir.toml:1"),
            (Key::of(["b", "c"]), "weir.toml:3"),
            (Key::of(["b", "c", "d"]), "weir.toml:4"),
            (Key::of(["b", "c", "d"]).item(0), "weir.toml:5"),
        ] {
            assert_eq!(tree.get(&key).unwrap().origin.to_string(), place, "{key}");
        }
    }

    #[test]
    fn broken_toml_tells_its_line_and_not_what_stands_there() {
        let problem = parse("weir.toml", "a = 1\napi_key = hunter2\n").unwrap_err();
        let text = problem.to_string();
        assert!(text.starts_with("weir.toml:2: is not TOML"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
