//! The five kinds of signatures an identity action can carry, one file each, and the text they sign.

mod contract;
mod ecdsa;
mod installation;
mod legacy;
mod passkey;
pub(super) mod text;
mod wallet_key;

pub use contract::{AccountId, ContractAnswers, ContractQuestion, ContractSignature};
pub use ecdsa::{eip191_hash, normalise_ecdsa, recover_address};
pub(super) use installation::verifying_key;
pub use installation::{InstallationKey, verify_identity_text, verify_public_context};
pub use legacy::LegacySignature;
pub use passkey::PasskeySignature;
pub use wallet_key::WalletKey;

use super::association::VerifiedSignature;
use super::error::IdentityError;
use super::identifier::Member;
use crate::ids::InstallationId;
use std::fmt;

/// A signature over the text of an identity update, as it was given: nothing about it is proven yet.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Signature {
    /// A wallet's `personal_sign`: r, s, v (65 bytes; other lengths do not verify).
    Ecdsa(Vec<u8>),
    /// A smart-contract wallet's.
    Contract(ContractSignature),
    /// An installation's, Ed25519ph.
    Installation {
        /// The public key, which says who signs.
        key: InstallationId,
        /// R and S (64 bytes; other lengths do not verify).
        signature: Vec<u8>,
    },
    /// By a key of the V2 protocol to which a wallet delegated; only in old logs.
    Legacy(LegacySignature),
    /// A passkey's WebAuthn assertion.
    Passkey(PasskeySignature),
}

impl Signature {
    /// How it was made.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        match self {
            Self::Ecdsa(_) => SignatureKind::Ecdsa,
            Self::Contract(_) => SignatureKind::Contract,
            Self::Installation { .. } => SignatureKind::Installation,
            Self::Legacy(_) => SignatureKind::Legacy,
            Self::Passkey(_) => SignatureKind::Passkey,
        }
    }

    /// Checks that it is a signature over `text` and tells whose.
    ///
    /// # Errors
    /// The signature variants of [`IdentityError`]; [`IdentityError::ContractUnanswered`] if `answers` lacks
    /// the contract's.
    pub(in crate::identity) fn verify(
        &self,
        text: &str,
        answers: &ContractAnswers,
    ) -> Result<VerifiedSignature, IdentityError> {
        let (signer, replay_bytes, chain_id) = match self {
            Self::Ecdsa(bytes) => {
                let (address, raw) = ecdsa::recover(text, bytes)?;
                (Member::Ethereum(address), raw.to_vec(), None)
            }
            Self::Contract(contract) => {
                contract.verify(text, answers)?;
                let signer = Member::Ethereum(contract.account.signer());
                (
                    signer,
                    contract.signature.clone(),
                    Some(contract.account.chain_id()),
                )
            }
            Self::Installation { key, signature } => {
                verify_identity_text(key, text, signature)?;
                (Member::Installation(*key), signature.clone(), None)
            }
            Self::Legacy(legacy) => {
                let (wallet, raw) = legacy.verify(text)?;
                (Member::Ethereum(wallet), raw.to_vec(), None)
            }
            Self::Passkey(assertion) => {
                let (passkey, raw) = assertion.verify(text)?;
                (Member::Passkey(passkey), raw, None)
            }
        };
        Ok(VerifiedSignature::new(
            signer,
            self.kind(),
            replay_bytes,
            chain_id,
        ))
    }
}

/// The kind only.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", self.kind())
    }
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// EIP-191 `personal_sign` by a key.
    Ecdsa,
    /// ERC-1271 or ERC-6492 by a contract.
    Contract,
    /// Ed25519ph by an installation key.
    Installation,
    /// EIP-191 by a delegated V2 key.
    Legacy,
    /// WebAuthn with P-256.
    Passkey,
}

impl fmt::Display for SignatureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecdsa => "erc-191",
            Self::Contract => "erc-1271",
            Self::Installation => "installation-key",
            Self::Legacy => "legacy-delegated",
            Self::Passkey => "p256",
        })
    }
}
