//! Records of telemetry as Protobuf: a message `weir.v1.SendRequest`, of `api/weir/v1/telemetry.proto`.
//!
//! **Constraint.** Records are read one by one, and each becomes JSON at once: two bytes are enough for an empty one, so
//! that a whole list of them in memory would be many times the message. One that cannot be read spoils no other.

use bytes::{Buf, Bytes};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use serde::Serializer;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use super::translation::Translation;
use super::{Fault, Malformed, Members, Place, SplitError};
use crate::time::Timestamp;

/// The number of `records` in the message.
const RECORDS: u32 = 1;

/// A record on the wire.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(string, tag = "1")]
    record_type: String,
    #[prost(string, tag = "2")]
    trace: String,
    #[prost(int64, optional, tag = "3")]
    created_at: Option<i64>,
    #[prost(string, optional, tag = "4")]
    key: Option<String>,
    #[prost(string, optional, tag = "5")]
    user: Option<String>,
    #[prost(uint64, optional, tag = "6")]
    seq: Option<u64>,
    #[prost(string, optional, tag = "7")]
    kind: Option<String>,
    #[prost(string, optional, tag = "8")]
    reason: Option<String>,
    #[prost(string, repeated, tag = "9")]
    parents: Vec<String>,
    #[prost(string, repeated, tag = "10")]
    children: Vec<String>,
    #[prost(string, optional, tag = "11")]
    alias: Option<String>,
    #[prost(string, optional, tag = "12")]
    of: Option<String>,
    #[prost(string, optional, tag = "13")]
    attrs: Option<String>,
}

/// The message's records. Fields that it does not have are passed over, as Protobuf wants it.
pub fn split(body: &Bytes) -> Result<Members, SplitError> {
    let mut translation = Translation::default();
    let mut rest = body.clone();
    while !rest.is_empty() {
        let place = Place::Byte(body.len() - rest.len());
        let wrong = |detail: &str| Malformed { detail: format!("no weir.v1.SendRequest: {detail}"), place };
        let (number, wire_type) = decode_key(&mut rest).map_err(|error| wrong(&error.to_string()))?;
        if (number, wire_type) != (RECORDS, WireType::LengthDelimited) {
            let skipped = skip_field(wire_type, number, &mut rest, DecodeContext::default());
            skipped.map_err(|error| wrong(&error.to_string()))?;
            continue;
        }
        let length = decode_varint(&mut rest).map_err(|error| wrong(&error.to_string()))?;
        let length = usize::try_from(length).ok().filter(|length| *length <= rest.remaining());
        let record = rest.split_to(length.ok_or_else(|| wrong("a record leads beyond the end"))?);
        translation.add(|out| write(out, record))?;
    }
    Ok(translation.into_members())
}

fn write(out: &mut Vec<u8>, wire: Bytes) -> Result<(), Fault> {
    let record = Record::decode(wire).map_err(|error| Fault::new("invalid_protobuf", error.to_string()))?;
    let created_at = record.created_at.map(moment).transpose()?;
    let attrs = record.attrs.as_deref().map(json).transpose()?;
    // Texts and numbers, and attrs, which were just read: there is nothing in it that JSON cannot say.
    let _ = record.write(&mut serde_json::Serializer::new(out), created_at.as_deref(), attrs);
    Ok(())
}

/// As text, since a small number would be taken for seconds.
fn moment(micros: i64) -> Result<String, Fault> {
    let moment = Timestamp::from_micros(micros);
    match moment.as_micros() == micros {
        true => Ok(moment.to_string()),
        false => Err(Fault::new("invalid_time", "createdAt must be within the years 1 to 9999")),
    }
}

fn json(text: &str) -> Result<&RawValue, Fault> {
    serde_json::from_str(text)
        .map_err(|error| Fault::new("invalid_json", format!("attrs must be JSON: {error}")))
}

