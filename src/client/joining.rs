//! Joining the conversations that others have added one to.

use std::rc::Rc;

use super::sync::signed;
use super::{Client, ClientError, Event, Inner};
use crate::groups::inbound::Change;
use crate::groups::join::{self, Joined, Prepared, WelcomeEnvelope};
use crate::groups::{GroupError, States, originator};
use crate::ids::GroupId;
use crate::mls::welcome;
use crate::storage::{CursorKind, StorageError, Transaction};
use crate::transport::calls::{WelcomeBody, WelcomeEnvelope as Arrived};

/// How many welcomes are processed in one transaction.
const AT_ONCE: usize = 10;
/// How many people are asked for together for what several welcomes name: what one of them makes up must not hold others up.
const MAX_MORE: usize = 50;

impl Client {
    /// Joins the conversations one was added to since the last sync. Returns them.
    ///
    /// # Errors
    /// [`ClientError::NotRegistered`], [`ClientError::Transport`], [`ClientError::IdentityBehind`]: what was
    /// processed stays, the rest is done by the next sync.
    pub async fn sync_welcomes(&self) -> Result<Vec<GroupId>, ClientError> {
        self.ready()?;
        self.inner.sync_welcomes().await
    }
}

impl Inner {
    pub(super) async fn sync_welcomes(self: &Rc<Self>) -> Result<Vec<GroupId>, ClientError> {
        let joined = self.join_conversations().await?;
        self.try_maintain_key_packages().await?;
        Ok(joined)
    }

    /// Joins what one was added to.
    pub(super) async fn join_conversations(self: &Rc<Self>) -> Result<Vec<GroupId>, ClientError> {
        let _guard = self.welcomes.lock().await;
        self.read_welcomes().await
    }

