//! What a connection has been doing, so that one timer a connection can tell when it has done nothing for too long.
//!
//! A timer for every request would cost more than the bookkeeping here, which is a few atomic stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::ServerSettings;

/// A moment in ms since the connection's opening, counted from 1; 0 stands for never.
type Moment = AtomicU64;

/// The doings of one connection.
pub struct Activity {
    opened: Instant,
    under_way: AtomicU32,
    quiet_since: Moment,
    head_since: Moment,
    blocked_since: Moment,
    http2: AtomicBool,
    leftovers: AtomicBool,
}

/// A request under way; dropped when it is answered, a streamed answer included.
pub struct UnderWay(Arc<Activity>);

/// What is to be done with the connection now.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing; look again after this time.
    LookAgain(Duration),
    /// It has been idle: say goodbye, as the protocol has it.
    SayGoodbye,
    /// The client dawdles over a request's head or an answer: cut it off.
    CutOff,
}

impl Activity {
    /// Begins with the connection.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            under_way: AtomicU32::new(0),
            quiet_since: Moment::new(1),
            head_since: Moment::new(0),
            blocked_since: Moment::new(0),
            http2: AtomicBool::new(false),
            leftovers: AtomicBool::new(false),
        })
    }

    /// A request's head has been read.
    pub fn request_begins(self: &Arc<Self>, http2: bool) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        self.leftovers.store(false, Ordering::Relaxed);
        self.http2.store(http2, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// Bytes came in. Where no request is under way they are the beginning of a head; but in HTTP/2 they may be
    /// housekeeping.
    pub fn has_read(&self) {
        let head = self.under_way.load(Ordering::Relaxed) == 0 && !self.http2.load(Ordering::Relaxed);
        if head && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The client took some of the answer.
    pub fn has_written(&self) {
        if self.blocked_since.load(Ordering::Relaxed) != 0 {
            self.blocked_since.store(0, Ordering::Relaxed);
        }
    }

    /// The client's window is full.
    pub fn cannot_write(&self) {
        if self.blocked_since.load(Ordering::Relaxed) == 0 {
            self.blocked_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// A request was answered before all of it was read; its client may still be sending.
    pub fn leaves_some_unread(&self) {
        self.leftovers.store(true, Ordering::Relaxed);
        // From here on the client is given the time that a head may take.
        self.head_since.store(self.now(), Ordering::Relaxed);
    }

    /// Whether that is so.
    pub fn has_leftovers(&self) -> bool {
        self.leftovers.load(Ordering::Relaxed)
    }

    /// Whether anything has lasted too long.
    pub fn verdict(&self, settings: &ServerSettings) -> Verdict {
        let left = |since: &Moment, limit: Duration| match since.load(Ordering::Relaxed) {
            0 => Some(limit),
            since => (limit + Duration::from_millis(since)).checked_sub(Duration::from_millis(self.now())),
        };
        let Some(write) = left(&self.blocked_since, settings.write_timeout) else { return Verdict::CutOff };
        let Some(head) = left(&self.head_since, settings.head_timeout) else { return Verdict::CutOff };
        let idle = match self.under_way.load(Ordering::Relaxed) {
            0 => left(&self.quiet_since, settings.idle_timeout),
            _ => Some(settings.idle_timeout),
        };
        match idle {
            None => Verdict::SayGoodbye,
            // What begins just after this look is noticed a limit later, at the latest after twice the limit.
            Some(idle) => Verdict::LookAgain(write.min(head).min(idle).max(Duration::from_millis(1))),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self(activity) = self;
        activity.quiet_since.store(activity.now(), Ordering::Relaxed);
        activity.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ServerSettings {
        ServerSettings {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            ..ServerSettings::default()
        }
    }

    async fn seconds_pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_taken_leave_of() {
        let activity = Activity::new();
        seconds_pass(59).await;
        assert_eq!(activity.verdict(&settings()), Verdict::LookAgain(Duration::from_secs(1)));
        seconds_pass(2).await;
        assert_eq!(activity.verdict(&settings()), Verdict::SayGoodbye);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_byte_by_byte_is_cut_off() {
        let activity = Activity::new();
        for _ in 0..11 {
            activity.has_read();
            seconds_pass(1).await;
        }
        assert_eq!(activity.verdict(&settings()), Verdict::CutOff);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_left_alone_and_idleness_counts_from_its_end() {
        let activity = Activity::new();
        activity.has_read();
        let request = activity.request_begins(false);
        seconds_pass(500).await;
        activity.has_read();
        assert!(matches!(activity.verdict(&settings()), Verdict::LookAgain(_)));
        drop(request);
        seconds_pass(59).await;
        assert!(matches!(activity.verdict(&settings()), Verdict::LookAgain(_)));
        seconds_pass(2).await;
        assert_eq!(activity.verdict(&settings()), Verdict::SayGoodbye);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_cut_off_and_one_read_slowly_is_not() {
        let activity = Activity::new();
        let _request = activity.request_begins(false);
        for _ in 0..10 {
            activity.cannot_write();
            seconds_pass(29).await;
            assert!(matches!(activity.verdict(&settings()), Verdict::LookAgain(_)));
            activity.has_written();
        }
        activity.cannot_write();
        seconds_pass(31).await;
        assert_eq!(activity.verdict(&settings()), Verdict::CutOff);
    }

    #[tokio::test(start_paused = true)]
    async fn housekeeping_of_http2_is_no_head() {
        let activity = Activity::new();
        drop(activity.request_begins(true));
        activity.has_read();
        seconds_pass(30).await;
        assert!(matches!(activity.verdict(&settings()), Verdict::LookAgain(_)));
    }
}
