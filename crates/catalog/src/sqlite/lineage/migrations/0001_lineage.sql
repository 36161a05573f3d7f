-- Version 1. Never edited once released; what changes later is a new file.
--
-- All numbers are 64-bit with a sign (INTEGER here, BIGINT elsewhere). Times are microseconds since 1970, UTC.

-- A trace at a glance.
CREATE TABLE traces (
    id                 INTEGER PRIMARY KEY,         -- given when it was first heard of; rises with time
    key                TEXT    NOT NULL,            -- what its senders call it
    user               TEXT,                        -- whose it is
    user_word          INTEGER,                     -- by what word: 0 a start, 1 a record, 2 a start's subject, 3 a record's
    user_at            INTEGER,                     -- of what moment
    started_at         INTEGER,                     -- the earliest TRACE_START
    ended_at           INTEGER,                     -- the latest TRACE_END
    first_at           INTEGER,                     -- the earliest record
    last_at            INTEGER,                     -- the latest record
    records            INTEGER NOT NULL,            -- different ones
    names              INTEGER NOT NULL,            -- names and words that have a number
    aliases            INTEGER NOT NULL,            -- names that are not their node's only one
    nodes              INTEGER NOT NULL,
    files              INTEGER NOT NULL,            -- files that no DERIVE made
    dropped            INTEGER NOT NULL,
    became_data        INTEGER NOT NULL,
    never_became_data  INTEGER NOT NULL,
    data               INTEGER NOT NULL,
    outputs            INTEGER NOT NULL,            -- files that a DERIVE made
    databases          INTEGER NOT NULL
) STRICT;

CREATE INDEX traces_by_user ON traces (user, id);

-- The way from a trace's key to its number. Keys may share a digest; the key itself decides.
CREATE TABLE trace_digests (
    digest             INTEGER NOT NULL,            -- of SHA-256, the first 64 bits
    trace              INTEGER NOT NULL,
    PRIMARY KEY (digest, trace)
) STRICT, WITHOUT ROWID;

-- What a trace has, as sorted sets of small items, many of them a row. All of a trace lies side by side.
CREATE TABLE blocks (
    trace              INTEGER NOT NULL,
    part               INTEGER NOT NULL,            -- 1 names, 2 digests, 3 edges, 4 edges backwards, 5 records, 6 sequences, 7 databases
    first              BLOB    NOT NULL,            -- the lower bound of its items; of the first block empty
    items              BLOB    NOT NULL,            -- begins with the version of its form
    PRIMARY KEY (trace, part, first)
) STRICT, WITHOUT ROWID;

-- The way from a node's number to its name: numbers that were given together.
CREATE TABLE name_numbers (
    first_id           INTEGER PRIMARY KEY,         -- the first number of the names
    trace              INTEGER NOT NULL,
    first_number       INTEGER NOT NULL             -- the first of the names within its trace; they go on from there
) STRICT;

-- The way from a node's key to the traces that have it: sorted runs, which are joined to longer ones as they grow many.
CREATE TABLE key_runs (
    run                INTEGER NOT NULL,
    first              INTEGER NOT NULL,            -- the lowest digest in it, as a number with a sign
    entries            BLOB    NOT NULL,            -- digests and traces; begins with the version of its form
    PRIMARY KEY (run, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_run_sizes (
    run                INTEGER PRIMARY KEY,
    entries            INTEGER NOT NULL
) STRICT;
