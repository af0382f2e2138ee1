//! Whom and what the person lets in, as an app calls it.

use super::{Client, ClientError, Event, Inner, SyncSummary};
use crate::ids::GroupId;
use crate::preferences::{Consent, Entity, PreferenceUpdate, consent};
use crate::storage::ConsentState;

/// The preferences of a client.
#[derive(Debug, Clone)]
pub struct Preferences {
    client: Client,
}

impl Client {
    /// What the person lets in and keeps out.
    #[must_use]
    pub fn preferences(&self) -> Preferences {
        Preferences { client: self.clone() }
    }
}

impl Preferences {
    pub(super) fn inner(&self) -> Result<&Inner, ClientError> {
        self.client.open()
    }

    /// Decides about conversations and inboxes, all of it or nothing. What changed is told to those who watch.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn set_consent_states(&self, decisions: &[Consent]) -> Result<(), ClientError> {
        self.inner()?
            .decide_with(|context| consent::decide(context, decisions))
    }

    /// Reads what other installations decided, and tells them what was decided here.
    ///
    /// # Errors
    /// As [`Client::sync_all_device_sync_groups`].
    pub async fn sync(&self) -> Result<SyncSummary, ClientError> {
        self.client.sync_all_device_sync_groups().await
    }

    /// What was decided about a conversation, an inbox or an address, whose inbox counts as far as it is known here.
    ///
    /// # Errors
    /// [`ClientError::Storage`], [`ClientError::Closed`].
    pub fn consent_state(&self, entity: &Entity) -> Result<ConsentState, ClientError> {
        Ok(consent::state(&self.client.open()?.context(), entity)?)
    }
}

impl Inner {
    /// Tells those who watch what changed. The other installations are told what was decided here.
    pub(super) fn tell_preferences(&self, updates: Vec<PreferenceUpdate>) {
        if !updates.is_empty() {
            self.events.tell(&Event::Preferences(updates));
            self.wake_device_sync();
        }
    }

    /// A conversation was let in by making it or by writing in it.
    pub(super) fn tell_allowed(&self, group_id: GroupId) {
        self.tell_preferences(vec![PreferenceUpdate::Consent(Consent {
            entity: Entity::Conversation(group_id),
            state: ConsentState::Allowed,
        })]);
    }
}
