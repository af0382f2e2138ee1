-- What the own installations asked of each other's history, and answered. While `attempts_left` is above 0, there is
-- something to be done about it here.
CREATE TABLE history_messages (
    message_id BLOB PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    attempts_left INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
