//! The names of a trace that some records concern: found by digest, numbered where they are new, and, where they stand
//! for nodes, with what is known of these.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use weir_core::lineage::{Databases, Figures, Join, Node, NodeFacts};

use super::block::Item;
use super::bytes::Damaged;
use super::digest_item::{DigestItem, digest, upper};
use super::name_item::NameItem;
use super::record_body::Numbers;
use super::row::TraceRow;
use super::shelf::{self, Blocks, Part, Place, Reader};

/// Names that were given numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNames {
    /// Where a run begins of those whose numbers within the trace, and among all, follow one another: the first one's two
    /// numbers.
    pub runs: Vec<(u32, i64)>,
    /// The digests of those that stand for nodes.
    pub digests: Vec<u64>,
}

/// The names at hand.
pub struct Names {
    trace: i64,
    by_text: HashMap<Box<str>, u32>,
    items: BTreeMap<u32, NameItem>,
    kept: Reader<NameItem>,
    digests: Reader<DigestItem>,
    /// From this number on, names are new.
    first_new: u32,
    new_digests: Vec<(u32, u64)>,
    changed: BTreeSet<u32>,
    /// Roots that were touched, with the node as it was; `None` where there was none.
    before: BTreeMap<u32, Option<Node>>,
}

impl Numbers for Names {
    fn of_name(&self, name: &str) -> u32 {
        // Every name of the records at hand was numbered.
        self.by_text.get(name).copied().unwrap_or_default()
    }

    fn of_word(&self, word: &str) -> u32 {
        self.of_name(&NameItem::of_word(word))
    }
}

