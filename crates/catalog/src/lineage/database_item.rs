//! Databases, and how many nodes stand for each.

use std::cmp::Ordering;

use super::block::Item;
use super::bytes::{Damaged, Input, put_signed, put_text};

/// A database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseItem {
    pub name: Box<str>,
    /// Joined by adding: what is joined is a change.
    pub nodes: i64,
}

impl Item for DatabaseItem {
    fn compare(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }

    fn key(&self) -> Vec<u8> {
        self.name.as_bytes().to_vec()
    }

    fn join(&mut self, other: Self) {
        self.nodes += other.nodes;
    }

    fn write(&self, _: Option<&Self>, out: &mut Vec<u8>) {
        put_text(out, &self.name);
        put_signed(out, self.nodes);
    }

    fn read(_: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        Ok(Self { name: input.text()?.into(), nodes: input.signed()? })
    }

    /// Those that nothing stands for any more are gone.
    fn tidy(items: Vec<Self>) -> Vec<Self> {
        items.into_iter().filter(|item| item.nodes != 0).collect()
    }
}
