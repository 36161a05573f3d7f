-- Version 1. Never edited once released; what changes later is a new file.
--
-- All numbers are 64-bit with a sign (INTEGER here, BIGINT elsewhere). Times are microseconds since 1970, UTC.

-- How a sink stands with one partition of the log, in one lane.
CREATE TABLE accounts (
    id               INTEGER PRIMARY KEY,
    sink             TEXT    NOT NULL,
    partition        TEXT    NOT NULL,
    lane             TEXT    NOT NULL,            -- '' for what is accepted; otherwise the name of a replay
    from_offset      INTEGER NOT NULL,            -- the first offset that counts
    until_offset     INTEGER,                     -- where it ends, not included; null: never
    accepted_before  TEXT    NOT NULL,            -- JSON: by stream, events accepted before the account began
    planned          INTEGER NOT NULL,            -- batches are fixed up to here, not included
    delivered        INTEGER NOT NULL DEFAULT 0,  -- events stored by the sink, duplicates included
    duplicates       INTEGER NOT NULL DEFAULT 0,  -- of those, how many it had already
    dead             INTEGER NOT NULL DEFAULT 0 CHECK (dead >= 0), -- events refused for good and not on their way again
    filtered         INTEGER NOT NULL DEFAULT 0,  -- events left out by the sink's filter
    UNIQUE (sink, partition, lane)
) STRICT;

-- Batches whose bounds are fixed and whose outcome is not known yet. Settling a batch removes its row.
CREATE TABLE plans (
    account_id       INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    first_offset     INTEGER NOT NULL,
    end_offset       INTEGER NOT NULL CHECK (end_offset > first_offset), -- not included
    PRIMARY KEY (account_id, first_offset)
) STRICT, WITHOUT ROWID;

-- Events that a sink refused. Sink, partition and lane stay when the account is forgotten.
CREATE TABLE dead_letters (
    id               INTEGER PRIMARY KEY,         -- given by delivery; rises with time
    account_id       INTEGER REFERENCES accounts (id) ON DELETE SET NULL, -- where it counts; null: nowhere any more
    sink             TEXT    NOT NULL,
    partition        TEXT    NOT NULL,
    lane             TEXT    NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN ('dead', 'resending')),
    count            INTEGER NOT NULL CHECK (count >= 0), -- how many events of its account's `dead` it stands for
    stream           TEXT    NOT NULL,
    reason           TEXT    NOT NULL,            -- a short word
    detail           TEXT    NOT NULL,            -- the store's own words
    attempts         INTEGER NOT NULL,
    first_at         INTEGER NOT NULL,
    last_at          INTEGER NOT NULL
) STRICT;

CREATE INDEX dead_letters_by_account ON dead_letters (account_id, state);
CREATE INDEX dead_letters_by_sink    ON dead_letters (sink);
CREATE INDEX dead_letters_by_stream  ON dead_letters (stream);
CREATE INDEX dead_letters_by_reason  ON dead_letters (reason);
CREATE INDEX dead_letters_by_time    ON dead_letters (last_at);

-- The event of a dead letter, apart from it so that a change of state does not write the bytes again.
-- There is no row where the bytes are gone.
CREATE TABLE dead_letter_events (
    dead_letter_id   INTEGER PRIMARY KEY REFERENCES dead_letters (id) ON DELETE CASCADE,
    event_id         BLOB    NOT NULL CHECK (length(event_id) = 16), -- a UUID
    event_offset     INTEGER NOT NULL,
    received_at      INTEGER NOT NULL,
    occurred_at      INTEGER NOT NULL,
    origin           TEXT    NOT NULL,            -- JSON with a version: who sent it, and from what
    client_id        TEXT,                        -- the client's own id, as sent
    user_id          TEXT,                        -- the user that the event itself names
    body             BLOB    NOT NULL             -- the event, as it came
) STRICT;
