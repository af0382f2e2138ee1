//! The installation key as MLS wants it.

use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;

use crate::identity::InstallationKey;

/// Signs MLS objects with plain Ed25519: the labels of RFC 9420 are in what it is given.
#[derive(Debug)]
pub(super) struct MlsSigner<'a>(pub(super) &'a InstallationKey);

impl Signer for MlsSigner<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
