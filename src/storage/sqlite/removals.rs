//! Removals of messages, the messages they removed, and the roles of past epochs.

use super::{Columns, stored_enum, to_stored, to_stored_optional};
use crate::ids::{GroupId, InboxId, MessageId};
use crate::storage::{Db, StorageError};
use rusqlite::params;

stored_enum! {
    /// What somebody is in a group.
    Role, "a role", {
        /// Neither of the others.
        Member = 0,
        /// In the admin list.
        Admin = 1,
        /// In the super admin list.
        SuperAdmin = 2,
    }
}

stored_enum! {
    /// By whose rules a removal is judged.
    RemovalRule, "a removal's rule", {
        /// `delete:0.1` and `remove:0.1`.
        Xip45 = 1,
        /// `deleteMessage:1.0`.
        Libxmtp = 2,
    }
}

/// A removal as it was sent. It stays when its message disappears, and waits for its target if that is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalRow {
    /// The id of the message that is the removal.
    pub id: MessageId,
    /// The group it was sent in.
    pub group_id: GroupId,
    /// What it removes.
    pub target_id: MessageId,
    /// Who sent it.
    pub sender_inbox_id: InboxId,
    /// What they were in the epoch it was sent in.
    pub sender_role: Role,
    /// By whose rules it is judged.
    pub rule: RemovalRule,
    /// When the network received it; for one that is not there yet, when it was made.
    pub sent_at_ns: i64,
    /// The network's number.
    pub sequence_id: Option<u64>,
    /// An own one that could not be sent: nobody else knows of it.
    pub failed: bool,
}

/// The columns in the order of [`read`]; the table is `r` in every query.
pub(super) const COLUMNS: &str = "r.id, r.group_id, r.target_id, r.sender_inbox_id, r.sender_role, r.rule, \
     r.sent_at_ns, r.sequence_id, r.failed";

pub(super) fn read(c: &mut Columns<'_>) -> rusqlite::Result<RemovalRow> {
    Ok(RemovalRow {
        id: c.take()?,
        group_id: c.take()?,
        target_id: c.take()?,
        sender_inbox_id: c.take()?,
        sender_role: c.take()?,
        rule: c.take()?,
        sent_at_ns: c.take()?,
        sequence_id: c.take_optional_u64()?,
        failed: c.take()?,
    })
}

impl Db {
    /// Stores a removal, or what is newly known of it.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn put_removal(&self, row: &RemovalRow) -> Result<(), StorageError> {
        self.execute(
            "INSERT OR REPLACE INTO removals (id, group_id, target_id, sender_inbox_id, sender_role, rule, sent_at_ns,
                sequence_id, failed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                row.id,
                row.group_id,
                row.target_id,
                row.sender_inbox_id,
                row.sender_role,
                row.rule,
                row.sent_at_ns,
                to_stored_optional(row.sequence_id, "a sequence id")?,
                row.failed,
            ],
        )?;
        Ok(())
    }

    /// A removal by its own id.
    ///
    /// # Errors
    /// Those of reading.
    pub fn removal(&self, id: &MessageId) -> Result<Option<RemovalRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM removals r WHERE r.id = ?"),
            params![id],
            read,
        )
    }

    /// Forgets a removal.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_removal(&self, id: &MessageId) -> Result<(), StorageError> {
        self.execute("DELETE FROM removals WHERE id = ?", params![id])?;
        Ok(())
    }

    /// Every removal that names a message, valid or not: in the order of the network, own ones that are not there
    /// yet last.
    ///
    /// # Errors
    /// Those of reading.
    pub fn removals_naming(&self, target: &MessageId) -> Result<Vec<RemovalRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM removals r WHERE r.target_id = ?
                 ORDER BY r.sequence_id IS NULL, r.sequence_id, r.sent_at_ns, r.id"
            ),
            params![target],
            read,
        )
    }

    /// The removal that hides a message.
    ///
    /// # Errors
    /// Those of reading.
    pub fn removed_by(&self, message: &MessageId) -> Result<Option<MessageId>, StorageError> {
        self.first(
            "SELECT removal_id FROM removed_messages WHERE message_id = ?",
            params![message],
            |c| c.take(),
        )
    }

    /// Stores which removal hides a message, or that none does.
    ///
    /// # Errors
    /// Those of writing.
    pub fn set_removed_by(
        &self,
        message: &MessageId,
        removal: Option<&MessageId>,
    ) -> Result<(), StorageError> {
        match removal {
            Some(removal) => self.execute(
                "INSERT OR REPLACE INTO removed_messages (message_id, removal_id) VALUES (?, ?)",
                params![message, removal],
            )?,
            None => self.execute(
                "DELETE FROM removed_messages WHERE message_id = ?",
                params![message],
            )?,
        };
        Ok(())
    }

    /// What somebody was in an epoch, if that has changed since.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of reading.
    pub fn past_role(
        &self,
        group_id: &GroupId,
        inbox_id: &InboxId,
        epoch: u64,
    ) -> Result<Option<Role>, StorageError> {
        self.first(
            "SELECT role FROM past_roles WHERE group_id = ? AND inbox_id = ? AND until_epoch >= ?
             ORDER BY until_epoch LIMIT 1",
            params![group_id, inbox_id, to_stored(epoch, "an epoch")?],
            |c| c.take(),
        )
    }

    /// Stores what somebody was up to and including an epoch.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn insert_past_role(
        &self,
        group_id: &GroupId,
        inbox_id: &InboxId,
        until_epoch: u64,
        role: Role,
    ) -> Result<(), StorageError> {
        self.execute(
            "INSERT OR REPLACE INTO past_roles (group_id, inbox_id, until_epoch, role) VALUES (?, ?, ?, ?)",
            params![group_id, inbox_id, to_stored(until_epoch, "an epoch")?, role],
        )?;
        Ok(())
    }

    /// Forgets roles of epochs before one.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn delete_past_roles_before(&self, group_id: &GroupId, epoch: u64) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM past_roles WHERE group_id = ? AND until_epoch < ?",
            params![group_id, to_stored(epoch, "an epoch")?],
        )?;
        Ok(())
    }
}
