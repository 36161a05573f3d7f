//! An event on its way through a broker: what is known of it, as headers beside the message.
//!
//! **Constraint.** What comes out is the event that went in: the same id, times, stream, user and origin. Only who was
//! trusted with it, the credential, stays behind. The form has a version: the header `weir`. A message without it is
//! somebody else's, and its headers mean nothing here.

mod before;

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Event, EventId, ID_TEXT_BYTES, Offset, Origin, Record, Stream};
use crate::line::{Last, Own};
use crate::pieces::Pieces;
use crate::time::Timestamp;

pub use before::Before;

/// The header that tells a message of ours; its value is the version of this form.
pub const VERSION_HEADER: &str = "weir";
/// The version that is written.
pub const VERSION: &str = "1";
/// Where the value is the event's line: how the event comes out of it again ([`Own`]).
pub const OWN_HEADER: &str = "own_members";

/// The headers that every message of this event has.
pub fn headers(record: &Record) -> Vec<(&'static str, Cow<'_, str>)> {
    let mut headers = Vec::with_capacity(HEADERS_MAX);
    each_header(record, &mut Last::default(), |name, text| headers.push((name, Cow::Owned(text.to_owned()))));
    headers
}

/// As many headers as there may be.
pub const HEADERS_MAX: usize = 13;

/// Shows these headers one after the other, for who writes them elsewhere at once. `last` knows what the event before had.
pub fn each_header(record: &Record, last: &mut Last, mut show: impl FnMut(&'static str, &str)) {
    let (event, origin) = (&record.event, record.origin.as_ref());
    show(Name::Version.header(), VERSION);
    show(Name::Id.header(), event.id.encode(&mut [0; ID_TEXT_BYTES]));
    show(Name::Stream.header(), record.stream.as_str());
    show(Name::OccurredAt.header(), last.occurred_at(event.occurred_at));
    show(Name::ReceivedAt.header(), last.received_at(record.received_at));
    let user = record.user_id();
    for (name, text) in [
        (Name::LogId, event.client_id.as_deref()),
        (Name::UserId, user),
        // The event's own word is the user; whose token it came by is told where that is somebody else.
        (Name::Subject, origin.user_id.as_deref().filter(|subject| Some(*subject) != user)),
        (Name::DeviceUuid, origin.device_uuid.as_deref()),
        (Name::AppVersion, origin.app_version.as_deref()),
        (Name::OsVersion, origin.os_version.as_deref()),
        (Name::UserAgent, origin.user_agent.as_deref()),
        (Name::ClientIp, origin.client_ip.as_deref()),
    ] {
        if let Some(text) = text {
            show(name.header(), text);
        }
    }
}

/// What the headers of a message of ours tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    stream: Stream,
    id: EventId,
    occurred_at: Timestamp,
    received_at: Timestamp,
    client_id: Option<Box<str>>,
    user_id: Option<Box<str>>,
    origin: Arc<Origin>,
    own: Option<Own>,
}

/// A message that says it is ours and is not in the form that it ought to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message's header `{header}` {what}")]
pub struct TransitError {
    header: &'static str,
    what: &'static str,
}

