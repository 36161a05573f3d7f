//! A real Postgres, started by the project's own script and asked by `psql`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{free_port, skipped};

const UNAVAILABLE: i32 = 77;

/// The server, running unless it was ended; its data outlives a restart.
pub struct Postgres {
    directory: TempDir,
    port: u16,
    id: Option<u32>,
}

impl Postgres {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        let mut server = Self { directory: TempDir::new().unwrap(), port: free_port(), id: None };
        // The server runs as a user of its own.
        fs::set_permissions(server.directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let unavailable = repository().join(".services/unavailable/postgres");
        match fs::read_to_string(unavailable).map_or_else(|_| server.launch(), Err) {
            Ok(()) => Some(server),
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
    }

    /// Starts it (again) and waits until it answers; an error where this machine cannot have it.
    fn launch(&mut self) -> Result<(), String> {
        let mut command = Command::new(script());
        command.arg("start").arg(self.directory.path()).arg(self.port.to_string());
        let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(UNAVAILABLE) {
            return Err(said);
        }
        assert!(output.status.success(), "Postgres did not start: {said}");
        self.id = Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        Ok(())
    }

    pub fn restart(&mut self) {
        self.launch().unwrap();
    }

    /// As the user who owns the database.
    pub fn url(&self) -> String {
        format!("postgres://weir:weir-password@127.0.0.1:{}/weir?sslmode=disable", self.port)
    }

    /// With all its children, as each has connections of its own.
    fn signal(&self, name: &str) {
        let id = self.id.expect("it runs").to_string();
        assert!(Command::new(script()).args(["signal", name, &id]).status().unwrap().success());
    }

    pub fn kill9(&mut self) {
        self.signal("KILL");
        self.id = None;
    }

    /// Connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// The lines that a script of SQL answers with, as somebody who may do everything.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> Vec<String> {
        let mut command = Command::new("psql");
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-d", "weir", "-XAtq", "-v", "ON_ERROR_STOP=1"]);
        let output = command.args(["-p", &self.port.to_string(), "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.id.is_some() {
            self.signal("KILL");
        }
    }
}

fn script() -> PathBuf {
    repository().join("scripts/services/postgres")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
