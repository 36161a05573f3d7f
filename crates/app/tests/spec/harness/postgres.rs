//! A real Postgres, started by the project's own script and asked by `psql`.

use std::fs;
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::Tmpfs;
use super::service::Service;

/// The server; its data outlives a restart.
pub struct Postgres(Service);

impl Postgres {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start("postgres", suite).map(Self)
    }

    /// From now on the database's owner makes its tables on this disk.
    #[track_caller]
    pub fn make_tables_on(&self, disk: &Tmpfs) {
        let folder = disk.path().join("tables");
        fs::create_dir(&folder).unwrap();
        run(Command::new("chown").arg("postgres").arg(&folder));
        self.ask(&format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()));
        self.ask("GRANT CREATE ON TABLESPACE small TO weir; ALTER ROLE weir SET default_tablespace = small");
    }

    /// Starts it again with its write-ahead log, and nothing else, on this disk.
    #[track_caller]
    pub fn move_log_to(&mut self, disk: &Tmpfs) {
        let log = Path::new(&self.ask("SHOW data_directory").remove(0)).join("pg_wal");
        let moved = disk.path().join("pg_wal");
        self.kill9();
        run(Command::new("mv").arg(&log).arg(&moved));
        symlink(moved, log).unwrap();
        self.restart();
    }

    /// Whether nobody is there any more.
    pub fn is_gone(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port())).is_err()
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

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
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
