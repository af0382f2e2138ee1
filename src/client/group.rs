//! One conversation, as an app calls it.

use std::collections::{BTreeMap, BTreeSet};

use super::outbox::Until;
use super::sync::REFRESH_ON_SEND_NS;
use super::{Client, ClientError, Inner};
use crate::groups::create::check_length;
use crate::groups::intent::{self, AdminChange, IntentData, Refresh};
use crate::groups::{Context, GroupError, GroupView, MemberView, field, view};
use crate::identity::Address;
use crate::ids::{GroupId, InboxId, MessageId};
use crate::messages::content::text;
use crate::preferences::{Consent, Entity};
use crate::storage::{
    ConsentEntity, ConsentState, ContentTypeKey, ConversationType, GroupRow, IntentId, MessageKind,
    MessageQuery, MessageRow,
};

/// A conversation. Cheap to clone; what it shows is read from the database each time.
#[derive(Debug, Clone)]
pub struct GroupHandle {
    client: Client,
    row: GroupRow,
}

/// How a message is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendOptions {
    /// Whether receivers' devices may notify them.
    pub should_push: bool,
    /// Store only, and leave publishing to the next sync.
    pub optimistic: bool,
    /// What the message's id is derived from, beside group and content; the time if not given. Sending the
    /// same content with the same key again is the same message.
    pub idempotency_key: Option<String>,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            should_push: true,
            optimistic: false,
            idempotency_key: None,
        }
    }
}

/// Which messages are listed; the groups in it are ignored.
pub type MessageOptions = MessageQuery;

impl GroupHandle {
    pub(super) fn new(client: Client, row: GroupRow) -> Self {
        Self { client, row }
    }

    /// The conversation's id.
    #[must_use]
    pub fn id(&self) -> GroupId {
        self.row.id
    }

    /// Group or direct message.
    #[must_use]
    pub fn conversation_type(&self) -> ConversationType {
        self.row.conversation_type
    }

    /// When it was made here, or joined: nanoseconds since the Unix epoch.
    #[must_use]
    pub fn created_at_ns(&self) -> i64 {
        self.row.created_at_ns
    }

    /// Who added us.
    #[must_use]
    pub fn added_by_inbox_id(&self) -> InboxId {
        self.row.added_by_inbox_id
    }

    /// Who made it.
    #[must_use]
    pub fn creator_inbox_id(&self) -> InboxId {
        self.row.creator_inbox_id
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn row(&self) -> &GroupRow {
        &self.row
    }

    /// The conversation as it is now.
    ///
    /// # Errors
    /// [`ClientError::Group`], [`ClientError::Storage`].
    pub fn view(&self) -> Result<GroupView, ClientError> {
        self.client.open()?.view(self.id())
    }

    /// The members as they are now, sorted by inbox id.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn members(&self) -> Result<Vec<MemberView>, ClientError> {
        Ok(view::members(&self.client.open()?.context(), self.id())?)
    }

    /// Reads what is new and publishes what waits.
    ///
    /// # Errors
    /// [`ClientError::Transport`]: what was processed stays.
    pub async fn sync(&self) -> Result<(), ClientError> {
        let inner = self.client.ready()?;
        inner.delete_expired()?;
        for group_id in self.living(inner)? {
            inner.sync_group(group_id).await?;
        }
        Ok(())
    }

