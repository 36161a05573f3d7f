//! What became of a batch, from what became of its objects.
//!
//! **Constraint.** What is to be sent again is always whole objects, so that they come again under the same names. As
//! long as one object was stored there is progress, and only the others are sent again.

use weir_core::sink::{Exception, Receipt, SinkError, Verdict};

use super::Put;

/// Gathers the objects' outcomes.
pub(super) struct Outcomes {
    receipt: Receipt,
    stored: bool,
    /// The gravest.
    error: Option<SinkError>,
}

impl Outcomes {
    pub fn new(repeats: u64, refused: Vec<Exception>) -> Self {
        let receipt = Receipt { duplicates: repeats, exceptions: refused, ..Receipt::default() };
        Self { receipt, stored: false, error: None }
    }

    /// Adds what became of the object of this name with these events.
    pub fn add(&mut self, name: String, events: Vec<usize>, put: Result<Put, SinkError>) {
        match put {
            Ok(put) => {
                self.stored = true;
                self.receipt.places.push(name);
                if put == Put::There {
                    self.receipt.duplicates += events.len() as u64;
                }
            }
            Err(error) => {
                let words = error.to_string();
                let again = |index| Exception { index, verdict: Verdict::Retry(words.clone()) };
                self.receipt.exceptions.extend(events.into_iter().map(again));
                if self.error.as_ref().is_none_or(|gravest| weight(&error) > weight(gravest)) {
                    self.error = Some(error);
                }
            }
        }
    }

    /// The answer to the whole batch.
    pub fn receipt(mut self) -> Result<Receipt, SinkError> {
        match self.error {
            Some(error) if !self.stored => Err(error),
            _ => {
                self.receipt.exceptions.sort_by_key(|exception| exception.index);
                Ok(self.receipt)
            }
        }
    }
}

/// What a person has to mend is told before what passes by itself; what divides the batch helps only if nothing else
/// is wrong.
fn weight(error: &SinkError) -> u8 {
    match error {
        SinkError::Refused(_) => 0,
        SinkError::Retry { .. } => 1,
        SinkError::Blocked { .. } => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn away() -> Result<Put, SinkError> {
        Err(SinkError::retry(anyhow!("away")))
    }

    fn blocked() -> Result<Put, SinkError> {
        Err(SinkError::Blocked { cause: anyhow!("blocked") })
    }

    #[test]
    fn what_was_there_counts_as_duplicates() {
        let mut outcomes = Outcomes::new(1, Vec::new());
        outcomes.add("a".to_owned(), vec![0, 2], Ok(Put::There));
        outcomes.add("b".to_owned(), vec![1], Ok(Put::New));
        let places = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(outcomes.receipt().unwrap(), Receipt { duplicates: 3, exceptions: Vec::new(), places });
    }

    #[test]
    fn where_something_was_stored_only_the_rest_is_sent_again() {
        let mut outcomes = Outcomes::new(0, Vec::new());
        outcomes.add("a".to_owned(), vec![1, 3], away());
        outcomes.add("a".to_owned(), vec![0], Ok(Put::New));
        outcomes.add("a".to_owned(), vec![2], blocked());
        let again = |index, words: &str| Exception { index, verdict: Verdict::Retry(words.to_owned()) };
        let expected = vec![again(1, "away"), again(2, "blocked"), again(3, "away")];
        assert_eq!(outcomes.receipt().unwrap().exceptions, expected);
    }

    #[test]
    fn where_nothing_was_stored_the_gravest_is_told() {
        let mut outcomes = Outcomes::new(0, Vec::new());
        outcomes.add("a".to_owned(), vec![0], away());
        outcomes.add("a".to_owned(), vec![1], blocked());
        outcomes.add("a".to_owned(), vec![2], away());
        assert!(matches!(outcomes.receipt(), Err(SinkError::Blocked { .. })));
    }
}
