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

    /// The credential, and what [`Origin`] has beside it, in its order.
    pub(super) fn origin(&mut self, told: [Option<&str>; 7]) -> Arc<Origin> {
        let [credential, user_id, device_uuid, app_version, os_version, user_agent, client_ip] = told;
        let is_told = |origin: &&Arc<Origin>| {
            Some(origin.credential.as_str()) == credential
                && origin.user_id.as_deref() == user_id
                && origin.device_uuid.as_deref() == device_uuid
                && origin.app_version.as_deref() == app_version
                && origin.os_version.as_deref() == os_version
                && origin.user_agent.as_deref() == user_agent
                && origin.client_ip.as_deref() == client_ip
        };
        if let Some(origin) = self.origin.as_ref().filter(is_told) {
            return origin.clone();
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let origin = Arc::new(Origin {
            credential: credential.unwrap_or_default().to_owned(),
            user_id: owned(user_id),
            device_uuid: owned(device_uuid),
            app_version: owned(app_version),
            os_version: owned(os_version),
            user_agent: owned(user_agent),
            client_ip: owned(client_ip),
        });
        self.origin = Some(origin.clone());
        origin
    }
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
