-- Ids are BLOBs of fixed length, times are nanoseconds since the Unix epoch (UTC), flags are 0 or 1.
-- What each table is for stands beside the row type in src/storage/sqlite/.

CREATE TABLE identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    inbox_id BLOB NOT NULL CHECK (length(inbox_id) = 32),
    installation_seed BLOB NOT NULL CHECK (length(installation_seed) = 32),
    identifier TEXT NOT NULL,
    identifier_kind INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    registration INTEGER NOT NULL,
    pending_update BLOB,
    next_key_package_rotation_ns INTEGER
) STRICT;

CREATE TABLE identity_updates (
    inbox_id BLOB NOT NULL CHECK (length(inbox_id) = 32),
    sequence_id INTEGER NOT NULL,
    server_timestamp_ns INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (inbox_id, sequence_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE association_states (
    inbox_id BLOB NOT NULL CHECK (length(inbox_id) = 32),
    sequence_id INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (inbox_id, sequence_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE contract_answers (
    question_hash BLOB PRIMARY KEY CHECK (length(question_hash) = 32),
    valid INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identifier_inboxes (
    kind INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    inbox_id BLOB NOT NULL CHECK (length(inbox_id) = 32),
    fetched_at_ns INTEGER NOT NULL,
    PRIMARY KEY (kind, identifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_packages (
    hash_ref BLOB PRIMARY KEY,
    init_key BLOB NOT NULL UNIQUE,
    created_at_ns INTEGER NOT NULL,
    delete_at_ns INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    conversation_type INTEGER NOT NULL,
    membership_state INTEGER NOT NULL,
    created_at_ns INTEGER NOT NULL,
    creator_inbox_id BLOB NOT NULL CHECK (length(creator_inbox_id) = 32),
    added_by_inbox_id BLOB NOT NULL CHECK (length(added_by_inbox_id) = 32),
    dm_id TEXT,
    welcome_sequence_id INTEGER,
    rotated_at_ns INTEGER NOT NULL,
    installations_last_checked_ns INTEGER NOT NULL,
    last_message_ns INTEGER,
    message_disappear_from_ns INTEGER,
    message_disappear_in_ns INTEGER,
    paused_for_version TEXT,
    maybe_forked INTEGER NOT NULL,
    fork_details TEXT NOT NULL,
    should_publish_commit_log INTEGER NOT NULL,
    has_pending_leave_request INTEGER NOT NULL
) STRICT;
CREATE INDEX groups_by_dm ON groups (dm_id) WHERE dm_id IS NOT NULL;
CREATE INDEX groups_by_creation ON groups (created_at_ns);

CREATE TABLE messages (
    local_id INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    idempotency_key TEXT NOT NULL,
    sent_at_ns INTEGER NOT NULL,
    inserted_at_ns INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    sender_inbox_id BLOB NOT NULL CHECK (length(sender_inbox_id) = 32),
    sender_installation_id BLOB NOT NULL CHECK (length(sender_installation_id) = 32),
    delivery_status INTEGER NOT NULL,
    authority_id TEXT NOT NULL,
    type_id TEXT NOT NULL,
    version_major INTEGER NOT NULL,
    version_minor INTEGER NOT NULL,
    reference_id BLOB,
    sequence_id INTEGER,
    originator_id INTEGER,
    expire_at_ns INTEGER,
    should_push INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_sending ON messages (group_id, sent_at_ns);
CREATE INDEX messages_by_insertion ON messages (group_id, inserted_at_ns);
CREATE INDEX messages_by_reference ON messages (reference_id) WHERE reference_id IS NOT NULL;
CREATE INDEX messages_by_expiry ON messages (expire_at_ns) WHERE expire_at_ns IS NOT NULL;

-- AUTOINCREMENT: the id of a deleted intent must never come back for another one.
CREATE TABLE intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    data BLOB NOT NULL,
    publish_attempts INTEGER NOT NULL,
    should_push INTEGER NOT NULL,
    message_id BLOB CHECK (length(message_id) = 32),
    created_at_ns INTEGER NOT NULL,
    sequence_id INTEGER,
    post_commit BLOB
) STRICT;
CREATE INDEX intents_by_group ON intents (group_id, state);
CREATE INDEX intents_by_message ON intents (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE intent_attempts (
    id INTEGER PRIMARY KEY,
    intent_id INTEGER NOT NULL REFERENCES intents (id) ON DELETE CASCADE,
    payload_hash BLOB NOT NULL UNIQUE CHECK (length(payload_hash) = 32),
    published_in_epoch INTEGER NOT NULL,
    staged_commit BLOB,
    post_commit BLOB,
    payload BLOB
) STRICT;
CREATE INDEX intent_attempts_by_intent ON intent_attempts (intent_id);

CREATE TABLE cursors (
    entity_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    originator INTEGER NOT NULL,
    sequence_id INTEGER NOT NULL,
    PRIMARY KEY (entity_id, kind, originator)
) STRICT, WITHOUT ROWID;

CREATE TABLE consent (
    entity_type INTEGER NOT NULL,
    entity TEXT NOT NULL,
    state INTEGER NOT NULL,
    consented_at_ns INTEGER NOT NULL,
    PRIMARY KEY (entity_type, entity)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_preferences (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    hmac_key BLOB NOT NULL CHECK (length(hmac_key) = 42),
    hmac_key_cycled_at_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE pending_remove (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    inbox_id BLOB NOT NULL CHECK (length(inbox_id) = 32),
    message_id BLOB NOT NULL CHECK (length(message_id) = 32),
    PRIMARY KEY (group_id, inbox_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE local_commit_log (
    id INTEGER PRIMARY KEY,
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    sequence_id INTEGER NOT NULL,
    last_epoch_authenticator BLOB NOT NULL,
    result INTEGER NOT NULL,
    applied_epoch INTEGER,
    applied_epoch_authenticator BLOB,
    sender_inbox_id BLOB,
    sender_installation_id BLOB,
    commit_type TEXT,
    error TEXT
) STRICT;
CREATE INDEX local_commit_log_by_group ON local_commit_log (group_id, id);

CREATE TABLE mls_values (
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;

-- `item` names an entry within its list; lists that allow equal entries leave it NULL.
CREATE TABLE mls_lists (
    position INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    list BLOB NOT NULL,
    item BLOB,
    value BLOB NOT NULL,
    UNIQUE (kind, list, item)
) STRICT;

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

-- What the own installations asked of each other's history, and answered. While `attempts_left` is above 0, there is
-- something to be done about it here.
CREATE TABLE history_messages (
    message_id BLOB PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    attempts_left INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How long what refers to identity updates that no node has was waited for: of each group, and of the welcomes (by the own
-- installation), the one that was met last. `created_ns` is the node's time of it, `looked_ns` our own.
CREATE TABLE identity_waits (
    entity_id BLOB PRIMARY KEY,
    created_ns INTEGER NOT NULL,
    waited_ns INTEGER NOT NULL,
    looked_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Groups of which something came by a live connection, which may leave things out, and nobody has asked for it since;
-- with the number after which to ask.
CREATE TABLE unconfirmed (
    group_id BLOB PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    after_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
