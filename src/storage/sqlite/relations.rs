//! What belongs to messages of a list: reactions, replies, the messages that are answered.
//!
//! Each is one statement however many messages there are.

use super::messages::{ALIVE, COLUMNS, DeliveryStatus, MessageRow, read};
use super::removals::{self, RemovalRow};
use super::{IN_LIST, list};
use crate::ids::{GroupId, MessageId};
use crate::storage::{Db, StorageError};
use rusqlite::params;

/// How often a message was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyCount {
    /// The message.
    pub id: MessageId,
    /// How many replies to it there are.
    pub replies: u64,
}

impl Db {
    /// The messages with these ids in these groups that have not disappeared by `now_ns`, in no order.
    ///
    /// # Errors
    /// Those of reading.
    pub fn messages_by_id(
        &self,
        groups: &[GroupId],
        ids: &[MessageId],
        now_ns: i64,
    ) -> Result<Vec<MessageRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM messages m WHERE m.id {IN_LIST} AND m.group_id {IN_LIST} AND ({ALIVE})"
            ),
            params![list(ids), list(groups), now_ns],
            read,
        )
    }

    /// The reactions to these messages in these groups, in the order of the network; own ones that are not there yet
    /// come last, failed ones not at all.
    ///
    /// # Errors
    /// Those of reading.
    pub fn reactions_to(
        &self,
        groups: &[GroupId],
        ids: &[MessageId],
        now_ns: i64,
    ) -> Result<Vec<MessageRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM messages m WHERE m.reference_id {IN_LIST}
                 AND m.authority_id = 'xmtp.org' AND m.type_id = 'reaction' AND m.group_id {IN_LIST} AND ({ALIVE})
                 AND m.delivery_status <> ?
                 ORDER BY m.sequence_id IS NULL, m.sequence_id, m.local_id"
            ),
            params![list(ids), list(groups), now_ns, DeliveryStatus::Failed],
            read,
        )
    }

    /// How many replies each of these messages has in these groups. Removed replies do not count; messages without
    /// any are left out.
    ///
    /// # Errors
    /// Those of reading.
    pub fn reply_counts(
        &self,
        groups: &[GroupId],
        ids: &[MessageId],
        now_ns: i64,
    ) -> Result<Vec<ReplyCount>, StorageError> {
        self.all(
            &format!(
                "SELECT m.reference_id, count(*) FROM messages m WHERE m.reference_id {IN_LIST}
                 AND m.authority_id = 'xmtp.org' AND m.type_id = 'reply' AND m.group_id {IN_LIST} AND ({ALIVE})
                 AND NOT EXISTS (SELECT 1 FROM removed_messages x WHERE x.message_id = m.id)
                 GROUP BY m.reference_id"
            ),
            params![list(ids), list(groups), now_ns],
            |c| {
                Ok(ReplyCount {
                    id: c.take()?,
                    replies: c.take_u64()?,
                })
            },
        )
    }

    /// The removals that hide these messages, at most one for each.
    ///
    /// # Errors
    /// Those of reading.
    pub fn removals_of(&self, ids: &[MessageId]) -> Result<Vec<RemovalRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {} FROM removed_messages x JOIN removals r ON r.id = x.removal_id WHERE x.message_id {IN_LIST}",
                removals::COLUMNS
            ),
            params![list(ids)],
            removals::read,
        )
    }
}