impl Names {
    /// Finds the names, and numbers those that are new.
    pub fn number<'t, B: Blocks>(
        blocks: &mut B,
        row: &mut TraceRow,
        texts: impl Iterator<Item = &'t str>,
        next_id: &mut dyn FnMut() -> i64,
    ) -> Result<Self, B::Error> {
        let place = |part| Place { trace: row.id, part };
        let mut names = Self {
            trace: row.id,
            by_text: HashMap::new(),
            items: BTreeMap::new(),
            kept: Reader::new(place(Part::Names)),
            digests: Reader::new(place(Part::Digests)),
            first_new: row.names,
            new_digests: Vec::new(),
            changed: BTreeSet::new(),
            before: BTreeMap::new(),
        };
        let mut by_digest: Vec<(u64, &str)> = texts.map(|text| (digest(text), text)).collect();
        by_digest.sort_unstable();
        by_digest.dedup();
        let mut new = names.find(blocks, by_digest)?;
        // In the order of the texts: neighbours have much in common, which is then written once.
        new.sort_unstable_by_key(|(_, text)| *text);
        for (digest, text) in new {
            names.add(row, digest, text, next_id);
        }
        Ok(names)
    }

    /// Finds those that are known; what is left is new.
    fn find<'t, B: Blocks>(
        &mut self,
        blocks: &mut B,
        by_digest: Vec<(u64, &'t str)>,
    ) -> Result<Vec<(u64, &'t str)>, B::Error> {
        let place = |part| Place { trace: self.trace, part };
        let prefix = |digest: u64| upper(digest).to_be_bytes();
        let mut prefixes = by_digest.iter().map(|(digest, _)| prefix(*digest).to_vec());
        blocks.expect(place(Part::Digests), &mut prefixes)?;
        let mut candidates: Vec<(usize, u32)> = Vec::new();
        for (index, (digest, _)) in by_digest.iter().enumerate() {
            let take = |item: &DigestItem| candidates.push((index, item.number));
            self.digests.each_with_prefix(blocks, &prefix(*digest), take)?;
        }
        let mut numbers = candidates.iter().map(|(_, number)| number.to_be_bytes().to_vec());
        blocks.expect(place(Part::Names), &mut numbers)?;
        for (index, number) in candidates {
            let text = by_digest[index].1;
            if &*self.load(blocks, number)?.name == text {
                self.by_text.insert(text.into(), number);
            }
        }
        let is_new = |(_, text): &(u64, &str)| !self.by_text.contains_key(*text);
        Ok(by_digest.into_iter().filter(is_new).collect())
    }

    fn add(&mut self, row: &mut TraceRow, digest: u64, text: &str, next_id: &mut dyn FnMut() -> i64) {
        let item = NameItem::new(row.names, next_id(), text);
        row.names += 1;
        self.new_digests.push((item.number, digest));
        self.by_text.insert(text.into(), item.number);
        self.changed.insert(item.number);
        self.items.insert(item.number, item);
    }

    fn load<B: Blocks>(&mut self, blocks: &mut B, number: u32) -> Result<&mut NameItem, B::Error> {
        if !self.items.contains_key(&number) {
            let key = number.to_be_bytes();
            let items = &self.kept.block(blocks, &key)?.items;
            let place = items.binary_search_by_key(&number, |item| item.number).map_err(|_| Damaged)?;
            self.items.insert(number, items[place].clone());
        }
        Ok(self.items.get_mut(&number).ok_or(Damaged)?)
    }

    /// The name under which the node of this one is kept.
    fn root<B: Blocks>(&mut self, blocks: &mut B, number: u32) -> Result<u32, B::Error> {
        Ok(self.load(blocks, number)?.root.unwrap_or(number))
    }

    /// Joins what is told of a name to its node.
    pub fn tell<B: Blocks>(
        &mut self,
        blocks: &mut B,
        name: &str,
        mut facts: NodeFacts,
    ) -> Result<(), B::Error> {
        let number = self.of_name(name);
        let root = self.root(blocks, number)?;
        self.remember(blocks, root)?;
        if std::mem::take(&mut facts.is_alias) {
            self.load(blocks, number)?.is_alias = true;
            self.changed.insert(number);
        }
        self.load(blocks, root)?.facts.join(facts);
        self.changed.insert(root);
        Ok(())
    }

    /// Makes the nodes of two names one.
    pub fn unite<B: Blocks>(
        &mut self,
        blocks: &mut B,
        row: &mut TraceRow,
        one: &str,
        other: &str,
    ) -> Result<(), B::Error> {
        let one = self.root(blocks, self.of_name(one))?;
        let other = self.root(blocks, self.of_name(other))?;
        if one == other {
            return Ok(());
        }
        self.remember(blocks, one)?;
        self.remember(blocks, other)?;
        let (kept, given_up) = (one.min(other), one.max(other));
        let item = self.load(blocks, given_up)?;
        let (facts, mut moved) = (std::mem::take(&mut item.facts), std::mem::take(&mut item.others));
        moved.push(given_up);
        for number in &moved {
            self.load(blocks, *number)?.root = Some(kept);
        }
        let item = self.load(blocks, kept)?;
        item.facts.join(facts);
        item.others.extend(&moved);
        item.others.sort_unstable();
        self.changed.extend(moved);
        self.changed.insert(kept);
        row.aliases += 1;
        Ok(())
    }

    /// Keeps a node as it is before the first change.
    fn remember<B: Blocks>(&mut self, blocks: &mut B, root: u32) -> Result<(), B::Error> {
        if !self.before.contains_key(&root) {
            let node = if root >= self.first_new { None } else { Some(self.node(blocks, root)?) };
            self.before.insert(root, node);
        }
        Ok(())
    }

    fn node<B: Blocks>(&mut self, blocks: &mut B, root: u32) -> Result<Node, B::Error> {
        let item = self.load(blocks, root)?.clone();
        let others = item.others.iter().map(|other| Ok(self.load(blocks, *other)?.named()));
        let others = others.collect::<Result<Vec<_>, B::Error>>()?;
        Ok(item.node(others))
    }

    /// What the changes make of the figures and the databases.
    pub fn count<B: Blocks>(&mut self, blocks: &mut B, figures: &mut Figures) -> Result<Databases, B::Error> {
        let mut databases = Databases::default();
        let before = std::mem::take(&mut self.before);
        for node in before.values().flatten() {
            figures.add(&Figures::of(node), -1);
            databases.add(node, -1);
        }
        let mut roots = BTreeSet::new();
        for root in before.keys() {
            roots.insert(self.root(blocks, *root)?);
        }
        for root in roots {
            let node = self.node(blocks, root)?;
            figures.add(&Figures::of(&node), 1);
            databases.add(&node, 1);
        }
        Ok(databases)
    }

    /// Writes what has changed, and tells what is new.
    pub fn keep<B: Blocks>(self, blocks: &mut B) -> Result<Option<NewNames>, B::Error> {
        let place = |part| Place { trace: self.trace, part };
        let digests = self.new_digests.iter();
        let digests = digests.map(|(number, digest)| DigestItem { digest: upper(*digest), number: *number });
        let mut digests: Vec<DigestItem> = digests.collect();
        digests.sort_unstable_by(DigestItem::compare);
        shelf::join(blocks, place(Part::Digests), digests)?;
        let is_node = |number: &u32| self.items.get(number).is_some_and(|item| item.word().is_none());
        let digests = self.new_digests.iter().filter(|(number, _)| is_node(number));
        let digests = digests.map(|(_, digest)| *digest).collect();
        let (mut runs, mut next_id) = (Vec::new(), None);
        for (number, item) in self.items.range(self.first_new..) {
            if next_id != Some(item.id) {
                runs.push((*number, item.id));
            }
            next_id = item.id.checked_add(1);
        }
        let new = (!runs.is_empty()).then_some(NewNames { runs, digests });
        let changed = self.items.into_values().filter(|item| self.changed.contains(&item.number)).collect();
        shelf::join(blocks, place(Part::Names), changed)?;
        Ok(new)
    }
}
