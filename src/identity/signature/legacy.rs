//! Signatures by keys of the V2 protocol. New ones are never made; old logs have them.

use super::ecdsa;
use crate::identity::error::IdentityError;
use crate::identity::identifier::Address;
use crate::proto::xmtp::message_contents::{
    SignedPublicKey, UnsignedPublicKey, signature::Union as WalletSignature, unsigned_public_key,
};
use k256::ecdsa::VerifyingKey;
use prost::Message as _;
use std::fmt;

/// A signature by a V2 identity key, with the wallet's delegation to that key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LegacySignature {
    /// The V2 key and the wallet's signature over it, as published.
    pub delegated_key: SignedPublicKey,
    /// The V2 key's `personal_sign` of the text: r, s, v (65 bytes).
    pub signature: Vec<u8>,
}

impl LegacySignature {
    /// The wallet that delegated, and its signature, which is what counts in the replay set.
    ///
    /// # Source
    /// libxmtp `xmtp_id`, `associations/verified_signature.rs`.
    pub(super) fn verify(&self, text: &str) -> Result<(Address, [u8; 65]), IdentityError> {
        let (signing_key, _) = ecdsa::recover(text, &self.signature)?;
        let (wallet, replay_bytes) = ecdsa::recover(
            &delegation_text(&self.delegated_key.key_bytes),
            &self.wallet_signature()?,
        )?;
        if self.delegated_address()? != signing_key {
            return Err(IdentityError::InvalidLegacyDelegation);
        }
        Ok((wallet, replay_bytes))
    }

    /// r, s and the recovery value as the 65th byte.
    fn wallet_signature(&self) -> Result<Vec<u8>, IdentityError> {
        let union = self
            .delegated_key
            .signature
            .as_ref()
            .and_then(|signature| signature.union.as_ref());
        let (bytes, recovery) = match union.ok_or(IdentityError::InvalidLegacyDelegation)? {
            WalletSignature::EcdsaCompact(compact) => (&compact.bytes, compact.recovery),
            WalletSignature::WalletEcdsaCompact(compact) => (&compact.bytes, compact.recovery),
        };
        // only the low byte of the recovery value counts, as with peers
        Ok([bytes.as_slice(), &recovery.to_le_bytes()[..1]].concat())
    }

    fn delegated_address(&self) -> Result<Address, IdentityError> {
        let refused = IdentityError::InvalidLegacyDelegation;
        let key = UnsignedPublicKey::decode(self.delegated_key.key_bytes.as_slice())
            .map_err(|_| refused.clone())?;
        let Some(unsigned_public_key::Union::Secp256k1Uncompressed(point)) = key.union else {
            return Err(refused);
        };
        let key = VerifyingKey::from_sec1_bytes(&point.bytes).map_err(|_| refused)?;
        Ok(Address::of_key(&key))
    }
}

/// Nothing of the key.
impl fmt::Debug for LegacySignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacySignature")
    }
}

/// What the wallet signed when it delegated.
fn delegation_text(key_bytes: &[u8]) -> String {
    format!(
        "XMTP : Create Identity\n{}\n\nFor more info: https://xmtp.org/signatures/",
        hex::encode(key_bytes)
    )
}
