//! What the own installations asked of each other's history.

use super::messages::{COLUMNS, MessageRow, read};
use crate::ids::MessageId;
use crate::storage::{Db, StorageError};
use rusqlite::params;

impl Db {
    /// Notes a message about history, with how often it may be tried to do what it asks for; 0 for nothing. One that is
    /// noted stays as it is.
    ///
    /// # Errors
    /// Those of writing.
    pub fn note_history_message(&self, id: &MessageId, attempts_left: u32) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO history_messages (message_id, attempts_left) VALUES (?, ?) ON CONFLICT DO NOTHING",
            params![id, attempts_left],
        )?;
        Ok(())
    }

    /// All of them, the newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn history_messages(&self) -> Result<Vec<MessageRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM history_messages h JOIN messages m ON m.id = h.message_id
                 ORDER BY m.sent_at_ns DESC, m.local_id DESC"
            ),
            [],
            read,
        )
    }

    /// Those that something is to be done about, the oldest first, each with how often that may be tried.
    ///
    /// # Errors
    /// Those of reading.
    pub fn history_tasks(&self) -> Result<Vec<(u32, MessageRow)>, StorageError> {
        self.all(
            &format!(
                "SELECT h.attempts_left, {COLUMNS} FROM history_messages h JOIN messages m ON m.id = h.message_id
                 WHERE h.attempts_left > 0 ORDER BY m.local_id"
            ),
            [],
            |c| Ok((c.take()?, read(c)?)),
        )
    }

    /// Notes how often it may be tried from now on.
    ///
    /// # Errors
    /// Those of writing.
    pub fn set_history_attempts(&self, id: &MessageId, attempts_left: u32) -> Result<(), StorageError> {
        self.execute(
            "UPDATE history_messages SET attempts_left = ? WHERE message_id = ?",
            params![attempts_left, id],
        )?;
        Ok(())
    }
}
