//! Where a secret's text comes from: the settings themselves, a variable, or a file.

use std::io::Read;

use super::nearest::nearest;
use super::read::Failure;
use super::variables::Variables;

const FILE_MAX_BYTES: u64 = 64 * 1024;

/// The secret that `text` is or points at.
pub fn resolve(text: &str, variables: &Variables) -> Result<String, Failure> {
    if let Some(name) = text.strip_prefix("env:") {
        return from_variable(name.trim(), variables);
    }
    match text.strip_prefix("file:") {
        Some(path) => from_file(path.trim()),
        None => Ok(text.to_owned()),
    }
}

fn from_variable(name: &str, variables: &Variables) -> Result<String, Failure> {
    if let Some(variable) = variables.get(name) {
        return Ok(variable.value.trim().to_owned());
    }
    let names = variables.layers().into_iter().flat_map(|layer| layer.keys().map(String::as_str));
    let hint = nearest(name, names).map(|near| format!(" There is {near}."));
    Err(Failure::absent_secret(
        format!("wants the environment variable {name}, which is not set"),
        format!("Set {name} in the environment or in .env.{}", hint.unwrap_or_default()),
    ))
}

fn from_file(path: &str) -> Result<String, Failure> {
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(FILE_MAX_BYTES).read_to_string(&mut text)?;
        Ok(text.trim().to_owned())
    };
    read().map_err(|error| {
        Failure::absent_secret(
            format!("wants the file {path}, which cannot be read: {error}"),
            "Make the file, and let this user read it.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_may_lie_in_a_file_whose_line_end_is_not_part_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "hunter2\n").unwrap();
        let text = format!("file:{}", path.display());
        assert_eq!(resolve(&text, &Variables::default()).unwrap(), "hunter2");
        assert_eq!(resolve("plain", &Variables::default()).unwrap(), "plain");
    }
}
