-- Removals as they were sent, with what a verdict needs beside their target; which messages they removed; and who was
-- an admin in epochs that are past, since a removal may arrive after its sender was demoted.

CREATE TABLE removals (
    id BLOB PRIMARY KEY CHECK (length(id) = 32),
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    target_id BLOB NOT NULL CHECK (length(target_id) = 32),
    sender_inbox_id BLOB NOT NULL CHECK (length(sender_inbox_id) = 32),
    sender_role INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    sent_at_ns INTEGER NOT NULL,
    sequence_id INTEGER,
    failed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX removals_by_target ON removals (target_id);

CREATE TABLE removed_messages (
    message_id BLOB PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    removal_id BLOB NOT NULL CHECK (length(removal_id) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE past_roles (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    inbox_id BLOB NOT NULL CHECK (length(inbox_id) = 32),
    until_epoch INTEGER NOT NULL,
    role INTEGER NOT NULL,
    PRIMARY KEY (group_id, inbox_id, until_epoch)
) STRICT, WITHOUT ROWID;
