//! One thread that writes lines, and a bounded buffer in front of it.
//!
//! Taking a line costs a copy under a lock that is held for nothing else. The thread lets lines gather for a moment
//! and writes them in one go.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Style, ecs, now, text};

/// More than this is not kept for a reader that does not read.
const BUFFER_MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long lines may gather before they are written.
const GATHERING_TIME: Duration = Duration::from_millis(20);

/// Takes lines from anywhere, without waiting.
#[derive(Clone)]
pub struct Lines {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something is in the buffer, or everything is to be written at once.
    wake: Condvar,
    /// A write is done.
    written: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    writing: bool,
    urgent: bool,
    dropped: u64,
    dropped_untold: u64,
}

impl Lines {
    /// Starts the thread. `style` is for its own word about lines that it had to drop.
    pub fn start(output: Box<dyn Write + Send>, style: Style) -> std::io::Result<Self> {
        let shared =
            Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), written: Condvar::new() });
        let writer = Arc::clone(&shared);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_all(output, style))?;
        Ok(Self { shared })
    }

    /// Takes a line, which must end with a line feed; drops it where there is no room.
    pub fn push(&self, line: &str) {
        let mut state = self.shared.lock();
        if state.buffer.len() + line.len() > BUFFER_MAX_BYTES {
            state.dropped += 1;
            state.dropped_untold += 1;
            return;
        }
        let was_empty = state.buffer.is_empty();
        state.buffer.extend_from_slice(line.as_bytes());
        drop(state);
        if was_empty {
            self.shared.wake.notify_one();
        }
    }

    /// How many lines were dropped.
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Waits until all lines taken so far are written, or the time is over.
    pub fn flush(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        state.urgent = true;
        self.shared.wake.notify_one();
        while state.writing || !state.buffer.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.shared.written.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.urgent = false;
    }
}

impl Shared {
    // A line is whole before the lock is taken, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut output: Box<dyn Write + Send>, style: Style) {
        let mut chunk = Vec::new();
        loop {
            let dropped = self.take(&mut chunk);
            // Nobody is left to tell of an error; the next write is tried all the same.
            let _ = output.write_all(&chunk);
            if dropped > 0 {
                let _ = output.write_all(drop_notice(dropped, style).as_bytes());
            }
            let _ = output.flush();
            chunk.clear();
            self.lock().writing = false;
            self.written.notify_all();
        }
    }

    /// Waits for lines, lets more gather, and swaps them for the empty `chunk`.
    fn take(&self, chunk: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        while state.buffer.is_empty() && state.dropped_untold == 0 {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.urgent {
            let gathered = self.wake.wait_timeout_while(state, GATHERING_TIME, |state| !state.urgent);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut state.buffer, chunk);
        state.writing = true;
        std::mem::take(&mut state.dropped_untold)
    }
}

fn drop_notice(dropped: u64, style: Style) -> String {
    let message = format!("{dropped} log lines were dropped: whoever reads the log is too slow");
    let mut line = String::new();
    match style {
        Style::Json => ecs::push_plain(&mut line, now(), tracing::Level::WARN, &message),
        Style::Text { colored } => {
            text::push_plain(&mut line, now(), tracing::Level::WARN, &message, colored);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn lines_arrive_whole_and_in_order() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let lines = Lines::start(Box::new(writer), Style::Json).unwrap();
        for number in 0..100 {
            lines.push(&format!("{number}\n"));
        }
        lines.flush(LIMIT);
        let mut bytes = [0; 290];
        reader.read_exact(&mut bytes).unwrap();
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn a_stuck_reader_costs_lines_and_not_time() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let lines = Lines::start(Box::new(writer), Style::Json).unwrap();
        let line = format!("{}\n", "x".repeat(1023));
        let pushed = 3 * BUFFER_MAX_BYTES / line.len();
        for _ in 0..pushed {
            lines.push(&line);
        }
        let dropped = lines.dropped();
        assert!(dropped > 0, "a pipe holds less than was pushed");

        // When the reader reads again it gets all that was kept, and is told what was not.
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            let mut chunk = [0; 65536];
            while !text.contains("were dropped") {
                let count = reader.read(&mut chunk).unwrap();
                text.push_str(&String::from_utf8_lossy(&chunk[..count]));
            }
            text
        });
        lines.flush(LIMIT);
        let text = reading.join().unwrap();
        let kept = text.lines().filter(|line| line.starts_with('x')).count();
        assert_eq!(kept + usize::try_from(dropped).unwrap(), pushed);
        assert!(text.contains(&format!("{dropped} log lines were dropped")));
    }
}
