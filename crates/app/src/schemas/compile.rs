//! From `.proto` files to a registry, without protoc.

use std::fmt;

use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde::Serialize;
use weir_core::schema::Registry;

use super::folder::Sources;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Flaw {
    /// The file, from the folder; empty where no single one is at fault.
    pub file: String,
    /// Counted from 1, where it is known.
    pub line: Option<usize>,
    /// Counted from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// The event types of these files, or what is wrong with each of them.
pub fn compile(sources: &Sources) -> Result<Registry, Vec<Flaw>> {
    let names: Vec<&str> = sources.files().keys().map(String::as_str).collect();
    let together = compiled(sources, &names);
    together.map(Registry::new).map_err(|first| {
        // The compiler ends with the first flaw; file by file, others are found.
        let each = names.iter().filter_map(|name| compiled(sources, &[*name]).err());
        let mut flaws: Vec<Flaw> = each.chain([first]).collect();
        flaws.sort_unstable();
        flaws.dedup();
        flaws
    })
}

fn compiled(sources: &Sources, names: &[&str]) -> Result<protox::prost_reflect::DescriptorPool, Flaw> {
    let mut resolver = ChainFileResolver::new();
    // First, so that no folder can change what the well-known types are.
    resolver.add(GoogleFileResolver::new());
    resolver.add(Texts(sources.clone()));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    for name in names {
        compiler.open_file(name).map_err(|error| flaw(name, &error))?;
    }
    Ok(compiler.descriptor_pool())
}

struct Texts(Sources);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.files().get(name) {
            Some(text) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The place stands in the error's full text only: `file:line:column: reason`.
fn flaw(opened: &str, error: &protox::Error) -> Flaw {
    let file = error.file().unwrap_or(opened).to_owned();
    let text = format!("{error:?}");
    let place = text.strip_prefix(&format!("{file}:")).and_then(|rest| {
        let mut parts = rest.splitn(3, ':');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    Flaw {
        file,
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn compiled(files: &[(&str, &str)]) -> Result<Registry, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("events")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let flaws = |flaws: Vec<Flaw>| flaws.iter().map(ToString::to_string).collect();
        compile(&Sources::read(folder.path()).unwrap()).map_err(flaws)
    }

    #[test]
    fn the_files_of_this_repository_have_the_originals_event_types() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
        let (registry, _) = super::super::load(folder.as_ref()).unwrap();
        let names: Vec<_> =
            registry.event_types().map(|event_type| event_type.full_name().to_owned()).collect();
        assert_eq!(names, ["events.TestEvent", "events.YetAnotherTestEvent"]);
        assert_eq!(registry.event_type("TestEvent").unwrap().file(), "events/test_events.proto");
    }

    #[test]
    fn every_broken_file_is_told_by_line_and_reason() {
        let import = "syntax = \"proto3\";\nimport \"events/none.proto\";\n";
        let flaws = compiled(&[
            ("events/good.proto", "syntax = \"proto3\"; message Good { int32 a = 1; }"),
            ("a.proto", "syntax = \"proto3\";\nmessage A { int32 a = 1 }\n"),
            ("b.proto", "syntax = \"proto3\";\n\nmessage B { Missing a = 1; }\n"),
            ("c.proto", import),
            ("d.proto", "syntax = \"proto3\";\nmessage D { int32 a = 1; int32 b = 1; }\n"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(flaws.join("\n"), @r"
        a.proto:2:25: expected ';' or '[', but found '}'
        b.proto:3:13: name 'Missing' is not defined
        c.proto:2:1: import 'events/none.proto' not found
        d.proto:2:36: field number '1' is already used
        ");
    }

    #[test]
    fn what_only_clashes_with_another_file_is_told_too() {
        let text = "syntax = \"proto3\";\nmessage A {}\n";
        let flaws = compiled(&[("a.proto", text), ("b.proto", text)]).unwrap_err();
        assert!(
            flaws.len() == 1 && flaws[0] == "b.proto:2:9: name 'A' is already defined in file 'a.proto'",
            "{flaws:?}"
        );
    }

    #[test]
    fn the_well_known_types_cannot_be_changed() {
        let own = "syntax = \"proto3\"; package google.protobuf; message Timestamp { string text = 1; }";
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("google/protobuf")).unwrap();
        fs::write(folder.path().join("google/protobuf/timestamp.proto"), own).unwrap();
        let registry = compile(&Sources::read(folder.path()).unwrap()).unwrap();
        let message = registry.message("google.protobuf.Timestamp").unwrap();
        assert!(message.wire_of_json("\"2026-11-22T09:00:00Z\"").is_ok());
    }
}
