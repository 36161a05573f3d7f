//! Where a setting was written.

use std::fmt;
use std::sync::Arc;

/// Where a value was written; what an error points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Weir's own default.
    BuiltIn,
    /// A line of a file, counted from 1.
    File {
        /// The file, as it was named.
        path: Arc<str>,
        /// The line.
        line: usize,
    },
    /// A variable in a line of the `.env` file.
    DotEnv {
        /// The variable.
        name: Arc<str>,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(Arc<str>),
    /// An option on the command line, such as `--data-dir`.
    Option(&'static str),
}

impl Origin {
    /// Whether all values from here are text, so that numbers and lists must be read from it.
    pub fn is_textual(&self) -> bool {
        matches!(self, Self::DotEnv { .. } | Self::Variable(_) | Self::Option(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::DotEnv { name, line } => write!(f, ".env:{line} ({name})"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Option(name) => write!(f, "option {name}"),
        }
    }
}
