//! Settings from outside: what files and variables give, and what is said when they are wrong.

mod brokers;
mod encryption;
mod inputs;
#[cfg(feature = "kafka")]
mod kafka;
mod layers;
mod objects;
mod original_file;
mod originals;
mod problems;
mod roles;
mod routing;
mod show;
mod sinks;

use std::path::Path;

use tempfile::TempDir;

use super::{Configuration, Request, load};

/// A working directory with some files, and an environment.
struct Place {
    directory: TempDir,
    request: Request,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let request = Request { directory: directory.path().to_owned(), ..Request::default() };
        Self { directory, request }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.request.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn load(&self) -> Configuration {
        load(&self.request).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is wrong, with the directory's own name taken out.
    fn problems(&self) -> String {
        let error = load(&self.request).expect_err("the settings are wrong").to_string();
        self.without_directory(&error)
    }

    fn without_directory(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.path().display()), "")
    }
}

/// With nothing but a `weir.toml`.
fn with_file(text: &str) -> Place {
    Place::new().file("weir.toml", text)
}
