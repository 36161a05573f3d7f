//! What a connection has been doing, so that its [`Warden`](super::warden::Warden) can tell when it has done nothing
//! for too long.
//!
//! A timer for every connection and request would cost more than the bookkeeping here, which is a few atomic stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Context;
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::time::Instant;

use super::ServerSettings;
use super::patience::Patience;

/// How long a connection may take to end after the goodbye.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// A moment in ms since the connection's opening, counted from 1; 0 stands for never.
type Moment = AtomicU64;

/// The doings of one connection.
pub struct Activity {
    opened: Instant,
    under_way: AtomicU32,
    quiet_since: Moment,
    head_since: Moment,
    blocked_since: Moment,
    goodbye_since: Moment,
    http2: AtomicBool,
    leftovers: AtomicBool,
    order: AtomicU8,
    connection: AtomicWaker,
}

/// A request under way; dropped when it is answered, a streamed answer included.
pub struct UnderWay(Arc<Activity>);

/// What is to be done with a connection. Later ones outrank earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Order {
    /// Nothing.
    GoOn,
    /// Answer what is under way, then say goodbye as the protocol has it.
    SayGoodbye,
    /// Close it at once.
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
            goodbye_since: Moment::new(0),
            http2: AtomicBool::new(false),
            leftovers: AtomicBool::new(false),
            order: AtomicU8::new(Order::GoOn as u8),
            connection: AtomicWaker::new(),
        })
    }

    /// The client has to shake hands first. It is given the time that a head may take.
    pub fn handshake_begins(&self) {
        self.head_since.store(self.now(), Ordering::Relaxed);
    }

    /// It has; from here on it is a connection like any other.
    pub fn handshake_ends(&self) {
        self.head_since.store(0, Ordering::Relaxed);
        self.quiet_since.store(self.now(), Ordering::Relaxed);
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

    /// What the connection has been told to do. It is woken when that changes, and while a request lasts.
    pub fn poll_order(&self, cx: &Context<'_>) -> Order {
        self.connection.register(cx.waker());
        match self.order.load(Ordering::Acquire) {
            0 => Order::GoOn,
            1 => Order::SayGoodbye,
            _ => Order::CutOff,
        }
    }

    /// Tells the connection what to do, unless it was told more already.
    pub fn give(&self, order: Order) {
        if order >= Order::SayGoodbye && self.goodbye_since.load(Ordering::Relaxed) == 0 {
            self.goodbye_since.store(self.now(), Ordering::Relaxed);
        }
        if self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8 {
            self.connection.wake();
        }
    }

    /// Lets requests under way look at the time: [`Patience::Rounds`] counts on it.
    pub fn remind(&self) {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            self.connection.wake();
        }
    }

    /// Whether anything has lasted too long.
    pub fn verdict(&self, settings: &ServerSettings) -> Order {
        let now = Duration::from_millis(self.now());
        let over = |since: &Moment, limit: Duration| match since.load(Ordering::Relaxed) {
            0 => false,
            since => now > limit + Duration::from_millis(since),
        };
        let idle = self.under_way.load(Ordering::Relaxed) == 0;
        let dawdles = over(&self.blocked_since, settings.write_timeout)
            || over(&self.head_since, settings.head_timeout);
        if dawdles || idle && over(&self.goodbye_since, GOODBYE_TIMEOUT) {
            Order::CutOff
        } else if idle && over(&self.quiet_since, settings.idle_timeout) {
            Order::SayGoodbye
        } else {
            Order::GoOn
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl UnderWay {
    /// How this request may wait: HTTP/2 answers each request in a task of its own, which no round wakes.
    pub fn patience(&self) -> Patience {
        match self.0.http2.load(Ordering::Relaxed) {
            true => Patience::Timer,
            false => Patience::Rounds,
        }
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
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
        seconds_pass(2).await;
        assert_eq!(activity.verdict(&settings()), Order::SayGoodbye);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_byte_by_byte_is_cut_off() {
        let activity = Activity::new();
        for _ in 0..11 {
            activity.has_read();
            seconds_pass(1).await;
        }
        assert_eq!(activity.verdict(&settings()), Order::CutOff);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_is_given_the_time_of_a_head_and_none_of_the_first_request() {
        let activity = Activity::new();
        activity.handshake_begins();
        seconds_pass(9).await;
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
        activity.handshake_ends();
        seconds_pass(59).await;
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
        activity.handshake_begins();
        seconds_pass(11).await;
        assert_eq!(activity.verdict(&settings()), Order::CutOff);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_left_alone_and_idleness_counts_from_its_end() {
        let activity = Activity::new();
        activity.has_read();
        let request = activity.request_begins(false);
        seconds_pass(500).await;
        activity.has_read();
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
        drop(request);
        seconds_pass(59).await;
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
        seconds_pass(2).await;
        assert_eq!(activity.verdict(&settings()), Order::SayGoodbye);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_cut_off_and_one_read_slowly_is_not() {
        let activity = Activity::new();
        let _request = activity.request_begins(false);
        for _ in 0..10 {
            activity.cannot_write();
            seconds_pass(29).await;
            assert_eq!(activity.verdict(&settings()), Order::GoOn);
            activity.has_written();
        }
        activity.cannot_write();
        seconds_pass(31).await;
        assert_eq!(activity.verdict(&settings()), Order::CutOff);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_goodbye_there_is_little_time_left_and_no_order_is_taken_back() {
        let activity = Activity::new();
        let order = || activity.poll_order(&Context::from_waker(std::task::Waker::noop()));
        assert_eq!(order(), Order::GoOn);
        activity.give(Order::SayGoodbye);
        let request = activity.request_begins(false);
        seconds_pass(6).await;
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
        drop(request);
        assert_eq!(activity.verdict(&settings()), Order::CutOff);
        activity.give(Order::CutOff);
        activity.give(Order::SayGoodbye);
        assert_eq!(order(), Order::CutOff);
    }

    #[tokio::test(start_paused = true)]
    async fn housekeeping_of_http2_is_no_head() {
        let activity = Activity::new();
        drop(activity.request_begins(true));
        activity.has_read();
        seconds_pass(30).await;
        assert_eq!(activity.verdict(&settings()), Order::GoOn);
    }
}
