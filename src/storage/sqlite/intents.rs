//! What we want to happen in a group, and every attempt made at it.
//!
//! An intent is the wish; an attempt is one payload built for it, known to the network by its SHA-256.
//! **All attempts are kept until the epoch they were built for is over**: a request that seemed to fail
//! may have arrived, and its payload comes back.

use super::messages::DeliveryStatus;
use super::{Columns, stored_enum, to_stored};
use crate::ids::{GroupId, MessageId};
use crate::storage::{Db, Missing, StorageError};
use rusqlite::params;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

stored_enum! {
    /// What is wanted. The numbers are libxmtp's.
    IntentKind, "an intent kind", {
        /// Send a message.
        SendMessage = 1,
        /// Renew our leaf key.
        KeyUpdate = 2,
        /// Change a metadata field.
        MetadataUpdate = 3,
        /// Bring members and their installations up to date, add and remove.
        UpdateGroupMembership = 4,
        /// Change the lists of admins.
        UpdateAdminList = 5,
        /// Change a permission.
        UpdatePermission = 6,
        /// Add installations again that lost the group's state.
        ReaddInstallations = 7,
    }
}

stored_enum! {
    /// How far an intent has come. The numbers are libxmtp's.
    IntentState, "an intent state", {
        /// Waits to be built and sent.
        ToPublish = 1,
        /// Sent, or about to be: an attempt is stored.
        Published = 2,
        /// Its payload came back and was applied.
        Committed = 3,
        /// Given up.
        Error = 4,
        /// Done, with everything that follows from it.
        Processed = 5,
    }
}

/// The number of an intent. Ascending, and never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntentId(pub i64);

impl ToSql for IntentId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for IntentId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

/// An intent to be stored; it starts as [`IntentState::ToPublish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIntent {
    /// In which group.
    pub group_id: GroupId,
    /// What is wanted.
    pub kind: IntentKind,
    /// The details, encoded by the `groups` room.
    pub data: Vec<u8>,
    /// Whether receivers may be notified.
    pub should_push: bool,
    /// The message it sends.
    pub message_id: Option<MessageId>,
    /// When it was asked for.
    pub created_at_ns: i64,
}

/// A stored intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentRow {
    /// Its number.
    pub id: IntentId,
    /// In which group.
    pub group_id: GroupId,
    /// What is wanted.
    pub kind: IntentKind,
    /// How far it has come.
    pub state: IntentState,
    /// The details, encoded by the `groups` room.
    pub data: Vec<u8>,
    /// How often building or sending it failed.
    pub publish_attempts: u32,
    /// Whether receivers may be notified.
    pub should_push: bool,
    /// The message it sends.
    pub message_id: Option<MessageId>,
    /// When it was asked for.
    pub created_at_ns: i64,
    /// The network's number of the payload that was applied.
    pub sequence_id: Option<u64>,
    /// What is to be done after it was applied (welcomes to send), encoded by the `groups` room.
    pub post_commit: Option<Vec<u8>>,
}

/// One payload built for an intent. Stored before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// For which intent.
    pub intent_id: IntentId,
    /// The SHA-256 of the payload, by which it is recognised when it comes back.
    pub payload_hash: [u8; 32],
    /// The epoch it was built in.
    pub published_in_epoch: u64,
    /// The commit to be merged when it comes back; `None` for a message.
    pub staged_commit: Option<Vec<u8>>,
    /// What is to be done once it was merged, encoded by the `groups` room.
    pub post_commit: Option<Vec<u8>>,
    /// The payload itself, so that it can be sent again after a crash.
    pub payload: Option<Vec<u8>>,
}

const COLUMNS: &str = "i.id, i.group_id, i.kind, i.state, i.data, i.publish_attempts, i.should_push, \
     i.message_id, i.created_at_ns, i.sequence_id, i.post_commit";

const ATTEMPT_COLUMNS: &str = "a.intent_id, a.payload_hash, a.published_in_epoch, a.staged_commit, \
     a.post_commit, a.payload";

fn read(c: &mut Columns<'_>) -> rusqlite::Result<IntentRow> {
    Ok(IntentRow {
        id: c.take()?,
        group_id: c.take()?,
        kind: c.take()?,
        state: c.take()?,
        data: c.take()?,
        publish_attempts: c.take()?,
        should_push: c.take()?,
        message_id: c.take()?,
        created_at_ns: c.take()?,
        sequence_id: c.take_optional_u64()?,
        post_commit: c.take()?,
    })
}

