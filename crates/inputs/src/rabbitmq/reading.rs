//! From a queue into the log, for ever.

use std::sync::Arc;

use weir_connect::{Fault, SettingsError};
use weir_core::message::Content;
use weir_core::world::{Clock, Random};

use super::Delivery;
use super::message::content;
use super::queue::Queue;
use super::settings::RabbitInputSettings;
use crate::{Closed, Door, Standing};

/// Reads the queue until the log is closed. Fails at once where the settings cannot be used.
pub fn read(
    settings: &RabbitInputSettings,
    door: Arc<Door>,
    standing: Arc<Standing>,
    (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
) -> Result<impl Future<Output = ()> + Send + use<>, SettingsError> {
    // What can be told of the files is told at the start.
    settings.tls.client_config()?;
    let reading = Reading {
        queue: Queue::new(settings.address()?, settings.clone()),
        name: settings.queue.clone(),
        rejects: settings.rejects,
        door,
        clock,
        random,
    };
    Ok(reading.run(standing))
}

struct Reading {
    queue: Queue,
    name: String,
    rejects: bool,
    door: Arc<Door>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Reading {
    async fn run(mut self, standing: Arc<Standing>) {
        loop {
            match self.step().await {
                Ok(Ok(())) => standing.well(),
                Ok(Err(Closed)) => return,
                Err(fault) => standing.troubled(fault.to_string()).await,
            }
        }
    }

    async fn step(&mut self) -> Result<Result<(), Closed>, Fault> {
        let given = self.queue.next().await?;
        let (all, rejected) = self.content(&given);
        if self.door.take_in(all).await.is_err() {
            return Ok(Err(Closed));
        }
        self.queue.settle(&given, &rejected).await.map(Ok)
    }

    /// The events, and which messages go back as they hold something else.
    fn content(&self, given: &[Delivery]) -> (Content, Vec<u64>) {
        let (mut all, mut rejected) = (Content::default(), Vec::new());
        for delivery in given {
            let found =
                content(&self.door.reader, &self.name, delivery, self.clock.now(), self.random.next());
            let goes_back = self.rejects && !found.unreadable.is_empty() && found.records.is_empty();
            match goes_back {
                true => rejected.push(delivery.delivery_tag),
                false => all.unreadable.extend(found.unreadable),
            }
            all.records.extend(found.records);
        }
        (all, rejected)
    }
}
