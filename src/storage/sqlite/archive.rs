//! Messages, page by page, for an archive.

use super::Conditions;
use super::groups::ConversationType;
use super::messages::{ALIVE, COLUMNS, DeliveryStatus, MessageKind, MessageRow, read};
use crate::ids::{GroupId, InboxId};
use crate::storage::{Db, StorageError};

/// Which messages go into an archive: published ones of groups and direct messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveQuery {
    /// Only those sent later than this.
    pub start_ns: Option<i64>,
    /// Only those sent earlier than this.
    pub end_ns: Option<i64>,
    /// None that will disappear.
    pub exclude_disappearing: bool,
    /// Only those after this one; 0 for all. A number that a page answers with each message.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}

impl Db {
    /// Whether an inbox sent something in a conversation.
    ///
    /// # Errors
    /// Those of reading.
    pub fn has_message_of(&self, group: &GroupId, inbox: &InboxId) -> Result<bool, StorageError> {
        let found = self.first(
            "SELECT 1 FROM messages WHERE group_id = ? AND sender_inbox_id = ? AND kind = ? LIMIT 1",
            rusqlite::params![group, inbox, MessageKind::Application],
            |c| c.take::<i64>(),
        )?;
        Ok(found.is_some())
    }

    /// The next page, in the order of storing, each message with its number.
    ///
    /// # Errors
    /// Those of reading.
    pub fn messages_to_archive(
        &self,
        query: &ArchiveQuery,
        now_ns: i64,
    ) -> Result<Vec<(i64, MessageRow)>, StorageError> {
        let mut conditions = Conditions::default();
        conditions.and("m.local_id > ?", [query.after.into()]);
        conditions.and(ALIVE, [now_ns.into()]);
        conditions.and(
            "m.delivery_status = ?",
            [DeliveryStatus::Published.value().into()],
        );
        conditions.and_list(
            "g.conversation_type IN",
            [ConversationType::Group, ConversationType::Dm].map(|kind| kind.value().into()),
        );
        if let Some(ns) = query.start_ns {
            conditions.and("m.sent_at_ns > ?", [ns.into()]);
        }
        if let Some(ns) = query.end_ns {
            conditions.and("m.sent_at_ns < ?", [ns.into()]);
        }
        if query.exclude_disappearing {
            conditions.and("m.expire_at_ns IS NULL", []);
        }
        let Conditions { sql, mut params } = conditions;
        params.push(i64::from(query.limit).into());
        self.all(
            &format!(
                "SELECT m.local_id, {COLUMNS} FROM messages m JOIN groups g ON g.id = m.group_id{sql}
                 ORDER BY m.local_id LIMIT ?"
            ),
            rusqlite::params_from_iter(params),
            |c| Ok((c.take()?, read(c)?)),
        )
    }
}
