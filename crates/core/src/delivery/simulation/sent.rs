//! What a simulated client sends: an event by its number, so that a repeat is the same event.

use super::store::POISON;

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

    pub fn read(body: &str) -> Self {
        let digits = body.split("\"n\":").nth(1).unwrap().trim_end_matches('}');
        Self { number: digits.parse().unwrap() }
    }

    /// The stores do not take it at first.
    pub fn is_poisoned(self) -> bool {
        self.number % 13 == 5
    }
}