impl Record {
    /// As JSON, by the names of the stream `telemetry`; what was not said is not there.
    fn write<S: Serializer>(
        &self,
        json: S,
        created_at: Option<&str>,
        attrs: Option<&RawValue>,
    ) -> Result<S::Ok, S::Error> {
        let mut map = json.serialize_map(None)?;
        let texts = [
            ("type", Some(self.record_type.as_str()).filter(|text| !text.is_empty())),
            ("trace", Some(self.trace.as_str()).filter(|text| !text.is_empty())),
            ("createdAt", created_at),
            ("key", self.key.as_deref()),
            ("user", self.user.as_deref()),
            ("kind", self.kind.as_deref()),
            ("reason", self.reason.as_deref()),
            ("alias", self.alias.as_deref()),
            ("of", self.of.as_deref()),
        ];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            map.serialize_entry(name, text)?;
        }
        if let Some(seq) = self.seq {
            map.serialize_entry("seq", &seq)?;
        }
        for (name, list) in [("parents", &self.parents), ("children", &self.children)] {
            if !list.is_empty() {
                map.serialize_entry(name, list)?;
            }
        }
        if let Some(attrs) = attrs {
            map.serialize_entry("attrs", attrs)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::encoding::{encode_key, encode_varint};

    use super::*;

    /// A request of these records, each as it is on the wire.
    fn request(records: &[Vec<u8>]) -> Bytes {
        let mut body = Vec::new();
        for record in records {
            encode_key(RECORDS, WireType::LengthDelimited, &mut body);
            encode_varint(record.len() as u64, &mut body);
            body.extend_from_slice(record);
        }
        body.into()
    }

    fn told(records: &[Record]) -> Vec<Result<String, &'static str>> {
        let records: Vec<Vec<u8>> = records.iter().map(Message::encode_to_vec).collect();
        let members = split(&request(&records)).unwrap().into_iter();
        let text = |member: Bytes| String::from_utf8(member.to_vec()).unwrap();
        members.map(|member| member.map(text).map_err(|fault| fault.code)).collect()
    }

    #[test]
    fn what_is_said_is_there_and_nothing_else() {
        let record = Record {
            record_type: "LOG".to_owned(),
            created_at: Some(1),
            seq: Some(u64::MAX),
            attrs: Some("{\"bytes\": 9007199254740993}".to_owned()),
            ..Record::default()
        };
        let expected = r#"{"type":"LOG","createdAt":"1970-01-01T00:00:00.000001Z","seq":18446744073709551615,"attrs":{"bytes": 9007199254740993}}"#;
        assert_eq!(told(&[record, Record::default()]), [Ok(expected.to_owned()), Ok("{}".to_owned())]);
    }

    #[test]
    fn a_bad_record_spoils_no_other() {
        let attrs = |text: &str| Record { attrs: Some(text.to_owned()), ..Record::default() };
        let late = Record { created_at: Some(i64::MAX), ..Record::default() };
        let records = [attrs("{}} {\"type\":\"DROP\""), attrs("{}"), late];
        assert_eq!(
            told(&records),
            [Err("invalid_json"), Ok("{\"attrs\":{}}".to_owned()), Err("invalid_time")]
        );

        let not_utf8 = vec![0x0A, 1, 0xFF];
        let members = split(&request(&[not_utf8, Vec::new()])).unwrap();
        assert_eq!(members[0].as_ref().unwrap_err().code, "invalid_protobuf");
        assert_eq!(members[1].as_ref().unwrap(), "{}");
    }

    #[test]
    fn other_fields_are_passed_over_and_what_is_no_message_is_told_with_its_place() {
        let mut body = vec![0x10, 7];
        body.extend_from_slice(&request(&[Vec::new()]));
        assert_eq!(split(&Bytes::from(body.clone())).unwrap().len(), 1);
        for bad in [&[0x0A, 5, 1][..], &[0x0A], &[0xFF], &[0x0C]] {
            let Err(SplitError::Malformed(error)) = split(&Bytes::from([&body, bad].concat())) else {
                panic!("{bad:?}")
            };
            assert_eq!(error.place, Place::Byte(body.len()), "{bad:?}");
        }
    }

    #[test]
    fn a_list_of_empty_records_is_refused_before_it_is_in_memory() {
        let body = request(&vec![Vec::new(); super::super::EVENTS_PER_REQUEST_MAX + 1]);
        assert!(matches!(split(&body), Err(SplitError::TooManyEvents { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = split(&Bytes::from(body));
        }
    }
}
