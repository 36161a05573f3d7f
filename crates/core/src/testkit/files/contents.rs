//! The contract of every store of contents.

use std::path::PathBuf;

use bytes::Bytes;
use futures::TryStreamExt;

use crate::files::{ByteRange, ContentHash, ContentListing, ContentRef, ContentStore, Packed};

/// Runs it against a store that is empty. `stage` has the bytes lie packed in a file of the local disk.
pub async fn content_contract(
    store: &dyn ContentStore,
    largest_bytes: usize,
    stage: impl Fn(&[u8]) -> (ContentHash, PathBuf),
) {
    what_is_put_is_read_whole_and_in_part(store, largest_bytes, &stage).await;
    what_is_there_is_listed_in_order_page_by_page(store, &stage).await;
}

async fn what_is_put_is_read_whole_and_in_part(
    store: &dyn ContentStore,
    largest_bytes: usize,
    stage: &impl Fn(&[u8]) -> (ContentHash, PathBuf),
) {
    let sizes = [0, 1, (1 << 20) + 7];
    let kept = sizes.map(|size| (size, true)).into_iter().chain(sizes.map(|size| (size, false)));
    for (size, is_here) in kept.chain([(largest_bytes, false)]) {
        let bytes = noise(size);
        let (hash, staged) = stage(&bytes);
        let content = ContentRef { hash, id: -7 };
        assert!(store.read(content, range(0, 0)).await.unwrap().is_none(), "it was there before");
        let packed = Bytes::from(std::fs::read(&staged).unwrap());
        let packed = if is_here { Packed::Here(&packed) } else { Packed::File(&staged) };
        store.keep(content, packed).await.unwrap();
        assert!(read(store, content, 0, size).await == bytes, "{size} bytes are not what was put");
        for (start, end) in [(0, size.min(1)), (size / 3, size / 2), (size.saturating_sub(9), size)] {
            assert!(read(store, content, start, end).await == bytes[start..end], "{start}..{end} of {size}");
        }
        for _ in 0..2 {
            store.remove(content).await.unwrap();
            assert!(store.read(content, range(0, 0)).await.unwrap().is_none(), "it is there after its end");
        }
    }
    assert!(store.list(None, 10).await.unwrap().is_empty());
}

async fn what_is_there_is_listed_in_order_page_by_page(
    store: &dyn ContentStore,
    stage: &impl Fn(&[u8]) -> (ContentHash, PathBuf),
) {
    let mut put = Vec::new();
    for text in ["a", "b", "c"] {
        for id in [i64::MAX, 0, -1, i64::MIN] {
            let (hash, staged) = stage(text.as_bytes());
            let content = ContentRef { hash, id };
            store.keep(content, Packed::File(&staged)).await.unwrap();
            put.push(content);
        }
    }
    put.sort_unstable();
    for limit in [1, 5, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page: Vec<ContentListing> = store.list(after, limit).await.unwrap();
            assert!(page.len() <= limit && page.iter().all(|listing| listing.stored_bytes > 0));
            let Some(last) = page.last() else { break };
            after = Some(last.content);
            found.extend(page.iter().map(|listing| listing.content));
        }
        assert_eq!(found, put, "{limit} at once");
    }
    assert_eq!(store.clear().await.unwrap(), 0, "nothing was left half put");
    for content in put {
        store.remove(content).await.unwrap();
    }
}

async fn read(store: &dyn ContentStore, content: ContentRef, start: usize, end: usize) -> Vec<u8> {
    let reader = store.read(content, range(start, end)).await.unwrap().expect("it is not there");
    let pieces: Vec<Bytes> = reader.try_collect().await.unwrap();
    pieces.concat()
}

fn range(start: usize, end: usize) -> ByteRange {
    ByteRange { start: start as u64, end: end as u64 }
}

/// Bytes that hardly pack.
fn noise(size: usize) -> Vec<u8> {
    let mut state = size as u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(|_| next()).collect()
}
