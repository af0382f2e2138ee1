//! The installations of an inbox among themselves: one pass does everything that is to be done, in the background
//! or as part of a sync.
//!
//! What is to be done is in the database. A pass that fails leaves it there for the next one, and nothing a person
//! waits for waits for a pass but a sync of everything. For history, which a server far away has part in, only a sync of
//! the device-sync groups waits.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, select};
use futures::lock::Mutex;

use super::{Client, ClientError, Event, Inner};
use crate::error::Coded as _;
use crate::groups::inbound::Change;
use crate::groups::intent::Refresh;
use crate::groups::{Context, create, view};
use crate::ids::GroupId;
use crate::preferences::{PreferenceUpdate, sync};
use crate::storage::{ConversationType, HmacKey, IntentKind, IntentState};
use crate::transport::files::Files;

/// How many messages one pass sends; the next one goes on.
const MESSAGES_PER_PASS: usize = 32;

/// The work of a client for its inbox's other installations.
#[derive(Debug)]
pub(super) struct DeviceSync {
    pub(super) is_enabled: bool,
    /// The way to servers that keep archives.
    pub(super) files: Option<Rc<dyn Files>>,
    /// One pass at a time.
    pub(super) pass: Mutex<()>,
    /// One at a time hands history over.
    pub(super) history: Mutex<()>,
    /// Another installation asked for history or answered, in what is being received.
    pub(super) has_history_tasks: Cell<bool>,
    /// History is about to be handed over: it need not be asked for again.
    pub(super) is_history_asked: Cell<bool>,
    /// A pass is about to begin: another need not be asked for.
    is_asked: Cell<bool>,
}

impl DeviceSync {
    pub(super) fn new(is_enabled: bool, files: Option<Rc<dyn Files>>) -> Self {
        Self {
            is_enabled,
            files,
            pass: Mutex::new(()),
            history: Mutex::new(()),
            has_history_tasks: Cell::new(false),
            is_history_asked: Cell::new(false),
            is_asked: Cell::new(false),
        }
    }
}

/// What a sync of several groups came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncSummary {
    /// How many there are.
    pub eligible: usize,
    /// How many were synced.
    pub synced: usize,
}