    /// [Maintains](Self::maintain_key_packages) key packages, if the node can be reached.
    pub(super) async fn try_maintain_key_packages(&self) -> Result<(), ClientError> {
        match self.maintain_key_packages().await {
            // Joining does not depend on it, and the next sync tries again.
            Err(ClientError::Transport(error)) => {
                tracing::info!(%error, "the key package was not rotated");
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn read_welcomes(self: &Rc<Self>) -> Result<Vec<GroupId>, ClientError> {
        let topic = self.key.id();
        let mut joined = Vec::new();
        loop {
            let after = self.welcome_cursor()?;
            let page = self.api.query_welcome_messages(topic, after).await?;
            let newest_ns = page.items.iter().map(|arrived| signed(arrived.created_ns)).max();
            let welcomes: Vec<_> = page.items.into_iter().map(envelope).collect();
            for group_id in self.receive_welcomes(&welcomes, newest_ns.unwrap_or(0)).await? {
                if !self.is_sync_group(&self.context(), group_id)? {
                    joined.push(group_id);
                }
            }
            // A page of nothing but what this version cannot read would be asked for for ever.
            if page.next.is_none() || self.welcome_cursor()? == after {
                return Ok(joined);
            }
        }
    }

    /// The node's number of the last welcome that was processed.
    pub(super) fn welcome_cursor(&self) -> Result<u64, StorageError> {
        let topic = self.key.id();
        self.store
            .cursor(topic.as_bytes(), CursorKind::Welcome, originator::WELCOMES)
    }

    /// Processes welcomes in order, ten in a transaction unless one of them must wait for something; `newest_ns` is the
    /// node's time of the newest that came with them. Returns the groups joined.
    async fn receive_welcomes(
        self: &Rc<Self>,
        welcomes: &[WelcomeEnvelope],
        newest_ns: i64,
    ) -> Result<Vec<GroupId>, ClientError> {
        let mut joined = Vec::new();
        let mut rest = welcomes;
        let mut prepared = Prepared {
            newest_ns,
            ..Default::default()
        };
        let mut at_once = AT_ONCE;
        while !rest.is_empty() {
            let some = rest.get(..at_once).unwrap_or(rest);
            let outcome = self.store.repeatable_transaction(|tx| {
                let batch = self.process_welcomes(tx, some, prepared)?;
                let mut updates = Vec::new();
                for group_id in &batch.joined {
                    updates.extend(self.device_sync_joined(&self.context().with(tx), *group_id)?);
                }
                Ok::<_, ClientError>((batch, updates))
            });
            let (batch, updates) = match outcome {
                // One by one, so that what fails by itself keeps no other from being joined.
                Err(_) if at_once > 1 => {
                    at_once = 1;
                    continue;
                }
                outcome => outcome?,
            };
            for group_id in &batch.joined {
                self.events.tell(&Event::Conversation(*group_id));
            }
            self.tell_preferences(updates);
            for group_id in &batch.joined {
                if let Some(required) = self.context().row(*group_id)?.paused_for_version {
                    self.tell(*group_id, &[Change::Paused(required)]);
                }
            }
            if batch.done > 0 {
                // Only what is done with uses a key package up: one that must wait is read again and again.
                self.welcome_arrived()?;
                prepared = prepared.for_next();
            }
            joined.extend(batch.joined);
            rest = rest.get(batch.done..).unwrap_or_default();
            match batch.stop {
                Some(Joined::Missing(_)) if prepared.fetched => return Err(ClientError::IdentityBehind),
                Some(Joined::Missing(states)) => {
                    self.settle(&states).await?;
                    prepared.fetched = true;
                }
                Some(Joined::Behind(group_id)) => {
                    let lock = self.lock_of(group_id);
                    let _guard = lock.lock().await;
                    self.receive_locked(group_id).await?;
                    prepared.read = true;
                }
                _ => {}
            }
        }
        Ok(joined)
    }

    /// Processes welcomes up to one that must wait.
    ///
    /// # Errors
    /// [`GroupError::Storage`]: then nothing counts.
    fn process_welcomes(
        &self,
        tx: &Transaction<'_>,
        welcomes: &[WelcomeEnvelope],
        mut prepared: Prepared,
    ) -> Result<Batch, GroupError> {
        let mut batch = Batch::default();
        for (at, welcome) in welcomes.iter().enumerate() {
            // Which of two was joined later decides where the own installations speak: each has a time of its own.
            let context = self.context();
            match join::receive_welcome(tx, &context, welcome, prepared)? {
                Joined::Group(group_id) => batch.joined.push(group_id),
                Joined::Refused(error) => {
                    tracing::info!(sequence_id = welcome.sequence_id, %error, "a welcome was refused");
                }
                Joined::Nothing => {}
                Joined::Missing(mut states) => {
                    let following = welcomes.get(at + 1..).unwrap_or_default();
                    if !prepared.fetched {
                        self.look_further(following, &mut states)?;
                    }
                    batch.stop = Some(Joined::Missing(states));
                    break;
                }
                stop @ Joined::Behind(_) => {
                    batch.stop = Some(stop);
                    break;
                }
            }
            batch.done += 1;
            prepared = prepared.for_next();
        }
        Ok(batch)
    }

    /// Adds those whom the welcomes behind one that must wait name, as long as each of them names somebody new and not too
    /// many: a first sync brings many people at once, and asks for them together.
    fn look_further(&self, welcomes: &[WelcomeEnvelope], states: &mut States) -> Result<(), GroupError> {
        for welcome in welcomes {
            let mut more = join::unknown_members(&self.context(), welcome)?;
            more.retain(|inbox| !states.missing.contains(inbox));
            if more.is_empty() || states.missing.len() + more.len() > MAX_MORE {
                break;
            }
            states.missing.append(&mut more);
        }
        Ok(())
    }
}

/// What came of welcomes that were processed in one transaction.
#[derive(Default)]
struct Batch {
    /// How many are done with.
    done: usize,
    joined: Vec<GroupId>,
    /// What the next one must wait for.
    stop: Option<Joined>,
}

/// A welcome as the `groups` room takes it.
fn envelope(arrived: Arrived) -> WelcomeEnvelope {
    let (data, metadata, ours) = match arrived.body {
        WelcomeBody::V1 {
            data,
            wrapper_algorithm,
            welcome_metadata,
        } => (data, welcome_metadata, welcome::opens(wrapper_algorithm)),
        // Our key packages do not offer pointers: nobody honest sends one.
        WelcomeBody::Pointer { welcome_pointer, .. } => (welcome_pointer, Vec::new(), false),
    };
    WelcomeEnvelope {
        sequence_id: arrived.id,
        created_ns: signed(arrived.created_ns),
        data,
        hpke_public_key: arrived.hpke_public_key,
        curve25519: ours,
        metadata,
    }
}