impl Arrival {
    /// Reads the headers of an event as somebody whom `credential` names let it in. `None` where the message is somebody
    /// else's.
    pub fn read<'a>(
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        credential: &str,
        before: &mut Before,
    ) -> Result<Option<Self>, TransitError> {
        let found = Headers::sorted(headers);
        match found.text(Name::Version)? {
            None => return Ok(None),
            Some(VERSION) => {}
            Some(_) => return Err(wrong(VERSION_HEADER, "is of a version that this program does not know")),
        }
        let user = found.text(Name::UserId)?;
        let (user_id, subject) = match found.text(Name::Subject)? {
            None => (None, user),
            subject => (user, subject),
        };
        let origin = [
            subject,
            found.text(Name::DeviceUuid)?,
            found.text(Name::AppVersion)?,
            found.text(Name::OsVersion)?,
            found.text(Name::UserAgent)?,
            found.text(Name::ClientIp)?,
        ];
        Ok(Some(Self {
            stream: found.parsed(Name::Stream, |text| before.stream(text))?,
            id: found.parsed(Name::Id, EventId::parse)?,
            occurred_at: found.parsed(Name::OccurredAt, |text| before.occurred_at.parse(text))?,
            received_at: found.parsed(Name::ReceivedAt, |text| before.received_at.parse(text))?,
            client_id: found.text(Name::LogId)?.map(Box::from),
            user_id: user_id.map(Box::from),
            origin: before.origin(credential, origin),
            own: found.text(Name::Own)?.map(|_| found.parsed(Name::Own, Own::parse)).transpose()?,
        }))
    }

    /// The stream that the event is of.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether the value is not the event itself but its line.
    pub fn is_line(&self) -> bool {
        self.own.is_some()
    }

    /// The event, from the message's value, which is copied.
    pub fn record(self, offset: Offset, value: &[u8], pieces: &mut Pieces) -> Result<Record, TransitError> {
        let body = match &self.own {
            None => pieces.keep([value, b""]),
            Some(own) => {
                let (start, rest) = own.body(value).ok_or(wrong(OWN_HEADER, "does not fit its value"))?;
                pieces.keep([start, &rest])
            }
        };
        let Self { stream, id, occurred_at, received_at, client_id, user_id, origin, own: _ } = self;
        Ok(Record {
            offset,
            stream,
            received_at,
            origin,
            event: Event { id, occurred_at, client_id, user_id, body },
        })
    }
}

/// The headers of a message of ours.
#[derive(Clone, Copy)]
enum Name {
    Version,
    Id,
    Stream,
    OccurredAt,
    ReceivedAt,
    LogId,
    UserId,
    Subject,
    DeviceUuid,
    AppVersion,
    OsVersion,
    UserAgent,
    ClientIp,
    Own,
}

const NAMES: [&str; HEADERS_MAX + 1] = [
    VERSION_HEADER,
    "id",
    "stream",
    "occurred_at",
    "received_at",
    "log_id",
    "user_id",
    "subject",
    "device_uuid",
    "app_version",
    "os_version",
    "user_agent",
    "client_ip",
    OWN_HEADER,
];

impl Name {
    const fn header(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// The values of those that came, each in its name's place; of a name that stands twice, the last counts.
struct Headers<'a>([Option<&'a [u8]>; NAMES.len()]);

impl<'a> Headers<'a> {
    /// They are looked for where they stand when we wrote them: each behind the one before.
    fn sorted(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut found = [None; NAMES.len()];
        let mut next = 0;
        for (name, value) in headers {
            let mut places = (next..NAMES.len()).chain(0..next);
            if let Some(place) = places.find(|place| NAMES[*place] == name) {
                found[place] = Some(value);
                next = place + 1;
            }
        }
        Self(found)
    }

    fn text(&self, name: Name) -> Result<Option<&'a str>, TransitError> {
        let text = self.0[name as usize].map(std::str::from_utf8).transpose();
        text.map_err(|_| wrong(name.header(), "is no text in UTF-8"))
    }

    fn parsed<T>(&self, name: Name, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, TransitError> {
        let text = self.text(name)?.ok_or(wrong(name.header(), "is missing"))?;
        parse(text).ok_or(wrong(name.header(), "has a value that cannot be one"))
    }
}

