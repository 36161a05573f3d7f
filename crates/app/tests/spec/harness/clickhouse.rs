//! A real ClickHouse engine, started by the project's own script and asked over HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Client, free_port, skipped, until};

const UNAVAILABLE: i32 = 77;

/// The server, running unless it was ended; its data outlives a restart.
pub struct ClickHouse {
    directory: TempDir,
    port: u16,
    id: Option<i32>,
}

impl ClickHouse {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        let mut server = Self { directory: TempDir::new().unwrap(), port: free_port(), id: None };
        let unavailable = repository().join(".services/unavailable/clickhouse");
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
        let mut command = Command::new(repository().join("scripts/services/clickhouse"));
        command.arg("start").arg(self.directory.path()).arg(self.port.to_string());
        let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(UNAVAILABLE) {
            return Err(said);
        }
        assert!(output.status.success(), "ClickHouse did not start: {said}");
        self.id = Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        Ok(())
    }

    pub fn restart(&mut self) {
        self.launch().unwrap();
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.id.expect("it runs")).unwrap(), signal).unwrap();
    }

    pub fn kill9(&mut self) {
        self.signal(Signal::KILL);
        let stat = format!("/proc/{}/stat", self.id.take().unwrap());
        let is_gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        until(Duration::from_secs(30), "ClickHouse to be gone", is_gone);
    }

    /// Connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// The lines of the answer, their cells divided by tabs.
    #[track_caller]
    pub fn ask(&self, statement: &str) -> Vec<String> {
        let client = Client::with_limit(self.url(), Duration::from_secs(60));
        let answer = client.post("/", statement.as_bytes(), &[]).unwrap();
        assert_eq!(answer.status, 200, "{statement}: {}", answer.body);
        answer.body.lines().map(str::to_owned).collect()
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Drop for ClickHouse {
    fn drop(&mut self) {
        if let Some(id) = self.id.and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::KILL);
        }
    }
}
