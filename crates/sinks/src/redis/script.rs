//! What Redis is told to do with a batch.

use std::time::Duration;

use anyhow::anyhow;
use weir_connect::redis::{Cmd, Value, cmd, from_redis_value, in_slot_of};
use weir_core::sink::SinkError;

use super::entries::EntryFields;

/// Adds entries to the stream, unless the batch is noted already, and notes it; then trims the stream.
///
/// Keys: the stream, the notes. Arguments: the batch's name, how many names are kept, the most entries, the greatest age in
/// milliseconds (empty: none), then id and event of each entry.
const ADD: &str = "\
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
for at = 5, #ARGV, 2 do
    redis.call('XADD', KEYS[1], '*', 'id', ARGV[at], 'event', ARGV[at + 1])
end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[2] - 1)
if ARGV[3] ~= '' then redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[3]) end
if ARGV[4] ~= '' then
    redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', now[1] * 1000 - ARGV[4]))
end
return 1";

/// What the key holds.
const LOOK: &str = "return redis.call('TYPE', KEYS[1]).ok";

/// Names of batches that are kept beside each stream.
const NAMES_KEPT: usize = 10_000;
const NOTES_PREFIX: &str = "weir:batches:";

/// What goes of a stream that grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trimming {
    pub max_length: Option<u64>,
    pub max_age: Option<Duration>,
}

pub(super) fn add(batch: &str, key: &str, entries: &[EntryFields], trimming: Trimming) -> Cmd {
    let limit = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let max_age_ms = trimming.max_age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let mut command = cmd("EVAL");
    command.arg(ADD).arg(2).arg(key).arg(in_slot_of(key, NOTES_PREFIX));
    command.arg(batch).arg(NAMES_KEPT).arg(limit(trimming.max_length)).arg(limit(max_age_ms));
    for EntryFields { id, event } in entries {
        command.arg(id).arg(&event[..]);
    }
    command
}

/// Whether the batch was not noted yet.
pub(super) fn is_new(answer: &Value) -> bool {
    *answer != Value::Int(0)
}

pub(super) fn look(key: &str) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(LOOK).arg(1).arg(key);
    command
}

/// Whether entries can be added to what the key holds.
pub(super) fn checked(key: &str, answer: Value) -> Result<(), SinkError> {
    match from_redis_value::<String>(answer).as_deref() {
        Ok("none" | "stream") => Ok(()),
        Ok(other) => Err(SinkError::Blocked {
            cause: anyhow!("the key {key:?} holds a {other} and no stream: choose another, or delete it"),
        }),
        Err(error) => {
            Err(SinkError::retry(anyhow!("what the server says of {key:?} cannot be read: {error}")))
        }
    }
}
