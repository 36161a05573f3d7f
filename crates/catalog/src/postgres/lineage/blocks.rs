//! The table `blocks`.
//!
//! **Constraint.** Keys that are expected are looked for together, and a block that was fetched is not fetched again. Whoever
//! goes over a whole set gets it page by page.

use futures::future::try_join_all;
use tokio_postgres::Row;

use super::tables::PostgresTables;
use crate::lineage::Damaged;
use crate::lineage::shelf::{Blocks, Found, Part, Place, Take};
use crate::postgres::fault::Fault;

/// A block and the bound of the next, for each key.
const FIND: &str = "
    SELECT b.first, b.items, (SELECT n.first FROM weir_lineage.blocks n
        WHERE n.trace = $1 AND n.part = $2 AND n.first > b.first ORDER BY n.first LIMIT 1)
    FROM weir_lineage.blocks b WHERE b.trace = $1 AND b.part = $2 AND b.first = ANY (ARRAY(
        SELECT DISTINCT (SELECT f.first FROM weir_lineage.blocks f
            WHERE f.trace = $1 AND f.part = $2 AND f.first <= k.key ORDER BY f.first DESC LIMIT 1)
        FROM unnest($3::bytea[]) AS k(key)))";
const EACH: &str = "SELECT first, items FROM weir_lineage.blocks
    WHERE trace = $1 AND part = $2 AND first > $3 ORDER BY first LIMIT $4";
const EACH_BACK: &str = "SELECT first, items FROM weir_lineage.blocks
    WHERE trace = $1 AND part = $2 AND first < $3 ORDER BY first DESC LIMIT $4";
const LAST: &str = "SELECT first, items FROM weir_lineage.blocks
    WHERE trace = $1 AND part = $2 ORDER BY first DESC LIMIT 1";
/// Blocks that are fetched together: few at first, as most who look at some look at few.
const FIRST_PAGE_BLOCKS: i64 = 4;
const PAGE_MAX_BLOCKS: i64 = 512;

impl PostgresTables<'_> {
    /// Fetches the blocks in which these keys lie, all in one exchange.
    fn fetch(&mut self, wanted: &[(Place, Vec<Vec<u8>>)]) -> Result<(), Fault> {
        let find = self.session.statement(FIND)?;
        let queries = wanted.iter().map(async |(Place { trace, part }, keys)| {
            self.session.client().query(&find, &[trace, &(*part as i16), keys]).await
        });
        let found = self.session.run(try_join_all(queries))?;
        for ((place, _), rows) in wanted.iter().zip(found) {
            if rows.is_empty() {
                // Every part that has a block has one below all keys.
                self.shelves.add(*place, Found::default(), 0);
            }
            rows.iter().try_for_each(|row| self.take_up(*place, row, row.try_get(2)?))?;
        }
        Ok(())
    }

    /// Takes up a block of which a row tells the bound and the items.
    pub(super) fn take_up(&mut self, place: Place, row: &Row, upper: Option<Vec<u8>>) -> Result<(), Fault> {
        let items: &[u8] = row.try_get("items")?;
        let block = self.packing.unpack(items)?;
        self.shelves.add(place, Found { first: row.try_get("first")?, upper, block }, items.len());
        Ok(())
    }

    /// Hands blocks on, page by page, and begins each page after the last block of the one before.
    fn pages(
        &mut self,
        query: &'static str,
        place: Place,
        mut bound: Vec<u8>,
        take: Take<'_, Fault>,
    ) -> Result<(), Fault> {
        let mut limit = FIRST_PAGE_BLOCKS;
        loop {
            let rows = self.session.query(query, &[&place.trace, &(place.part as i16), &bound, &limit])?;
            for row in &rows {
                let block = self.packing.unpack(row.try_get("items")?)?;
                if take(&block)?.is_break() {
                    return Ok(());
                }
            }
            match rows.last() {
                Some(last) if rows.len() as i64 == limit => bound = last.try_get("first")?,
                _ => return Ok(()),
            }
            limit = PAGE_MAX_BLOCKS.min(limit * 8);
        }
    }
}

impl Blocks for PostgresTables<'_> {
    type Error = Fault;
    /// Packed, four or more lie in a page.
    const BLOCK_MAX_BYTES: usize = 4_000;
    const IS_FAR: bool = true;

    fn expect(&mut self, place: Place, keys: &mut dyn Iterator<Item = Vec<u8>>) -> Result<(), Fault> {
        if self.shelves.is_whole(place.trace) {
            return Ok(());
        }
        self.expect_all(vec![(place, keys.collect())])
    }

    fn expect_all(&mut self, mut wanted: Vec<(Place, Vec<Vec<u8>>)>) -> Result<(), Fault> {
        for (place, keys) in &mut wanted {
            keys.retain(|key| !self.shelves.has(*place, key));
            keys.sort_unstable();
            keys.dedup();
        }
        wanted.retain(|(_, keys)| !keys.is_empty());
        if wanted.is_empty() { Ok(()) } else { self.fetch(&wanted) }
    }

    fn find(&mut self, place: Place, key: &[u8]) -> Result<Found, Fault> {
        if !self.shelves.has(place, key) {
            self.fetch(&[(place, vec![key.to_vec()])])?;
        }
        let is_lost = || Fault::Broken("a set of blocks does not begin at its beginning".to_owned());
        self.shelves.find(place, key).ok_or_else(is_lost)
    }

    fn put(&mut self, place: Place, first: &[u8], block: &[u8]) -> Result<(), Fault> {
        self.shelves.put(place, first, block);
        Ok(())
    }

    fn each(&mut self, place: Place, from: &[u8], take: Take<'_, Fault>) -> Result<(), Fault> {
        let Found { first, block, .. } = self.find(place, from)?;
        if block.is_empty() || take(&block)?.is_break() {
            return Ok(());
        }
        self.pages(EACH, place, first, take)
    }

    fn each_back(&mut self, place: Place, from: Option<&[u8]>, take: Take<'_, Fault>) -> Result<(), Fault> {
        let (first, block) = match from {
            Some(from) => {
                let found = self.find(place, from)?;
                (found.first, found.block)
            }
            None => {
                let last = self.session.query(LAST, &[&place.trace, &(place.part as i16)])?;
                let Some(last) = last.first() else { return Ok(()) };
                (last.try_get("first")?, self.packing.unpack(last.try_get("items")?)?)
            }
        };
        if block.is_empty() || take(&block)?.is_break() {
            return Ok(());
        }
        self.pages(EACH_BACK, place, first, take)
    }
}

/// What stands on disk for a part.
pub(super) fn part_of(number: i16) -> Result<Part, Fault> {
    let found = Part::ALL.into_iter().find(|part| *part as i16 == number);
    Ok(found.ok_or(Damaged)?)
}
