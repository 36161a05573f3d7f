//! The environment as settings see it: the process's variables, and below them those of the `.env` file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::key::Key;
use super::problem::Problem;
use super::tree::Origin;

/// A variable's value and where it was set.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The value.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// Variables by name: the process's own go before those of `.env`.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    dot_env: BTreeMap<String, Variable>,
    process: BTreeMap<String, Variable>,
}

impl Variables {
    /// Those of the process, as given, and those of `directory/.env`, where there is one.
    pub fn read(process: &BTreeMap<String, String>, directory: &Path) -> Result<Self, Problem> {
        let own = |(name, value): (&String, &String)| {
            let origin = Origin::Variable(Arc::from(name.as_str()));
            (name.clone(), Variable { value: value.clone(), origin })
        };
        Ok(Self { dot_env: read_dot_env(directory)?, process: process.iter().map(own).collect() })
    }

    /// The variable that counts.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.process.get(name).or_else(|| self.dot_env.get(name))
    }

    /// The sets of variables, the weaker first.
    pub fn layers(&self) -> [&BTreeMap<String, Variable>; 2] {
        [&self.dot_env, &self.process]
    }
}

fn read_dot_env(directory: &Path) -> Result<BTreeMap<String, Variable>, Problem> {
    let path = directory.join(".env");
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let text = std::fs::read_to_string(&path).map_err(|error| Problem {
        key: Key::default(),
        origin: None,
        what: format!("{} cannot be read: {error}", path.display()),
        remedy: "Let this user read it, as UTF-8, or remove it.".to_owned(),
    })?;
    parse_dot_env(text.trim_start_matches('\u{feff}'))
}

/// Quotes, comments, `export` and `$NAME` mean what they mean to dotenv; the first of two equal names counts.
fn parse_dot_env(text: &str) -> Result<BTreeMap<String, Variable>, Problem> {
    let mut variables = BTreeMap::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = item.map_err(|error| broken_line(text, &error))?;
        let line = text.lines().position(|line| sets(line, &name)).map_or(0, |index| index + 1);
        let origin = Origin::DotEnv { name: Arc::from(name.as_str()), line };
        variables.entry(name).or_insert(Variable { value, origin });
    }
    Ok(variables)
}

fn sets(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export").map_or(line, str::trim_start);
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

// The line itself may hold a secret, so the error tells only which it is. dotenvy gives the line or its value.
fn broken_line(text: &str, error: &dotenvy::Error) -> Problem {
    let broken = match error {
        dotenvy::Error::LineParse(line, _) => line.lines().next().unwrap_or_default(),
        _ => "",
    };
    let is_broken =
        |line: &str| !line.trim_start().starts_with('#') && line.trim_end().ends_with(broken.trim_end());
    let line = text.lines().position(is_broken).map_or(1, |index| index + 1);
    Problem {
        key: Key::default(),
        origin: Some(Origin::File { path: Arc::from(".env"), line }),
        what: "is not of the form NAME=value".to_owned(),
        remedy: "Put the value into quotes where it has spaces or quotes in it.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_env_is_read_as_dotenv_reads_it() {
        let text = "# comment\nA=1\n\nexport B = \"two words\" # more\nC='$A'\nD=$A\nA=again\nE=\n";
        let variables = parse_dot_env(text).unwrap();
        let value = |name: &str| variables[name].value.as_str();
        assert_eq!(
            [value("A"), value("B"), value("C"), value("D"), value("E")],
            ["1", "two words", "$A", "1", ""]
        );
        assert_eq!(variables["B"].origin.to_string(), ".env:4 (B)");
    }

    #[test]
    fn a_broken_line_is_told_by_number_only() {
        let problem = parse_dot_env("A=1\nAPI_KEY=hunter2 and more\n").unwrap_err().to_string();
        assert!(problem.starts_with(".env:2: is not"), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }

    #[test]
    fn the_process_goes_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".env"), "A=file\nB=file\n").unwrap();
        let process = BTreeMap::from([("A".to_owned(), "process".to_owned())]);
        let variables = Variables::read(&process, directory.path()).unwrap();
        assert_eq!(variables.get("A").unwrap().value, "process");
        assert_eq!(variables.get("B").unwrap().value, "file");
    }
}
