//! A type of message: between JSON and the wire.

use prost_reflect::{DynamicMessage, MessageDescriptor};

use super::fault::{MemberFault, Path};
use super::json::Json;
use super::read::Reader;
use super::{wire, write};

/// A message of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageType {
    pub(super) descriptor: MessageDescriptor,
}

impl MessageType {
    /// The name with its package: `events.TestEvent`.
    pub fn full_name(&self) -> &str {
        self.descriptor.full_name()
    }

    /// The wire form of what is in JSON. Fails with all that is wrong with it.
    pub fn wire_of_json(&self, text: &str) -> Result<Vec<u8>, Vec<MemberFault>> {
        let root = Path::beginning("");
        let json = Json::parse(text).map_err(|error| vec![MemberFault::at(&root, error.to_string())])?;
        let mut reader = Reader::default();
        let message = reader.message(&self.descriptor, &json, &root, 0);
        match message.filter(|_| reader.faults.is_empty()) {
            Some(message) => wire::encode(&message).map_err(|fault| vec![fault]),
            None => Err(reader.faults.into_vec()),
        }
    }

    /// The JSON of what is in the wire form.
    pub fn json_of_wire(&self, bytes: &[u8]) -> Result<Vec<u8>, MemberFault> {
        self.json(&wire::decode(&self.descriptor, bytes)?)
    }

    pub(super) fn json(&self, message: &DynamicMessage) -> Result<Vec<u8>, MemberFault> {
        let mut out = Vec::with_capacity(256);
        write::message(&mut out, message, &Path::beginning(""))?;
        Ok(out)
    }
}
