//! A real Postgres, started by the project's own script and asked by `psql`.

use std::ops::{Deref, DerefMut};
use std::process::Command;

use super::service::Service;

/// The server; its data outlives a restart.
pub struct Postgres(Service);

impl Postgres {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start("postgres", suite).map(Self)
    }

    /// As the user who owns the database.
    pub fn url(&self) -> String {
        format!("postgres://weir:weir-password@127.0.0.1:{}/weir?sslmode=disable", self.port())
    }

    /// The lines that a script of SQL answers with, as somebody who may do everything.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> Vec<String> {
        let mut command = Command::new("psql");
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-d", "weir", "-XAtq", "-v", "ON_ERROR_STOP=1"]);
        let output = command.args(["-p", &self.port().to_string(), "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Deref for Postgres {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Postgres {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
