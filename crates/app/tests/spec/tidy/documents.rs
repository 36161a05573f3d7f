//! What the documents point at is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{File, files, none, root};

fn documents() -> Vec<File> {
    let mut all = files(&["docs", "crates", "deploy", "benches", "schemas", "clients"], &["md"]);
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        all.push(File { path: name.to_owned(), text: fs::read_to_string(root().join(name)).unwrap() });
    }
    all
}

/// Lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Targets of `[…](target)`.
fn links(text: &str) -> Vec<String> {
    let targets = |line: &str| {
        let parts = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        parts.map(|(target, _)| target.to_owned()).collect::<Vec<_>>()
    };
    prose(text).flat_map(targets).collect()
}

/// Headings as a browser's address names them.
fn anchors(text: &str) -> BTreeSet<String> {
    let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    let anchor = |line: &str| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        heading.chars().filter(|letter| kept(*letter)).collect::<String>().replace(' ', "-")
    };
    prose(text).filter(|line| line.starts_with('#')).map(anchor).collect()
}

fn resolves(from: &File, target: &str) -> bool {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = root().join(Path::new(&from.path).parent().unwrap());
    let file = if path.is_empty() { root().join(&from.path) } else { folder.join(path) };
    if anchor.is_empty() {
        return file.exists();
    }
    fs::read_to_string(file).is_ok_and(|text| anchors(&text).contains(anchor))
}

#[test]
fn links_between_documents_resolve() {
    let mut found = Vec::new();
    for document in documents() {
        let elsewhere = |target: &String| target.contains("://") || target.starts_with("mailto:");
        for target in links(&document.text).into_iter().filter(|target| !elsewhere(target)) {
            if !resolves(&document, &target) {
                found.push(format!("{}: {target}", document.path));
            }
        }
    }
    none(&found, "links that lead nowhere");
}

#[test]
fn paths_that_the_documents_name_are_there() {
    let mut found = Vec::new();
    let is_path = |word: &str| {
        ["crates/", "scripts/", "docs/", "fixtures/", "api/"].iter().any(|start| word.starts_with(start))
            && !word.contains(['*', '…', '<', '{', ' '])
    };
    for document in documents() {
        for line in prose(&document.text) {
            let words = line.split('`').skip(1).step_by(2);
            for word in words.filter(|word| is_path(word)) {
                if !root().join(word).exists() {
                    found.push(format!("{}: {word}", document.path));
                }
            }
        }
    }
    none(&found, "paths that are not there (any more)");
}