    /// Sends encoded content. Returns the message's id, which is stored from here on, whatever happens.
    ///
    /// It waits until a node has the message, which is published then. The node's time and number of it come back a moment
    /// later, by the live connection or by asking; should others have changed the group so often meanwhile that they
    /// cannot read it any more, it is sent again then.
    ///
    /// # Errors
    /// [`GroupError::Inactive`], [`GroupError::Paused`]: nothing was stored. [`ClientError::Transport`], or a pause
    /// that came meanwhile: the message is stored as unpublished and the next sync that can sends it.
    pub async fn send(&self, content: Vec<u8>, options: SendOptions) -> Result<MessageId, ClientError> {
        let inner = self.client.ready()?;
        let group_id = self.speaking(inner, &content, options.idempotency_key.as_deref())?;
        inner.unpause(group_id)?;
        // Without a key the time makes the message's id: the same text twice is two messages, however coarse
        // the clock.
        let context = Context {
            now_ns: inner.unique_now_ns(),
            ..inner.context()
        };
        let (key, should_push) = (options.idempotency_key, options.should_push);
        let lock = inner.lock_of(group_id);
        let guard = if options.optimistic { None } else { lock.try_lock() };
        let goes_at_once = guard.is_some() && inner.goes_at_once(group_id)?;
        let (id, built, is_allowed_by_it) = inner.store.transaction(|tx| {
            let state = || tx.consent_state(ConsentEntity::Conversation, &group_id.to_string());
            let before = state()?;
            let context = context.with(tx);
            let (id, built) = if goes_at_once {
                intent::queue_and_build(&context, group_id, content, key, should_push)?
            } else {
                let id = intent::queue_message(&context, group_id, content, key, should_push)?;
                (id, None)
            };
            Ok::<_, GroupError>((
                id,
                built,
                before != ConsentState::Allowed && state()? == ConsentState::Allowed,
            ))
        })?;
        if is_allowed_by_it {
            inner.tell_allowed(group_id);
        }
        match built {
            Some(built) => inner.publish_built(group_id, built).await?,
            None if options.optimistic => {}
            None => {
                drop(guard);
                self.publish_message(group_id, id).await?;
            }
        }
        Ok(id)
    }

