-- Decisions and keys made here that the own other installations have not been told yet. `entity_type` and
-- `entity` name a row of `consent`; type 0 with an empty entity is the row of `user_preferences`.
CREATE TABLE unsent_preferences (
    entity_type INTEGER NOT NULL,
    entity TEXT NOT NULL,
    PRIMARY KEY (entity_type, entity)
) STRICT, WITHOUT ROWID;

-- Conversations in which a new installation of the own inbox is to be added.
CREATE TABLE installation_refreshes (
    group_id BLOB PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
