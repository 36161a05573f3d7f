-- Small contents lie here, packed, in the order in which they came: one commit makes them durable along with their rows.
CREATE TABLE inline_contents (
    number INTEGER NOT NULL PRIMARY KEY,
    packed BLOB NOT NULL
) STRICT;

-- Where a content lies here; null where its bytes are elsewhere.
ALTER TABLE contents ADD COLUMN inline_number INTEGER;

-- Whether a content of a hash is kept is found by the primary key, and looked up by the one thread that writes before it adds
-- another: a second index of random keys costs each upload a page.
DROP INDEX contents_kept;
