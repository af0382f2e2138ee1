-- How long what refers to identity updates that no node has was waited for: of each group, and of the welcomes (by the own
-- installation), the one that was met last. `created_ns` is the node's time of it, `looked_ns` our own.
CREATE TABLE identity_waits (
    entity_id BLOB PRIMARY KEY,
    created_ns INTEGER NOT NULL,
    waited_ns INTEGER NOT NULL,
    looked_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
