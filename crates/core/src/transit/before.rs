//! What one message shares with the one before it. It saves reading and allocation, and changes nothing: whatever is asked
//! for is compared with what came before, in whole.

use std::sync::Arc;

use crate::event::{Origin, Stream};
use crate::time::Timestamp;

/// What the message before had: the events of one request follow one another, and most of what they say is the same.
#[derive(Clone, Debug, Default)]
pub struct Before {
    stream: Option<Stream>,
    pub(super) occurred_at: Moment,
    pub(super) received_at: Moment,
    origin: Option<Arc<Origin>>,
}

impl Before {
    pub(super) fn stream(&mut self, name: &str) -> Option<Stream> {
        if self.stream.as_ref().is_none_or(|stream| stream.as_str() != name) {
            self.stream = Some(Stream::new(name)?);
        }
        self.stream.clone()
    }

    /// The origin with this credential, and what it has beside it, in its order.
    pub(super) fn origin(&mut self, credential: &str, told: [Option<&str>; 6]) -> Arc<Origin> {
        let is_told = |origin: &&Arc<Origin>| origin.credential == credential && beside(origin) == told;
        if let Some(origin) = self.origin.as_ref().filter(is_told) {
            return origin.clone();
        }
        let [user_id, device_uuid, app_version, os_version, user_agent, client_ip] =
            told.map(|text| text.map(str::to_owned));
        let credential = credential.to_owned();
        let origin =
            Origin { credential, user_id, device_uuid, app_version, os_version, user_agent, client_ip };
        self.origin.insert(Arc::new(origin)).clone()
    }
}

/// All of it but the credential.
fn beside(origin: &Origin) -> [Option<&str>; 6] {
    let Origin { credential: _, user_id, device_uuid, app_version, os_version, user_agent, client_ip } =
        origin;
    [user_id, device_uuid, app_version, os_version, user_agent, client_ip].map(|text| text.as_deref())
}

/// The moment that was read last, and its text.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment(String, Option<Timestamp>);

impl Moment {
    pub(super) fn parse(&mut self, text: &str) -> Option<Timestamp> {
        if self.0 != text {
            text.clone_into(&mut self.0);
            self.1 = Timestamp::parse(text);
        }
        self.1
    }
}
