//! Messages: one row each, whatever their content.

use super::{Columns, stored_enum, to_stored, to_stored_optional};
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};
use crate::storage::{Db, Missing, StorageError};
use rusqlite::params;

pub use super::messages_query::{ContentTypeKey, Direction, MessageOrder, MessageQuery};

stored_enum! {
    /// Where a message comes from. The numbers are libxmtp's.
    MessageKind, "a message kind", {
        /// Somebody sent it.
        Application = 1,
        /// Made here from a commit; never on the wire.
        MembershipChange = 2,
    }
}

stored_enum! {
    /// How far a message has come. The numbers are libxmtp's.
    DeliveryStatus, "a delivery status", {
        /// Not on the network yet.
        Unpublished = 1,
        /// On the network.
        Published = 2,
        /// Given up.
        Failed = 3,
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// The id every member computes alike.
    pub id: MessageId,
    /// The group it was sent in.
    pub group_id: GroupId,
    /// What makes equal contents different messages.
    pub idempotency_key: String,
    /// When the network received it; for unpublished ones, when it was made.
    pub sent_at_ns: i64,
    /// When this row was written.
    pub inserted_at_ns: i64,
    /// Where it comes from.
    pub kind: MessageKind,
    /// Who sent it.
    pub sender_inbox_id: InboxId,
    /// With which installation.
    pub sender_installation_id: InstallationId,
    /// How far it has come.
    pub delivery_status: DeliveryStatus,
    /// The content type's authority, such as `xmtp.org`.
    pub authority_id: String,
    /// The content type's name, such as `text`.
    pub type_id: String,
    /// The content type's major version.
    pub version_major: u32,
    /// The content type's minor version.
    pub version_minor: u32,
    /// The message it answers, reacts to or deletes.
    pub reference_id: Option<MessageId>,
    /// The network's number.
    pub sequence_id: Option<u64>,
    /// Who gave that number.
    pub originator_id: Option<u32>,
    /// When it disappears.
    pub expire_at_ns: Option<i64>,
    /// Whether receivers may be notified.
    pub should_push: bool,
    /// The encoded content.
    pub content: Vec<u8>,
}

/// What the network said about an own message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// When the network received it.
    pub sent_at_ns: i64,
    /// The network's number.
    pub sequence_id: u64,
    /// Who gave that number.
    pub originator_id: u32,
    /// When it disappears.
    pub expire_at_ns: Option<i64>,
}

/// The columns in the order of [`read`]; the table is `m` in every query.
pub(super) const COLUMNS: &str = "m.id, m.group_id, m.idempotency_key, m.sent_at_ns, m.inserted_at_ns, \
     m.kind, m.sender_inbox_id, m.sender_installation_id, m.delivery_status, m.authority_id, m.type_id, \
     m.version_major, m.version_minor, m.reference_id, m.sequence_id, m.originator_id, m.expire_at_ns, \
     m.should_push, m.content";

/// What every read of messages asks for: that the message has not disappeared. Takes the time.
pub(super) const ALIVE: &str = "m.expire_at_ns IS NULL OR m.expire_at_ns > ?";

pub(super) fn read(c: &mut Columns<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        id: c.take()?,
        group_id: c.take()?,
        idempotency_key: c.take()?,
        sent_at_ns: c.take()?,
        inserted_at_ns: c.take()?,
        kind: c.take()?,
        sender_inbox_id: c.take()?,
        sender_installation_id: c.take()?,
        delivery_status: c.take()?,
        authority_id: c.take()?,
        type_id: c.take()?,
        version_major: c.take()?,
        version_minor: c.take()?,
        reference_id: c.take()?,
        sequence_id: c.take_optional_u64()?,
        originator_id: c.take()?,
        expire_at_ns: c.take()?,
        should_push: c.take()?,
        content: c.take()?,
    })
}