    /// Sends a text.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&self, text: &str, options: SendOptions) -> Result<MessageId, ClientError> {
        self.send(text::encode(text).encode(), options).await
    }

    /// Publishes what waits. What others did is read and members' new installations are looked up before, unless
    /// that was just done.
    ///
    /// # Errors
    /// [`ClientError::Transport`]: what waits stays. A payload that could not be sent is counted; after three
    /// times its message is failed.
    pub async fn publish_messages(&self) -> Result<(), ClientError> {
        for group_id in self.living(self.client.ready()?)? {
            self.publish(group_id, None).await?;
        }
        Ok(())
    }

    async fn publish_message(&self, group_id: GroupId, id: MessageId) -> Result<(), ClientError> {
        let intent = self.client.ready()?.store.intent_of_message(&id)?;
        self.publish(group_id, intent.map(|intent| intent.id)).await
    }

    async fn publish(&self, group_id: GroupId, awaited: Option<IntentId>) -> Result<(), ClientError> {
        let inner = self.client.ready()?;
        let lock = inner.lock_of(group_id);
        let _guard = lock.lock().await;
        if let Some(required) = inner.unpause(group_id)? {
            return Err(GroupError::Paused { required }.into());
        }
        if inner.refresh_is_due(group_id, REFRESH_ON_SEND_NS)? {
            // Who joined meanwhile cannot read what is said in an epoch of before.
            inner.be_current_locked(group_id).await?;
        }
        let refresh = inner.refresh_locked(group_id, REFRESH_ON_SEND_NS).await?;
        inner
            .publish_locked(group_id, awaited, refresh, Until::Acknowledged)
            .await
    }

    /// Queues a failed message again and publishes it.
    ///
    /// # Errors
    /// [`ClientError::MessageNotFound`] when the conversation has no such message, [`ClientError::Group`] when it
    /// has not failed; as [`publish_messages`](Self::publish_messages).
    pub async fn resend(&self, id: MessageId) -> Result<(), ClientError> {
        let inner = self.client.ready()?;
        self.check_own(inner, id)?;
        let context = inner.context();
        let group_id = inner
            .store
            .transaction(|tx| intent::resend_message(&context.with(tx), id))?;
        self.publish_message(group_id, id).await
    }

    /// Deletes a failed message.
    ///
    /// # Errors
    /// [`ClientError::MessageNotFound`] when the conversation has no such message, [`ClientError::Group`] when it
    /// has not failed.
    pub fn discard(&self, id: MessageId) -> Result<(), ClientError> {
        let inner = self.client.open()?;
        self.check_own(inner, id)?;
        let context = inner.context();
        Ok(inner
            .store
            .transaction(|tx| intent::drop_message(&context.with(tx), id))?)
    }

    /// Messages of the conversation, of all groups of a direct message.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn messages(&self, options: &MessageOptions) -> Result<Vec<MessageRow>, ClientError> {
        let inner = self.client.open()?;
        Ok(inner
            .store
            .messages(&self.query(inner, options)?, inner.now_ns())?)
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn count_messages(&self, options: &MessageOptions) -> Result<u64, ClientError> {
        let inner = self.client.open()?;
        Ok(inner
            .store
            .count_messages(&self.query(inner, options)?, inner.now_ns())?)
    }

    /// The message sent last.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn last_message(&self) -> Result<Option<MessageRow>, ClientError> {
        let inner = self.client.open()?;
        Ok(inner
            .store
            .latest_message(&self.stitched(inner)?, inner.now_ns())?)
    }

    /// Up to when each inbox has read, by its newest read receipt: nanoseconds since the Unix epoch. Who never sent
    /// one is not in it.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn last_read_times(&self) -> Result<BTreeMap<InboxId, i64>, ClientError> {
        let inner = self.client.open()?;
        let receipts = MessageOptions {
            kind: Some(MessageKind::Application),
            content_types: vec![ContentTypeKey {
                authority_id: "xmtp.org".into(),
                type_id: "readReceipt".into(),
            }],
            ..Default::default()
        };
        let times = inner
            .store
            .latest_times_by_sender(&self.query(inner, &receipts)?, inner.now_ns())?;
        Ok(times.into_iter().collect())
    }

    /// Adds inboxes.
    ///
    /// # Errors
    /// [`ClientError::UnknownInbox`], [`GroupError::NotPermitted`], [`GroupError::NoUsableKeyPackage`],
    /// [`GroupError::TooLarge`]: nothing was changed; [`ClientError::Transport`].
    pub async fn add_members(&self, inboxes: &[InboxId]) -> Result<(), ClientError> {
        let inner = self.client.ready()?;
        inner.load_identities(inboxes).await?;
        inner.expect_logs_of(inboxes)?;
        self.update_membership(Refresh {
            add: inboxes.iter().copied().collect(),
            ..Default::default()
        })
        .await
    }

    /// Adds the inboxes of addresses.
    ///
    /// # Errors
    /// [`ClientError::UnknownAddress`], and as [`add_members`](Self::add_members).
    pub async fn add_members_by_address(&self, addresses: &[Address]) -> Result<(), ClientError> {
        let inboxes = self.client.inboxes_of(addresses).await?;
        self.add_members(&inboxes).await
    }

    /// Removes inboxes.
    ///
    /// # Errors
    /// [`GroupError::NotPermitted`]: nothing was changed; [`ClientError::Transport`].
    pub async fn remove_members(&self, inboxes: &[InboxId]) -> Result<(), ClientError> {
        let remove: BTreeSet<_> = inboxes.iter().copied().collect();
        self.update_membership(Refresh {
            remove,
            ..Default::default()
        })
        .await
    }

    /// Removes the inboxes of addresses.
    ///
    /// # Errors
    /// [`ClientError::UnknownAddress`], and as [`remove_members`](Self::remove_members).
    pub async fn remove_members_by_address(&self, addresses: &[Address]) -> Result<(), ClientError> {
        let inboxes = self.client.inboxes_of(addresses).await?;
        self.remove_members(&inboxes).await
    }

    /// Sets a field of the metadata, see [`field`].
    ///
    /// # Errors
    /// [`GroupError::TooLong`], [`GroupError::NotPermitted`], [`GroupError::NotInDm`]: nothing was changed;
    /// [`ClientError::Transport`].
    pub async fn update_field(&self, name: &str, value: &str) -> Result<(), ClientError> {
        check_length(name, value)?;
        let of_groups = [field::NAME, field::DESCRIPTION, field::IMAGE_URL, field::APP_DATA];
        if self.row.conversation_type == ConversationType::Dm && of_groups.contains(&name) {
            return Err(GroupError::NotInDm("it has no name, description, image or app data").into());
        }
        self.commit(IntentData::UpdateMetadata {
            field: name.to_owned(),
            value: value.to_owned(),
        })
        .await
    }

    /// Changes the admin lists.
    ///
    /// # Errors
    /// [`GroupError::NotPermitted`], [`GroupError::NotInDm`]: nothing was changed; [`ClientError::Transport`].
    pub async fn update_admins(&self, change: AdminChange, inbox_id: InboxId) -> Result<(), ClientError> {
        if self.row.conversation_type == ConversationType::Dm {
            return Err(GroupError::NotInDm("it has no admins").into());
        }
        self.commit(IntentData::UpdateAdmins { change, inbox_id }).await
    }

    /// What was decided about the conversation.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn consent_state(&self) -> Result<ConsentState, ClientError> {
        self.client
            .preferences()
            .consent_state(&Entity::Conversation(self.id()))
    }

    /// Decides about the conversation, of a direct message about all its groups.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn set_consent_state(&self, state: ConsentState) -> Result<(), ClientError> {
        let entity = Entity::Conversation(self.id());
        self.client
            .preferences()
            .set_consent_states(&[Consent { entity, state }])
    }

    async fn update_membership(&self, refresh: Refresh) -> Result<(), ClientError> {
        let inner = self.client.ready()?;
        check_open(inner, self.id())?;
        let lock = inner.lock_of(self.id());
        let _guard = lock.lock().await;
        inner.be_current_locked(self.id()).await?;
        check_open(inner, self.id())?;
        match inner.queue_membership(self.id(), &refresh).await? {
            Some(id) => inner.resolve_locked(self.id(), id).await,
            None => Ok(()),
        }
    }

    pub(super) async fn commit(&self, data: IntentData) -> Result<(), ClientError> {
        let inner = self.client.ready()?;
        let group_id = self.acting(inner)?;
        check_open(inner, group_id)?;
        let lock = inner.lock_of(group_id);
        let _guard = lock.lock().await;
        inner.be_current_locked(group_id).await?;
        check_open(inner, group_id)?;
        // The creator's first commit must bring its own identity update (see `create_group`).
        inner.refresh_locked(group_id, REFRESH_ON_SEND_NS).await?;
        let id = intent::queue(&inner.context(), group_id, &data)?;
        inner.resolve_locked(group_id, id).await
    }

    /// Fails for a message that is not of this conversation.
    fn check_own(&self, inner: &Inner, id: MessageId) -> Result<(), ClientError> {
        match inner.store.message(&id, inner.now_ns())? {
            Some(row) if self.includes(row.group_id)? => Ok(()),
            _ => Err(ClientError::MessageNotFound { id }),
        }
    }

    pub(super) fn query(&self, inner: &Inner, options: &MessageOptions) -> Result<MessageQuery, ClientError> {
        Ok(MessageQuery {
            groups: self.stitched(inner)?,
            ..options.clone()
        })
    }
}

/// Fails for a group in which nothing can be changed.
pub(super) fn check_open(inner: &Inner, group_id: GroupId) -> Result<(), ClientError> {
    let context = inner.context();
    if let Some(required) = inner.unpause(group_id)? {
        return Err(GroupError::Paused { required }.into());
    }
    if context.summary(group_id)?.is_active {
        Ok(())
    } else {
        Err(GroupError::Inactive.into())
    }
}
