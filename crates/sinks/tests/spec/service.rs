//! A real server, started by the project's own script on a free port of 127.0.0.1.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const UNAVAILABLE: i32 = 77;
const GONE_WITHIN: Duration = Duration::from_secs(30);
#[cfg(feature = "kafka")]
const IN_SYNC_WITHIN: Duration = Duration::from_secs(120);
/// A transaction that somebody left open is waited for no longer.
#[cfg(feature = "kafka")]
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

/// The server, running unless it was killed; it ends with this, and its data goes with it.
pub struct Service {
    script: &'static str,
    options: Vec<String>,
    directory: TempDir,
    port: u16,
    id: Option<u32>,
}

impl Service {
    /// `None`, and noted as skipped for this suite, where this machine cannot have one.
    #[track_caller]
    pub fn start(script: &'static str, suite: &str) -> Option<Self> {
        Self::start_with(script, suite, &[])
    }

    /// The same, with further options of the script's.
    #[track_caller]
    pub fn start_with(script: &'static str, suite: &str, options: &[&str]) -> Option<Self> {
        Self::start_in(TempDir::new().unwrap(), script, suite, options)
    }

    /// The same, with its data in this directory.
    #[track_caller]
    pub fn start_in(directory: TempDir, script: &'static str, suite: &str, options: &[&str]) -> Option<Self> {
        Self::at((directory, free_port()), script, suite, options)
    }

    /// Three nodes of one cluster, none of which is ready without a second one.
    #[cfg(feature = "kafka")]
    pub fn start_cluster(script: &'static str, suite: &'static str) -> Option<Vec<Self>> {
        let ports = [free_port(), free_port(), free_port()];
        let voters: Vec<String> = (1..).zip(ports).map(|(node, port)| format!("{node}@{port}")).collect();
        let voters: std::sync::Arc<str> = voters.join(",").into();
        let start = |(node, port): (usize, u16)| {
            let voters = voters.clone();
            std::thread::spawn(move || {
                let options = ["--node", &node.to_string(), "--voters", &voters];
                Self::at((TempDir::new().unwrap(), port), script, suite, &options)
            })
        };
        let nodes: Vec<_> = (1..).zip(ports).map(start).collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect()
    }

    #[track_caller]
    fn at(place: (TempDir, u16), script: &'static str, suite: &str, options: &[&str]) -> Option<Self> {
        let (directory, port) = place;
        let options = options.iter().map(ToString::to_string).collect();
        let mut service = Self { script, options, directory, port, id: None };
        // A server may run as a user of its own.
        fs::set_permissions(service.directory.path(), Permissions::from_mode(0o755)).unwrap();
        let unavailable = repository().join(".services/unavailable").join(script);
        match fs::read_to_string(unavailable).map_or_else(|_| service.launch(), Err) {
            Ok(()) => Some(service),
            Err(reason) => {
                skipped(suite, &reason);
                None
            }
        }
    }

    /// Starts it (again) and waits until it answers; an error where this machine cannot have it.
    fn launch(&mut self) -> Result<(), String> {
        let mut command = Command::new(self.script());
        command.arg("start").arg(self.directory.path()).arg(self.port.to_string()).args(&self.options);
        let output = command.env("WEIR_SERVICE_OWNER", std::process::id().to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(UNAVAILABLE) {
            return Err(said);
        }
        assert!(output.status.success(), "{} did not start; `make test` installs it: {said}", self.script);
        self.id = Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        Ok(())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it again on its data, after it was killed.
    pub fn restart(&mut self) {
        self.launch().unwrap();
    }

    pub fn kill9(&mut self) {
        self.signal("KILL");
        let stat = format!("/proc/{}/stat", self.id.take().unwrap());
        // One that only waits for its parent counts as gone.
        let is_gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        let deadline = Instant::now() + GONE_WITHIN;
        while !is_gone() {
            assert!(Instant::now() < deadline, "{} is not gone", self.script);
            sleep(Duration::from_millis(5));
        }
    }

    /// Connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        assert!(self.signalling(name).status().unwrap().success());
    }

    fn signalling(&self, name: &str) -> Command {
        let id = self.id.unwrap().to_string();
        // Each connection of Postgres is a process of its own, which the script knows to find.
        let (program, verb) = match self.script {
            "postgres" => (self.script(), "signal"),
            _ => (PathBuf::from("kill"), "-s"),
        };
        let mut command = Command::new(program);
        command.args([verb, name, &id]);
        command
    }

    fn script(&self) -> PathBuf {
        repository().join("scripts/services").join(self.script)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.id.is_some() {
            // It may have ended by itself.
            let _ = self.signalling("KILL").output();
        }
    }
}

/// One that nobody listens on just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until every partition of a Kafka cluster is on so many brokers, and all of them have all of it.
#[cfg(feature = "kafka")]
pub fn until_all_in_sync(brokers: &str, count: usize) {
    let deadline = Instant::now() + IN_SYNC_WITHIN;
    let is_in_sync = || {
        let output = Command::new("kcat").args(["-b", brokers, "-L", "-J", "-m", "5"]).output().unwrap();
        let Ok(told) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else { return false };
        let topics = told["topics"].as_array().into_iter().flatten();
        let mut partitions = topics.flat_map(|topic| topic["partitions"].as_array().into_iter().flatten());
        partitions.all(|partition| partition["isrs"].as_array().is_some_and(|isrs| isrs.len() == count))
    };
    while !is_in_sync() {
        assert!(Instant::now() < deadline, "the brokers {brokers} have not come to hold the same");
        sleep(Duration::from_millis(200));
    }
}

/// Waits until all that was committed on a topic can be read: a broker answers a commit before each partition has it.
#[cfg(feature = "kafka")]
pub fn until_settled(brokers: &str, topic: &str) {
    let ends = |isolation: &str| {
        let mut kcat = Command::new("kcat");
        kcat.args(["-C", "-e", "-o", "end", "-X", isolation, "-b", brokers, "-t", topic]);
        let told = String::from_utf8_lossy(&kcat.output().unwrap().stderr).into_owned();
        let end = |line: &str| {
            Some(line.strip_prefix("% Reached end of topic ")?.trim_end_matches(": exiting").to_owned())
        };
        told.lines().filter_map(end).collect::<std::collections::BTreeSet<_>>()
    };
    let deadline = Instant::now() + SETTLED_WITHIN;
    while ends("isolation.level=read_committed") != ends("isolation.level=read_uncommitted") {
        if Instant::now() > deadline {
            return;
        }
        sleep(Duration::from_millis(100));
    }
}

/// Notes for the closing summary that these specs were not run, and why. With `CI=true` that is a failure.
#[track_caller]
pub fn skipped(suite: &str, reason: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{suite} cannot be skipped in CI: {reason}");
    let default = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../skipped-suites.txt");
    let file = std::env::var_os("WEIR_SKIPPED_SUITES").map_or_else(default, PathBuf::from);
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    writeln!(file, "{suite}: {}", reason.trim()).unwrap();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
