//! What a file may be called.
//!
//! **Constraint.** A name is shown to people and given to other programs as the name of a file in a folder of theirs: nothing
//! in it may lead elsewhere, or make it look like another.

use weir_core::lineage::{KEY_MAX_BYTES, USER_MAX_BYTES};

use crate::api::problem::Problem;

const NAME_MAX_BYTES: usize = 255;
/// Marks that turn the direction of writing, and so hide a file's true ending; and those that cannot be seen.
const TURNING: [std::ops::RangeInclusive<char>; 4] =
    ['\u{200B}'..='\u{200F}', '\u{202A}'..='\u{202E}', '\u{2060}'..='\u{2069}', '\u{FEFF}'..='\u{FEFF}'];

/// Checks the name of a file.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let what = match name {
        "" => "is empty",
        "." | ".." => "means a folder",
        _ if name.len() > NAME_MAX_BYTES => "has more than 255 bytes",
        _ if name.contains(['/', '\\']) => "holds a slash: a name is no path",
        _ if name.contains(char::is_control) => "holds a control character",
        _ if name.contains(|mark| TURNING.iter().any(|range| range.contains(&mark))) => {
            "holds a mark that cannot be seen, or turns the direction of writing"
        }
        _ => return Ok(()),
    };
    Err(invalid("name", what))
}

/// Checks a key, a group or a trace.
pub fn check_key(member: &'static str, key: &str) -> Result<(), Problem> {
    check_word(member, key, KEY_MAX_BYTES)
}

/// Checks a user.
pub fn check_user(user: &str) -> Result<(), Problem> {
    check_word("user", user, USER_MAX_BYTES)
}

fn check_word(member: &'static str, word: &str, max_bytes: usize) -> Result<(), Problem> {
    match word {
        "" => Err(invalid(member, "is empty")),
        _ if word.len() > max_bytes => Err(invalid(member, &format!("has more than {max_bytes} bytes"))),
        _ if word.contains(char::is_control) => Err(invalid(member, "holds a control character")),
        _ => Ok(()),
    }
}

/// The name of a file whose sender told none: the end of its key, as far as that can be one.
pub fn name_of_key(key: &str) -> String {
    let end = key.rsplit(['/', '\\', ':']).next().unwrap_or_default();
    match check_name(end) {
        Ok(()) => end.to_owned(),
        Err(_) => "file".to_owned(),
    }
}

fn invalid(member: &'static str, what: &str) -> Problem {
    Problem::invalid(format!("{member} {what}")).with("member", member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_hides_nothing() {
        for name in ["in-1.csv", "Überweisung (2).pdf", "données.tar.gz", ".hidden", "a..b", "🦀"] {
            check_name(name).unwrap();
        }
        let long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "a\\b",
            "a\0b",
            "a\nb",
            "\u{202E}fdp.exe",
            "a\u{200B}b",
            &long,
        ] {
            check_name(name).unwrap_err();
        }
    }

    #[test]
    fn a_key_gives_a_name_where_it_can() {
        for (key, name) in
            [("file:in-1.csv", "in-1.csv"), ("a/b/c.txt", "c.txt"), ("file:..", "file"), ("x:", "file")]
        {
            assert_eq!(name_of_key(key), name, "{key}");
        }
    }
}
