//! A form as browsers and `curl -d` send it: one event, whose members are texts.
//!
//! A field that is empty is left out: a form cannot tell an empty text from none.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::percent_decode;

use super::translation::{Translation, refuse_json, write_texts};
use super::{Fault, Members, SplitError};

/// The most fields.
const FIELDS_MAX: usize = 1_000;

/// The body's one member; none where it is empty.
pub fn split(body: &Bytes) -> Result<Members, SplitError> {
    refuse_json(body, "a form, as curl -d does by itself")?;
    let text = body.trim_ascii();
    let mut translation = Translation::default();
    if !text.is_empty() {
        translation.add(|out| {
            let fields = fields(text)?;
            write_texts(out, fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
            Ok(())
        })?;
    }
    Ok(translation.into_members())
}

type Fields<'b> = Vec<(Cow<'b, str>, Cow<'b, str>)>;

fn fields(body: &[u8]) -> Result<Fields<'_>, Fault> {
    let mut fields: Fields<'_> = Vec::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let middle = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = (decoded(&pair[..middle])?, decoded(pair.get(middle + 1..).unwrap_or_default())?);
        if fields.len() == FIELDS_MAX {
            return Err(Fault::new(
                "too_many_members",
                format!("a form may have {FIELDS_MAX} fields, not more"),
            ));
        }
        if fields.iter().any(|(other, _)| *other == name) {
            return Err(Fault::new("duplicate_member", format!("field {name:?} occurs twice")));
        }
        fields.push((name, value));
    }
    Ok(fields)
}

/// A `+` is a blank, and `%41` a byte.
fn decoded(part: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let not_utf8 = || Fault::new("invalid_utf8", "the form, percent-decoded, is not UTF-8");
    if !part.contains(&b'+') {
        return percent_decode(part).decode_utf8().map_err(|_| not_utf8());
    }
    let blanks: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = percent_decode(&blanks).decode_utf8().map_err(|_| not_utf8())?;
    Ok(Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn event(body: &str) -> Result<String, Fault> {
        let member = split(&Bytes::from(body.to_owned())).unwrap().pop().unwrap();
        member.map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn fields_are_texts_and_empty_ones_are_absent() {
        assert_eq!(
            event("page=%2Fhome&event=click+it&n=1&label=&x").unwrap(),
            r#"{"page":"/home","event":"click it","n":"1"}"#
        );
        assert_eq!(event("a=b=c&&%C3%BC=%22\n").unwrap(), r#"{"a":"b=c","ü":"\""}"#);
        assert_eq!(event("x=").unwrap(), "{}");
        assert!(split(&Bytes::from_static(b" \n")).unwrap().is_empty());
    }

    #[test]
    fn json_under_a_forms_name_is_told_what_to_do() {
        for body in ["{\"page\":\"/\"}", " [1]", "{}"] {
            let error = split(&Bytes::from(body)).unwrap_err();
            assert!(error.to_string().contains("Content-Type: application/json"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_one_event_is_refused() {
        assert_eq!(event("a=1&a=2").unwrap_err().code, "duplicate_member");
        assert_eq!(event("a=%ff").unwrap_err().code, "invalid_utf8");
        let many: Vec<String> = (0..=FIELDS_MAX).map(|n| format!("f{n}=1")).collect();
        assert_eq!(event(&many.join("&")).unwrap_err().code, "too_many_members");
    }

    proptest! {
        #[test]
        fn every_field_is_found_again(fields in btree_map("\\PC{1,6}", "\\PC{1,6}", 1..6)) {
            let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
            let pairs: Vec<String> = fields.iter().map(|(name, value)| encode(name) + "=" + &encode(value)).collect();
            let parsed: std::collections::BTreeMap<String, String> = serde_json::from_str(&event(&pairs.join("&")).unwrap()).unwrap();
            prop_assert_eq!(parsed, fields);
        }

        #[test]
        fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..100)) {
            let _ = split(&Bytes::from(body));
        }
    }
}
