//! Values that are many and small, copied side by side.

use bytes::{Bytes, BytesMut};

/// They are copied into pieces of this size, each of which lives as long as one of its values.
const PIECE_BYTES: usize = 16 << 10;
/// A value of more bytes than this has memory of its own.
const SHARED_MAX_BYTES: usize = 2 << 10;

/// What is left of the last piece. Clones begin pieces of their own.
#[derive(Clone, Debug, Default)]
pub struct Pieces(BytesMut);

impl Pieces {
    /// A copy of these bytes, one behind the other.
    pub fn keep(&mut self, parts: [&[u8]; 2]) -> Bytes {
        let size = parts[0].len() + parts[1].len();
        if size > SHARED_MAX_BYTES {
            return Bytes::from(parts.concat());
        }
        if size > self.0.capacity() {
            self.0 = BytesMut::with_capacity(PIECE_BYTES);
        }
        self.0.extend_from_slice(parts[0]);
        self.0.extend_from_slice(parts[1]);
        self.0.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_kept_stays_what_it_was(sizes in prop::collection::vec((0_usize..3, 0_usize..3_000), 0..40)) {
            let bytes = |place: usize, size| vec![u8::try_from(place).unwrap(); size];
            let values = sizes.iter().enumerate().map(|(at, (first, second))| (bytes(at, *first), bytes(at + 1, *second)));
            let values: Vec<_> = values.collect();
            let mut pieces = Pieces::default();
            let kept: Vec<Bytes> = values.iter().map(|(first, second)| pieces.keep([first, second])).collect();
            for ((first, second), kept) in values.into_iter().zip(kept) {
                prop_assert_eq!([first, second].concat(), kept);
            }
        }
    }
}
