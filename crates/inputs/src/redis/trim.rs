//! Deletes what nobody needs any more.

use weir_connect::Fault;
use weir_connect::redis::{Cmd, Value, cmd, from_redis_value};

/// Deletes the entries before the first that some group has not been given, or has not acknowledged. Without a group
/// nothing is deleted.
const TRIM: &str = "\
local function before(a, b)
    local am, as = string.match(a, '(%d+)-(%d+)')
    local bm, bs = string.match(b, '(%d+)-(%d+)')
    if am ~= bm then return #am < #bm or #am == #bm and am < bm end
    return #as < #bs or #as == #bs and as < bs
end
local least = nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local told = {}
    for at = 1, #group, 2 do told[group[at]] = group[at + 1] end
    local id = told['last-delivered-id']
    if told['pending'] > 0 then id = redis.call('XPENDING', KEYS[1], told['name'])[2] end
    if not least or before(id, least) then least = id end
end
if not least then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', least)";

pub(super) fn command(key: &str) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(TRIM).arg(1).arg(key);
    command
}

pub(super) fn trimmed(answer: Value) -> Result<u64, Fault> {
    from_redis_value(answer).map_err(|error| Fault::Away(error.to_string()))
}
