//! Protobuf bodies: one message, or several with their lengths before them.
//!
//! Here the messages are only told apart; which type they are, the schema knows.

use bytes::{Buf, Bytes};

use super::{EVENTS_PER_REQUEST_MAX, Malformed, Members, Place, SplitError};

/// The whole body is one message. An empty body is none, although an empty message is one.
pub fn single(body: &Bytes) -> Members {
    match body.is_empty() {
        true => Vec::new(),
        false => vec![Ok(body.clone())],
    }
}

/// Each message has its length before it, as a varint.
pub fn delimited(body: &Bytes) -> Result<Members, SplitError> {
    let mut members = Vec::new();
    let mut rest = body.clone();
    while !rest.is_empty() {
        if members.len() == EVENTS_PER_REQUEST_MAX {
            return Err(SplitError::TooManyEvents { count: members.len() + 1 });
        }
        let at = body.len() - rest.len();
        let wrong = |detail: &str| Malformed { detail: detail.to_owned(), place: Place::Byte(at) };
        let length = prost::encoding::decode_varint(&mut rest).map_err(|_| wrong("no message's length"))?;
        let length = usize::try_from(length).ok().filter(|length| *length <= rest.remaining());
        let length = length.ok_or_else(|| wrong("a message's length leads beyond the end"))?;
        members.push(Ok(rest.split_to(length)));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn an_empty_body_has_no_message_and_an_empty_message_is_one() {
        assert!(single(&Bytes::new()).is_empty() && delimited(&Bytes::new()).unwrap().is_empty());
        assert_eq!(delimited(&Bytes::from_static(&[0, 1, 7])).unwrap().len(), 2);
    }

    #[test]
    fn a_length_that_cannot_be_is_told_with_its_place() {
        for bad in [
            &[1, 7, 5, 1][..],
            &[1, 7, 0x80],
            &[1, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ] {
            let Err(SplitError::Malformed(error)) = delimited(&Bytes::copy_from_slice(bad)) else {
                panic!("{bad:?}")
            };
            assert_eq!(error.place, Place::Byte(2), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn messages_are_told_apart_again(messages in vec(vec(any::<u8>(), 0..200), 0..10)) {
            let mut body = Vec::new();
            for message in &messages {
                prost::encoding::encode_varint(message.len() as u64, &mut body);
                body.extend_from_slice(message);
            }
            let members = delimited(&Bytes::from(body)).unwrap();
            let members: Vec<Vec<u8>> = members.into_iter().map(|member| member.unwrap().to_vec()).collect();
            prop_assert_eq!(members, messages);
        }

        #[test]
        fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..100)) {
            let _ = delimited(&Bytes::from(body));
        }
    }
}
