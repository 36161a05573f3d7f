//! The registry of a file with one field of every kind.

mod envelopes;
mod names;
mod round_trips;

use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::Registry;

/// Files by name.
struct Sources(Vec<(String, String)>);

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((name, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The registry of these files.
pub fn registry(files: &[(&str, &str)]) -> Registry {
    let mut resolver = ChainFileResolver::new();
    resolver.add(GoogleFileResolver::new());
    resolver
        .add(Sources(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    for (name, _) in files {
        compiler.open_file(name).unwrap_or_else(|error| panic!("{error:?}"));
    }
    Registry::new(compiler.descriptor_pool())
}

/// A message with a field `context`, and these members.
pub fn event(members: &str) -> String {
    format!("message E {{ Context context = 1; {members} }} {CONTEXT}")
}

pub const CONTEXT: &str = "message Context { optional int64 sent_at = 1; optional int64 received_at = 2; \
    optional int64 processed_at = 3; optional string message_id = 4; optional string user_agent = 5; }";
