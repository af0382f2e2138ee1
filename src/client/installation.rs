//! What an installation's key does for an app, and what others can fetch of installations.

use super::{Client, ClientError};
use crate::ids::InstallationId;
use crate::mls::{KeyPackageFault, MlsError, Provider, key_package};

/// What can be said of the key package that a node gives out of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPackageStatus {
    /// First second of validity and first second after it, since the Unix epoch; `None` when the package is
    /// missing or does not decode.
    pub lifetime: Option<(u64, u64)>,
    /// Why the installation cannot be added with it now.
    pub error: Option<KeyPackageFault>,
}

impl Client {
    /// Signs a text for an app: 64 bytes, Ed25519ph with the context `PUBLIC SIGNATURE CONTEXT`.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    ///
    /// # Source
    /// `signWithInstallationKey` of libxmtp's bindings; checked by
    /// [`verify_public_context`](crate::identity::verify_public_context).
    pub fn sign_with_installation_key(&self, text: &str) -> Result<[u8; 64], ClientError> {
        Ok(self.open()?.key.sign_public_context(text))
    }

    /// What the node gives out of installations, aligned with the question.
    ///
    /// # Errors
    /// [`ClientError::Transport`].
    pub async fn fetch_key_package_statuses(
        &self,
        installations: &[InstallationId],
    ) -> Result<Vec<(InstallationId, KeyPackageStatus)>, ClientError> {
        let inner = self.open()?;
        let fetched = inner.api.fetch_key_packages(installations).await?;
        let provider = Provider::new(&inner.store);
        installations
            .iter()
            .zip(fetched)
            .map(|(id, tls)| {
                let Some(tls) = tls else {
                    let status = KeyPackageStatus {
                        lifetime: None,
                        error: Some(KeyPackageFault::Missing),
                    };
                    return Ok((*id, status));
                };
                let error = match key_package::verify_for(&provider, &tls, *id) {
                    Ok(_) => None,
                    Err(MlsError::KeyPackage(fault)) => Some(fault),
                    Err(error) => return Err(error.into()),
                };
                let lifetime = key_package::lifetime_of(&tls);
                Ok((*id, KeyPackageStatus { lifetime, error }))
            })
            .collect()
    }
}
