//! One stream, read as a member of a consumer group.
//!
//! **Constraints.** An entry is given again, by this member or another, until it is acknowledged. What this member was
//! given and has not acknowledged comes first, after a start and after every trouble: an answer may have been lost. No more
//! is asked for at once than fits `bytes_max`, by what entries were like so far.

use std::time::Duration;

use tokio::time::Instant;
use weir_connect::Fault;
use weir_connect::redis::{Cmd, RedisClient, Value, cmd};

use super::entry::Found;
use super::settings::RedisInputSettings;
use super::trim;

/// How long the server waits for entries before it answers that there are none.
const BLOCK: Duration = Duration::from_secs(1);
/// What is asked for as long as nobody knows how large entries are.
const FIRST_COUNT: usize = 64;
const BEGINNING: &str = "0";

/// A member's view of one stream.
pub struct Group {
    client: RedisClient,
    settings: RedisInputSettings,
    key: String,
    /// What was given and not acknowledged is read from here on; `None` once there is no more of it.
    own: Option<String>,
    is_made: bool,
    claim_at: Instant,
    claim_from: String,
    count: usize,
}

impl Group {
    /// Made ready, without asking a server for anything.
    pub fn new(client: RedisClient, settings: RedisInputSettings, key: &str) -> Self {
        Self {
            client,
            settings,
            key: key.to_owned(),
            own: Some(BEGINNING.to_owned()),
            is_made: false,
            claim_at: Instant::now(),
            claim_from: BEGINNING.to_owned(),
            count: FIRST_COUNT,
        }
    }

    /// The stream's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is there to be read; nothing where nothing comes within a second. A group that is missing is made.
    pub async fn next(&mut self) -> Result<Found, Fault> {
        if !self.is_made {
            self.make(if self.settings.begins_with_oldest { BEGINNING } else { "$" }).await?;
        }
        let mut found = self.look().await;
        if let Err(Fault::Missing(text)) = found {
            let group = &self.settings.group;
            tracing::warn!(
                input = self.settings.name,
                key = self.key,
                group,
                text,
                "stream or group are gone, with what \
                was not read of them; they are made anew"
            );
            found = self.make(BEGINNING).await.map(|()| Found::default());
        }
        match &found {
            Ok(found) => self.measure(found),
            Err(_) => self.own = Some(BEGINNING.to_owned()),
        }
        found
    }

    /// None of them is given again.
    pub async fn acknowledge(&mut self, ids: impl Iterator<Item = &str>) -> Result<(), Fault> {
        let mut command = cmd("XACK");
        command.arg(&self.key).arg(&self.settings.group);
        ids.for_each(|id| {
            command.arg(id);
        });
        let answer = self.ask(&command).await;
        if answer.is_err() {
            self.own = Some(BEGINNING.to_owned());
        }
        answer.map(drop)
    }

    /// Deletes what every group has acknowledged; gives how many entries that were.
    pub async fn trim(&self) -> Result<u64, Fault> {
        trim::trimmed(self.ask(&trim::command(&self.key)).await?)
    }

    async fn look(&mut self) -> Result<Found, Fault> {
        if let Some(after) = self.own.take() {
            let found = self.read(&after, false).await?;
            if let Some(last) = found.ids().max_by_key(|id| super::entry::place(id)) {
                self.own = Some(last.to_owned());
                return Ok(found);
            }
        }
        if Instant::now() >= self.claim_at {
            let found = self.claim().await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.read(">", true).await
    }

    async fn read(&self, after: &str, waits: bool) -> Result<Found, Fault> {
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.settings.group).arg(&self.settings.consumer);
        command.arg("COUNT").arg(self.count);
        if waits {
            command.arg("BLOCK").arg(BLOCK.as_millis() as u64);
        }
        command.arg("STREAMS").arg(&self.key).arg(after);
        Found::of_read(self.ask(&command).await?).ok_or_else(unclear)
    }

    /// What others were given, and have not acknowledged for long.
    async fn claim(&mut self) -> Result<Found, Fault> {
        let RedisInputSettings { group, consumer, claim_after, .. } = &self.settings;
        let mut command = cmd("XAUTOCLAIM");
        command.arg(&self.key).arg(group).arg(consumer).arg(claim_after.as_millis() as u64);
        command.arg(&self.claim_from).arg("COUNT").arg(self.count);
        let (next, found) = Found::of_claim(self.ask(&command).await?).ok_or_else(unclear)?;
        if next == "0-0" {
            self.claim_at = Instant::now() + *claim_after / 2;
        }
        self.claim_from = next;
        Ok(found)
    }

    async fn make(&mut self, from: &str) -> Result<(), Fault> {
        let mut command = cmd("XGROUP");
        command.arg("CREATE").arg(&self.key).arg(&self.settings.group).arg(from).arg("MKSTREAM");
        match self.ask(&command).await {
            Err(Fault::Away(text)) if text.contains("BUSYGROUP") => {}
            answer => drop(answer?),
        }
        self.is_made = true;
        Ok(())
    }

    fn measure(&mut self, found: &Found) {
        let bytes: usize = found.entries.iter().map(super::entry::Entry::bytes).sum();
        if let Some(each) = bytes.checked_div(found.entries.len()) {
            self.count = (self.settings.bytes_max / each.max(1)).clamp(1, self.settings.count_max);
        }
    }

    async fn ask(&self, command: &Cmd) -> Result<Value, Fault> {
        self.client.ask(&self.key, command, self.settings.request_timeout + BLOCK).await
    }
}

fn unclear() -> Fault {
    Fault::Blocked(
        "the server's answer is in no form that is known; see to its version (6.2 or later)".to_owned(),
    )
}
