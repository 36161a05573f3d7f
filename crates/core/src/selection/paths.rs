//! Many pointers as one tree of steps, so that each object on their way is walked once.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::formats::pick::Pointer;

/// The pointers, with the steps that they share joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    steps: Vec<Step>,
    /// How many pointers there are.
    count: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    name: String,
    /// The pointers that end here.
    ends: Vec<usize>,
    further: Vec<Step>,
}

/// The latest value at each first step.
pub(super) struct Latest<'a>(Vec<Option<&'a RawValue>>);

impl Paths {
    pub fn of<'p>(pointers: impl Iterator<Item = &'p Pointer>) -> Self {
        let mut paths = Self::default();
        for pointer in pointers {
            insert(&mut paths.steps, pointer.steps(), paths.count);
            paths.count += 1;
        }
        paths
    }

    /// What stands at each pointer of this object.
    pub fn find<'a>(&self, object: &'a str) -> serde_json::Result<Vec<Option<&'a RawValue>>> {
        let mut json = serde_json::Deserializer::from_str(object);
        let latest = json.deserialize_map(Walk { steps: &self.steps })?;
        json.end()?;
        self.descend(Latest(latest))
    }

    pub fn watch<'a>(&self) -> Latest<'a> {
        Latest(vec![None; self.steps.len()])
    }

    pub fn note<'a>(&self, latest: &mut Latest<'a>, name: &str, value: &'a RawValue) {
        if let Some(place) = self.steps.iter().position(|step| step.name == name) {
            latest.0[place] = Some(value);
        }
    }

    /// From the first steps on to the ends.
    pub fn descend<'a>(&self, latest: Latest<'a>) -> serde_json::Result<Vec<Option<&'a RawValue>>> {
        let mut found = vec![None; self.count];
        descend(&self.steps, latest.0, &mut found)?;
        Ok(found)
    }
}

fn insert(steps: &mut Vec<Step>, names: &[String], end: usize) {
    let Some((name, rest)) = names.split_first() else { return };
    let place = match steps.iter().position(|step| step.name == *name) {
        Some(place) => place,
        None => {
            steps.push(Step { name: name.clone(), ends: Vec::new(), further: Vec::new() });
            steps.len() - 1
        }
    };
    match rest {
        [] => steps[place].ends.push(end),
        rest => insert(&mut steps[place].further, rest, end),
    }
}

/// No deeper than the longest pointer.
fn descend<'a>(
    steps: &[Step],
    values: Vec<Option<&'a RawValue>>,
    found: &mut [Option<&'a RawValue>],
) -> serde_json::Result<()> {
    for (step, value) in steps.iter().zip(values) {
        let Some(value) = value else { continue };
        for end in &step.ends {
            found[*end] = Some(value);
        }
        let is_structure = value.get().starts_with(['{', '[']);
        if is_structure && !step.further.is_empty() {
            let mut json = serde_json::Deserializer::from_str(value.get());
            let within = json.deserialize_any(Walk { steps: &step.further })?;
            descend(&step.further, within, found)?;
        }
    }
    Ok(())
}

/// Walks over one object or array; gives the last value at each of its steps.
struct Walk<'s> {
    steps: &'s [Step],
}

impl<'a> Visitor<'a> for Walk<'_> {
    type Value = Vec<Option<&'a RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut values = vec![None; self.steps.len()];
        while let Some(place) = members.next_key_seed(Name { steps: self.steps })? {
            match place {
                Some(place) => values[place] = Some(members.next_value()?),
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut elements: S) -> Result<Self::Value, S::Error> {
        let indices: Vec<Option<usize>> = self.steps.iter().map(|step| index(&step.name)).collect();
        let mut values = vec![None; self.steps.len()];
        let mut at = 0;
        while let Some(element) = elements.next_element::<&RawValue>()? {
            for (value, _) in values.iter_mut().zip(&indices).filter(|(_, index)| **index == Some(at)) {
                *value = Some(element);
            }
            at += 1;
        }
        Ok(values)
    }
}

/// An array's index as RFC 6901 writes it: digits, no zero before others.
fn index(step: &str) -> Option<usize> {
    let plain = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
    step.parse().ok().filter(|_| plain)
}

/// Reads a member's name: the step of that name.
struct Name<'s> {
    steps: &'s [Step],
}

impl<'a> DeserializeSeed<'a> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.steps.iter().position(|step| step.name == name))
    }
}
