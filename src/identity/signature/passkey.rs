//! Passkeys: WebAuthn assertions whose challenge is the signature text.

use crate::identity::error::IdentityError;
use crate::identity::identifier::Passkey;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// What an authenticator gives for a challenge. The four parts are those of the WebAuthn API.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PasskeySignature {
    /// The public key (SEC1).
    pub public_key: Vec<u8>,
    /// The signature (DER).
    pub signature: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `clientDataJSON`; its `challenge` is the text in base64url without padding.
    pub client_data_json: Vec<u8>,
}

/// The two members of `clientDataJSON` that count.
#[derive(serde::Deserialize)]
struct ClientData {
    origin: String,
    challenge: String,
}

impl PasskeySignature {
    /// The signer, and the bytes that count as this signature in the replay set (r, s; 64 bytes).
    ///
    /// # Source
    /// WebAuthn Level 2 §7.2 as far as libxmtp checks it: challenge and signature, not flags or origin.
    pub(super) fn verify(&self, text: &str) -> Result<(Passkey, Vec<u8>), IdentityError> {
        let client_data: ClientData = serde_json::from_slice(&self.client_data_json)
            .map_err(|_| IdentityError::InvalidPasskeyClientData)?;
        if client_data.challenge != BASE64_URL_SAFE_NO_PAD.encode(text) {
            return Err(IdentityError::InvalidPasskeyClientData);
        }
        let refused = |_| IdentityError::InvalidPasskeySignature;
        let key = VerifyingKey::from_sec1_bytes(&self.public_key).map_err(refused)?;
        let signature = Signature::from_der(&self.signature).map_err(refused)?;
        let mut signed = self.authenticator_data.clone();
        signed.extend_from_slice(&Sha256::digest(&self.client_data_json));
        key.verify(&signed, &signature).map_err(refused)?;
        let passkey = Passkey {
            key: self.public_key.clone(),
            relying_party: Some(client_data.origin),
        };
        Ok((passkey, signature.to_vec()))
    }
}

/// Nothing of the assertion.
impl fmt::Debug for PasskeySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasskeySignature")
    }
}
