//! From where to ask for what came by a live connection.

use super::to_stored;
use crate::ids::GroupId;
use crate::storage::{CursorKind, Db, StorageError};
use rusqlite::params;

impl Db {
    /// Notes after which message a group is to be asked for. One that is noted stays as it is.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn note_unconfirmed(&self, group: &GroupId, after: u64) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO unconfirmed (group_id, after_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            params![group, to_stored(after, "a sequence id")?],
        )?;
        Ok(())
    }

    /// Notes that a group was asked for up to this message; `None`: to its end.
    ///
    /// # Errors
    /// As [`note_unconfirmed`](Self::note_unconfirmed).
    pub fn confirm(&self, group: &GroupId, up_to: Option<u64>) -> Result<(), StorageError> {
        match up_to {
            None => self.execute("DELETE FROM unconfirmed WHERE group_id = ?", params![group]),
            Some(up_to) => self.execute(
                "UPDATE unconfirmed SET after_id = ? WHERE group_id = ?",
                params![to_stored(up_to, "a sequence id")?, group],
            ),
        }?;
        Ok(())
    }

    /// All groups that are to be asked for, with the message after which, and with that up to which they were read.
    ///
    /// # Errors
    /// Those of reading.
    pub fn unconfirmed(&self) -> Result<Vec<(GroupId, u64, u64)>, StorageError> {
        self.all(
            "SELECT group_id, after_id, (SELECT coalesce(max(sequence_id), 0) FROM cursors
                 WHERE entity_id = group_id AND kind IN (?, ?)) FROM unconfirmed",
            params![CursorKind::ApplicationMessage, CursorKind::CommitMessage],
            |c| Ok((c.take()?, c.take_u64()?, c.take_u64()?)),
        )
    }
}
