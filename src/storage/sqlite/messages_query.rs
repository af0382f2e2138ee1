//! Lists of messages.

use super::Conditions;
use super::messages::{ALIVE, COLUMNS, DeliveryStatus, MessageKind, MessageRow, read};
use crate::ids::{GroupId, InboxId, MessageId};
use crate::storage::Db;
use crate::storage::StorageError;
use rusqlite::types::Value;

/// That a message is a line of its own: not of a type that shows as part of another message or not at all.
pub(super) const LISTED: &str = "(m.authority_id, m.type_id, m.version_major) NOT IN (VALUES \
     ('xmtp.org', 'reaction', 1), ('xmtp.org', 'reaction', 2), ('xmtp.org', 'readReceipt', 1), \
     ('xmtp.org', 'delete', 0), ('xmtp.org', 'remove', 0), ('xmtp.org', 'deleteMessage', 1))";

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// By which time a list of messages is sorted; equal times stay in the order of insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessageOrder {
    /// When it was sent.
    #[default]
    SentAt,
    /// When it was stored here.
    InsertedAt,
}

/// A content type without its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentTypeKey {
    /// Such as `xmtp.org`.
    pub authority_id: String,
    /// Such as `text`.
    pub type_id: String,
}

/// Which messages are listed. The default lists none: name at least one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageQuery {
    /// The groups they were sent in: for a DM all its duplicates.
    pub groups: Vec<GroupId>,
    /// Only those sent later than this.
    pub sent_after_ns: Option<i64>,
    /// Only those sent earlier than this.
    pub sent_before_ns: Option<i64>,
    /// Only those stored later than this.
    pub inserted_after_ns: Option<i64>,
    /// Only those stored earlier than this.
    pub inserted_before_ns: Option<i64>,
    /// Only these.
    pub kind: Option<MessageKind>,
    /// Only those that have come so far.
    pub delivery_status: Option<DeliveryStatus>,
    /// Only these content types; empty for all.
    pub content_types: Vec<ContentTypeKey>,
    /// None of these content types.
    pub exclude_content_types: Vec<ContentTypeKey>,
    /// None of these senders.
    pub exclude_senders: Vec<InboxId>,
    /// Only those that refer to one of these messages; empty for all.
    pub references: Vec<MessageId>,
    /// Only what is a line of its own: no reactions, read receipts and removals, unless `content_types` asks for them.
    pub listed_only: bool,
    /// Only those that were removed for everybody, or only those that were not.
    pub removed: Option<bool>,
    /// By which time they are sorted.
    pub order: MessageOrder,
    /// Which end comes first.
    pub direction: Direction,
    /// At most so many.
    pub limit: Option<u32>,
}

impl MessageQuery {
    /// All messages of one group.
    #[must_use]
    pub fn group(id: GroupId) -> Self {
        Self {
            groups: vec![id],
            ..Self::default()
        }
    }

    fn conditions(&self, now_ns: i64) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.and_list(
            "m.group_id IN",
            self.groups.iter().map(|id| Value::Blob(id.to_vec())),
        );
        conditions.and(ALIVE, [now_ns.into()]);
        let bounds = [
            ("m.sent_at_ns > ?", self.sent_after_ns),
            ("m.sent_at_ns < ?", self.sent_before_ns),
            ("m.inserted_at_ns > ?", self.inserted_after_ns),
            ("m.inserted_at_ns < ?", self.inserted_before_ns),
            ("m.kind = ?", self.kind.map(MessageKind::value)),
            (
                "m.delivery_status = ?",
                self.delivery_status.map(DeliveryStatus::value),
            ),
        ];
        for (sql, bound) in bounds {
            if let Some(value) = bound {
                conditions.and(sql, [value.into()]);
            }
        }
        let content_types = [
            ("IN", &self.content_types),
            ("NOT IN", &self.exclude_content_types),
        ];
        for (sql, keys) in content_types {
            if !keys.is_empty() {
                let rows = vec!["(?, ?)"; keys.len()].join(",");
                let values = keys
                    .iter()
                    .flat_map(|key| [key.authority_id.clone().into(), key.type_id.clone().into()]);
                conditions.and(
                    &format!("(m.authority_id, m.type_id) {sql} (VALUES {rows})"),
                    values,
                );
            }
        }
        if self.listed_only && self.content_types.is_empty() {
            conditions.and(LISTED, []);
        }
        if let Some(removed) = self.removed {
            let not = if removed { "" } else { "NOT " };
            conditions.and(
                &format!("{not}EXISTS (SELECT 1 FROM removed_messages x WHERE x.message_id = m.id)"),
                [],
            );
        }
        if !self.exclude_senders.is_empty() {
            let values = self.exclude_senders.iter().map(|id| Value::Blob(id.to_vec()));
            conditions.and_list("m.sender_inbox_id NOT IN", values);
        }
        if !self.references.is_empty() {
            let values = self.references.iter().map(|id| Value::Blob(id.to_vec()));
            conditions.and_list("m.reference_id IN", values);
        }
        conditions
    }
}

impl Db {
    /// The messages a query asks for that have not disappeared by `now_ns`.
    ///
    /// # Errors
    /// Those of reading.
    pub fn messages(&self, query: &MessageQuery, now_ns: i64) -> Result<Vec<MessageRow>, StorageError> {
        let Conditions { sql, mut params } = query.conditions(now_ns);
        params.push(query.limit.map_or(-1, i64::from).into());
        let time = match query.order {
            MessageOrder::SentAt => "m.sent_at_ns",
            MessageOrder::InsertedAt => "m.inserted_at_ns",
        };
        let direction = match query.direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM messages m{sql}
                 ORDER BY {time} {direction}, m.local_id {direction} LIMIT ?"
            ),
            rusqlite::params_from_iter(params),
            read,
        )
    }

    /// How many messages a query asks for; its limit does not count.
    ///
    /// # Errors
    /// Those of reading.
    pub fn count_messages(&self, query: &MessageQuery, now_ns: i64) -> Result<u64, StorageError> {
        let Conditions { sql, params } = query.conditions(now_ns);
        let found = self.first(
            &format!("SELECT count(*) FROM messages m{sql}"),
            rusqlite::params_from_iter(params),
            |c| c.take_u64(),
        )?;
        Ok(found.unwrap_or(0))
    }

    /// When each sender's newest message of those a query asks for was sent; its limit does not count.
    ///
    /// # Errors
    /// Those of reading.
    pub fn latest_times_by_sender(
        &self,
        query: &MessageQuery,
        now_ns: i64,
    ) -> Result<Vec<(InboxId, i64)>, StorageError> {
        let Conditions { sql, params } = query.conditions(now_ns);
        self.all(
            &format!(
                "SELECT m.sender_inbox_id, max(m.sent_at_ns) FROM messages m{sql} GROUP BY m.sender_inbox_id"
            ),
            rusqlite::params_from_iter(params),
            |c| Ok((c.take()?, c.take()?)),
        )
    }

    /// The message sent last in any of the groups that is a line of its own.
    ///
    /// # Errors
    /// Those of reading.
    pub fn latest_message(
        &self,
        groups: &[GroupId],
        now_ns: i64,
    ) -> Result<Option<MessageRow>, StorageError> {
        let query = MessageQuery {
            groups: groups.to_vec(),
            listed_only: true,
            direction: Direction::Descending,
            limit: Some(1),
            ..MessageQuery::default()
        };
        Ok(self.messages(&query, now_ns)?.pop())
    }
}
