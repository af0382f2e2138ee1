//! How far each stream of the network has been processed.

use super::{stored_enum, to_stored};
use crate::ids::GroupId;
use crate::storage::{Db, StorageError};
use rusqlite::params;
use std::collections::HashMap;

stored_enum! {
    /// What a cursor counts. The numbers are libxmtp's.
    CursorKind, "a cursor kind", {
        /// Welcomes; entity is the installation id, originator 11.
        Welcome = 1,
        /// Group messages that are no commits; entity is the group id, originator 10.
        ApplicationMessage = 2,
        /// Rows of the local commit log that were uploaded; originator 100.
        CommitLogUpload = 3,
        /// Entries of the remote commit log that were fetched; originator 100.
        CommitLogDownload = 4,
        /// Local commit-log rows checked for a fork; originator 100.
        CommitLogCheckLocal = 5,
        /// Remote commit-log rows checked for a fork; originator 100.
        CommitLogCheckRemote = 6,
        /// Commits; entity is the group id, originator 0.
        CommitMessage = 7,
    }
}

impl Db {
    /// The greatest sequence id processed; 0 when there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn cursor(&self, entity: &[u8], kind: CursorKind, originator: u32) -> Result<u64, StorageError> {
        let found = self.first(
            "SELECT sequence_id FROM cursors WHERE entity_id = ? AND kind = ? AND originator = ?",
            params![entity, kind, originator],
            |c| c.take_u64(),
        )?;
        Ok(found.unwrap_or(0))
    }

    /// How far a group has been read: the greater of its two cursors.
    ///
    /// # Errors
    /// Those of reading.
    pub fn group_cursor(&self, group: &GroupId) -> Result<u64, StorageError> {
        let found = self.first(
            "SELECT max(sequence_id) FROM cursors WHERE entity_id = ? AND kind IN (?, ?)",
            params![group, CursorKind::ApplicationMessage, CursorKind::CommitMessage],
            |c| c.take_optional_u64(),
        )?;
        Ok(found.flatten().unwrap_or(0))
    }

    /// The same of each group, by one query.
    ///
    /// # Errors
    /// Those of reading.
    pub fn group_cursors(&self) -> Result<HashMap<GroupId, u64>, StorageError> {
        let found = self.all(
            "SELECT entity_id, max(sequence_id) FROM cursors WHERE kind IN (?, ?) GROUP BY entity_id",
            params![CursorKind::ApplicationMessage, CursorKind::CommitMessage],
            |c| Ok((c.take()?, c.take_u64()?)),
        )?;
        Ok(found.into_iter().collect())
    }

    /// Moves a cursor forward, never back. Answers whether it moved.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`] above 2^63 − 1, and those of writing.
    pub fn advance_cursor(
        &self,
        entity: &[u8],
        kind: CursorKind,
        originator: u32,
        sequence_id: u64,
    ) -> Result<bool, StorageError> {
        let changed = self.execute(
            "INSERT INTO cursors (entity_id, kind, originator, sequence_id) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET sequence_id = ?4 WHERE sequence_id < ?4",
            params![entity, kind, originator, to_stored(sequence_id, "a sequence id")?],
        )?;
        Ok(changed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Store, StoreOptions};

    #[test]
    fn a_cursor_only_moves_forward() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let kind = CursorKind::Welcome;
        assert_eq!(store.cursor(b"e", kind, 11), Ok(0));
        assert_eq!(store.advance_cursor(b"e", kind, 11, 5), Ok(true));
        assert_eq!(store.advance_cursor(b"e", kind, 11, 5), Ok(false));
        assert_eq!(store.advance_cursor(b"e", kind, 11, 3), Ok(false));
        assert_eq!(store.cursor(b"e", kind, 11), Ok(5));
        assert_eq!(store.cursor(b"e", kind, 10), Ok(0));
        assert_eq!(store.cursor(b"e", CursorKind::CommitMessage, 11), Ok(0));
    }

    #[test]
    fn a_sequence_id_beyond_what_fits_is_refused() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let answer = store.advance_cursor(b"e", CursorKind::Welcome, 11, u64::MAX);
        assert_eq!(
            answer,
            Err(StorageError::NumberTooLarge {
                what: "a sequence id"
            })
        );
    }
}
