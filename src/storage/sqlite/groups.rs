//! The conversations this installation knows, and who asked to leave them.

use super::{Columns, stored_enum, to_stored_optional};
use crate::ids::{GroupId, InboxId, MessageId};
use crate::storage::{Db, Missing, StorageError};
use rusqlite::params;

pub use super::groups_query::{GroupOrder, GroupQuery};

stored_enum! {
    /// What a conversation is. The numbers are those of the wire.
    ConversationType, "a conversation type", {
        /// A group.
        Group = 1,
        /// A conversation of two inboxes.
        Dm = 2,
        /// The own installations among themselves.
        Sync = 3,
        /// A message carried by a welcome.
        Oneshot = 4,
    }
}

stored_enum! {
    /// How we belong to a conversation. The numbers are libxmtp's.
    MembershipState, "a membership state", {
        /// We are a member.
        Allowed = 1,
        /// We were told to keep out.
        Rejected = 2,
        /// Added, and not decided yet.
        Pending = 3,
        /// Known from an archive only: nothing can be sent or received.
        Restored = 4,
        /// We asked to be removed.
        PendingRemove = 5,
    }
}

impl MembershipState {
    /// All but those of conversations known from an archive alone, of which a node has nothing for us.
    pub const LIVING: [Self; 4] = [Self::Allowed, Self::Rejected, Self::Pending, Self::PendingRemove];
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The MLS group id.
    pub id: GroupId,
    /// What it is.
    pub conversation_type: ConversationType,
    /// How we belong to it.
    pub membership_state: MembershipState,
    /// When it was made, or for a joiner when the welcome was sent.
    pub created_at_ns: i64,
    /// Who made it.
    pub creator_inbox_id: InboxId,
    /// Who added us; ourselves in conversations we made.
    pub added_by_inbox_id: InboxId,
    /// For a DM: `dm:` and both inbox ids in ascending order, joined by `:`. Several groups may have the
    /// same; lists show one of them.
    pub dm_id: Option<String>,
    /// The network's number of the welcome we joined by.
    pub welcome_sequence_id: Option<u64>,
    /// When our leaf key was last renewed; 0 before the first time.
    pub rotated_at_ns: i64,
    /// When the members' installations were last looked up; 0 before the first time.
    pub installations_last_checked_ns: i64,
    /// When the newest message was sent.
    pub last_message_ns: Option<i64>,
    /// Since when messages disappear.
    pub message_disappear_from_ns: Option<i64>,
    /// After how long they do.
    pub message_disappear_in_ns: Option<i64>,
    /// The version the group waits for, if it is paused.
    pub paused_for_version: Option<String>,
    /// A message of an epoch ahead of ours was seen.
    pub maybe_forked: bool,
    /// What was seen then, for people.
    pub fork_details: String,
    /// Whether we are among those who publish the commit log.
    pub should_publish_commit_log: bool,
    /// Somebody waits to be removed, and we are among those who can do it.
    pub has_pending_leave_request: bool,
}

/// A member who asked to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRemoveRow {
    /// The group.
    pub group_id: GroupId,
    /// Who asked.
    pub inbox_id: InboxId,
    /// The message with the request.
    pub message_id: MessageId,
}

/// The columns in the order of [`read`]; the table is `g` in every query.
pub(super) const COLUMNS: &str = "g.id, g.conversation_type, g.membership_state, g.created_at_ns, \
     g.creator_inbox_id, g.added_by_inbox_id, g.dm_id, g.welcome_sequence_id, g.rotated_at_ns, \
     g.installations_last_checked_ns, g.last_message_ns, g.message_disappear_from_ns, \
     g.message_disappear_in_ns, g.paused_for_version, g.maybe_forked, g.fork_details, \
     g.should_publish_commit_log, g.has_pending_leave_request";

