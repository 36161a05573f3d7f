//! From a block's payload back to records. Bodies are slices of what was read, not copies.

use std::sync::Arc;

use bytes::Bytes;
use weir_core::event::{Event, EventId, Offset, Origin, Record};
use weir_core::time::Timestamp;

use super::block::BlockHead;

/// Turns blocks into records. Remembers the last origin, so that what many blocks have in common is kept once.
#[derive(Default)]
pub(super) struct Decoder {
    origin: Option<(Bytes, Arc<Origin>)>,
}

impl Decoder {
    /// Hands the block's events from offset `from` on to `take`, until it says false. `None` where the payload is
    /// not what the head promises.
    pub(super) fn block(
        &mut self,
        head: &BlockHead,
        payload: &Bytes,
        from: u64,
        mut take: impl FnMut(Record) -> bool,
    ) -> Option<()> {
        let mut cursor = Cursor { bytes: payload, at: 0 };
        let origin = self.origin(&mut cursor)?;
        for offset in head.first..head.end() {
            if offset < from {
                cursor.skip_event()?;
                continue;
            }
            let record = Record {
                offset: Offset(offset),
                stream: head.stream.clone(),
                received_at: head.received_at,
                origin: Arc::clone(&origin),
                event: cursor.event()?,
            };
            if !take(record) {
                return Some(());
            }
        }
        (cursor.at == payload.len()).then_some(())
    }

    /// Whether the payload holds what the head promises, and nothing else.
    pub(super) fn is_whole(&mut self, head: &BlockHead, payload: &Bytes) -> bool {
        self.block(head, payload, head.first, |_| true).is_some()
    }

    fn origin(&mut self, cursor: &mut Cursor<'_>) -> Option<Arc<Origin>> {
        if let Some((bytes, origin)) = &self.origin
            && cursor.bytes.starts_with(bytes)
        {
            cursor.at = bytes.len();
            return Some(Arc::clone(origin));
        }
        let origin = Arc::new(cursor.origin()?);
        self.origin = Some((cursor.bytes.slice(..cursor.at), Arc::clone(&origin)));
        Some(origin)
    }
}

struct Cursor<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Cursor<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let from = self.at;
        let bytes = self.bytes.get(from..from.checked_add(count)?)?;
        self.at = from + count;
        Some(bytes)
    }

    fn number(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }

    fn text(&mut self, count: usize) -> Option<&str> {
        std::str::from_utf8(self.take(count)?).ok()
    }

    fn origin(&mut self) -> Option<Origin> {
        let flags = self.take(1)?[0];
        let mut next = || -> Option<String> {
            let count = self.number()?;
            Some(self.text(count)?.to_owned())
        };
        let credential = next()?;
        let mut texts: [Option<String>; 6] = Default::default();
        for (bit, text) in texts.iter_mut().enumerate() {
            if flags & (1 << bit) != 0 {
                *text = Some(next()?);
            }
        }
        let [user_id, device_uuid, app_version, os_version, user_agent, client_ip] = texts;
        Some(Origin { credential, user_id, device_uuid, app_version, os_version, user_agent, client_ip })
    }

    /// Id, time, and the lengths of body, client id and user id.
    fn fixed(&mut self) -> Option<(EventId, Timestamp, usize, usize, usize)> {
        let id = EventId(self.take(16)?.try_into().ok()?);
        let occurred_at = i64::from_le_bytes(self.take(8)?.try_into().ok()?);
        let (body, client_id, user_id) = (self.number()?, self.number()?, self.number()?);
        Some((id, Timestamp::from_micros(occurred_at), body, client_id, user_id))
    }

    fn optional(&mut self, length: usize) -> Option<Option<Box<str>>> {
        match length.checked_sub(1) {
            None => Some(None),
            Some(count) => Some(Some(self.text(count)?.into())),
        }
    }

    fn event(&mut self) -> Option<Event> {
        let (id, occurred_at, body, client_id, user_id) = self.fixed()?;
        let client_id = self.optional(client_id)?;
        let user_id = self.optional(user_id)?;
        self.take(body)?;
        let body = self.bytes.slice(self.at - body..self.at);
        Some(Event { id, occurred_at, client_id, user_id, body })
    }

    fn skip_event(&mut self) -> Option<()> {
        let (_, _, body, client_id, user_id) = self.fixed()?;
        self.take(body + client_id.saturating_sub(1) + user_id.saturating_sub(1)).map(|_| ())
    }
}
