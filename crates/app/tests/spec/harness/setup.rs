//! What a Weir is started with.

use std::path::PathBuf;

/// Settings, environment and key of a Weir under test. What is not said is as a newcomer finds it.
#[derive(Clone, Default)]
pub struct Setup {
    pub(super) toml: String,
    pub(super) dotenv: String,
    pub(super) files: Vec<(String, String)>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) port: Option<u16>,
    pub(super) directory: Option<PathBuf>,
}

impl Setup {
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of `weir.toml`.
    pub fn toml(mut self, text: impl Into<String>) -> Self {
        self.toml = text.into();
        self
    }

    /// The text of `.env`. It decides about the port, which is then told with [`Self::port`].
    pub fn dotenv(mut self, text: &str) -> Self {
        text.clone_into(&mut self.dotenv);
        self
    }

    /// The text of another file, by its path from where Weir runs.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only what Kafka stands between needs it"))]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// A variable of the environment, which is otherwise empty.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The port it will listen on by its settings; without this it is given one that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Where it runs; a temporary directory otherwise.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }
}
