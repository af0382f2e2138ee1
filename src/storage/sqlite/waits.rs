//! How long was waited for identity updates that no node has.

use crate::storage::{Db, StorageError};
use rusqlite::params;

/// What was waited for last in a group, or among the welcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitRow {
    /// When the node stored it, by the node's clock, nanoseconds since the Unix epoch.
    pub created_ns: i64,
    /// For how long it was waited for, nanoseconds.
    pub waited_ns: i64,
    /// When that was counted, by our clock, nanoseconds since the Unix epoch.
    pub looked_ns: i64,
}

impl Db {
    /// The wait of a group or of the welcomes to an installation, if there ever was one.
    ///
    /// # Errors
    /// Those of reading.
    pub fn identity_wait(&self, entity: &[u8]) -> Result<Option<WaitRow>, StorageError> {
        self.first(
            "SELECT created_ns, waited_ns, looked_ns FROM identity_waits WHERE entity_id = ?",
            params![entity],
            |c| {
                Ok(WaitRow {
                    created_ns: c.take()?,
                    waited_ns: c.take()?,
                    looked_ns: c.take()?,
                })
            },
        )
    }

    /// Stores it in place of the one before.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_identity_wait(&self, entity: &[u8], wait: &WaitRow) -> Result<(), StorageError> {
        self.execute(
            "INSERT OR REPLACE INTO identity_waits (entity_id, created_ns, waited_ns, looked_ns) VALUES (?, ?, ?, ?)",
            params![entity, wait.created_ns, wait.waited_ns, wait.looked_ns],
        )?;
        Ok(())
    }
}
