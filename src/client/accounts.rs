//! Changes of the own inbox: wallets and passkeys, installations, the recovery identifier.
//!
//! Each is asked for here, signed by whom it waits for (see [`SignatureRequest`]) and then
//! [applied](Client::apply). Nothing is stored before the node has accepted it.
//!
//! # Source
//! libxmtp `identity_updates.rs`, `xmtp_id` builder; XIP-46.

use super::identities::Logs;
use super::{Client, ClientError, Inner, PendingUpdate};
use crate::identity::{
    AssociationState, ContractAnswers, Identifier, IdentityUpdate, SignatureRequest, VerifiedUpdate, verify,
};
use crate::ids::InstallationId;

/// Signature texts show time in seconds.
const SECOND_NS: u64 = 1_000_000_000;

impl Client {
    /// Links one more wallet or passkey to the inbox: it has to sign, this installation has done so already.
    ///
    /// Whether it belongs to an inbox is not looked at. One that does leaves it: nodes then name this inbox for it.
    ///
    /// # Errors
    /// [`ClientError::NotRegistered`]; [`ClientError::Identity`].
    pub fn link_identifier(&self, new: Identifier) -> Result<PendingUpdate, ClientError> {
        let inner = self.ready()?;
        let now = inner.request_time();
        let mut request = SignatureRequest::link_identifier(inner.inbox_id, new, inner.key.id(), now)?;
        request.add_installation(&inner.key)?;
        Ok(inner.pending(request))
    }

    /// Unlinks a wallet or passkey, and the installations it added; the recovery identifier has to sign.
    ///
    /// # Errors
    /// [`ClientError::NotRegistered`]; [`ClientError::Transport`].
    pub async fn unlink_identifier(&self, identifier: Identifier) -> Result<PendingUpdate, ClientError> {
        let (inner, recovery) = self.recovery().await?;
        let now = inner.request_time();
        let request = SignatureRequest::revoke_identifiers(inner.inbox_id, recovery, &[identifier], now)?;
        Ok(inner.pending(request))
    }

    /// Revokes installations; the recovery identifier has to sign. Members of their groups remove their leaves when
    /// they next send something or sync.
    ///
    /// # Errors
    /// [`ClientError::Identity`] with nothing-to-sign for no installations; [`ClientError::NotRegistered`];
    /// [`ClientError::Transport`].
    pub async fn revoke_installations(
        &self,
        installations: &[InstallationId],
    ) -> Result<PendingUpdate, ClientError> {
        let (inner, recovery) = self.recovery().await?;
        let now = inner.request_time();
        let request = SignatureRequest::revoke_installations(inner.inbox_id, recovery, installations, now)?;
        Ok(inner.pending(request))
    }

    /// Revokes all installations but this one; `None` when there are no others.
    ///
    /// # Errors
    /// As [`revoke_installations`](Self::revoke_installations).
    pub async fn revoke_all_other_installations(&self) -> Result<Option<PendingUpdate>, ClientError> {
        let inner = self.ready()?;
        let own = inner.key.id();
        let state = self.inbox_state(inner.inbox_id).await?;
        let others: Vec<_> = state
            .installations()
            .into_iter()
            .filter(|id| *id != own)
            .collect();
        if others.is_empty() {
            return Ok(None);
        }
        self.revoke_installations(&others).await.map(Some)
    }

    /// Hands recovery to another identifier, which does not sign; the one so far has to.
    ///
    /// # Errors
    /// As [`unlink_identifier`](Self::unlink_identifier).
    pub async fn change_recovery(&self, new: Identifier) -> Result<PendingUpdate, ClientError> {
        let (inner, recovery) = self.recovery().await?;
        let now = inner.request_time();
        let request = SignatureRequest::change_recovery(inner.inbox_id, recovery, new, now)?;
        Ok(inner.pending(request))
    }

    /// Publishes a change that everybody has signed. It is judged here first, as everybody else will judge it.
    ///
    /// # Errors
    /// [`ClientError::Identity`]: signatures are missing, or the change breaks a rule of the log: nothing was
    /// published. [`ClientError::Transport`]: it may be applied again with the same signatures.
    pub async fn apply(&self, update: &PendingUpdate) -> Result<(), ClientError> {
        let inner = self.ready()?;
        let _guard = inner.identity.lock().await;
        inner.logs().publish(&update.request()).await?;
        inner.notice_revocation().await
    }

    async fn recovery(&self) -> Result<(&Inner, Identifier), ClientError> {
        let inner = self.ready()?;
        inner.load_identities(&[inner.inbox_id]).await?;
        let state = inner.newest_state(inner.inbox_id).await?;
        Ok((inner, state.recovery_identifier().clone()))
    }
}

impl Inner {
    fn pending(&self, request: SignatureRequest) -> PendingUpdate {
        PendingUpdate::new(request, self.api.clone())
    }

    /// Now, and never the same second twice: the same change in the same second has the same text, and its
    /// signatures would count as used.
    fn request_time(&self) -> u64 {
        let last = self.last_request_ns.get();
        let now = self.platform.now_ns().max(last.saturating_add(SECOND_NS));
        self.last_request_ns.set(now);
        now
    }
}

impl Logs<'_> {
    /// Publishes a signed change and stores the log as it then is. A change that is in the log already, since an
    /// answer was lost, is done.
    pub(super) async fn publish(&self, request: &SignatureRequest) -> Result<(), ClientError> {
        let update = request.build()?;
        let inbox_id = update.inbox_id;
        self.load(&[inbox_id]).await?;
        if self.has(&update)? {
            return Ok(());
        }
        let state = self.newest_state(inbox_id).await?;
        check(&state, &update)?;
        let published = self.api.publish_identity_update(update.to_bytes()).await;
        match published {
            Ok(()) => self.load(&[inbox_id]).await,
            // An answer may have been lost on the way, and what was sent again been refused for being there: only
            // the log says what was accepted.
            Err(error) => match self.load(&[inbox_id]).await {
                Ok(()) if self.has(&update)? => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// Whether the stored log has this very update.
    fn has(&self, update: &IdentityUpdate) -> Result<bool, ClientError> {
        let rows = self.store.identity_updates(&update.inbox_id, 0, None)?;
        Ok(rows
            .iter()
            .any(|row| IdentityUpdate::from_bytes(&row.payload).as_ref() == Ok(update)))
    }
}

/// Verifies an own update as everybody else will. Contract wallets were asked when their signatures were added.
pub(super) fn check(
    state: &AssociationState,
    update: &IdentityUpdate,
) -> Result<AssociationState, ClientError> {
    Ok(state.apply(&verified(update)?)?)
}

/// The signatures of an own update, which hold.
pub(super) fn verified(update: &IdentityUpdate) -> Result<VerifiedUpdate, ClientError> {
    let questions = update.contract_questions();
    let answers: ContractAnswers = questions.into_iter().map(|question| (question, true)).collect();
    Ok(verify(update, &answers)?)
}