fn wrong(header: &'static str, what: &'static str) -> TransitError {
    TransitError { header, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Last, write};
    use crate::testkit::record;

    fn full() -> Record {
        let mut record = record(7, "actions", 0);
        record.event.body = r#"{"log_id":"c-1","n":1.00}"#.into();
        record.event.occurred_at = Timestamp::parse("0001-01-01T00:00:00.000001Z").unwrap();
        record.event.client_id = Some("c-1".into());
        record.event.user_id = Some("own".into());
        record.origin = Arc::new(Origin {
            credential: "jwt:alice".to_owned(),
            user_id: Some("alice".to_owned()),
            device_uuid: Some("d".to_owned()),
            app_version: Some("1".to_owned()),
            os_version: Some(String::new()),
            user_agent: Some("agent/3 (é)".to_owned()),
            client_ip: Some("2001:db8::1".to_owned()),
        });
        record
    }

    fn arrival(headers: &[(&'static str, Cow<'_, str>)]) -> Result<Option<Arrival>, TransitError> {
        let headers = headers.iter().map(|(name, text)| (*name, text.as_bytes()));
        Arrival::read(headers, "jwt:alice", &mut Before::default())
    }

    fn brought(sent: &Record) -> Record {
        brought_after(sent, &mut Before::default())
    }

    fn brought_after(sent: &Record, before: &mut Before) -> Record {
        let told = headers(sent);
        let told = told.iter().map(|(name, text)| (*name, text.as_bytes()));
        let arrival = Arrival::read(told, &sent.origin.credential, before).unwrap().unwrap();
        arrival.record(sent.offset, &sent.event.body, &mut Pieces::default()).unwrap()
    }

    #[test]
    fn an_event_comes_out_as_it_went_in() {
        for sent in [full(), record(0, "events", 3)] {
            assert_eq!(brought(&sent), sent);
        }
    }

    #[test]
    fn what_came_before_is_shared_and_never_taken_for_what_comes() {
        let mut before = Before::default();
        let mut other = record(0, "events", 3);
        other.origin = Arc::new(Origin { client_ip: Some("::1".to_owned()), ..Origin::default() });
        for sent in [full(), other.clone(), record(1, "actions", 3), full()] {
            assert_eq!(brought_after(&sent, &mut before), sent);
        }
        let again = brought_after(&full(), &mut before);
        assert!(Arc::ptr_eq(&again.origin, &brought_after(&full(), &mut before).origin));
        other.origin = Arc::new(Origin { credential: "other".to_owned(), ..(*again.origin).clone() });
        assert_eq!(brought_after(&other, &mut before), other);
    }

    #[test]
    fn headers_are_found_wherever_they_stand() {
        let sent = full();
        let mut told = headers(&sent);
        told.reverse();
        told.insert(0, ("id", "7".into()));
        assert_eq!(arrival(&told), arrival(&headers(&sent)));
    }

    #[test]
    fn the_user_stays_the_user_whoever_named_him() {
        for (own, subject) in
            [(None, Some("a")), (Some("a"), None), (Some("a"), Some("a")), (Some("a"), Some("b"))]
        {
            let mut sent = record(0, "events", 3);
            sent.event.user_id = own.map(Into::into);
            sent.origin = Arc::new(Origin { user_id: subject.map(str::to_owned), ..Origin::default() });
            let brought = brought(&sent);
            assert_eq!(brought.user_id(), sent.user_id());
            assert_eq!(brought.origin.user_id.as_deref(), subject.or(own));
        }
    }

    #[test]
    fn the_credential_is_told_to_nobody() {
        let sent = full();
        let told = headers(&sent);
        assert!(told.iter().all(|(_, text)| !text.contains("jwt:")), "{told:?}");
    }

    #[test]
    fn an_event_comes_out_of_its_line() {
        let sent = full();
        let mut line = Vec::new();
        let own = write(&mut line, &sent, &mut Last::default()).unwrap();
        let mut headers = headers(&sent);
        headers.push((OWN_HEADER, own.to_string().into()));
        let arrival = arrival(&headers).unwrap().unwrap();
        assert!(arrival.is_line());
        let brought = arrival.clone().record(sent.offset, &line, &mut Pieces::default()).unwrap();
        assert_eq!(brought, sent);
        assert!(arrival.record(sent.offset, b"{", &mut Pieces::default()).is_err());
    }

    #[test]
    fn somebody_elses_message_is_told_from_one_of_ours_that_is_broken() {
        assert_eq!(arrival(&[("id", "7".into()), ("stream", "x".into())]), Ok(None));
        let sent = full();
        let told = headers(&sent);
        for (name, bad) in
            [("weir", "2"), ("id", "7"), ("stream", "_"), ("occurred_at", "now"), ("received_at", "")]
        {
            let broken: Vec<_> = told
                .iter()
                .map(|(header, text)| (*header, if *header == name { bad.into() } else { text.clone() }))
                .collect();
            assert!(arrival(&broken).unwrap_err().to_string().contains(name), "{name}");
            let without: Vec<_> = told.iter().filter(|(header, _)| *header != name).cloned().collect();
            assert_eq!(arrival(&without).is_ok(), name == "weir", "{name}");
        }
        let no_text = [("weir", &b"\xff"[..])].into_iter();
        assert!(Arrival::read(no_text, "", &mut Before::default()).is_err());
    }
}
