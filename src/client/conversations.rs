//! Making and finding conversations.

use super::{Client, ClientError, Event, GroupHandle};
use crate::groups::create;
use crate::groups::intent::{self, Refresh};
use crate::groups::{Context, GroupError, NewGroup, dm_id, view};
use crate::identity::Address;
use crate::ids::{GroupId, InboxId, MessageId};
use crate::storage::{
    ConsentEntity, ConsentState, ConversationType, GroupOrder, GroupQuery, GroupRow, IntentState,
    MembershipState, MessageRow,
};

/// The conversations of a client.
#[derive(Debug, Clone)]
pub struct Conversations {
    client: Client,
}

/// Which conversations are listed. Those of the own installations among themselves never are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Made after this time, exclusive, nanoseconds since the Unix epoch.
    pub created_after_ns: Option<i64>,
    /// Made before this time, exclusive.
    pub created_before_ns: Option<i64>,
    /// Only groups, or only direct messages.
    pub conversation_type: Option<ConversationType>,
    /// Only those with one of these consent states; empty: all but the denied, as in libxmtp.
    pub consent_states: Vec<ConsentState>,
    /// Each group of a direct message instead of the latest.
    pub include_duplicate_dms: bool,
    /// Newest activity first instead of newest creation first.
    pub by_activity: bool,
    /// At most this many.
    pub limit: Option<u32>,
}

impl ListOptions {
    fn query(&self) -> GroupQuery {
        let conversation_types = match self.conversation_type {
            Some(only) => vec![only],
            None => vec![ConversationType::Group, ConversationType::Dm],
        };
        let consent_states = match self.consent_states.as_slice() {
            [] => vec![ConsentState::Allowed, ConsentState::Unknown],
            only => only.to_vec(),
        };
        GroupQuery {
            created_after_ns: self.created_after_ns,
            created_before_ns: self.created_before_ns,
            conversation_types,
            consent_states,
            include_duplicate_dms: self.include_duplicate_dms,
            order: if self.by_activity {
                GroupOrder::LastActivity
            } else {
                GroupOrder::CreatedAt
            },
            limit: self.limit,
            ..Default::default()
        }
    }
}

impl Conversations {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Joins conversations one was added to. Returns how many.
    ///
    /// # Errors
    /// As [`Client::sync_welcomes`].
    pub async fn sync(&self) -> Result<usize, ClientError> {
        Ok(self.client.sync_welcomes().await?.len())
    }

