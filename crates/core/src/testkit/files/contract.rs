//! The contract of a catalog of files, for every implementation.

use bytes::Bytes;

use crate::files::{
    Added, ContentHash, ContentRef, Ending, Fate, FileCatalog, FileFacts, FileFilter, Offer, Owner,
    StoredFile, Totals,
};
use crate::row_id;
use crate::time::Timestamp;

/// A file of ten bytes, with content number `content`.
pub fn facts(key: &str, content: u8) -> FileFacts {
    FileFacts {
        key: key.into(),
        name: key.trim_start_matches("file:").into(),
        group: None,
        trace: None,
        user: None,
        content_type: None,
        hash: ContentHash([content; 32]),
        bytes: 10,
        stored_at: Timestamp::from_micros(1_000 + i64::from(content)),
    }
}

/// What every catalog of files does. `make` gives a new one.
pub async fn catalog_contract<C: FileCatalog>(make: impl AsyncFn() -> C) {
    versions_and_repeats(&make().await).await;
    listing(&make().await).await;
    endings_free_what_nobody_has(&make().await).await;
    small_contents_lie_with_the_rows(&make().await).await;
    totals_follow(&make().await).await;
    acts_are_told_once(&make().await).await;
}

/// A content of this hash, as it is put for the first time.
fn put(hash: ContentHash) -> Offer {
    Offer::Put(ContentRef { hash, id: 1 }, 7)
}

/// Stores a file whose content has just been put.
pub async fn new(catalog: &impl FileCatalog, facts: FileFacts) -> StoredFile {
    let offer = put(facts.hash);
    match catalog.add(facts, offer).await.unwrap() {
        Some(Added::New(file)) => file,
        other => panic!("{other:?}"),
    }
}

fn content(hash: u8, id: i64) -> ContentRef {
    ContentRef { hash: ContentHash([hash; 32]), id }
}

fn deleted() -> Ending {
    Ending::Deleted { by: "somebody".into() }
}

fn later() -> Timestamp {
    Timestamp::from_micros(9_000)
}

async fn versions_and_repeats(catalog: &impl FileCatalog) {
    let first = new(catalog, facts("file:a", 1)).await.id;
    let again = catalog.add(facts("file:a", 1), put(ContentHash([1; 32]))).await.unwrap();
    assert!(matches!(again, Some(Added::Known(file)) if file.id == first), "the same content again");
    let second = new(catalog, facts("file:a", 2)).await.id;
    let third = new(catalog, facts("file:a", 1)).await.id;
    assert!(first < second && second < third);
    for (name, expected) in [
        ("file:a".to_owned(), third),
        (first.to_string(), first),
        (row_id::to_uuid(second).to_string(), second),
    ] {
        assert_eq!(catalog.find(&name).await.unwrap().unwrap().id, expected, "{name}");
    }
    assert_eq!(catalog.find("file:b").await.unwrap(), None);
    assert_eq!(catalog.content(ContentHash([1; 32])).await.unwrap(), Some(content(1, 1)));
    assert_eq!(catalog.content(ContentHash([3; 32])).await.unwrap(), None);
}

async fn listing(catalog: &impl FileCatalog) {
    let of = |group: &str, user: &str| (Some(group.into()), Some(user.into()));
    for (key, content, (group, user)) in
        [("file:a", 1, of("g", "u")), ("file:b", 2, of("g", "v")), ("file:c", 3, of("h", "u"))]
    {
        new(catalog, FileFacts { group, user, ..facts(key, content) }).await;
    }
    let keys = async |filter: FileFilter| {
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page = catalog.list(&filter, after, 1).await.unwrap();
            keys.extend(page.items.iter().map(|file| file.facts.key.trim_start_matches("file:").to_owned()));
            after = page.next;
            if after.is_none() {
                return keys.concat();
            }
        }
    };
    assert_eq!(keys(FileFilter::default()).await, "abc");
    assert_eq!(keys(FileFilter { group: Some("g".into()), ..FileFilter::default() }).await, "ab");
    assert_eq!(keys(FileFilter { user: Some("u".into()), ..FileFilter::default() }).await, "ac");
    assert_eq!(keys(FileFilter { key: Some("file:b".into()), ..FileFilter::default() }).await, "b");
    let (stored_from, stored_to) = (Some(Timestamp::from_micros(1_002)), Some(Timestamp::from_micros(1_003)));
    assert_eq!(keys(FileFilter { stored_from, stored_to, ..FileFilter::default() }).await, "b");
    let ended = catalog.find("file:b").await.unwrap().unwrap().id;
    catalog.end(ended, deleted(), later()).await.unwrap();
    assert_eq!(keys(FileFilter::default()).await, "ac");
    assert_eq!(keys(FileFilter { with_ended: true, ..FileFilter::default() }).await, "abc");
}

