//! How a source file may look.

use super::{File, files, none};

const LINES_MAX: usize = 400;

/// Everything that people wrote and run.
fn written() -> Vec<File> {
    files(&["crates", "scripts", "benches", ".ci"], &["rs", "java", "lua", "py", "sh", "sql", ""])
}

#[test]
fn a_file_is_one_idea_and_never_long() {
    let mut long = written();
    long.retain(|file| file.text.lines().count() > LINES_MAX);
    long.sort_by_key(|file| std::cmp::Reverse(file.text.lines().count()));
    let found = long.iter().map(|file| format!("{} has {} lines", file.path, file.text.lines().count()));
    none(&found.collect::<Vec<_>>(), &format!("divide what is longer than {LINES_MAX} lines by its ideas"));
}

#[test]
fn nothing_is_left_for_later() {
    // Written in halves, or this file would find itself.
    let words = [
        concat!("to", "do!"),
        concat!("TO", "DO"),
        concat!("unimple", "mented!"),
        concat!("db", "g!("),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
        concat!("#[ig", "nore"),
    ];
    let offends = |line: &str| words.iter().any(|word| has_word(line, word));
    let lines = |file: &File| {
        let bad = file.text.lines().enumerate().filter(|(_, line)| offends(line));
        bad.map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim())).collect::<Vec<_>>()
    };
    none(&written().iter().flat_map(lines).collect::<Vec<_>>(), "do it, or file it where others see it");
}

/// Whether the line has the word, and not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let stands_alone = |at: usize| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let goes_on = word.ends_with(char::is_alphanumeric) && joins(after.chars().next());
        !joins(before.chars().next_back()) && !goes_on
    };
    line.match_indices(word).any(|(at, _)| stands_alone(at))
}

#[test]
fn an_exception_from_a_lint_tells_its_reason() {
    let mut found = Vec::new();
    for file in files(&["crates"], &["rs"]) {
        let lines = file.text.lines().collect::<Vec<_>>();
        for (index, line) in lines.iter().enumerate() {
            let excepts =
                ["#[allow(", "#![allow(", "#[expect(", "#![expect("].iter().any(|start| line.contains(start));
            let above = index.checked_sub(1).map_or("", |above| lines[above].trim_start());
            let reasoned = lines[index..].iter().take(4).any(|line| line.contains("reason ="))
                || above.starts_with("//");
            if excepts && !reasoned {
                found.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    none(&found, "write why, as `reason = \"…\"` or in a comment above");
}

#[test]
fn no_module_is_named_after_nothing() {
    let empty = ["util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"];
    let says_nothing = |file: &&File| file.path.split(['/', '.']).any(|part| empty.contains(&part));
    let found = written().iter().filter(says_nothing).map(|file| file.path.clone()).collect::<Vec<_>>();
    none(&found, "a name says what is inside");
}

#[test]
fn every_module_begins_with_what_it_is() {
    let sources = files(&["crates"], &["rs"]);
    let silent = sources.iter().filter(|file| !file.text.starts_with("//!"));
    let found = silent.map(|file| file.path.clone()).collect::<Vec<_>>();
    none(&found, "begin the file with a `//!` line");
}