impl Db {
    /// Stores a message if its id is new. Answers whether it was; an existing row stays as it is.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing: the group must exist.
    pub fn insert_message(&self, row: &MessageRow) -> Result<bool, StorageError> {
        let changed = self.execute(
            "INSERT INTO messages (id, group_id, idempotency_key, sent_at_ns, inserted_at_ns, kind,
                sender_inbox_id, sender_installation_id, delivery_status, authority_id, type_id,
                version_major, version_minor, reference_id, sequence_id, originator_id, expire_at_ns,
                should_push, content)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            params![
                row.id,
                row.group_id,
                row.idempotency_key,
                row.sent_at_ns,
                row.inserted_at_ns,
                row.kind,
                row.sender_inbox_id,
                row.sender_installation_id,
                row.delivery_status,
                row.authority_id,
                row.type_id,
                row.version_major,
                row.version_minor,
                row.reference_id,
                to_stored_optional(row.sequence_id, "a sequence id")?,
                row.originator_id,
                row.expire_at_ns,
                row.should_push,
                row.content,
            ],
        )?;
        Ok(changed > 0)
    }

    /// A message, unless it has disappeared by `now_ns`.
    ///
    /// # Errors
    /// Those of reading.
    pub fn message(&self, id: &MessageId, now_ns: i64) -> Result<Option<MessageRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM messages m WHERE m.id = ? AND ({ALIVE})"),
            params![id, now_ns],
            read,
        )
    }

    /// What is stored of the envelope that has this number in a group: at most one row.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of reading.
    pub fn messages_at(
        &self,
        group: &GroupId,
        sequence_id: u64,
        now_ns: i64,
    ) -> Result<Vec<MessageRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM messages m WHERE m.group_id = ? AND m.sequence_id = ? AND ({ALIVE})"
            ),
            params![group, to_stored(sequence_id, "a sequence id")?, now_ns],
            read,
        )
    }

    /// Whether any group of a direct message has this line of the transcript.
    ///
    /// # Errors
    /// Those of reading.
    pub fn has_transcript_line(&self, dm_id: &str, content: &[u8]) -> Result<bool, StorageError> {
        let found = self.first(
            "SELECT 1 FROM messages m JOIN groups g ON g.id = m.group_id
             WHERE g.dm_id = ? AND m.kind = ? AND m.content = ?",
            params![dm_id, MessageKind::MembershipChange, content],
            |c| c.take::<i64>(),
        )?;
        Ok(found.is_some())
    }

    /// Stores how far a message has come.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_delivery_status(&self, id: &MessageId, status: DeliveryStatus) -> Result<(), StorageError> {
        self.change(
            Missing::Message,
            "UPDATE messages SET delivery_status = ? WHERE id = ?",
            params![status, id],
        )
    }

    /// Stores what the network said about an own message, and that it is published. One that was acknowledged before
    /// disappears no later for it. Answers whether the row is still there: it may have been deleted meanwhile.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn mark_published(&self, id: &MessageId, published: &Published) -> Result<bool, StorageError> {
        let changed = self.execute(
            "UPDATE messages SET delivery_status = ?, sent_at_ns = ?, sequence_id = ?, originator_id = ?,
                expire_at_ns = min(coalesce(expire_at_ns, ?), ?) WHERE id = ?",
            params![
                DeliveryStatus::Published,
                published.sent_at_ns,
                to_stored(published.sequence_id, "a sequence id")?,
                published.originator_id,
                published.expire_at_ns,
                published.expire_at_ns,
                id,
            ],
        )?;
        Ok(changed > 0)
    }

    /// Deletes a message here. Answers whether it was there.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_message(&self, id: &MessageId) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM messages WHERE id = ?", params![id])? > 0)
    }

    /// Deletes what has disappeared by `now_ns`: published application messages only. Answers which.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_expired_messages(&self, now_ns: i64) -> Result<Vec<(GroupId, MessageId)>, StorageError> {
        self.all(
            "DELETE FROM messages WHERE expire_at_ns <= ? AND delivery_status = ? AND kind = ?
             RETURNING group_id, id",
            params![now_ns, DeliveryStatus::Published, MessageKind::Application],
            |c| Ok((c.take()?, c.take()?)),
        )
    }

    /// When the next message disappears.
    ///
    /// # Errors
    /// Those of reading.
    pub fn next_expiry_ns(&self) -> Result<Option<i64>, StorageError> {
        let found = self.first(
            "SELECT min(expire_at_ns) FROM messages
             WHERE expire_at_ns IS NOT NULL AND delivery_status = ? AND kind = ?",
            params![DeliveryStatus::Published, MessageKind::Application],
            |c| c.take(),
        )?;
        Ok(found.flatten())
    }
}