async fn endings_free_what_nobody_has(catalog: &impl FileCatalog) {
    let (first, second) = (content(1, 1), content(1, 2));
    let one = new(catalog, facts("file:a", 1)).await.id;
    let relying = catalog.add(facts("file:b", 1), Offer::Kept).await.unwrap();
    let Some(Added::New(two)) = relying else { panic!("{relying:?}") };
    let act = catalog.end(one, deleted(), later()).await.unwrap().unwrap();
    assert_eq!((act.freed_bytes, &act.file.fate), (0, &Fate::Deleted { at: later() }));
    assert_eq!(catalog.end(one, deleted(), later()).await.unwrap(), None, "it ended before");
    assert_eq!(catalog.going(10).await.unwrap(), []);
    catalog.forget(first).await.unwrap();
    assert_eq!(catalog.content(first.hash).await.unwrap(), Some(first), "what is kept is not forgotten");

    let rule: Box<str> = "files.retention.max_age".into();
    let expired = Ending::Expired { rule: rule.clone(), reason: "too old".into() };
    let act = catalog.end(two.id, expired, later()).await.unwrap().unwrap();
    assert_eq!(act.freed_bytes, 7);
    let fate = catalog.find("file:b").await.unwrap().unwrap().fate;
    assert_eq!(fate, Fate::Expired { at: later(), rule });
    assert_eq!(catalog.going(10).await.unwrap(), [first]);
    assert_eq!(catalog.content(first.hash).await.unwrap(), None);
    let relying = catalog.add(facts("file:c", 1), Offer::Kept).await.unwrap();
    assert_eq!(relying, None, "it is to go");
    // Put once more, it has nothing to do with what is still going.
    catalog.add(facts("file:c", 1), Offer::Put(second, 7)).await.unwrap().unwrap();
    assert_eq!(catalog.content(first.hash).await.unwrap(), Some(second));
    let late = catalog.add(facts("file:d", 1), Offer::Put(content(1, 3), 7)).await.unwrap();
    assert!(matches!(late, Some(Added::New(file)) if file.content() == second), "one is kept by now");
    assert_eq!(catalog.contents(None, 10).await.unwrap(), [first, second]);
    catalog.forget(first).await.unwrap();
    assert_eq!(catalog.contents(None, 10).await.unwrap(), [second]);
    assert_eq!(catalog.contents(Some(second), 10).await.unwrap(), []);
}

async fn small_contents_lie_with_the_rows(catalog: &impl FileCatalog) {
    let (first, second) = (content(1, 1), content(1, 2));
    let inline = |content: ContentRef| Offer::Inline(content, Bytes::from_static(b"packed"));
    let added = catalog.add(facts("file:a", 1), inline(first)).await.unwrap();
    let Some(Added::New(one)) = added else { panic!("{added:?}") };
    assert_eq!(one.content(), first);
    assert_eq!(catalog.inline(first).await.unwrap().as_deref(), Some(&b"packed"[..]));
    let again = catalog.add(facts("file:a", 1), inline(second)).await.unwrap();
    assert_eq!(again, Some(Added::Known(one.clone())));
    let added = catalog.add(facts("file:b", 1), inline(second)).await.unwrap();
    let Some(Added::New(two)) = added else { panic!("{added:?}") };
    assert_eq!((two.content(), catalog.inline(second).await.unwrap()), (first, None), "one is kept by now");
    new(catalog, facts("file:c", 3)).await;
    assert_eq!(catalog.inline(content(3, 1)).await.unwrap(), None, "it lies elsewhere");
    assert_eq!(catalog.contents(None, 10).await.unwrap(), [content(3, 1)]);

    assert_eq!(catalog.end(one.id, deleted(), later()).await.unwrap().unwrap().freed_bytes, 0);
    assert_eq!(catalog.end(two.id, deleted(), later()).await.unwrap().unwrap().freed_bytes, 6);
    assert_eq!(catalog.going(10).await.unwrap(), [first]);
    catalog.forget(first).await.unwrap();
    assert_eq!((catalog.going(10).await.unwrap(), catalog.inline(first).await.unwrap()), (Vec::new(), None));
}

async fn totals_follow(catalog: &impl FileCatalog) {
    let owned = |content| FileFacts {
        group: Some("g".into()),
        user: Some("u".into()),
        ..facts(&format!("file:{content}"), content)
    };
    let one = new(catalog, owned(1)).await.id;
    new(catalog, owned(2)).await;
    new(catalog, facts("file:x", 3)).await;
    let totals = async |owner| catalog.totals(&owner).await.unwrap();
    assert_eq!(totals(Owner::All).await, Totals { files: 3, bytes: 30 });
    catalog.end(one, deleted(), later()).await.unwrap();
    assert_eq!(totals(Owner::All).await, Totals { files: 2, bytes: 20 });
    assert_eq!(totals(Owner::Group("g".into())).await, Totals { files: 1, bytes: 10 });
    assert_eq!(totals(Owner::User("u".into())).await, Totals { files: 1, bytes: 10 });
    assert_eq!(totals(Owner::User("v".into())).await, Totals::default());
}

async fn acts_are_told_once(catalog: &impl FileCatalog) {
    let traced = FileFacts { trace: Some("order-1".into()), ..facts("file:a", 1) };
    let one = new(catalog, traced).await.id;
    let two = new(catalog, facts("file:b", 2)).await.id;
    let first = catalog.end(one, deleted(), later()).await.unwrap().unwrap();
    let second = catalog.end(two, deleted(), later()).await.unwrap().unwrap();
    assert!(second.is_told && !first.is_told, "a file of no trace has nobody to tell");
    assert_eq!(catalog.untold(10).await.unwrap(), std::slice::from_ref(&first));
    catalog.told(first.id).await.unwrap();
    assert_eq!(catalog.untold(10).await.unwrap(), []);
    let page = catalog.acts(None, 1).await.unwrap();
    assert_eq!((page.items[0].id, page.next), (second.id, Some(second.id)));
    let page = catalog.acts(page.next, 1).await.unwrap();
    assert_eq!((page.items[0].id, page.next), (first.id, None));
    assert_eq!(page.items[0].ending, deleted());
}
