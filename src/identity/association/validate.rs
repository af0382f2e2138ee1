//! The step from an update to a verified one: every signature in it is checked against the one text.

use super::update::IdentityUpdate;
use crate::identity::error::IdentityError;
use crate::identity::identifier::Member;
use crate::identity::signature::{ContractAnswers, Signature, SignatureKind};
use crate::ids::InboxId;
use std::collections::HashMap;

/// A signature that holds, and whose it is. Only [`verify`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    signer: Member,
    kind: SignatureKind,
    replay_bytes: Vec<u8>,
    chain_id: Option<u64>,
}

impl VerifiedSignature {
    pub(in crate::identity) const fn new(
        signer: Member,
        kind: SignatureKind,
        replay_bytes: Vec<u8>,
        chain_id: Option<u64>,
    ) -> Self {
        Self {
            signer,
            kind,
            replay_bytes,
            chain_id,
        }
    }

    /// Who signed.
    #[must_use]
    pub const fn signer(&self) -> &Member {
        &self.signer
    }

    /// How.
    #[must_use]
    pub const fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// The bytes by which a second use is recognised.
    #[must_use]
    pub fn replay_bytes(&self) -> &[u8] {
        &self.replay_bytes
    }

    /// The chain of a contract wallet; `None` for every other kind.
    #[must_use]
    pub const fn chain_id(&self) -> Option<u64> {
        self.chain_id
    }
}

/// An update whose signatures all hold. Whether it may be applied is for the state to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedUpdate(IdentityUpdate<VerifiedSignature>);

impl VerifiedUpdate {
    /// The inbox it names.
    #[must_use]
    pub const fn inbox_id(&self) -> InboxId {
        self.0.inbox_id
    }

    /// Its actions with the signers known, and its time.
    #[must_use]
    pub const fn update(&self) -> &IdentityUpdate<VerifiedSignature> {
        &self.0
    }
}

/// Checks every signature of `update` over the update's text.
///
/// `answers`: what chains said to [`IdentityUpdate::contract_questions`]; none are needed without contract
/// wallets. A signature that several actions share is checked once, so the cost is linear in the size.
///
/// # Errors
/// The first signature that fails, as one of [`IdentityError::UnrecoverableSignature`],
/// [`IdentityError::InvalidInstallationSignature`], [`IdentityError::InvalidLegacyDelegation`],
/// [`IdentityError::InvalidPasskeyClientData`], [`IdentityError::InvalidPasskeySignature`],
/// [`IdentityError::ContractRefused`]; [`IdentityError::ContractUnanswered`] is no verdict on the update: ask
/// and verify again.
pub fn verify(update: &IdentityUpdate, answers: &ContractAnswers) -> Result<VerifiedUpdate, IdentityError> {
    let text = update.signature_text();
    let mut known: HashMap<&Signature, VerifiedSignature> = HashMap::new();
    for signature in update.actions.iter().flat_map(|action| action.signatures()) {
        if !known.contains_key(signature) {
            known.insert(signature, signature.verify(&text, answers)?);
        }
    }
    let verified = update.try_map(|signature| match known.get(signature) {
        Some(verified) => Ok(verified.clone()),
        None => signature.verify(&text, answers),
    })?;
    Ok(VerifiedUpdate(verified))
}
