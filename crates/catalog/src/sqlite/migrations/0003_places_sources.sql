-- Version 3. An account can be brought to a place that a broker's commit tells; a letter tells where a broker has it.

-- Which run of a broker's progress `planned` and the plans are of; null: they are kept here alone.
ALTER TABLE accounts ADD COLUMN era INTEGER;

-- JSON with a version: topic, partition, offset, key and headers of what an input could not read; null: a sink refused it.
ALTER TABLE dead_letters ADD COLUMN source TEXT;
