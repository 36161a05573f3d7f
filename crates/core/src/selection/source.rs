//! The name of one place in an event: `price`, `/param/price`, `user_id`.

use std::borrow::Cow;
use std::fmt;

use super::Value;
use crate::event::Record;
use crate::formats::pick::Pointer;

/// One place in an event, as settings write it: a member's name, or a JSON pointer.
///
/// A pointer is the event's own and nothing else. A name is the event's own member first; where it has none, and the
/// name is one that Weir knows something by (`user_id`, `client_ip` …), what Weir knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    text: String,
    pointer: Pointer,
    fact: Option<Fact>,
}

/// What is known of an event beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Stream,
    LogId,
    UserId,
    DeviceUuid,
    AppVersion,
    OsVersion,
    UserAgent,
    ClientIp,
}

impl Source {
    /// Reads a name or a pointer. `None` where there is nothing to read.
    pub fn parse(text: &str) -> Option<Self> {
        let (pointer, fact) = match Pointer::parse(text) {
            Some(pointer) => (pointer, None),
            None if text.is_empty() => return None,
            None => (Pointer::to_member(text), Fact::parse(text)),
        };
        Some(Self { text: text.to_owned(), pointer, fact })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// What is known under this name, for an event that says nothing itself.
    pub(super) fn known<'a>(&self, record: &'a Record) -> Value<'a> {
        let text = self.fact.and_then(|fact| fact.of(record));
        text.map_or(Value::Null, |text| Value::Text(Cow::Borrowed(text)))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Fact {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "stream" => Self::Stream,
            "log_id" => Self::LogId,
            "user_id" => Self::UserId,
            "device_uuid" => Self::DeviceUuid,
            "app_version" => Self::AppVersion,
            "os_version" => Self::OsVersion,
            "user_agent" => Self::UserAgent,
            "client_ip" => Self::ClientIp,
            _ => return None,
        })
    }

    fn of(self, record: &Record) -> Option<&str> {
        let origin = record.origin.as_ref();
        match self {
            Self::Stream => Some(record.stream.as_str()),
            Self::LogId => record.event.client_id.as_deref(),
            Self::UserId => record.user_id(),
            Self::DeviceUuid => origin.device_uuid.as_deref(),
            Self::AppVersion => origin.app_version.as_deref(),
            Self::OsVersion => origin.os_version.as_deref(),
            Self::UserAgent => origin.user_agent.as_deref(),
            Self::ClientIp => origin.client_ip.as_deref(),
        }
    }
}
