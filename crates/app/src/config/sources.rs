//! Which files and variables count, and their order: defaults, file, `.env`, environment, command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::key::Key;
use super::problem::{ConfigError, Problem};
use super::tree::{Node, Origin};
use super::variables::Variables;
use super::{defaults, environment, original_file, originals, toml_file};

/// The environment of the original's file where nobody names one.
const ORIGINAL_ENVIRONMENT: &str = "dev";

/// What the command line and the surroundings say about where settings are.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `--config FILE`
    pub config_file: Option<PathBuf>,
    /// `--env NAME`
    pub environment_name: Option<String>,
    /// `--data-dir DIR`
    pub data_dir: Option<PathBuf>,
    /// `--log-level LEVEL`
    pub log_level: Option<String>,
    /// `--role ROLE`, as often as it was given.
    pub roles: Vec<String>,
    /// Where `weir.toml` and `.env` are looked for.
    pub directory: PathBuf,
    /// The process's environment.
    pub variables: BTreeMap<String, String>,
}

impl Request {
    /// A request of this process, in its working directory.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            directory: ".".into(),
            variables: std::env::vars_os().filter_map(text).collect(),
            ..Self::default()
        }
    }
}

/// All layers laid over one another.
pub struct Sources {
    /// The settings, not yet typed.
    pub tree: Node,
    /// The environment, for secrets that name a variable.
    pub variables: Variables,
    /// What should be known.
    pub warnings: Vec<String>,
}

/// Reads every source.
pub fn read(request: &Request, top_level: &[&str]) -> Result<Sources, ConfigError> {
    let variables = Variables::read(&request.variables, &request.directory)?;
    let mut warnings = Vec::new();
    let mut tree = Node::section(Origin::BuiltIn);

    let file = choose_file(request, &variables)?;
    if let Some(name) = file.environment_name {
        tree.put(&["environment".to_owned()], name);
    }
    let mut is_original = false;
    if let Some(path) = file.path {
        let mut file = read_file(&path)?;
        is_original = original_file::is_original(&file);
        if is_original {
            warnings.extend(translated(&mut file, &request.directory)?);
        }
        tree.overlay(file);
    }
    let file_has_sinks =
        tree.get(&Key::of(["sinks"])).and_then(Node::table).is_some_and(|sinks| !sinks.is_empty());

    let mut own = Node::section(Origin::BuiltIn);
    for layer in variables.layers() {
        for (name, variable) in layer {
            originals::put(&mut tree, name, variable, &mut warnings);
        }
        if let (true, Some(topic)) = (is_original, layer.get("KAFKA_TOPIC")) {
            original_file::put_topic(&mut tree, topic);
        }
        for (name, variable) in layer {
            environment::put(&mut own, name, variable, top_level, &mut Vec::new());
            environment::put(&mut tree, name, variable, top_level, &mut warnings);
        }
    }
    if let Some(key) = variables.get("API_KEY") {
        originals::add_api_key(&mut tree, key);
    }
    put_options(&mut tree, request);
    defaults::complete(&mut tree, file_has_sinks || environment::declares_sink(&own), &variables);
    Ok(Sources { tree, variables, warnings })
}

/// Turns the file of an earlier collector into Weir's settings; what should be known of it.
fn translated(file: &mut Node, directory: &Path) -> Result<Vec<String>, ConfigError> {
    let told = original_file::translate(file, directory);
    match told.problems.is_empty() {
        true => Ok(told.warnings),
        false => Err(ConfigError::new(told.problems)),
    }
}

fn put_options(tree: &mut Node, request: &Request) {
    let data_dir = request.data_dir.as_ref().map(|path| path.to_string_lossy().into_owned());
    let role = (!request.roles.is_empty()).then(|| request.roles.join(","));
    for (key, value, option) in [
        ("data_dir", data_dir, "--data-dir"),
        ("log_level", request.log_level.clone(), "--log-level"),
        ("role", role, "--role"),
    ] {
        if let Some(value) = value {
            tree.put(&[key.to_owned()], Node::text(value, Origin::Option(option)));
        }
    }
}

#[derive(Default)]
struct Chosen {
    path: Option<PathBuf>,
    /// The environment's name, where it chose the file.
    environment_name: Option<Node>,
}

fn choose_file(request: &Request, variables: &Variables) -> Result<Chosen, Problem> {
    if let Some(path) = &request.config_file {
        return Ok(Chosen { path: Some(path.clone()), environment_name: None });
    }
    if let Some(name) = &request.environment_name {
        let path = file_of(&request.directory, name).ok_or_else(|| no_such_environment(name))?;
        let environment_name = Some(Node::text(name, Origin::Option("--env")));
        return Ok(Chosen { path: Some(path), environment_name });
    }
    for name in ["ENVIRONMENT", "SERVER_ENVIRONMENT"] {
        let Some(variable) = variables.get(name) else { continue };
        if let Some(path) = file_of(&request.directory, &variable.value) {
            let environment_name = Some(Node::text(&variable.value, variable.origin.clone()));
            return Ok(Chosen { path: Some(path), environment_name });
        }
    }
    let default = request.directory.join("weir.toml");
    if default.is_file() {
        return Ok(Chosen { path: Some(default), environment_name: None });
    }
    Ok(original_by_default(&request.directory).unwrap_or_default())
}

/// The collector whose file this may be takes the one of `dev` where nobody says which.
fn original_by_default(directory: &Path) -> Option<Chosen> {
    let path = file_of(directory, ORIGINAL_ENVIRONMENT)?;
    let is_original = read_file(&path).is_ok_and(|file| original_file::is_original(&file));
    let environment_name = Some(Node::text(ORIGINAL_ENVIRONMENT, Origin::BuiltIn));
    is_original.then_some(Chosen { path: Some(path), environment_name })
}

/// `NAME.toml` or `config/NAME.toml`, whichever is there.
fn file_of(directory: &Path, name: &str) -> Option<PathBuf> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    let file = format!("{name}.toml");
    [directory.join(&file), directory.join("config").join(&file)].into_iter().find(|path| path.is_file())
}

fn no_such_environment(name: &str) -> Problem {
    Problem {
        key: Key::default(),
        origin: Some(Origin::Option("--env")),
        what: format!("there is neither {name}.toml nor config/{name}.toml"),
        remedy: "Make one of them, or name a file with --config.".to_owned(),
    }
}

fn read_file(path: &Path) -> Result<Node, Problem> {
    let name = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Problem {
        key: Key::default(),
        origin: None,
        what: format!("{name} cannot be read: {error}"),
        remedy: "Check the name given with --config, and that this user may read the file.".to_owned(),
    })?;
    toml_file::parse(&name, text.trim_start_matches('\u{feff}'))
}
