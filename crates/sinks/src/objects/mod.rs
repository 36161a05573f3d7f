//! The objects sink: files of JSON lines in a bucket (S3, MinIO and the like) or a local folder.
//!
//! **Constraint.** An object's name and bytes follow from its events alone, it is written whole before it can be seen,
//! and what is there is not written again: so a repeat, whenever it comes, finds what it would have made.
//!
//! [`sorting`] makes objects of a batch ([`name`], [`line`]), a [`store`](Store) puts them ([`folder`], [`bucket`]),
//! [`outcome`] tells what became of each event. A name is a path made from a template, of `{year}`, `{month}`, `{day}`,
//! `{hour}`, `{minute}` (numbers, unpadded, UTC), `{stream}`, `{consumer}`, `{environment}` and `{hash}`, which has to
//! be in it. Events of `/store` are another matter ([`store`]). An event that comes again in another batch may be there twice, under the same id.

mod bucket;
mod fault;
mod folder;
mod leftovers;
mod line;
mod name;
mod outcome;
mod settings;
mod sorting;
mod store;

use std::future::Future;

use anyhow::anyhow;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use tokio::time::Instant;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};

use crate::SettingsError;
use bucket::Bucket;
use folder::Folder;
use leftovers::Marks;
use name::NameTemplate;
use outcome::Outcomes;
use settings::Place;
pub use settings::{Compression, EventTime, ObjectsSettings};
use sorting::{Object, Sorted, sort};
pub use weir_connect::s3::{BucketAccess, Credentials};

/// Objects of one delivery that are written at once.
const PUTS_AT_ONCE: usize = 8;

/// Stores events as lines of objects.
pub struct ObjectsSink {
    store: Store,
    template: NameTemplate,
    settings: ObjectsSettings,
}

enum Store {
    Folder(Folder),
    Bucket(Box<Bucket>),
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    New,
    /// An earlier attempt made it.
    There,
}

impl ObjectsSink {
    /// Made ready, without asking the store for anything. What former runs left unfinished in a local folder is
    /// cleared beside.
    pub fn start(settings: ObjectsSettings) -> Result<Self, SettingsError> {
        let template = NameTemplate::parse(&settings)?;
        let store = match settings.place()? {
            Place::Folder(root) => {
                Store::Folder(Folder::start(root, Marks::of(&settings.consumer, &settings.sink)))
            }
            Place::Bucket(place) => Store::Bucket(Box::new(Bucket::start(&settings, place)?)),
        };
        Ok(Self { store, template, settings })
    }

    /// Where the objects go, as it may be shown.
    pub fn address(&self) -> &str {
        match &self.store {
            Store::Folder(folder) => folder.address(),
            Store::Bucket(bucket) => bucket.address(),
        }
    }

    async fn sorted(&self, batch: &Batch) -> Result<Sorted, SinkError> {
        let (batch, template, compression) =
            (batch.clone(), self.template.clone(), self.settings.compression);
        let sorting = tokio::task::spawn_blocking(move || sort(&batch, &template, compression));
        sorting.await.map_err(SinkError::retry)?.map_err(SinkError::retry)
    }

    async fn put(&self, object: &Object) -> Result<Put, SinkError> {
        match &self.store {
            Store::Folder(folder) => folder.put(&object.name, object.body.clone()).await,
            Store::Bucket(bucket) => bucket.put(&object.name, object.body.clone()).await,
        }
    }

    /// Ends a call in time, whatever the store does.
    async fn within<T>(
        &self,
        deadline: Instant,
        call: impl Future<Output = Result<T, SinkError>>,
    ) -> Result<T, SinkError> {
        let late = || {
            let (address, limit) = (self.address(), self.settings.request_timeout);
            SinkError::retry(anyhow!("{address} was not done within {limit:?}"))
        };
        if Instant::now() >= deadline {
            return Err(late());
        }
        tokio::time::timeout_at(deadline, call).await.unwrap_or_else(|_| Err(late()))
    }
}

#[async_trait]
impl Sink for ObjectsSink {
    async fn check(&self) -> Result<(), SinkError> {
        let deadline = Instant::now() + self.settings.request_timeout;
        self.within(deadline, async {
            match &self.store {
                Store::Folder(folder) => folder.check().await,
                Store::Bucket(bucket) => bucket.check().await,
            }
        })
        .await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let deadline = Instant::now() + self.settings.request_timeout;
        let Sorted { objects, repeats, refused } = self.sorted(batch).await?;
        let mut outcomes = Outcomes::new(repeats, refused);
        let put = async |object: Object| {
            let put = self.within(deadline, self.put(&object)).await;
            (object.name, object.events, put)
        };
        let mut puts = stream::iter(objects).map(put).buffer_unordered(PUTS_AT_ONCE);
        while let Some((name, events, put)) = puts.next().await {
            outcomes.add(name, events, put);
        }
        outcomes.receipt()
    }
}
