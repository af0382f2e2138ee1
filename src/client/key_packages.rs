//! Key packages of this installation: the first, rotation, and deletion of superseded ones.

use std::rc::{Rc, Weak};
use std::time::Duration;

use super::{Client, ClientError, Inner};
use crate::mls::{NewKeyPackage, Provider, key_package};
use crate::storage::{KeyPackageRow, RegistrationState, StorageError};

/// When the next key package is due after one was uploaded: 30 days (libxmtp), in nanoseconds.
pub(super) const ROTATION_NS: i64 = 30 * 24 * 60 * 60 * 1_000_000_000;
/// How long the keys of a superseded package are kept: 24 hours (libxmtp). Welcomes in flight use them.
const KEEP_NS: i64 = 24 * 60 * 60 * 1_000_000_000;
/// How soon after a welcome the package it was sealed to is replaced (libxmtp): several welcomes at once
/// cause one rotation.
const AFTER_WELCOME: Duration = Duration::from_secs(5);

/// How often a client that is watched looks whether anything is due.
const CHECK: Duration = Duration::from_secs(60 * 60);

impl Client {
    /// Replaces the key package that others add this installation with. The old one works for another day.
    ///
    /// # Errors
    /// [`ClientError::Transport`]: the old one stays.
    pub async fn rotate_key_package(&self) -> Result<(), ClientError> {
        let inner = self.ready()?;
        let _guard = inner.identity.lock().await;
        inner.upload_key_package().await
    }
}

impl Inner {
    /// Makes a key package and stores its keys.
    pub(super) fn new_key_package(&self) -> Result<NewKeyPackage, ClientError> {
        self.store.transaction(|tx| {
            let package = key_package::generate(&Provider::new(tx), &self.key, self.inbox_id)?;
            tx.insert_key_package(&KeyPackageRow {
                hash_ref: package.hash_ref.clone(),
                init_key: package.init_key.clone(),
                created_at_ns: self.now_ns(),
                delete_at_ns: None,
            })?;
            Ok::<_, ClientError>(package)
        })
    }

    /// Uploads a fresh key package and retires the others.
    async fn upload_key_package(&self) -> Result<(), ClientError> {
        let package = self.new_key_package()?;
        self.api.upload_key_package(package.tls.clone()).await?;
        self.key_package_uploaded(&package)?;
        Ok(())
    }

    /// Notes that a package is the one the node gives out.
    pub(super) fn key_package_uploaded(&self, package: &NewKeyPackage) -> Result<(), StorageError> {
        let now = self.now_ns();
        self.store.transaction(|tx| {
            tx.retire_other_key_packages(&package.hash_ref, now.saturating_add(KEEP_NS))?;
            tx.set_next_key_package_rotation(Some(now.saturating_add(ROTATION_NS)))
        })
    }

    /// A welcome arrived: its key package is used up. Rotation is brought forward, and done when it is due.
    pub(super) fn welcome_arrived(self: &Rc<Self>) -> Result<(), StorageError> {
        let due = self
            .now_ns()
            .saturating_add(i64::try_from(AFTER_WELCOME.as_nanos()).unwrap_or(i64::MAX));
        let current = self
            .store
            .identity()?
            .and_then(|row| row.next_key_package_rotation_ns);
        if current.is_none_or(|current| current > due) {
            self.store.set_next_key_package_rotation(Some(due))?;
        }
        let weak = Rc::downgrade(self);
        let sleep = self.platform.sleep(AFTER_WELCOME);
        self.platform.spawn(Box::pin(async move {
            sleep.await;
            rotate_later(weak).await;
        }));
        Ok(())
    }

    /// Rotates if due, and deletes the keys of packages that were superseded long enough ago.
    pub(super) async fn maintain_key_packages(&self) -> Result<(), ClientError> {
        let _guard = self.identity.lock().await;
        let now = self.now_ns();
        if let Some(row) = self.store.identity()?
            && row.registration == RegistrationState::Registered
            && row.next_key_package_rotation_ns.is_none_or(|due| due <= now)
        {
            self.upload_key_package().await?;
        }
        self.store.transaction(|tx| {
            for row in tx.key_packages_to_delete(now)? {
                key_package::delete(&Provider::new(tx), &row.hash_ref)?;
                tx.delete_key_package(&row.hash_ref)?;
            }
            Ok::<_, ClientError>(())
        })
    }
}

/// Rotation and deletion for a client that is watched for weeks and never synced by hand. Ends with the watching.
pub(super) async fn keep_fresh(weak: Weak<Inner>) {
    loop {
        let Some(inner) = weak.upgrade() else { return };
        if inner.closing.is_told() || inner.revoked.get() || !inner.is_live() {
            inner.key_packages_kept.set(false);
            return;
        }
        if let Err(error) = inner.maintain_key_packages().await {
            tracing::info!(%error, "the key package could not be rotated; it is tried again");
        }
        let sleep = inner.platform.sleep(CHECK);
        drop(inner);
        sleep.await;
    }
}

/// The deferred rotation. A failure is left to the next sync, which tries again.
async fn rotate_later(weak: Weak<Inner>) {
    let Some(inner) = weak.upgrade() else { return };
    if inner.closing.is_told() || inner.revoked.get() {
        return;
    }
    if let Err(error) = inner.maintain_key_packages().await {
        tracing::info!(%error, "the key package could not be rotated; the next sync tries again");
    }
}
