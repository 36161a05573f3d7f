//! A course as the text beside a committed offset, with a version:
//!
//! ```text
//! weir:1:ERA:SINK=PLANNED.GAP.LENGTH.GAP.LENGTH…;SINK=…
//! ```
//!
//! Numbers are in base 36. `PLANNED` counts from the committed offset; each batch that is not settled is told by the gap
//! after the one before it (the first one's: after the committed offset) and its length. A version once written is read
//! for ever.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::event::Offset;
use crate::sink::SinkName;

use super::Commit;
use super::course::{Course, Way};

const BEGINS: &str = "weir:";
const VERSION: &str = "1";
const BASE: u32 = 36;

/// Why a commit of Weir's is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the group's commit was written by a newer Weir (version {0} of what it says); run that one, or set the group's \
     offsets anew"
)]
pub struct Newer(String);

/// The commit that says it, where there is a sink to say something of.
pub fn encode(course: &Course) -> Option<Commit> {
    let offset = course.settled_before()?;
    let mut metadata = format!("{BEGINS}{VERSION}:{}:", Digits(course.era));
    for (place, (sink, way)) in course.places.iter().enumerate() {
        let separator = if place == 0 { "" } else { ";" };
        // Writing to memory cannot fail.
        let _ = write!(metadata, "{separator}{sink}={}", Digits(way.planned.0 - offset.0));
        let mut at = offset;
        for (first, end) in &way.unsettled {
            let _ = write!(metadata, ".{}.{}", Digits(first.0 - at.0), Digits(end.0 - first.0));
            at = *end;
        }
    }
    Some(Commit { offset, metadata })
}

/// What the commit says; `None` where it is not Weir's, or makes no sense.
pub fn decode(commit: &Commit) -> Result<Option<Course>, Newer> {
    let Some((version, rest)) = commit.metadata.strip_prefix(BEGINS).and_then(|text| text.split_once(':'))
    else {
        return Ok(None);
    };
    if version != VERSION {
        return Err(Newer(version.to_owned()));
    }
    let course = course(commit.offset, rest);
    if course.is_none() {
        tracing::warn!(
            metadata = commit.metadata,
            "the group's commit makes no sense: every sink begins at its offset"
        );
    }
    Ok(course)
}

fn course(offset: Offset, text: &str) -> Option<Course> {
    let (era, sinks) = text.split_once(':')?;
    let places: Option<BTreeMap<SinkName, Way>> = sinks.split(';').map(|sink| place(offset, sink)).collect();
    Some(Course { era: number(era)?, places: places? })
}

fn place(offset: Offset, text: &str) -> Option<(SinkName, Way)> {
    let (sink, numbers) = text.split_once('=')?;
    let mut numbers = numbers.split('.').map(number);
    let planned = after(offset, numbers.next()??)?;
    let (mut unsettled, mut at) = (BTreeMap::new(), offset);
    while let Some(gap) = numbers.next() {
        let first = after(at, gap?)?;
        at = after(first, numbers.next()??)?;
        unsettled.insert(first, at);
    }
    (at <= planned).then(|| (SinkName(sink.into()), Way { planned, unsettled }))
}

fn after(offset: Offset, distance: u64) -> Option<Offset> {
    offset.0.checked_add(distance).map(Offset)
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, BASE).ok()
}

struct Digits(u64);

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut digits = [0_u8; 13];
        let (mut left, mut at) = (self.0, digits.len());
        loop {
            at -= 1;
            let digit = (left % u64::from(BASE)) as u8;
            digits[at] = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            left /= u64::from(BASE);
            if left == 0 {
                break;
            }
        }
        digits[at..].iter().try_for_each(|digit| f.write_char(char::from(*digit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn commit(offset: u64, metadata: &str) -> Commit {
        Commit { offset: Offset(offset), metadata: metadata.to_owned() }
    }

    fn way(planned: u64, unsettled: &[(u64, u64)]) -> Way {
        let unsettled = unsettled.iter().map(|(first, end)| (Offset(*first), Offset(*end))).collect();
        Way { planned: Offset(planned), unsettled }
    }

    #[test]
    fn version_1_is_read_for_ever() {
        let text = commit(1_000, "weir:1:k3f:input:bus=0;pg.main=2s.a.1e.0.a");
        let course = decode(&text).unwrap().unwrap();
        assert_eq!(course.era, 26_043);
        assert_eq!(course.places[&SinkName("input:bus".into())], way(1_000, &[]));
        assert_eq!(course.places[&SinkName("pg.main".into())], way(1_100, &[(1_010, 1_060), (1_060, 1_070)]));
        assert_eq!(encode(&course), Some(text));
    }

    #[test]
    fn what_others_wrote_is_not_taken_for_weirs_and_what_a_newer_weir_wrote_is_not_touched() {
        for others in
            ["", "some consumer", "weir", "weir:1:x", "weir:1:x:a", "weir:1:x:a=?", "weir:1:x:a=1.0.5"]
        {
            assert_eq!(decode(&commit(7, others)), Ok(None), "{others}");
        }
        let newer = decode(&commit(7, "weir:2:anything")).unwrap_err();
        assert!(newer.to_string().contains("version 2"), "{newer}");
    }

    fn any_way(offset: u64) -> impl Strategy<Value = Way> {
        let batches = prop::collection::vec((0_u64..50, 1_u64..5_000), 0..8);
        (batches, 0_u64..1_000_000).prop_map(move |(batches, rest)| {
            let (mut at, mut unsettled) = (offset, BTreeMap::new());
            for (gap, length) in batches {
                unsettled.insert(Offset(at + gap), Offset(at + gap + length));
                at += gap + length;
            }
            Way { planned: Offset(at + rest), unsettled }
        })
    }

    fn any_course() -> impl Strategy<Value = Course> {
        (0..u64::MAX / 2).prop_flat_map(|offset| {
            let places = prop::collection::btree_map("[a-z:._-]{1,20}", any_way(offset), 1..6);
            (any::<u64>(), places).prop_map(|(era, places)| {
                let places = places.into_iter().map(|(name, way)| (SinkName(name.into()), way));
                Course { era, places: places.collect() }
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(course in any_course()) {
            let commit = encode(&course).unwrap();
            prop_assert_eq!(commit.offset, course.settled_before().unwrap());
            prop_assert_eq!(decode(&commit), Ok(Some(course)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "weir:1:[0-9a-z=.;:]{0,40}", offset: u64) {
            let _ = decode(&commit(offset, &text));
        }

        #[test]
        fn as_many_batches_as_are_allowed_fit(count in 1_usize..30, length in 1_usize..64, offset in 0..u64::MAX / 2) {
            let names: Vec<SinkName> = (0..count).map(|n| SinkName(format!("{n:0length$}").into())).collect();
            let allowed = super::super::unsettled_max(&names) as u64;
            let batches = (0..allowed).map(|n| (Offset(offset + n * 60_000), Offset(offset + n * 60_000 + 50_000)));
            let way = Way { planned: Offset(offset + (1 << 40)), unsettled: batches.collect() };
            let places = names.into_iter().map(|name| (name, way.clone())).collect();
            let commit = encode(&Course { era: u64::MAX >> 24, places }).unwrap();
            prop_assert!(commit.metadata.len() <= super::super::METADATA_MAX_BYTES, "{}", commit.metadata.len());
        }
    }
}
