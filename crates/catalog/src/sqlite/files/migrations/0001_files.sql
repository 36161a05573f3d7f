-- Contents, by their SHA-256 and the number that one has each time that it is put. From when their last file ended until
-- their bytes are gone, they are going.
CREATE TABLE contents (
    hash BLOB NOT NULL,
    id INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    files INTEGER NOT NULL,
    is_going INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (hash, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contents_kept ON contents (hash) WHERE NOT is_going;
CREATE INDEX contents_going ON contents (hash) WHERE is_going;

-- Versions of files. `fate`: 0 kept, 1 deleted, 2 expired. Moments are microseconds since 1970.
CREATE TABLE files (
    id INTEGER NOT NULL PRIMARY KEY,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    group_name TEXT,
    trace TEXT,
    user_id TEXT,
    content_type TEXT,
    hash BLOB NOT NULL,
    content_id INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    fate INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER,
    rule TEXT
) STRICT;
CREATE INDEX files_key ON files (key, id);
CREATE INDEX files_group ON files (group_name, id) WHERE group_name IS NOT NULL;
CREATE INDEX files_user ON files (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX files_trace ON files (trace, id) WHERE trace IS NOT NULL;
CREATE INDEX files_stored_at ON files (stored_at, id);
CREATE INDEX files_kept ON files (id) WHERE fate = 0;

-- What kept files add up to, by owner. `owner`: 0 everybody, 1 a group, 2 a user.
CREATE TABLE totals (
    owner INTEGER NOT NULL,
    name TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

-- What ended files: `rule` where retention did, else `deleted_by`.
CREATE TABLE acts (
    id INTEGER NOT NULL PRIMARY KEY,
    file INTEGER NOT NULL REFERENCES files (id),
    rule TEXT,
    reason TEXT,
    deleted_by TEXT,
    at INTEGER NOT NULL,
    freed_bytes INTEGER NOT NULL,
    is_told INTEGER NOT NULL
) STRICT;
CREATE INDEX acts_untold ON acts (id) WHERE NOT is_told;
