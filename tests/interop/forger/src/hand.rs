//! An installation's key and credential for OpenMLS itself, past what the library would do with them.

use openmls::prelude::{BasicCredential, CredentialWithKey};
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use prost::Message as _;
use xmtp_web::identity::InstallationKey;
use xmtp_web::ids::InboxId;
use xmtp_web::proto::xmtp::identity::MlsCredential;

/// Signs whatever it is given.
#[derive(Debug)]
pub(crate) struct Hand<'a>(pub(crate) &'a InstallationKey);

impl Signer for Hand<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// This key, as the key of any inbox.
pub(crate) fn credential(key: &InstallationKey, inbox_id: InboxId) -> CredentialWithKey {
    let identity = MlsCredential {
        inbox_id: inbox_id.to_string(),
    };
    CredentialWithKey {
        credential: BasicCredential::new(identity.encode_to_vec()).into(),
        signature_key: key.id().as_bytes().to_vec().into(),
    }
}
