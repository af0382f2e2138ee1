//! What anybody can look up, and revoke, without being an installation of an inbox.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::identities::{Logs, wire};
use super::{ClientError, PendingUpdate};
use crate::identity::{AssociationState, Identifier, SignatureRequest};
use crate::ids::{InboxId, InstallationId};
use crate::platform::Platform;
use crate::storage::{Store, StoreOptions};
use crate::transport::calls::NodeApi;

/// The inboxes of a network, seen from outside. Logs are kept in memory while it lives.
#[derive(Debug)]
pub struct Directory {
    store: Store,
    api: NodeApi,
    platform: Rc<dyn Platform>,
}

impl Directory {
    /// One that asks this node.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn new(api: NodeApi, platform: Rc<dyn Platform>) -> Result<Self, ClientError> {
        Ok(Self {
            store: Store::open(StoreOptions::memory())?,
            api,
            platform,
        })
    }

    /// The inboxes of identifiers, aligned with the question; `None`: not registered.
    ///
    /// # Errors
    /// [`ClientError::Transport`].
    pub async fn inbox_ids(&self, identifiers: &[Identifier]) -> Result<Vec<Option<InboxId>>, ClientError> {
        let asked: Vec<_> = identifiers.iter().map(wire).collect();
        Ok(self.api.inbox_ids(&asked).await?)
    }

    /// The states of inboxes, aligned with the question.
    ///
    /// # Errors
    /// [`ClientError::UnknownInbox`], [`ClientError::Identity`] for a log that breaks its rules,
    /// [`ClientError::Transport`].
    pub async fn inbox_states(&self, inboxes: &[InboxId]) -> Result<Vec<AssociationState>, ClientError> {
        self.logs().load(inboxes).await?;
        self.logs().newest_states(inboxes).await
    }

    /// How many updates the logs of inboxes have; 0: there is no such inbox.
    ///
    /// # Errors
    /// [`ClientError::Transport`].
    pub async fn updates_counts(&self, inboxes: &[InboxId]) -> Result<BTreeMap<InboxId, usize>, ClientError> {
        self.logs().load(inboxes).await?;
        self.logs().updates_counts(inboxes)
    }

    /// Revokes installations of an inbox; `recovery`, which must be its recovery identifier, has to sign. The way
    /// out for an inbox that has no room for another installation.
    ///
    /// # Errors
    /// [`ClientError::Identity`] with nothing-to-sign for no installations.
    pub fn revoke_installations(
        &self,
        inbox_id: InboxId,
        recovery: Identifier,
        installations: &[InstallationId],
    ) -> Result<PendingUpdate, ClientError> {
        let now = self.platform.now_ns();
        let request = SignatureRequest::revoke_installations(inbox_id, recovery, installations, now)?;
        Ok(PendingUpdate::new(request, self.api.clone()))
    }

    /// Publishes a change that everybody has signed. It is judged here first, as everybody else will judge it.
    ///
    /// # Errors
    /// As [`Client::apply`](super::Client::apply).
    pub async fn apply(&self, update: &PendingUpdate) -> Result<(), ClientError> {
        self.logs().publish(&update.request()).await
    }

    fn logs(&self) -> Logs<'_> {
        Logs {
            store: &self.store,
            api: &self.api,
        }
    }
}
