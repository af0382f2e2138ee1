//! Group messages.

use super::{Page, Store, StoreError, digest, signed, unsigned};
use rusqlite::{OptionalExtension, Row, params};
use xmtp_web::proto::xmtp::mls::api::v1::{GroupMessage, group_message};

/// A group message to store.
#[derive(Debug, Clone)]
pub(crate) struct NewGroupMessage {
    /// As its MLS header says.
    pub(crate) group_id: Vec<u8>,
    /// A TLS-serialised MLSMessage.
    pub(crate) data: Vec<u8>,
    /// As sent.
    pub(crate) sender_hmac: Vec<u8>,
    /// As sent.
    pub(crate) should_push: bool,
    /// A commit or a standalone proposal.
    pub(crate) is_commit: bool,
}

const COLUMNS: &str =
    "SELECT id, created_at, group_id, data, sender_hmac, should_push, is_commit FROM group_messages";

impl Store {
    /// Stores a message and hands it to streams. Equal bytes in the same group are stored once: then `None`.
    pub(crate) fn insert_group_message(&self, message: NewGroupMessage) -> Result<Option<u64>, StoreError> {
        let created_ns = self.clock.row_ns();
        let connection = self.connection();
        let id: Option<i64> = connection
            .prepare_cached(
                "INSERT INTO group_messages
                 (created_at, group_id, data, group_id_data_hash, is_commit, sender_hmac, should_push)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING id",
            )?
            .query_row(
                params![
                    signed(created_ns),
                    message.group_id,
                    message.data,
                    digest(&message.group_id, &message.data),
                    message.is_commit,
                    message.sender_hmac,
                    message.should_push,
                ],
                |row| row.get(0),
            )
            .optional()?;
        let Some(id) = id.map(unsigned) else {
            return Ok(None);
        };
        let row = group_message::V1 {
            id,
            created_ns,
            group_id: message.group_id,
            data: message.data,
            sender_hmac: message.sender_hmac,
            should_push: message.should_push,
            is_commit: message.is_commit,
        };
        let key = row.group_id.clone();
        self.groups.publish(&key, id, &wrap(row));
        drop(connection);
        Ok(Some(id))
    }

    /// A page of one group, with the id of each row.
    pub(crate) fn group_messages(
        &self,
        group_id: &[u8],
        page: Page,
    ) -> Result<Vec<(u64, GroupMessage)>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached(&format!("{COLUMNS} {}", page.clause("group_id")))?;
        let rows = query.query_map(params![group_id, signed(page.cursor), page.limit], read)?;
        rows.map(|row| Ok(row.map(|row| (row.id, wrap(row)))?)).collect()
    }

    /// A page of a group for a stream, oldest first, after an id.
    ///
    /// # Errors
    /// [`StoreError::NoGroup`] for an empty group id, as the query of the public node has it.
    pub(crate) fn group_messages_after(
        &self,
        group_id: &[u8],
        after: u64,
    ) -> Result<Vec<(u64, GroupMessage)>, StoreError> {
        if group_id.is_empty() {
            return Err(StoreError::NoGroup);
        }
        self.group_messages(group_id, Page::after(after))
    }

    /// The newest message of a group; without `content` only its id, time, group and kind.
    pub(crate) fn newest_group_message(
        &self,
        group_id: &[u8],
        content: bool,
    ) -> Result<Option<GroupMessage>, StoreError> {
        let connection = self.connection();
        let newest = connection
            .prepare_cached(&format!("{COLUMNS} WHERE group_id = ?1 ORDER BY id DESC LIMIT 1"))?
            .query_row([group_id], read)
            .optional()?;
        Ok(newest.map(|mut row| {
            if !content {
                row.data.clear();
                row.sender_hmac.clear();
                row.should_push = false;
            }
            wrap(row)
        }))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<group_message::V1> {
    Ok(group_message::V1 {
        id: unsigned(row.get(0)?),
        created_ns: unsigned(row.get(1)?),
        group_id: row.get(2)?,
        data: row.get(3)?,
        sender_hmac: row.get(4)?,
        should_push: row.get(5)?,
        is_commit: row.get(6)?,
    })
}

fn wrap(row: group_message::V1) -> GroupMessage {
    GroupMessage {
        version: Some(group_message::Version::V1(row)),
    }
}