impl Client {
    /// Reads and publishes everything that the own installations tell each other, and hands over the history they
    /// asked for.
    ///
    /// # Errors
    /// The first failure, after everything was tried.
    pub async fn sync_all_device_sync_groups(&self) -> Result<SyncSummary, ClientError> {
        self.ready()?;
        let inner = &self.inner;
        let mut failure = inner.sync_welcomes().await.err();
        let groups = sync::groups(&inner.context())?;
        let mut synced = 0;
        for row in &groups {
            match inner.sync_group(row.id).await {
                Ok(()) => synced += 1,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure = failure.or(inner.device_sync_pass().await.err());
        inner.hand_history_over().await;
        let eligible = groups.len();
        failure.map_or(Ok(SyncSummary { eligible, synced }), Err)
    }
}

impl Inner {
    /// Begins a pass in the background, unless one is about to.
    pub(super) fn wake_device_sync(&self) {
        let work = &self.device_sync;
        if !work.is_enabled || !self.registered.get() || work.is_asked.replace(true) {
            return;
        }
        let weak = self.myself.clone();
        self.platform.spawn(Box::pin(async move {
            let Some(inner) = weak.upgrade() else { return };
            let closed = inner.closing.wait();
            // What is under way when the client is closed is broken off: it is stored how far it came.
            if let Either::Left((Err(error), _)) = select(pin!(inner.device_sync_pass()), pin!(closed)).await
            {
                tracing::info!(%error, "the own installations could not be told; the next sync tries again");
            }
        }));
    }

    /// Does what is to be done. The first failure, after everything was tried.
    pub(super) async fn device_sync_pass(&self) -> Result<(), ClientError> {
        if !self.device_sync.is_enabled {
            return Ok(());
        }
        let _guard = self.device_sync.pass.lock().await;
        self.device_sync.is_asked.set(false);
        let refreshed = self.refresh_for_new_installation().await;
        let told = match self.sync_group_to_speak_in().await {
            // What is told is not for one that was revoked.
            Ok(Some(group_id)) => match self.part_from_revoked(group_id).await {
                Ok(()) => self.tell_installations(group_id).await,
                Err(error) => Err(error),
            },
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.wake_history();
        refreshed.and(told)
    }

    /// What joining a group means for the own installations. Part of the transaction that joins it.
    pub(super) fn device_sync_joined(
        &self,
        context: &Context<'_>,
        group_id: GroupId,
    ) -> Result<Vec<PreferenceUpdate>, ClientError> {
        if !self.device_sync.is_enabled {
            return Ok(Vec::new());
        }
        Ok(sync::joined(context, group_id, || {
            let mut bytes = [0u8; 42];
            self.platform.random(&mut bytes);
            HmacKey::new(bytes)
        })?)
    }

    /// Applies what a batch of envelopes told, if it is of a sync group. Part of the transaction that received it.
    pub(super) fn device_sync_received(
        &self,
        context: &Context<'_>,
        group_id: GroupId,
        changes: &[Change],
    ) -> Result<Vec<PreferenceUpdate>, ClientError> {
        let has_messages = changes
            .iter()
            .any(|change| matches!(change, Change::Message(_) | Change::Published(_)));
        if !self.device_sync.is_enabled || !has_messages || !self.is_sync_group(context, group_id)? {
            return Ok(Vec::new());
        }
        let (updates, is_asked) = sync::process(context, group_id, changes)?;
        if is_asked {
            self.device_sync.has_history_tasks.set(true);
        }
        Ok(updates)
    }

    /// Whether a group is one of the own installations among themselves.
    pub(super) fn is_sync_group(
        &self,
        context: &Context<'_>,
        group_id: GroupId,
    ) -> Result<bool, ClientError> {
        Ok(context.row(group_id)?.conversation_type == ConversationType::Sync)
    }

    /// Adds a new own installation to the conversations it belongs in.
    async fn refresh_for_new_installation(&self) -> Result<(), ClientError> {
        let mut failure = None;
        for group_id in self.store.installation_refreshes()? {
            match self.refresh_now(group_id).await {
                Err(error) if error.is_retryable() => {
                    failure = failure.or(Some(error));
                    continue;
                }
                Err(error) => {
                    tracing::info!(group = ?group_id, %error, "a new installation was not added");
                }
                Ok(()) => {}
            }
            self.store.delete_installation_refresh(&group_id)?;
        }
        failure.map_or(Ok(()), Err)
    }

    /// Brings the members' installations of a group up to date.
    async fn refresh_now(&self, group_id: GroupId) -> Result<(), ClientError> {
        let lock = self.lock_of(group_id);
        let _guard = lock.lock().await;
        self.receive_locked(group_id).await?;
        let context = self.context();
        if context.row(group_id)?.paused_for_version.is_some() || !context.load(group_id)?.is_active() {
            return Ok(());
        }
        match self.queue_membership(group_id, &Refresh::default()).await? {
            // Before what waits to be said: it is for those who are in after it.
            Some(id) => self.resolve_after(group_id, id, Some(id)).await,
            None => Ok(()),
        }
    }

    /// Takes installations that were revoked out of the group of the own ones. Those that are new make the next group.
    pub(super) async fn part_from_revoked(&self, group_id: GroupId) -> Result<(), ClientError> {
        self.check_own_log().await?;
        let context = self.context();
        let membership = view::membership(&context, group_id)?;
        let newest = self.store.latest_identity_sequence(&self.inbox_id)?;
        let seen = membership.members.get(&self.inbox_id);
        if seen.is_none_or(|seen| *seen >= newest) {
            return Ok(());
        }
        let own = self.newest_state(self.inbox_id).await?;
        let group = context.load(group_id)?;
        if group
            .leaves()
            .all(|leaf| own.has_installation(leaf.installation_id))
        {
            return Ok(());
        }
        self.refresh_now(group_id).await
    }

    /// The group in which the own installations are told something: the newest, or one made now if this inbox has
    /// other installations. One that is alone has nobody to tell, and makes none.
    pub(super) async fn sync_group_to_speak_in(&self) -> Result<Option<GroupId>, ClientError> {
        let group_id = match sync::primary(&self.context())? {
            Some(group_id) => group_id,
            None if self.newest_state(self.inbox_id).await?.installations().len() < 2 => return Ok(None),
            None => {
                let context = self.context();
                let row = self
                    .store
                    .transaction(|tx| create::create_sync_group(&context.with(tx)))?;
                self.events.tell(&Event::Conversation(row.id));
                row.id
            }
        };
        // Also what could not be published when it was made.
        if self.context().load(group_id)?.epoch() == 0 {
            self.publish_sync_group(group_id).await?;
        }
        Ok(Some(group_id))
    }

    /// Publishes a sync group made here, with all own installations in it.
    async fn publish_sync_group(&self, group_id: GroupId) -> Result<(), ClientError> {
        let lock = self.lock_of(group_id);
        let _guard = lock.lock().await;
        let open = [IntentState::ToPublish, IntentState::Published];
        let waiting = self.store.intents(&group_id, &open)?;
        let waiting = waiting
            .iter()
            .find(|intent| intent.kind == IntentKind::UpdateGroupMembership);
        let intent = match waiting {
            Some(intent) => Some(intent.id),
            None => self.queue_membership(group_id, &Refresh::default()).await?,
        };
        match intent {
            Some(id) => self.resolve_locked(group_id, id).await,
            None => Ok(()),
        }
    }

    /// Sends what is to be told, and reads it back: only then it counts as told.
    async fn tell_installations(&self, group_id: GroupId) -> Result<(), ClientError> {
        if !self.store.has_unsent_preferences()? {
            return Ok(());
        }
        let lock = self.lock_of(group_id);
        let _guard = lock.lock().await;
        if !sync::is_heard(&self.context(), group_id)? {
            return Ok(());
        }
        for _ in 0..MESSAGES_PER_PASS {
            let open = [IntentState::ToPublish, IntentState::Published];
            let waiting = self.store.intents(&group_id, &open)?;
            let waiting = waiting
                .iter()
                .rev()
                .find(|intent| intent.kind == IntentKind::SendMessage);
            let intent = match waiting {
                Some(intent) => intent.id,
                None => {
                    let context = Context {
                        // The time makes the message's id.
                        now_ns: self.unique_now_ns(),
                        ..self.context()
                    };
                    let queued = self
                        .store
                        .transaction(|tx| sync::queue_updates(&context.with(tx), group_id))?;
                    let Some(message) = queued else { return Ok(()) };
                    match self.store.intent_of_message(&message)? {
                        Some(intent) => intent.id,
                        None => return Ok(()),
                    }
                }
            };
            self.resolve_locked(group_id, intent).await?;
        }
        Ok(())
    }
}
