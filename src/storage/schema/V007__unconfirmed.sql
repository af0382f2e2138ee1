-- Groups of which something came by a live connection, which may leave things out, and nobody has asked for it since;
-- with the number after which to ask.
CREATE TABLE unconfirmed (
    group_id BLOB PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    after_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
