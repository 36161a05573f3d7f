//! Makes text from outside harmless in a line of a log or a cell of a table.

use std::fmt::Write;

/// Appends `text` as it may stand between the quotes of a JSON string.
pub fn push_json(line: &mut String, text: &str) {
    push(line, text, |character| match character {
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        '\n' => Some("\\n"),
        '\r' => Some("\\r"),
        '\t' => Some("\\t"),
        _ => None,
    });
}

/// Appends `text` for people; what would move the cursor or end the line is written as `\u001b`.
pub fn push_text(line: &mut String, text: &str) {
    push(line, text, |character| match character {
        '\n' => Some("\\n"),
        '\r' => Some("\\r"),
        '\t' => Some("\\t"),
        _ => None,
    });
}

/// `text` for people, as [`push_text`] has it.
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    push_text(&mut line, text);
    line
}

fn push(line: &mut String, text: &str, short: impl Fn(char) -> Option<&'static str>) {
    // Most text needs nothing done, and this is on the way of every request.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        match short(character) {
            Some(escape) => line.push_str(escape),
            None if is_control(character) => {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{:04x}", u32::from(character));
            }
            None => line.push(character),
        }
    }
}

/// Control characters, line ends of Unicode, and marks that turn the direction of writing around.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_terminal_is_not_moved_by_what_a_client_sends() {
        assert_eq!(escaped("a\x1b[2Jb\nc\u{9b}31m\u{202e}"), "a\\u001b[2Jb\\nc\\u009b31m\\u202e");
        assert_eq!(escaped("Grüße \"x\" \\"), "Grüße \"x\" \\");
    }

    proptest! {
        #[test]
        fn json_reads_back_as_it_was(text in any::<String>()) {
            let mut line = String::from("\"");
            push_json(&mut line, &text);
            line.push('"');
            prop_assert!(!line.contains(['\n', '\r', '\x1b']));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
