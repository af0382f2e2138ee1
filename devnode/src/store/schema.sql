-- The tables of a v3 node (xmtp-node-go pkg/migrations/mls), adapted to SQLite. Times are unix ns.
CREATE TABLE installations (
    id BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    key_package BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE key_packages (
    sequence_id INTEGER PRIMARY KEY AUTOINCREMENT,
    installation_id BLOB NOT NULL,
    key_package BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (installation_id, key_package)
);

CREATE TABLE group_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    group_id BLOB NOT NULL,
    data BLOB NOT NULL,
    group_id_data_hash BLOB NOT NULL UNIQUE,
    is_commit INTEGER NOT NULL,
    sender_hmac BLOB NOT NULL,
    should_push INTEGER NOT NULL
);
CREATE INDEX group_messages_by_group ON group_messages (group_id, id);

-- wrapper_algorithm: 0 Curve25519, 1 X-Wing, 2 symmetric key. message_type: 0 welcome, 1 pointer.
CREATE TABLE welcome_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    installation_key BLOB NOT NULL,
    data BLOB NOT NULL,
    hpke_public_key BLOB NOT NULL,
    installation_key_data_hash BLOB NOT NULL UNIQUE,
    wrapper_algorithm INTEGER NOT NULL,
    welcome_metadata BLOB NOT NULL,
    message_type INTEGER NOT NULL
);
CREATE INDEX welcome_messages_by_installation ON welcome_messages (installation_key, id);

CREATE TABLE inbox_log (
    sequence_id INTEGER PRIMARY KEY AUTOINCREMENT,
    inbox_id BLOB NOT NULL,
    server_timestamp_ns INTEGER NOT NULL,
    identity_update_proto BLOB NOT NULL
);
CREATE INDEX inbox_log_by_inbox ON inbox_log (inbox_id, sequence_id);

CREATE TABLE address_log (
    address TEXT NOT NULL,
    inbox_id BLOB NOT NULL,
    association_sequence_id INTEGER NOT NULL,
    revocation_sequence_id INTEGER
);
CREATE INDEX address_log_by_address ON address_log (address, inbox_id);

CREATE TABLE inboxes (
    id BLOB PRIMARY KEY,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE commit_log_v2 (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at INTEGER NOT NULL,
    group_id BLOB NOT NULL,
    serialized_entry BLOB NOT NULL,
    serialized_signature BLOB NOT NULL
);
CREATE INDEX commit_log_by_group ON commit_log_v2 (group_id, id);

-- V2 envelopes; id is the SHA-256 of topic and message. arrival only orders live streams.
CREATE TABLE envelopes (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    content_topic TEXT NOT NULL,
    sender_timestamp INTEGER NOT NULL,
    message BLOB NOT NULL
);
CREATE INDEX envelopes_by_topic ON envelopes (content_topic, sender_timestamp, id);

-- What stands for a chain: contract wallets and their owners (20 bytes each).
CREATE TABLE contract_wallets (
    address BLOB PRIMARY KEY,
    owner BLOB NOT NULL
) WITHOUT ROWID;
