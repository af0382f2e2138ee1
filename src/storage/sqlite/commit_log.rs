//! What became of every commit: the rows a fork is found by.

use super::{stored_enum, to_stored, to_stored_optional};
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::storage::{Db, StorageError};
use rusqlite::params;

stored_enum! {
    /// What became of a commit. The numbers are those of the wire.
    CommitResult, "a commit result", {
        /// Applied.
        Applied = 1,
        /// Of another epoch.
        WrongEpoch = 2,
        /// Did not decrypt.
        Undecryptable = 3,
        /// Broke a rule.
        Invalid = 4,
    }
}

/// A commit that was processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLogRow {
    /// In which group.
    pub group_id: GroupId,
    /// The network's number of the commit; 0 for the state a group begins with.
    pub sequence_id: u64,
    /// The epoch authenticator before.
    pub last_epoch_authenticator: Vec<u8>,
    /// What became of it.
    pub result: CommitResult,
    /// The epoch after, if applied.
    pub applied_epoch: Option<u64>,
    /// The epoch authenticator after, if applied.
    pub applied_epoch_authenticator: Option<Vec<u8>>,
    /// Who made it, if known.
    pub sender_inbox_id: Option<InboxId>,
    /// With which installation, if known.
    pub sender_installation_id: Option<InstallationId>,
    /// What it does, for people.
    pub commit_type: Option<String>,
    /// Why it was not applied, for people.
    pub error: Option<String>,
}

impl Db {
    /// Appends a row; answers its local number, which only ascends.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn append_commit_log(&self, row: &CommitLogRow) -> Result<i64, StorageError> {
        self.execute(
            "INSERT INTO local_commit_log (group_id, sequence_id, last_epoch_authenticator, result,
                applied_epoch, applied_epoch_authenticator, sender_inbox_id, sender_installation_id,
                commit_type, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                row.group_id,
                to_stored(row.sequence_id, "a sequence id")?,
                row.last_epoch_authenticator,
                row.result,
                to_stored_optional(row.applied_epoch, "an epoch")?,
                row.applied_epoch_authenticator,
                row.sender_inbox_id,
                row.sender_installation_id,
                row.commit_type,
                row.error,
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The rows of a group with a local number greater than `after`, ascending, with their numbers.
    ///
    /// # Errors
    /// Those of reading.
    pub fn commit_log(&self, group: &GroupId, after: i64) -> Result<Vec<(i64, CommitLogRow)>, StorageError> {
        self.all(
            "SELECT id, group_id, sequence_id, last_epoch_authenticator, result, applied_epoch,
                    applied_epoch_authenticator, sender_inbox_id, sender_installation_id, commit_type, error
             FROM local_commit_log WHERE group_id = ? AND id > ? ORDER BY id",
            params![group, after],
            |c| {
                Ok((
                    c.take()?,
                    CommitLogRow {
                        group_id: c.take()?,
                        sequence_id: c.take_u64()?,
                        last_epoch_authenticator: c.take()?,
                        result: c.take()?,
                        applied_epoch: c.take_optional_u64()?,
                        applied_epoch_authenticator: c.take()?,
                        sender_inbox_id: c.take()?,
                        sender_installation_id: c.take()?,
                        commit_type: c.take()?,
                        error: c.take()?,
                    },
                ))
            },
        )
    }
}