pub(super) fn read(c: &mut Columns<'_>) -> rusqlite::Result<GroupRow> {
    Ok(GroupRow {
        id: c.take()?,
        conversation_type: c.take()?,
        membership_state: c.take()?,
        created_at_ns: c.take()?,
        creator_inbox_id: c.take()?,
        added_by_inbox_id: c.take()?,
        dm_id: c.take()?,
        welcome_sequence_id: c.take_optional_u64()?,
        rotated_at_ns: c.take()?,
        installations_last_checked_ns: c.take()?,
        last_message_ns: c.take()?,
        message_disappear_from_ns: c.take()?,
        message_disappear_in_ns: c.take()?,
        paused_for_version: c.take()?,
        maybe_forked: c.take()?,
        fork_details: c.take()?,
        should_publish_commit_log: c.take()?,
        has_pending_leave_request: c.take()?,
    })
}

impl Db {
    /// Stores a conversation, over the row of the same id if there is one (a second welcome). Its messages
    /// and intents stay.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`], and those of writing.
    pub fn put_group(&self, row: &GroupRow) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO groups (id, conversation_type, membership_state, created_at_ns, creator_inbox_id,
                added_by_inbox_id, dm_id, welcome_sequence_id, rotated_at_ns, installations_last_checked_ns,
                last_message_ns, message_disappear_from_ns, message_disappear_in_ns, paused_for_version,
                maybe_forked, fork_details, should_publish_commit_log, has_pending_leave_request)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
             ON CONFLICT (id) DO UPDATE SET conversation_type = ?2, membership_state = ?3,
                created_at_ns = ?4, creator_inbox_id = ?5, added_by_inbox_id = ?6, dm_id = ?7,
                welcome_sequence_id = ?8, rotated_at_ns = ?9, installations_last_checked_ns = ?10,
                last_message_ns = ?11, message_disappear_from_ns = ?12, message_disappear_in_ns = ?13,
                paused_for_version = ?14, maybe_forked = ?15, fork_details = ?16,
                should_publish_commit_log = ?17, has_pending_leave_request = ?18",
            params![
                row.id,
                row.conversation_type,
                row.membership_state,
                row.created_at_ns,
                row.creator_inbox_id,
                row.added_by_inbox_id,
                row.dm_id,
                to_stored_optional(row.welcome_sequence_id, "a sequence id")?,
                row.rotated_at_ns,
                row.installations_last_checked_ns,
                row.last_message_ns,
                row.message_disappear_from_ns,
                row.message_disappear_in_ns,
                row.paused_for_version,
                row.maybe_forked,
                row.fork_details,
                row.should_publish_commit_log,
                row.has_pending_leave_request,
            ],
        )?;
        Ok(())
    }

    /// A conversation.
    ///
    /// # Errors
    /// Those of reading.
    pub fn group(&self, id: &GroupId) -> Result<Option<GroupRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM groups g WHERE g.id = ?"),
            params![id],
            read,
        )
    }

    /// All conversations with this `dm_id`: those known from an archive alone last, newest message first, those without a message last, then by
    /// creation. The first is the one that lists show.
    ///
    /// # Errors
    /// Those of reading.
    pub fn dm_groups(&self, dm_id: &str) -> Result<Vec<GroupRow>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM groups g WHERE g.dm_id = ?
                 ORDER BY g.membership_state = 4, g.last_message_ns DESC, g.created_at_ns DESC, g.id"
            ),
            params![dm_id],
            read,
        )
    }

    /// Forgets a conversation with its messages, intents, leave requests and commit log. Its MLS state is
    /// deleted by the `mls` room, in the same transaction. Answers whether it was there.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_group(&self, id: &GroupId) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM groups WHERE id = ?", params![id])? > 0)
    }

    /// Stores how we belong to a conversation.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], as all setters of this table.
    pub fn set_membership_state(&self, id: &GroupId, state: MembershipState) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET membership_state = ? WHERE id = ?",
            params![state, id],
        )
    }

    /// Stores when our leaf key was renewed.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_group_rotated(&self, id: &GroupId, at_ns: i64) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET rotated_at_ns = ? WHERE id = ?",
            params![at_ns, id],
        )
    }

    /// Stores when the members' installations were looked up.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_installations_checked(&self, id: &GroupId, at_ns: i64) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET installations_last_checked_ns = ? WHERE id = ?",
            params![at_ns, id],
        )
    }

    /// Moves the time of the newest message forward, never back.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn advance_last_message(&self, id: &GroupId, at_ns: i64) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET last_message_ns = max(coalesce(last_message_ns, ?1), ?1) WHERE id = ?2",
            params![at_ns, id],
        )
    }

    /// Stores since when and after how long messages disappear; `None` for never.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_message_disappearing(
        &self,
        id: &GroupId,
        from_and_in_ns: Option<(i64, i64)>,
    ) -> Result<(), StorageError> {
        let (from_ns, in_ns) = from_and_in_ns.unzip();
        self.change(
            Missing::Group,
            "UPDATE groups SET message_disappear_from_ns = ?, message_disappear_in_ns = ? WHERE id = ?",
            params![from_ns, in_ns, id],
        )
    }

    /// Pauses a conversation until a version, or lets it go on.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_paused_for_version(&self, id: &GroupId, version: Option<&str>) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET paused_for_version = ? WHERE id = ?",
            params![version, id],
        )
    }

    /// Stores the suspicion of a fork, or clears it.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_maybe_forked(&self, id: &GroupId, details: Option<&str>) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET maybe_forked = ?, fork_details = ? WHERE id = ?",
            params![details.is_some(), details.unwrap_or_default(), id],
        )
    }

    /// Stores whether we publish the commit log of a conversation.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_should_publish_commit_log(&self, id: &GroupId, publish: bool) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET should_publish_commit_log = ? WHERE id = ?",
            params![publish, id],
        )
    }

    /// Stores whether somebody waits to be removed by us.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub fn set_pending_leave_request(&self, id: &GroupId, pending: bool) -> Result<(), StorageError> {
        self.change(
            Missing::Group,
            "UPDATE groups SET has_pending_leave_request = ? WHERE id = ?",
            params![pending, id],
        )
    }

    /// Stores that a member asked to leave; the first request stays. Answers whether it is the first.
    ///
    /// # Errors
    /// Those of writing.
    pub fn insert_pending_remove(&self, row: &PendingRemoveRow) -> Result<bool, StorageError> {
        let changed = self.execute(
            "INSERT INTO pending_remove (group_id, inbox_id, message_id) VALUES (?, ?, ?)
             ON CONFLICT DO NOTHING",
            params![row.group_id, row.inbox_id, row.message_id],
        )?;
        Ok(changed > 0)
    }

    /// Who asked to leave a group, by inbox id.
    ///
    /// # Errors
    /// Those of reading.
    pub fn pending_removes(&self, group: &GroupId) -> Result<Vec<PendingRemoveRow>, StorageError> {
        self.all(
            "SELECT group_id, inbox_id, message_id FROM pending_remove WHERE group_id = ?",
            params![group],
            |c| {
                Ok(PendingRemoveRow {
                    group_id: c.take()?,
                    inbox_id: c.take()?,
                    message_id: c.take()?,
                })
            },
        )
    }

    /// Forgets all who asked to leave a group.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_pending_removes(&self, group: &GroupId) -> Result<(), StorageError> {
        self.execute("DELETE FROM pending_remove WHERE group_id = ?", params![group])?;
        Ok(())
    }

    /// Forgets that a member asked to leave. Answers whether it had.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_pending_remove(&self, group: &GroupId, inbox: &InboxId) -> Result<bool, StorageError> {
        let changed = self.execute(
            "DELETE FROM pending_remove WHERE group_id = ? AND inbox_id = ?",
            params![group, inbox],
        )?;
        Ok(changed > 0)
    }
}
