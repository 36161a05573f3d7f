//! The rules of the house, as tests: what CONTRIBUTING.md asks of every change and no compiler checks.

mod dependencies;
mod deployment;
mod documents;
mod sources;
mod yaml;

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A file of the repository, with its path as a reader of a failure wants it.
struct File {
    path: String,
    text: String,
}

/// All text files below these folders that have one of these endings (`""` for none), by path.
fn files(folders: &[&str], endings: &[&str]) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        walk(&root.join(folder), &mut found);
    }
    found.retain(|path| {
        let ending = path.extension().map_or("", |ending| ending.to_str().unwrap());
        endings.contains(&ending)
    });
    found.sort();
    let file = |path: PathBuf| File {
        path: path.strip_prefix(&root).unwrap().display().to_string(),
        text: fs::read_to_string(&path).unwrap(),
    };
    found.into_iter().map(file).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

impl File {
    /// What the compiler sees outside of tests: numbered lines without comments, up to `mod tests`.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..tests].lines().enumerate();
        lines.map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// `path:line: text` for each line of code that the rule objects to.
    fn objections(&self, rule: impl Fn(&str) -> bool) -> Vec<String> {
        let bad = self.code().filter(|(_, line)| rule(line));
        bad.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim())).collect()
    }
}

/// The files that are part of the program: neither tests nor the kit for them.
fn program(folder: &str) -> Vec<File> {
    let mut sources = files(&[folder], &["rs"]);
    let test_modules = sources.iter().flat_map(test_modules).collect::<Vec<_>>();
    sources.retain(|file| {
        let of_module = |module: &String| {
            file.path.starts_with(&format!("{module}/")) || file.path == format!("{module}.rs")
        };
        !file.path.contains("/testkit/") && !test_modules.iter().any(of_module)
    });
    sources
}

/// Modules with files of their own that are compiled for tests only, as paths without an ending.
fn test_modules(file: &File) -> Vec<String> {
    let folder = match file.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
        _ => file.path.trim_end_matches(".rs"),
    };
    let declarations = file.text.split("#[cfg(test)]\n").skip(1);
    let named = declarations.filter_map(|rest| {
        let line = rest.lines().next()?.strip_suffix(';')?;
        line.trim_start_matches("pub(crate) ").strip_prefix("mod ")
    });
    named.map(|name| format!("{folder}/{name}")).collect()
}

/// Fails with the remedy and all objections, if there are any.
#[track_caller]
fn none(objections: &[String], remedy: &str) {
    assert!(objections.is_empty(), "{remedy}\n  {}", objections.join("\n  "));
}
