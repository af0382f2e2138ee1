//! Direct messages: one conversation, however many groups both sides made for it.
//!
//! Two people, or two installations of one, may make a group for the same direct message at the same time. All
//! of them stay: what is said in any is shown, read and decided about as one, and what one says goes where the
//! conversation was last alive, so that both sides end in the same group.
//!
//! # Source
//! libxmtp ("stitching"); seen with `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly.

use super::{ClientError, Conversations, GroupHandle, Inner};
use crate::groups::{GroupError, other_member};
use crate::identity::Address;
use crate::ids::{GroupId, InboxId};
use crate::messages::message_id;
use crate::storage::{GroupRow, MembershipState};

impl Conversations {
    /// The direct message with the inbox of an address, if there is one in the local database. The node is asked
    /// for the inbox.
    ///
    /// # Errors
    /// [`ClientError::UnknownAddress`], [`ClientError::Transport`], [`ClientError::Storage`].
    pub async fn dm_with_address(&self, address: &Address) -> Result<Option<GroupHandle>, ClientError> {
        match self
            .client()
            .inboxes_of(std::slice::from_ref(address))
            .await?
            .pop()
        {
            Some(inbox_id) => self.dm_with(inbox_id),
            None => Ok(None),
        }
    }

    /// Finds the direct message with the inbox of an address, or makes and publishes one.
    ///
    /// # Errors
    /// [`ClientError::UnknownAddress`], and as [`find_or_create_dm`](Self::find_or_create_dm).
    pub async fn find_or_create_dm_with_address(
        &self,
        address: &Address,
        disappearing: Option<(i64, i64)>,
    ) -> Result<GroupHandle, ClientError> {
        let inboxes = self.client().inboxes_of(std::slice::from_ref(address)).await?;
        let inbox_id = inboxes.into_iter().next().ok_or(ClientError::UnknownAddress {
            address: address.clone(),
        })?;
        self.find_or_create_dm(inbox_id, disappearing).await
    }
}

impl GroupHandle {
    /// The other person of a direct message.
    ///
    /// # Errors
    /// [`GroupError::NotDm`] in a group.
    pub fn peer_inbox_id(&self) -> Result<InboxId, ClientError> {
        let own = self.client().inbox_id();
        let dm_id = self.row().dm_id.as_deref().ok_or(GroupError::NotDm)?;
        Ok(other_member(dm_id, own).ok_or(GroupError::Corrupt("dm id"))?)
    }

    /// The other groups of the same direct message, the one used last first. Empty for a group.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn duplicate_dms(&self) -> Result<Vec<GroupHandle>, ClientError> {
        let inner = self.client().open()?;
        let rows = self.stitched_rows(inner)?;
        Ok(rows
            .into_iter()
            .filter(|row| row.id != self.id())
            .map(|row| GroupHandle::new(self.client().clone(), row))
            .collect())
    }

    /// Whether messages of a group are shown in this conversation: its own, or one of the same direct message.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn includes(&self, group_id: GroupId) -> Result<bool, ClientError> {
        let inner = self.client().open()?;
        Ok(group_id == self.id() || self.row().dm_id.is_some() && self.stitched(inner)?.contains(&group_id))
    }

    /// Whether this is not the group by which a direct message became known first.
    pub(super) fn is_later_duplicate(&self) -> Result<bool, ClientError> {
        let inner = self.client().open()?;
        let first = self
            .stitched_rows(inner)?
            .into_iter()
            .min_by_key(|row| (row.created_at_ns, row.id));
        Ok(first.is_some_and(|row| row.id != self.id()))
    }

    /// The groups shown as this conversation: one, or all of a direct message, the one used last first.
    pub(super) fn stitched(&self, inner: &Inner) -> Result<Vec<GroupId>, ClientError> {
        Ok(match &self.row().dm_id {
            Some(_) => self.stitched_rows(inner)?.into_iter().map(|row| row.id).collect(),
            None => vec![self.id()],
        })
    }

    /// Those of them that a node can be asked about: not what is known from an archive alone.
    pub(super) fn living(&self, inner: &Inner) -> Result<Vec<GroupId>, ClientError> {
        Ok(match &self.row().dm_id {
            Some(_) => {
                let rows = self.stitched_rows(inner)?.into_iter();
                rows.filter(is_living).map(|row| row.id).collect()
            }
            None => vec![self.id()],
        })
    }

    fn stitched_rows(&self, inner: &Inner) -> Result<Vec<GroupRow>, ClientError> {
        Ok(match &self.row().dm_id {
            Some(dm_id) => inner.store.dm_groups(dm_id)?,
            None => Vec::new(),
        })
    }

    /// The group that is changed and spoken in: of a direct message the one used last in which we are a member.
    pub(super) fn acting(&self, inner: &Inner) -> Result<GroupId, ClientError> {
        for row in self.stitched_rows(inner)? {
            if is_living(&row) && inner.context().load(row.id)?.is_active() {
                return Ok(row.id);
            }
        }
        Ok(self.id())
    }

    /// The same for a message: one that was sent before under this key stays the message it was, although the
    /// conversation may go on in another group by now.
    pub(super) fn speaking(
        &self,
        inner: &Inner,
        content: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<GroupId, ClientError> {
        if let Some(key) = idempotency_key {
            for group_id in self.stitched(inner)? {
                let id = message_id(group_id, key, content);
                if inner.store.message(&id, inner.now_ns())?.is_some() {
                    return Ok(group_id);
                }
            }
        }
        self.acting(inner)
    }
}

fn is_living(row: &GroupRow) -> bool {
    row.membership_state != MembershipState::Restored
}
