//! What a simulated client sends: an event by its number, so that a repeat is the same event.

use super::store::POISON;
use crate::event::Stream;

/// The streams that events come by; a number always by the same.
pub const STREAMS: [&str; 2] = ["events", "actions"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub number: u64,
}

impl Sent {
    pub fn body(self) -> String {
        let number = self.number;
        let page = if self.is_poisoned() { POISON } else { "/" };
        format!(r#"{{"log_id":"{number}","page":"{page}","event":"e","param":{{"n":{number}}}}}"#)
    }

    /// The stream it comes by.
    pub fn stream(self) -> Stream {
        Stream::new(STREAMS[usize::from(self.number % 5 == 3)]).unwrap()
    }

    /// The stores do not take it at first.
    pub fn is_poisoned(self) -> bool {
        self.number % 13 == 5
    }
}
