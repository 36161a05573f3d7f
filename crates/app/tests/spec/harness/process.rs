//! A child process, and what can be done to it.

use std::fs;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::until;

/// A process that this test started; killed when dropped.
pub struct Process {
    child: Child,
    status: Option<ExitStatus>,
}

impl Process {
    pub fn of(child: Child) -> Self {
        Self { child, status: None }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        // Nobody else can have the id: it is this process's until its status has been taken.
        if self.status.is_none() {
            kill_process(Pid::from_child(&self.child), signal).unwrap();
        }
    }

    pub fn sigterm(&self) {
        self.signal(Signal::TERM);
    }

    pub fn sigstop(&self) {
        self.signal(Signal::STOP);
    }

    pub fn sigcont(&self) {
        self.signal(Signal::CONT);
    }

    /// Without waiting for its end.
    pub fn sigkill(&self) {
        self.signal(Signal::KILL);
    }

    pub fn kill9(&mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(30));
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap();
        }
        self.status
    }

    /// How it ended; fails when it goes on for longer than this.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        until(limit, "the process to end", || self.ended().is_some());
        self.status.unwrap()
    }

    /// The memory that it holds.
    pub fn rss_bytes(&self) -> u64 {
        self.memory_bytes("VmRSS:")
    }

    /// The most memory that it ever held.
    pub fn rss_max_bytes(&self) -> u64 {
        self.memory_bytes("VmHWM:")
    }

    fn memory_bytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
