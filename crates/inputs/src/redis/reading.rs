//! From streams into the log, for ever.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use weir_connect::redis::RedisClient;
use weir_connect::{Fault, SettingsError};
use weir_core::message::Content;

use super::entry::Found;
use super::group::Group;
use super::message::content;
use super::settings::RedisInputSettings;
use crate::{Closed, Door, Standing};

const TRIM_INTERVAL: Duration = Duration::from_secs(10);

/// Reads every stream until the log is closed. Fails at once where the settings cannot be used.
pub fn read(
    settings: &RedisInputSettings,
    door: &Arc<Door>,
    standing: &Arc<Standing>,
) -> Result<impl Future<Output = ()> + Send + use<>, SettingsError> {
    // What can be told of the files is told at the start.
    settings.tls.client_config()?;
    let address = settings.address()?;
    let reading = |key: &String| {
        let client = RedisClient::new(address.clone(), settings.tls.clone());
        let group = Group::new(client, settings.clone(), key);
        one(group, settings.trims, door.clone(), standing.clone())
    };
    let all: Vec<_> = settings.keys.iter().map(reading).collect();
    Ok(async move { drop(join_all(all).await) })
}

async fn one(mut group: Group, trims: bool, door: Arc<Door>, standing: Arc<Standing>) {
    let mut trim_at = Instant::now();
    loop {
        let step = async {
            let found = group.next().await?;
            let all_is_in = take_in(&door, group.key(), &found).await;
            if all_is_in.is_ok() && !found.is_empty() {
                group.acknowledge(found.ids()).await?;
                standing.lose(found.gone.len());
            }
            if trims && Instant::now() >= trim_at {
                trim_at = Instant::now() + TRIM_INTERVAL;
                group.trim().await?;
            }
            Ok::<_, Fault>(all_is_in)
        };
        match step.await {
            Ok(Ok(())) => standing.well(),
            Ok(Err(Closed)) => return,
            Err(fault) => standing.troubled(fault.to_string()).await,
        }
    }
}

async fn take_in(door: &Door, key: &str, found: &Found) -> Result<(), Closed> {
    let mut all = Content::default();
    for entry in &found.entries {
        all.append(content(&door.reader, key, entry));
    }
    door.take_in(all).await
}
