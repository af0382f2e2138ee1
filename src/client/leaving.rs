//! Leaving a group, and taking out those who want to.

use super::{ClientError, GroupHandle, Inner, MessageOptions, SendOptions};
use crate::groups::intent::{IntentData, Refresh};
use crate::groups::leave;
use crate::ids::GroupId;
use crate::storage::{ContentTypeKey, DeliveryStatus, Direction, IntentState, MessageKind, MessageRow};

impl GroupHandle {
    /// Asks to be taken out of the group. A super admin does that when it reads the wish; until then nothing
    /// changes. Asking again does nothing.
    ///
    /// # Errors
    /// [`GroupError::CannotLeave`](crate::groups::GroupError::CannotLeave) in a direct message, as a super admin
    /// and alone; [`GroupError::Inactive`](crate::groups::GroupError::Inactive); as [`send`](Self::send).
    pub async fn request_removal(&self) -> Result<(), ClientError> {
        let inner = self.client().ready()?;
        leave::check(&inner.context(), self.id())?;
        if self.is_pending_removal()? {
            return Ok(());
        }
        // A wish that is still on its way out is not asked for a second time.
        match self.own_request(inner)? {
            Some(row) if row.delivery_status == DeliveryStatus::Failed => self.resend(row.id).await?,
            Some(row) if row.delivery_status == DeliveryStatus::Unpublished => {
                self.publish_messages().await?
            }
            Some(row) if row.sequence_id.is_none() => {}
            _ => {
                let quiet = SendOptions {
                    should_push: false,
                    ..Default::default()
                };
                self.send(leave::request().encode(), quiet).await?;
            }
        }
        if !self.is_pending_removal()? {
            // It counts from where it stands among the messages of the others.
            inner.sync_group(self.id()).await?;
        }
        Ok(())
    }

    /// Whether this inbox has asked to be taken out; true also afterwards, until it is added again.
    ///
    /// # Errors
    /// [`ClientError::Group`], [`ClientError::Storage`].
    pub fn is_pending_removal(&self) -> Result<bool, ClientError> {
        Ok(leave::is_pending(&self.client().open()?.context(), self.id())?)
    }

    /// The newest wish of the own inbox that was made here.
    fn own_request(&self, inner: &Inner) -> Result<Option<MessageRow>, ClientError> {
        let newest = MessageOptions {
            kind: Some(MessageKind::Application),
            content_types: vec![ContentTypeKey {
                authority_id: "xmtp.org".into(),
                type_id: "leave_request".into(),
            }],
            direction: Direction::Descending,
            ..Default::default()
        };
        let rows = self.messages(&newest)?;
        Ok(rows
            .into_iter()
            .find(|row| row.sender_installation_id == inner.key.id() && leave::is_request(row)))
    }
}

impl Inner {
    /// Queues the removal of those who asked for it, where that is ours to do and not under way already. The lock
    /// is held by the caller, who publishes.
    pub(super) async fn fulfil_leaves_locked(&self, group_id: GroupId) -> Result<(), ClientError> {
        let context = self.context();
        let row = context.row(group_id)?;
        if !row.has_pending_leave_request || row.paused_for_version.is_some() {
            return Ok(());
        }
        let remove = leave::to_remove(&context, &context.load(group_id)?)?;
        let open = [IntentState::ToPublish, IntentState::Published];
        for intent in self.store.intents(&group_id, &open)? {
            if let Ok(IntentData::UpdateMembership { remove: queued, .. }) = IntentData::decode(&intent.data)
                && remove.is_subset(&queued)
            {
                return Ok(());
            }
        }
        if !remove.is_empty() {
            let refresh = Refresh {
                remove,
                ..Default::default()
            };
            self.queue_membership(group_id, &refresh).await?;
        }
        Ok(())
    }

    /// Whether somebody waits to be taken out by us.
    pub(super) fn is_left_waiting(&self, group_id: GroupId) -> Result<bool, ClientError> {
        Ok(self.context().row(group_id)?.has_pending_leave_request)
    }
}