    /// The conversations in the local database.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn list(&self, options: &ListOptions) -> Result<Vec<GroupHandle>, ClientError> {
        let inner = self.client.open()?;
        let rows = inner.store.groups(&options.query())?;
        inner.keep_views(&rows)?;
        Ok(rows.into_iter().map(|row| self.handle(row)).collect())
    }

    /// The same, each with the message sent last in it: one query for all of them.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn list_with_last_message(
        &self,
        options: &ListOptions,
    ) -> Result<Vec<(GroupHandle, Option<MessageRow>)>, ClientError> {
        let inner = self.client.open()?;
        let rows = inner
            .store
            .groups_with_last_message(&options.query(), inner.now_ns())?;
        let with_handle = |(row, last)| (self.handle(row), last);
        Ok(rows.into_iter().map(with_handle).collect())
    }

    /// A conversation in the local database.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn by_id(&self, group_id: GroupId) -> Result<Option<GroupHandle>, ClientError> {
        let row = self.client.open()?.store.group(&group_id)?;
        Ok(row
            .filter(|row| row.conversation_type != ConversationType::Sync)
            .map(|row| self.handle(row)))
    }

    /// The direct message with an inbox, if there is one in the local database.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn dm_with(&self, inbox_id: InboxId) -> Result<Option<GroupHandle>, ClientError> {
        let inner = self.client.open()?;
        let rows = inner.store.dm_groups(&dm_id(inner.inbox_id, inbox_id))?;
        Ok(rows
            .into_iter()
            .find(|row| row.membership_state != MembershipState::Restored)
            .map(|row| self.handle(row)))
    }

    /// A message in the local database.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn message(&self, id: MessageId) -> Result<Option<MessageRow>, ClientError> {
        let inner = self.client.open()?;
        Ok(inner.store.message(&id, inner.now_ns())?)
    }

    /// The conversation of a message in the local database.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn by_message(&self, id: MessageId) -> Result<Option<GroupHandle>, ClientError> {
        match self.message(id)? {
            Some(row) => self.by_id(row.group_id),
            None => Ok(None),
        }
    }

    /// Makes a group with these inboxes and publishes it.
    ///
    /// # Errors
    /// [`ClientError::UnknownInbox`] and other refusals before anything is made;
    /// [`GroupError::NoUsableKeyPackage`], or a commit that could not be sent in three attempts: nothing is left
    /// of the group; [`ClientError::Transport`] when the node went away in between: the group stays and a sync
    /// publishes it.
    pub async fn create_group(
        &self,
        members: &[InboxId],
        new: &NewGroup,
    ) -> Result<GroupHandle, ClientError> {
        self.client.ready()?;
        self.check_known(members).await?;
        self.publish_new(members, |context| create::create_group(context, new))
            .await
    }

    /// Makes a group with the inboxes of these addresses and publishes it.
    ///
    /// # Errors
    /// [`ClientError::UnknownAddress`] with the first that is not registered, and as
    /// [`create_group`](Self::create_group).
    pub async fn create_group_with_addresses(
        &self,
        addresses: &[Address],
        new: &NewGroup,
    ) -> Result<GroupHandle, ClientError> {
        self.client.ready()?;
        let members = self.client.inboxes_of(addresses).await?;
        self.create_group(&members, new).await
    }

    /// Makes a group of one, locally. Members and messages can be queued; the first sync publishes it.
    ///
    /// # Errors
    /// [`GroupError::TooLong`], [`ClientError::Storage`].
    pub fn create_group_optimistic(&self, new: &NewGroup) -> Result<GroupHandle, ClientError> {
        let inner = self.client.ready()?;
        let context = inner.context();
        let row = inner
            .store
            .transaction(|tx| create::create_group(&context.with(tx), new))?;
        inner.events.tell(&Event::Conversation(row.id));
        inner.tell_allowed(row.id);
        Ok(self.handle(row))
    }

    /// Finds the direct message with an inbox, or makes and publishes one.
    ///
    /// # Errors
    /// As [`create_group`](Self::create_group).
    pub async fn find_or_create_dm(
        &self,
        inbox_id: InboxId,
        disappearing: Option<(i64, i64)>,
    ) -> Result<GroupHandle, ClientError> {
        let inner = self.client.ready()?;
        let _guard = inner.direct_messages.lock().await;
        if let Some(found) = self.dm_with(inbox_id)? {
            return Ok(found);
        }
        self.check_known(&[inbox_id]).await?;
        self.publish_new(&[inbox_id], |context| {
            create::create_dm(context, inbox_id, disappearing)
        })
        .await
    }

    /// Loads the logs of inboxes, and the own one, and fails with the first that has none.
    async fn check_known(&self, inboxes: &[InboxId]) -> Result<(), ClientError> {
        let inner = self.client.open()?;
        let everybody: Vec<_> = inboxes.iter().copied().chain([inner.inbox_id]).collect();
        inner.load_identities(&everybody).await?;
        inner.expect_logs_of(inboxes)
    }

    /// Makes a group together with the wish for its members, and publishes its first commit. From the moment
    /// it is stored, a sync can finish it.
    async fn publish_new(
        &self,
        members: &[InboxId],
        make: impl FnOnce(&Context<'_>) -> Result<GroupRow, GroupError>,
    ) -> Result<GroupHandle, ClientError> {
        let inner = self.client.open()?;
        let add = members.iter().copied().filter(|inbox| *inbox != inner.inbox_id);
        let refresh = Refresh {
            add: add.collect(),
            ..Default::default()
        };
        let context = inner.context();
        let (group_id, intent) = inner.store.transaction(|tx| {
            let context = context.with(tx);
            let group_id = make(&context)?.id;
            tx.set_installations_checked(&group_id, context.now_ns)?;
            let membership = view::membership(&context, group_id)?;
            let update = intent::membership_update(&context, &membership, &refresh)?;
            let queued = update.map(|data| intent::queue(&context, group_id, &data));
            Ok::<_, GroupError>((group_id, queued.transpose()?))
        })?;
        let lock = inner.lock_of(group_id);
        let _guard = lock.lock().await;
        if let Some(intent) = intent
            && let Err(error) = inner.resolve_locked(group_id, intent).await
        {
            // Given up, and the node has nothing of it: nobody will ever see this group.
            let row = inner.store.intent(intent)?;
            if row.is_some_and(|row| row.state == IntentState::Error)
                && inner.context().load(group_id)?.epoch() == 0
            {
                self.forget(group_id)?;
            }
            return Err(error);
        }
        inner.events.tell(&Event::Conversation(group_id));
        inner.tell_allowed(group_id);
        Ok(self.handle(inner.context().row(group_id)?))
    }

    /// Deletes a group that nobody has seen.
    fn forget(&self, group_id: GroupId) -> Result<(), ClientError> {
        let inner = self.client.open()?;
        let context = inner.context();
        inner.store.transaction(|tx| {
            let context = context.with(tx);
            context.load(group_id)?.delete(&context.provider())?;
            tx.delete_group(&group_id)?;
            tx.delete_consent(ConsentEntity::Conversation, &group_id.to_string())?;
            Ok::<_, GroupError>(())
        })?;
        Ok(())
    }

    fn handle(&self, row: GroupRow) -> GroupHandle {
        GroupHandle::new(self.client.clone(), row)
    }
}
