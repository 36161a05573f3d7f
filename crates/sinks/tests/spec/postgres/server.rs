//! A real server: the one at `WEIR_TEST_POSTGRES_URL`, else one that the project's own script starts.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

const UNAVAILABLE: i32 = 77;

/// The server, and what has to be ended with it.
pub struct Server {
    pub port: u16,
    running: Option<u32>,
    directory: TempDir,
    certificate: Option<(PathBuf, PathBuf)>,
    given: Option<String>,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start(suite: &str) -> Option<Self> {
        match std::env::var("WEIR_TEST_POSTGRES_URL") {
            Ok(url) => {
                let mut server = Self::prepare(None);
                server.given = Some(url);
                Some(server)
            }
            Err(_) => Self::of_our_own(suite, None),
        }
    }

    /// One that may be killed, and that shows a certificate if it is given one.
    pub fn of_our_own(suite: &str, certificate: Option<(PathBuf, PathBuf)>) -> Option<Self> {
        let mut server = Self::prepare(certificate);
        let unavailable = repository().join(".services/unavailable/postgres");
        match fs::read_to_string(unavailable).map_or_else(|_| server.launch(), Err) {
            Ok(()) => Some(server),
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
    }

    fn prepare(certificate: Option<(PathBuf, PathBuf)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The server runs as a user of its own.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(directory.path(), open).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, running: None, directory, certificate, given: None }
    }

    /// Starts it (again); an error where this machine cannot have it.
    fn launch(&mut self) -> Result<(), String> {
        let mut command = Command::new(script());
        command.arg("start").arg(self.directory.path()).arg(self.port.to_string());
        if let Some((certificate, key)) = &self.certificate {
            command.arg("--tls").arg(certificate).arg(key);
        }
        let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(UNAVAILABLE) {
            return Err(said);
        }
        assert!(output.status.success(), "Postgres did not start; `make test` installs it: {said}");
        self.running = Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        Ok(())
    }

    pub fn restart(&mut self) {
        self.launch().unwrap();
    }

    /// To the server and all its children.
    pub fn signal(&mut self, name: &str) {
        let id = self.running.unwrap();
        let status = Command::new(script()).args(["signal", name, &id.to_string()]).status().unwrap();
        assert!(status.success());
        if name == "KILL" {
            self.running = None;
        }
    }

    pub fn url(&self) -> String {
        let own = || format!("postgres://weir:weir-password@127.0.0.1:{}/weir?sslmode=disable", self.port);
        self.given.clone().unwrap_or_else(own)
    }

    /// Somebody who may do everything.
    pub async fn admin(&self) -> Client {
        let own = || format!("postgres://postgres@127.0.0.1:{}/weir?sslmode=disable", self.port);
        let (client, connection) =
            tokio_postgres::connect(&self.given.clone().unwrap_or_else(own), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("SET TimeZone = 'UTC'").await.unwrap();
        client
    }

    /// The first column of what a query finds, as text.
    pub async fn ask(&self, query: &str) -> Vec<String> {
        let rows = self.admin().await.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".to_owned())).collect()
    }

    /// Does as it is told, without an answer.
    pub async fn tell(&self, script: &str) {
        self.admin().await.batch_execute(script).await.unwrap();
    }

    /// Rows, and distinct events among them.
    pub async fn count(&self, table: &str) -> (usize, usize) {
        let query = format!("SELECT count(*)::text || ' ' || count(DISTINCT event_id) FROM {table}");
        let text = self.ask(&query).await.remove(0);
        let (rows, distinct) = text.split_once(' ').unwrap();
        (rows.parse().unwrap(), distinct.parse().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.signal("KILL");
        }
    }
}

fn script() -> PathBuf {
    repository().join("scripts/services/postgres")
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
