//! `weir config show`: the settings in force as TOML, each with where it comes from.

use serde_json::Value;

use super::key::Key;
use super::masked::masked;
use super::settings::Settings;
use super::tree::{Node, Origin};

/// Writes the settings; secrets, and passwords in addresses, are hidden.
pub fn show(settings: &Settings, tree: &Node) -> String {
    let text = match toml::to_string(settings) {
        Ok(text) => text,
        // Every setting is a text, a number within 63 bits, a list or a table: TOML can hold them all.
        Err(error) => return format!("# cannot be written as TOML: {error}\n"),
    };
    let mut section = Key::default();
    let mut shown = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let line = masked(line);
        if let Some(header) = line.strip_prefix('[') {
            section = section_of(header, &section);
            shown.push_str(&line);
        } else if let Some((name, _)) = line.split_once(" = ") {
            let origin = origin_of(tree, &section.child(&unquoted(name)));
            shown.push_str(&format!("{line:<48} # {origin}"));
        } else {
            shown.push_str(&line);
        }
        shown.push('\n');
    }
    shown
}

/// The same as JSON, without where each comes from.
pub fn show_json(settings: &Settings) -> Value {
    // As with TOML: JSON can hold every setting.
    let mut shown = serde_json::to_value(settings).unwrap_or_default();
    mask(&mut shown);
    shown
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => members.values_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Where the value itself was written: a section around it says nothing about a member that it leaves out.
fn origin_of(tree: &Node, key: &Key) -> String {
    tree.get(key).map_or(Origin::BuiltIn, |node| node.origin.clone()).to_string()
}

/// `[a.b]` opens a section; `[[a.b]]` opens the next item of a list.
fn section_of(header: &str, before: &Key) -> Key {
    let Some(list) = header.strip_prefix('[') else { return parts(header.trim_end_matches(']')) };
    let list = parts(list.trim_end_matches(']'));
    let index = match before.segments().split_last() {
        Some((last, _)) if before.parent() == list => Key::index_of(last).map_or(0, |index| index + 1),
        _ => 0,
    };
    list.item(index)
}

fn parts(header: &str) -> Key {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for character in header.chars() {
        match character {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            other => parts.iter_mut().rev().take(1).for_each(|part| part.push(other)),
        }
    }
    Key::from_segments(&parts)
}

fn unquoted(name: &str) -> String {
    name.trim().trim_matches('"').to_owned()
}
