//! One Weir in a directory of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

use super::{Answer, Client, Metrics, Process, Setup, free_port, until};

const READY_WITHIN: Duration = Duration::from_secs(30);
const ENDED_WITHIN: Duration = Duration::from_secs(60);

/// The real binary, running unless it was ended.
pub struct Weir {
    setup: Setup,
    port: u16,
    directory: PathBuf,
    // Kept for its end: it takes the directory with it.
    _temporary: Option<TempDir>,
    process: Option<Process>,
    client: Client,
}

impl Weir {
    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(setup: Setup) -> Self {
        let mut weir = Self::prepare(setup);
        weir.restart();
        weir
    }

    /// Everything but the start.
    pub fn prepare(setup: Setup) -> Self {
        let temporary = setup.directory.is_none().then(|| TempDir::new().unwrap());
        let directory =
            setup.directory.clone().unwrap_or_else(|| temporary.as_ref().unwrap().path().to_owned());
        for (name, text) in [("weir.toml", &setup.toml), (".env", &setup.dotenv)] {
            if !text.is_empty() {
                fs::write(directory.join(name), text).unwrap();
            }
        }
        for (path, text) in &setup.files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let port = setup.port.unwrap_or_else(free_port);
        let client = Client::new(format!("http://127.0.0.1:{port}"));
        Self { setup, port, directory, _temporary: temporary, process: None, client }
    }

    /// Starts it (again) and waits until it is ready.
    #[track_caller]
    pub fn restart(&mut self) {
        self.launch();
        until(READY_WITHIN, "Weir to be ready", || {
            if let Some(status) = self.process_mut().ended() {
                panic!("it ended with {status} instead of being ready");
            }
            self.client.get("/readyz").is_ok_and(|answer| answer.status == 200)
        });
        self.admit();
    }

    /// From now on, requests show the key.
    pub fn admit(&mut self) {
        self.client = self.stranger().bearing(&self.key());
    }

    /// Starts it (again), without waiting for it.
    pub fn launch(&mut self) {
        self.process = None;
        let child = self.command().spawn().unwrap();
        self.process = Some(Process::of(child));
        self.client = self.stranger();
    }

    /// The binary in this Weir's directory and environment; what it prints is kept for a failure.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        let append =
            |name: &str| File::options().create(true).append(true).open(self.directory.join(name)).unwrap();
        command.current_dir(&self.directory).env_clear().stdin(Stdio::null());
        command.stdout(append("stdout.txt")).stderr(append("stderr.txt"));
        if self.setup.port.is_none() {
            command.env("WEIR_SERVER__PORT", self.port.to_string());
        }
        command.envs(self.setup.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs one of the program's commands beside the server.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    fn process_mut(&mut self) -> &mut Process {
        self.process.as_mut().expect("it was never started")
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("it was never started")
    }

    pub fn is_running(&mut self) -> bool {
        self.process_mut().ended().is_none()
    }

    /// Freezes it until [`Self::thaw`]: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.process().sigstop();
    }

    pub fn thaw(&self) {
        self.process().sigcont();
    }

    pub fn kill9(&mut self) {
        self.process_mut().kill9();
    }

    pub fn sigterm(&self) {
        self.process().sigterm();
    }

    /// SIGTERM, then how it ended.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.sigterm();
        self.wait()
    }

    /// How it ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.process_mut().wait(ENDED_WITHIN)
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A file of the directory it runs in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The key that lets everybody in who has it: the settings' own, else the one that was made.
    pub fn key(&self) -> String {
        let given =
            self.setup.environment.iter().find(|(name, _)| name == "API_KEY").map(|(_, value)| value.clone());
        let made = || fs::read_to_string(self.path("data/api-key")).ok();
        given.or_else(made).unwrap_or_default().trim().to_owned()
    }

    /// Somebody who shows no key.
    pub fn stranger(&self) -> Client {
        Client::new(self.base())
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        self.client.post(path, body.as_bytes(), headers).unwrap()
    }

    /// One event in, acknowledged.
    #[track_caller]
    pub fn accept(&self, body: &str) -> Answer {
        let answer = self.post("/events", body, &[("content-type", "application/json")]);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.client.get(path).unwrap()
    }

    /// What is no text, as the headers ask for it: its status and its bytes.
    #[track_caller]
    pub fn get_bytes(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Vec<u8>) {
        self.client.get_bytes(path, headers).unwrap()
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.client.delete(path).unwrap()
    }

    #[track_caller]
    pub fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.body);
        Metrics::parse(&answer.body)
    }

    /// Waits until nothing is pending for the sink.
    #[track_caller]
    pub fn drained(&self, sink: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.metrics().account(sink).pending > 0.0 {
            assert!(
                Instant::now() < deadline,
                "not drained within {limit:?}: {:#}",
                self.get_json("/v1/status")
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// Everything it said, on both streams.
    pub fn said(&self) -> String {
        ["stdout.txt", "stderr.txt"]
            .map(|name| fs::read_to_string(self.path(name)).unwrap_or_default())
            .concat()
    }

    /// The first column of what the query finds in the SQLite sink, opened as any other program would.
    #[track_caller]
    pub fn sqlite<T: FromSql>(&self, query: &str) -> Vec<T> {
        self.sqlite_at("data/events.db", query)
    }

    /// The same, of another file.
    #[track_caller]
    pub fn sqlite_at<T: FromSql>(&self, database: &str, query: &str) -> Vec<T> {
        rows(&self.path(database), query)
    }
}

/// The sink makes its tables beside what answers requests: whoever asks right after the start waits for them.
#[track_caller]
fn rows<T: FromSql>(database: &Path, query: &str) -> Vec<T> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let attempt = Connection::open_with_flags(database, flags).and_then(|connection| {
            connection.busy_timeout(Duration::from_secs(30))?;
            connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
        });
        match attempt {
            Err(error) if Instant::now() < deadline && is_not_made_yet(&error) => {
                sleep(Duration::from_millis(20));
            }
            answer => return answer.unwrap(),
        }
    }
}

fn is_not_made_yet(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::CannotOpen) || error.to_string().contains("no such table")
}

impl Drop for Weir {
    fn drop(&mut self) {
        self.process = None;
        if std::thread::panicking() {
            let said = self.said();
            let lines = said.lines().filter(|line| !line.contains("\"weir.access\"")).collect::<Vec<_>>();
            eprintln!(
                "---- what Weir said last ----\n{}",
                lines[lines.len().saturating_sub(60)..].join("\n")
            );
        }
    }
}
