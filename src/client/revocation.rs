//! Noticing that this installation was revoked: nothing it does counts any more, so it stops trying.
//!
//! Its inbox's identity log says so. The log is read whenever members' logs are, when a group loses our leaf, and
//! now and then by a sync, since nobody tells a revoked installation anything.

use super::{Client, ClientError, ConnectionState, Event, Inner};
use crate::identity::{LogPosition, Resolved, resolve};

/// How old the last look at the own log may be when everything is synced: 30 minutes, as for members' logs.
const CHECK_NS: i64 = 30 * 60 * 1_000_000_000;

impl Client {
    /// Whether the identity log, as far as it was read, says that this installation was revoked. What is stored
    /// can still be read; everything else fails with [`ClientError::InstallationRevoked`].
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.inner.revoked.get()
    }
}

impl Inner {
    /// Fails once the installation is known to be revoked.
    pub(super) fn check_not_revoked(&self) -> Result<(), ClientError> {
        if self.revoked.get() {
            Err(ClientError::InstallationRevoked {
                installation_id: self.key.id(),
            })
        } else {
            Ok(())
        }
    }

    /// Looks whether the stored own log still has this installation, if it has grown since the last look. Streams
    /// end once it has not.
    pub(super) async fn notice_revocation(&self) -> Result<(), ClientError> {
        if !self.registered.get() {
            return Ok(());
        }
        let newest = self.store.latest_identity_sequence(&self.inbox_id)?;
        if newest == self.judged_own_log.get() || newest == 0 {
            return Ok(());
        }
        let is_member = self
            .newest_state(self.inbox_id)
            .await?
            .has_installation(self.key.id());
        self.judged_own_log.set(newest);
        let was_revoked = self.revoked.replace(!is_member);
        if !is_member && !was_revoked {
            tracing::warn!("this installation was revoked");
            // Told while somebody can still hear it.
            self.set_connection(ConnectionState::Idle);
            self.events.tell(&Event::Revoked);
            self.events.close();
        }
        Ok(())
    }

    /// What the stored own log said when the client was last closed, without asking anybody.
    pub(super) fn recall_revocation(&self) -> Result<(), ClientError> {
        if let Resolved::State(state) = resolve(&self.store, self.inbox_id, LogPosition::Newest)? {
            self.revoked.set(!state.has_installation(self.key.id()));
        }
        Ok(())
    }

    /// Reads the own log if that was long ago. Only that it ends our membership is a failure: whatever else
    /// comes of it is tried again.
    pub(super) async fn check_own_log(&self) -> Result<(), ClientError> {
        let now = self.now_ns();
        if now.saturating_sub(self.own_log_read_ns.get()) <= CHECK_NS {
            return Ok(());
        }
        match self.load_identities(&[self.inbox_id]).await {
            Ok(asked_ns) => self.own_log_read_ns.set(asked_ns),
            Err(error @ (ClientError::InstallationRevoked { .. } | ClientError::Storage(_))) => {
                return Err(error);
            }
            Err(error) => tracing::info!(%error, "the own identity log could not be read"),
        }
        Ok(())
    }

    /// Our leaf was removed from a group: by a member who may, or because we are no installation any more.
    pub(super) async fn removed_from_group(&self) {
        let read = async {
            self.logs().load(&[self.inbox_id]).await?;
            self.notice_revocation().await
        };
        if let Err(error) = read.await {
            tracing::info!(%error, "the own identity log could not be read; the next sync tries again");
            self.own_log_read_ns.set(i64::MIN);
        }
    }
}
