-- Version 1. Never edited once released; what changes later is a new file. In the schema weir_lineage.
--
-- Times are microseconds since 1970, UTC. Tables and columns mean what they mean in SQLite.

-- A trace at a glance.
CREATE TABLE weir_lineage.traces (
    id                 BIGINT PRIMARY KEY,          -- given when it was first heard of; rises with time
    key                TEXT   NOT NULL,             -- what its senders call it
    "user"             TEXT,                        -- whose it is
    user_word          BIGINT,                      -- by what word: 0 a start, 1 a record, 2 a start's subject, 3 a record's
    user_at            BIGINT,                      -- of what moment
    started_at         BIGINT,                      -- the earliest TRACE_START
    ended_at           BIGINT,                      -- the latest TRACE_END
    first_at           BIGINT,                      -- the earliest record
    last_at            BIGINT,                      -- the latest record
    records            BIGINT NOT NULL,             -- different ones
    names              BIGINT NOT NULL,             -- names and words that have a number
    aliases            BIGINT NOT NULL,             -- names that are not their node's only one
    nodes              BIGINT NOT NULL,
    files              BIGINT NOT NULL,             -- files that no DERIVE made
    dropped            BIGINT NOT NULL,
    became_data        BIGINT NOT NULL,
    never_became_data  BIGINT NOT NULL,
    data               BIGINT NOT NULL,
    outputs            BIGINT NOT NULL,             -- files that a DERIVE made
    databases          BIGINT NOT NULL
) WITH (fillfactor = 80, vacuum_truncate = false);

CREATE INDEX traces_by_user ON weir_lineage.traces ("user", id);

-- The way from a trace's key to its number. Keys may share a digest; the key itself decides.
CREATE TABLE weir_lineage.trace_digests (
    digest             BIGINT NOT NULL,             -- of SHA-256, the first 64 bits
    trace              BIGINT NOT NULL,
    PRIMARY KEY (digest, trace)
);

-- What a trace has, as sorted sets of small items, many of them a row. A row lies whole in its page: moved elsewhere in
-- pieces it would take more room, and more time to read.
CREATE TABLE weir_lineage.blocks (
    trace              BIGINT   NOT NULL,
    part               SMALLINT NOT NULL,           -- 1 names, 2 digests, 3 edges, 4 edges backwards, 5 records, 6 sequences, 7 databases
    first              BYTEA    NOT NULL,           -- the lower bound of its items; of the first block empty
    items              BYTEA    NOT NULL,           -- a byte that tells how it is packed, and the block
    PRIMARY KEY (trace, part, first)
) WITH (toast_tuple_target = 8160, vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0.05);

ALTER TABLE weir_lineage.blocks ALTER items SET STORAGE EXTERNAL;

-- The way from a node's number to its name: numbers that were given together.
CREATE TABLE weir_lineage.name_numbers (
    first_id           BIGINT PRIMARY KEY,          -- the first number of the names
    trace              BIGINT NOT NULL,
    first_number       BIGINT NOT NULL              -- the first of the names within its trace; they go on from there
);

-- The way from a node's key to the traces that have it: sorted runs, which are joined to longer ones as they grow many.
CREATE TABLE weir_lineage.key_run_sizes (
    run                BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    entries            BIGINT NOT NULL
);

CREATE TABLE weir_lineage.key_runs (
    run                BIGINT NOT NULL,
    first              BIGINT NOT NULL,             -- the lowest digest in it, as a number with a sign
    entries            BYTEA  NOT NULL,             -- digests and traces; begins with the version of its form
    PRIMARY KEY (run, first)
) WITH (toast_tuple_target = 8160, vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0.05);

ALTER TABLE weir_lineage.key_runs ALTER entries SET STORAGE EXTERNAL;
