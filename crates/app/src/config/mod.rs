//! Settings: built-in defaults < file < `.env` < environment < command line.
//!
//! Every layer becomes a tree whose values know where they were written ([`tree`]); the layers are laid over one
//! another ([`sources`]) and read into [`Settings`] ([`read`]), so that an error can always name key, place and
//! remedy. Whatever is wrong is told at once, before anything is started.

mod defaults;
mod duration;
mod elsewhere;
mod environment;
mod exposure;
mod key;
mod masked;
mod nearest;
mod network;
mod object_keys;
mod origin;
mod original_file;
mod originals;
mod problem;
mod quantity;
mod read;
mod secret;
mod settings;
mod show;
mod size;
mod sources;
#[cfg(test)]
mod tests;
mod toml_file;
mod tree;
mod variables;

pub use duration::{parse as parse_duration, write as write_duration};
pub use masked::masked;
pub use problem::{ConfigError, Problem};
pub use settings::*;
pub use size::{parse as parse_size, write as write_size};
pub use sources::Request;

use elsewhere::Elsewhere;
use problem::Report;
use tree::Node;

/// Settings that can be used, and what should be known about them.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    /// What does not keep Weir from starting, but should be known. One line each.
    pub warnings: Vec<String>,
    tree: Node,
}

impl Configuration {
    /// The settings as TOML, each with its origin; secrets hidden.
    pub fn show(&self) -> String {
        show::show(&self.settings, &self.tree)
    }

    /// The settings as JSON; secrets hidden.
    pub fn show_json(&self) -> serde_json::Value {
        show::show_json(&self.settings)
    }
}

/// Reads and checks all settings, or tells all that is wrong with them.
pub fn load(request: &Request) -> Result<Configuration, ConfigError> {
    let sources = sources::read(request, &Settings::TOP_LEVEL)?;
    let elsewhere = Elsewhere::of(&sources.tree, &sources.variables);
    let read = read::read::<Settings>(&sources.tree, &sources.variables, &elsewhere.sections())?;
    let mut settings = read.value;
    let left_out = elsewhere.note(read.left_out, &mut settings);
    let mut report = Report::new(&sources.tree);
    settings.check(&mut report);
    if !report.problems.is_empty() {
        return Err(ConfigError::new(report.problems));
    }
    let mut warnings = sources.warnings;
    warnings.extend(left_out);
    warnings.append(&mut report.warnings);
    Ok(Configuration { settings, warnings, tree: sources.tree })
}
