//! How a block lies in its row: as it is, or compressed where that is shorter.

use crate::lineage::Damaged;
use crate::postgres::fault::Fault;

/// In the byte that begins a row's items.
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
const LEVEL: i32 = 3;
/// A block is small, unless one item alone is larger; no record is larger than this.
const BLOCK_MAX_BYTES: usize = 16 << 20;

/// Packs blocks, one after the other.
pub(super) struct Packing {
    compressor: zstd::bulk::Compressor<'static>,
    decompressor: zstd::bulk::Decompressor<'static>,
}

impl Packing {
    pub fn new() -> Result<Self, Fault> {
        let no_memory = |error: std::io::Error| Fault::Retry(error.to_string());
        Ok(Self {
            compressor: zstd::bulk::Compressor::new(LEVEL).map_err(no_memory)?,
            decompressor: zstd::bulk::Decompressor::new().map_err(no_memory)?,
        })
    }

    /// A row's items.
    pub fn pack(&mut self, block: &[u8]) -> Vec<u8> {
        let (form, content) = match self.compressor.compress(block) {
            Ok(packed) if packed.len() < block.len() => (ZSTD, packed),
            // Whatever was wrong with it, the block itself will do.
            _ => (PLAIN, block.to_vec()),
        };
        let mut items = vec![form];
        items.extend_from_slice(&content);
        items
    }

    /// The block in a row's items.
    pub fn unpack(&mut self, items: &[u8]) -> Result<Vec<u8>, Damaged> {
        match items.split_first().ok_or(Damaged)? {
            (&PLAIN, block) => Ok(block.to_vec()),
            (&ZSTD, packed) => {
                let bytes = zstd::bulk::Decompressor::upper_bound(packed).ok_or(Damaged)?;
                if bytes > BLOCK_MAX_BYTES {
                    return Err(Damaged);
                }
                self.decompressor.decompress(packed, bytes).map_err(|_| Damaged)
            }
            _ => Err(Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_and_what_rotted_is_told() {
        let mut packing = Packing::new().unwrap();
        for block in [Vec::new(), vec![7], b"file:in-1.csv".repeat(300), (0..=255).collect()] {
            let items = packing.pack(&block);
            assert!(items.len() <= block.len() + 1);
            assert_eq!(packing.unpack(&items), Ok(block.clone()));
            assert_eq!(packing.unpack(&[&[9], &items[1..]].concat()), Err(Damaged));
        }
        let items = packing.pack(&[7; 3_000]);
        assert_eq!(packing.unpack(&items[..items.len() - 1]), Err(Damaged));
        assert_eq!(packing.unpack(&[]), Err(Damaged));
    }
}
