//! A real server, started by the project's own script on a free port of 127.0.0.1.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const UNAVAILABLE: i32 = 77;

/// The server's process; it ends with this, and its data goes with it.
pub struct Service {
    script: &'static str,
    options: Vec<String>,
    directory: TempDir,
    port: u16,
    id: u32,
}

impl Service {
    /// `None`, and noted as skipped for this suite, where this machine cannot have one.
    pub fn start(script: &'static str, suite: &str) -> Option<Self> {
        Self::start_with(script, suite, &[])
    }

    /// The same, with further options of the script's.
    pub fn start_with(script: &'static str, suite: &str, options: &[&str]) -> Option<Self> {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let unavailable = repository().join(".services/unavailable").join(script);
        let directory = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = fs::read_to_string(unavailable)
            .map_or_else(|_| launch(script, directory.path(), port, &options), Err);
        match started {
            Ok(id) => Some(Self { script, options, directory, port, id }),
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again on its data, after it was killed.
    pub fn restart(&mut self) {
        self.id = launch(self.script, self.directory.path(), self.port, &self.options).unwrap();
    }

    pub fn kill9(&self) {
        self.signal("-KILL");
        let gone = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.id));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        while !gone() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id.to_string()]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.id.to_string()]).output();
    }
}

/// Its process id; an error where this machine cannot have it.
fn launch(script: &str, directory: &Path, port: u16, options: &[String]) -> Result<u32, String> {
    let mut command = Command::new(repository().join("scripts/services").join(script));
    command.arg("start").arg(directory).arg(port.to_string()).args(options);
    let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(UNAVAILABLE) {
        return Err(said);
    }
    assert!(output.status.success(), "{script} did not start; `make test` installs it: {said}");
    Ok(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

fn skipped(suite: &str, reason: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{suite} cannot be skipped in CI: {reason}");
    let default = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../skipped-suites.txt");
    let file = std::env::var_os("WEIR_SKIPPED_SUITES").map_or_else(default, PathBuf::from);
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    writeln!(file, "{suite}: {}", reason.trim()).unwrap();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
