-- Version 2. An account keeps the streams that it counts and what it counted before it took these; sinks can be paused.

-- JSON: "*", or a list of names; null: not known (an account of version 1, until the next start) or a replay, which
-- claims nothing. From here on `accepted_before` is as of when the account began to count these streams.
ALTER TABLE accounts ADD COLUMN streams TEXT;
-- Events that were the account's own by then: settled, under way, or waiting to be sent again.
ALTER TABLE accounts ADD COLUMN carried INTEGER NOT NULL DEFAULT 0 CHECK (carried >= 0);

-- Sinks that a person has paused.
CREATE TABLE paused_sinks (
    sink             TEXT    PRIMARY KEY
) STRICT, WITHOUT ROWID;
