-- Decisions that the list of XIP-42 is still to be told, as they were made. `entity_type` and `entity` are those of
-- `consent`, but an address stays one here also where its inbox is known.
CREATE TABLE unpublished_consent (
    entity_type INTEGER NOT NULL,
    entity TEXT NOT NULL,
    state INTEGER NOT NULL,
    consented_at_ns INTEGER NOT NULL,
    occasion INTEGER NOT NULL,
    PRIMARY KEY (entity_type, entity)
) STRICT, WITHOUT ROWID;

-- The identity key of XIP-42 that the app handed over.
CREATE TABLE identity_key (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    private_key BLOB NOT NULL CHECK (length(private_key) = 32)
) STRICT;