fn read_attempt(c: &mut Columns<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        intent_id: c.take()?,
        payload_hash: c.take()?,
        published_in_epoch: c.take_u64()?,
        staged_commit: c.take()?,
        post_commit: c.take()?,
        payload: c.take()?,
    })
}

impl Db {
    /// Stores an intent; answers its number.
    ///
    /// # Errors
    /// Those of writing: the group must exist.
    pub fn insert_intent(&self, new: &NewIntent) -> Result<IntentId, StorageError> {
        self.execute(
            "INSERT INTO intents (group_id, kind, state, data, publish_attempts, should_push, message_id,
                created_at_ns) VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
            params![
                new.group_id,
                new.kind,
                IntentState::ToPublish,
                new.data,
                new.should_push,
                new.message_id,
                new.created_at_ns,
            ],
        )?;
        Ok(IntentId(self.connection.last_insert_rowid()))
    }

    /// An intent.
    ///
    /// # Errors
    /// Those of reading.
    pub fn intent(&self, id: IntentId) -> Result<Option<IntentRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM intents i WHERE i.id = ?"),
            params![id],
            read,
        )
    }

    /// The intent that sends a message, newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn intent_of_message(&self, message: &MessageId) -> Result<Option<IntentRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM intents i WHERE i.message_id = ? ORDER BY i.id DESC LIMIT 1"),
            params![message],
            read,
        )
    }

    /// The intents of a group in one of these states, in the order in which they were asked for.
    ///
    /// # Errors
    /// Those of reading.
    pub fn intents(&self, group: &GroupId, states: &[IntentState]) -> Result<Vec<IntentRow>, StorageError> {
        let marks = vec!["?"; states.len()].join(",");
        let values = std::iter::once(Value::Blob(group.to_vec()))
            .chain(states.iter().map(|state| Value::from(state.value())));
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM intents i WHERE i.group_id = ? AND i.state IN ({marks}) ORDER BY i.id"
            ),
            rusqlite::params_from_iter(values),
            read,
        )
    }

    /// The intent of a group that is to be built next: they are built in the order in which they were asked for.
    ///
    /// # Errors
    /// Those of reading.
    pub fn next_intent(&self, group: &GroupId) -> Result<Option<IntentRow>, StorageError> {
        self.first(
            &format!(
                "SELECT {COLUMNS} FROM intents i WHERE i.group_id = ? AND i.state = ? ORDER BY i.id LIMIT 1"
            ),
            params![group, IntentState::ToPublish],
            read,
        )
    }

    /// Whether an intent of this kind waits in a group to be sent or to come back.
    ///
    /// # Errors
    /// Those of reading.
    pub fn is_under_way(&self, group: &GroupId, kind: IntentKind) -> Result<bool, StorageError> {
        let found = self.first(
            "SELECT 1 FROM intents WHERE group_id = ? AND state IN (?, ?) AND kind = ? LIMIT 1",
            params![group, IntentState::ToPublish, IntentState::Published, kind],
            |c| c.take::<i64>(),
        )?;
        Ok(found.is_some())
    }

    /// Whether something of a group was sent, or about to be, of which it is not known whether the network has it: its
    /// message is not [`DeliveryStatus::Published`], or it is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn has_unanswered_intent(&self, group: &GroupId) -> Result<bool, StorageError> {
        let found = self.first(
            "SELECT 1 FROM intents i LEFT JOIN messages m ON m.id = i.message_id
             WHERE i.group_id = ? AND i.state = ? AND m.delivery_status IS NOT ? LIMIT 1",
            params![group, IntentState::Published, DeliveryStatus::Published],
            |c| c.take::<i64>(),
        )?;
        Ok(found.is_some())
    }

    /// The groups in which something still waits to be sent, to come back or to be followed up.
    ///
    /// # Errors
    /// Those of reading.
    pub fn groups_with_open_intents(&self) -> Result<Vec<GroupId>, StorageError> {
        self.all(
            "SELECT group_id FROM intents WHERE state IN (?, ?, ?) GROUP BY group_id ORDER BY min(id)",
            params![
                IntentState::ToPublish,
                IntentState::Published,
                IntentState::Committed
            ],
            |c| c.take(),
        )
    }

    /// Stores how far an intent has come.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_intent_state(&self, id: IntentId, state: IntentState) -> Result<(), StorageError> {
        self.change(
            Missing::Intent,
            "UPDATE intents SET state = ? WHERE id = ?",
            params![state, id],
        )
    }

    /// Stores that the network has what an intent sent and what has not come back yet: its message is published, and
    /// disappears then. Answers whether there is such a message.
    ///
    /// # Errors
    /// Those of writing.
    pub fn acknowledge_intent(&self, id: IntentId, expire_at_ns: Option<i64>) -> Result<bool, StorageError> {
        let changed = self.execute(
            "UPDATE messages SET delivery_status = ?, expire_at_ns = ?
             WHERE id = (SELECT message_id FROM intents WHERE id = ? AND state = ?)",
            params![
                DeliveryStatus::Published,
                expire_at_ns,
                id,
                IntentState::Published
            ],
        )?;
        Ok(changed > 0)
    }

    /// Gives an intent back to be published, whatever was said of its message.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn return_intent(&self, id: IntentId) -> Result<(), StorageError> {
        self.execute(
            "UPDATE messages SET delivery_status = ?, expire_at_ns = NULL
             WHERE delivery_status = ? AND id = (SELECT message_id FROM intents WHERE id = ?)",
            params![DeliveryStatus::Unpublished, DeliveryStatus::Published, id],
        )?;
        self.set_intent_state(id, IntentState::ToPublish)
    }

    /// Stores that the payload of an intent was applied: state [`IntentState::Committed`], the network's
    /// number and what is to be done next.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::NumberTooLarge`].
    pub fn set_intent_committed(
        &self,
        id: IntentId,
        sequence_id: u64,
        post_commit: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        self.change(
            Missing::Intent,
            "UPDATE intents SET state = ?, sequence_id = ?, post_commit = ? WHERE id = ?",
            params![
                IntentState::Committed,
                to_stored(sequence_id, "a sequence id")?,
                post_commit,
                id
            ],
        )
    }

    /// Counts a failure to build or send an intent; answers how many there are now.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn count_publish_attempt(&self, id: IntentId) -> Result<u32, StorageError> {
        self.first(
            "UPDATE intents SET publish_attempts = publish_attempts + 1 WHERE id = ?
             RETURNING publish_attempts",
            params![id],
            |c| c.take(),
        )?
        .ok_or(StorageError::NotFound(Missing::Intent))
    }

    /// Forgets an intent with its attempts. Answers whether it was there.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_intent(&self, id: IntentId) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM intents WHERE id = ?", params![id])? > 0)
    }

    /// Forgets all intents that send a message.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_intents_of_message(&self, message: &MessageId) -> Result<(), StorageError> {
        self.execute("DELETE FROM intents WHERE message_id = ?", params![message])?;
        Ok(())
    }

    /// Stores an attempt and moves its intent to [`IntentState::Published`].
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::NumberTooLarge`]; a second attempt with the same hash
    /// is refused.
    pub fn insert_attempt(&self, attempt: &AttemptRow) -> Result<(), StorageError> {
        self.set_intent_state(attempt.intent_id, IntentState::Published)?;
        self.execute(
            "INSERT INTO intent_attempts (intent_id, payload_hash, published_in_epoch, staged_commit,
                post_commit, payload) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                attempt.intent_id,
                attempt.payload_hash,
                to_stored(attempt.published_in_epoch, "an epoch")?,
                attempt.staged_commit,
                attempt.post_commit,
                attempt.payload,
            ],
        )?;
        Ok(())
    }

    /// The attempt with this payload hash and its intent: whether an arriving payload is our own.
    ///
    /// # Errors
    /// Those of reading.
    pub fn attempt_by_hash(
        &self,
        payload_hash: &[u8; 32],
    ) -> Result<Option<(IntentRow, AttemptRow)>, StorageError> {
        self.first(
            &format!(
                "SELECT {COLUMNS}, {ATTEMPT_COLUMNS} FROM intent_attempts a
                 JOIN intents i ON i.id = a.intent_id WHERE a.payload_hash = ?"
            ),
            params![payload_hash],
            |c| Ok((read(c)?, read_attempt(c)?)),
        )
    }

    /// The attempts made at an intent, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn attempts(&self, intent: IntentId) -> Result<Vec<AttemptRow>, StorageError> {
        self.all(
            &format!("SELECT {ATTEMPT_COLUMNS} FROM intent_attempts a WHERE a.intent_id = ? ORDER BY a.id"),
            params![intent],
            read_attempt,
        )
    }

    /// Forgets the attempts of a group built before an epoch. Answers how many.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn delete_attempts_before(&self, group: &GroupId, epoch: u64) -> Result<usize, StorageError> {
        self.execute(
            "DELETE FROM intent_attempts WHERE published_in_epoch < ?
                AND intent_id IN (SELECT id FROM intents WHERE group_id = ?)",
            params![to_stored(epoch, "an epoch")?, group],
        )
    }
}
