//! The event registry's files: reading them, compiling them, and keeping up with their changes.
//!
//! **Constraint.** A version that cannot be compiled never takes the place of one that could; whoever runs Weir is told
//! of it by file and line.
//!
//! Names of files, and imports, are relative to the folder. `google/protobuf/*.proto` are there by themselves.

mod compile;
mod folder;
mod watch;

use std::path::Path;

use anyhow::{Context, anyhow};
use tokio_util::sync::CancellationToken;
use weir_core::schema::{CurrentRegistry, Registry};

pub use compile::{Flaw, compile};
pub use folder::Sources;

use watch::{keep_current, tell_flawed};

/// The event types of a folder, kept up with until `stop`. Fails where the folder has files that do not compile.
pub fn start(folder: &Path, stop: CancellationToken) -> anyhow::Result<CurrentRegistry> {
    let (registry, in_force) = load(folder)?;
    tell_flawed(&folder.display().to_string(), &registry);
    let current = CurrentRegistry::new(registry);
    tokio::spawn(keep_current(folder.to_owned(), current.clone(), in_force, stop));
    Ok(current)
}

/// The event types of a folder. One that is not there has none.
pub fn load(folder: &Path) -> anyhow::Result<(Registry, Sources)> {
    let sources = Sources::read(folder)
        .with_context(|| format!("schemas.dir: the folder {} cannot be read", folder.display()))?;
    let registry = compile(&sources).map_err(|flaws| {
        let listed: Vec<String> = flaws.iter().map(|flaw| format!("{}/{flaw}", folder.display())).collect();
        anyhow!("schemas.dir: the event types cannot be compiled\n{}", listed.join("\n"))
    })?;
    Ok((registry, sources))
}
