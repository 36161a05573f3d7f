//! What went wrong with a server, by what to do about it.

use std::error::Error;
use std::fmt;
use std::io;

use crate::Node;

/// What went wrong. The texts are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is away, busy or full, or its answer was lost: the same again will do, later.
    Away(String),
    /// A person has to mend something.
    Blocked(String),
    /// It will never take what it was sent.
    Refused(String),
    /// What was asked for is not there: a group, a queue, an exchange.
    Missing(String),
    /// Another node of the cluster is to be asked: this one, for all keys in this slot.
    Moved(u16, Node),
}

impl Fault {
    /// Of a connection that was not made, or broke.
    pub fn of_io(error: &io::Error) -> Self {
        match distrust(error) {
            Some(why) => Self::Blocked(format!(
                "{why}; set tls.ca to the authority that signed the server's certificate"
            )),
            None => Self::Away(error.to_string()),
        }
    }

    /// The same, with where it happened.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        let told = |text: String| format!("{place}: {text}");
        match self {
            Self::Away(text) => Self::Away(told(text)),
            Self::Blocked(text) => Self::Blocked(told(text)),
            Self::Refused(text) => Self::Refused(told(text)),
            Self::Missing(text) => Self::Missing(told(text)),
            moved @ Self::Moved(..) => moved,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(text) | Self::Blocked(text) | Self::Refused(text) | Self::Missing(text) => {
                f.write_str(text)
            }
            Self::Moved(slot, node) => write!(f, "{node} has slot {slot}, and its neighbours say otherwise"),
        }
    }
}

impl Error for Fault {}

/// Why a certificate is not believed. I/O errors hide what they are made of from `source`.
pub(crate) fn distrust<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found @ rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return Some(found);
    }
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source()).and_then(distrust)
}
