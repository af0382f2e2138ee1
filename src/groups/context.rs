//! What every operation on a group works with.

use crate::groups::GroupError;
use crate::identity::InstallationKey;
use crate::ids::{GroupId, InboxId};
use crate::mls::{Group, GroupSummary, Provider};
use crate::storage::{Db, GroupRow};

/// The local installation, the open database and the time.
///
/// Everything an operation writes goes through `db`: run it inside of a transaction, and what it did is kept
/// or undone as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The database, inside or outside of a transaction.
    pub db: &'a Db,
    /// The installation's key.
    pub key: &'a InstallationKey,
    /// The own inbox.
    pub inbox_id: InboxId,
    /// Nanoseconds since the Unix epoch, UTC.
    pub now_ns: i64,
    /// The protocol version that minimum versions are compared with.
    pub own_version: &'a str,
}

impl<'a> Context<'a> {
    /// The same with another view of the database, such as a transaction's.
    #[must_use]
    pub fn with<'b>(&self, db: &'b Db) -> Context<'b>
    where
        'a: 'b,
    {
        Context { db, ..*self }
    }

    /// MLS on this database.
    #[must_use]
    pub fn provider(&self) -> Provider<'a> {
        Provider::new(self.db)
    }

    /// A group's row.
    ///
    /// # Errors
    /// [`GroupError::NotFound`], [`GroupError::Storage`].
    pub fn row(&self, group_id: GroupId) -> Result<GroupRow, GroupError> {
        self.db.group(&group_id)?.ok_or(GroupError::NotFound { group_id })
    }

    /// A group's MLS state: the group that was [kept](Self::keep), or what is stored.
    ///
    /// # Errors
    /// [`GroupError::Mls`], [`GroupError::Storage`].
    pub fn load(&self, group_id: GroupId) -> Result<Group, GroupError> {
        match self.db.take_kept(|group: &Group| group.id() == group_id) {
            Some(group) => Ok(group),
            None => Ok(Group::load(&self.provider(), group_id)?),
        }
    }

    /// Keeps a group for whoever loads it next: who speaks in one speaks in it again, and reading it takes longer than
    /// encrypting. It must be as it is stored, or ahead of that by what [`Group::stage_commit`] leaves. Call it
    /// within the transaction in which the group was loaded.
    pub fn keep(&self, group: Group) {
        self.db.keep(group);
    }

    /// What a group shows without its tree.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn summary(&self, group_id: GroupId) -> Result<GroupSummary, GroupError> {
        Ok(GroupSummary::load(&self.provider(), group_id)?)
    }
}
