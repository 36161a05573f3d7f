//! The way from a name to its number.

use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use super::block::Item;
use super::bytes::{Damaged, Input, put_number};

/// A name's number under the name's digest. Names may share a digest; the name itself decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestItem {
    pub digest: u32,
    pub number: u32,
}

/// The digest of a name. The same for ever: it stands on disk. Its upper half is [`DigestItem::digest`].
pub fn digest(name: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&Sha256::digest(name.as_bytes())[..8]);
    u64::from_be_bytes(bytes)
}

/// The half of a digest that tells names of one trace apart.
pub fn upper(digest: u64) -> u32 {
    (digest >> 32) as u32
}

impl Item for DigestItem {
    fn compare(&self, other: &Self) -> Ordering {
        (self.digest, self.number).cmp(&(other.digest, other.number))
    }

    fn key(&self) -> Vec<u8> {
        [self.digest.to_be_bytes(), self.number.to_be_bytes()].concat()
    }

    fn join(&mut self, _: Self) {}

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        put_number(out, u64::from(self.digest - before.map_or(0, |before| before.digest)));
        put_number(out, u64::from(self.number));
    }

    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        let before = before.map_or(0, |before| before.digest);
        let digest = before.checked_add(input.small()?).ok_or(Damaged)?;
        Ok(Self { digest, number: input.small()? })
    }
}
