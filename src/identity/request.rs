//! Updates that wait for their signatures.

use super::MAX_INSTALLATIONS_PER_INBOX;
use super::association::{Action, AssociationState, IdentityUpdate};
use super::error::IdentityError;
use super::identifier::{Identifier, Member};
use super::inbox_id::derive_inbox_id;
use super::signature::{
    AccountId, ContractAnswers, ContractQuestion, ContractSignature, InstallationKey, PasskeySignature,
    Signature, normalise_ecdsa, verify_identity_text,
};
use crate::ids::{InboxId, InstallationId};
use std::collections::BTreeMap;

/// An update that is fixed in everything but its signatures.
///
/// All signers sign the same [`SignatureRequest::text`]; one signature serves every place its signer has in the
/// update. Every time given to a constructor is nanoseconds since the Unix epoch, now: two requests with the
/// same actions need different seconds, or signers that always sign alike produce a replay.
///
/// | constructor | who signs |
/// |---|---|
/// | [`new_inbox`](Self::new_inbox) | the identifier, the installation |
/// | [`new_installation`](Self::new_installation) | a member or the recovery identifier, the installation |
/// | [`link_identifier`](Self::link_identifier) | an installation that is a member, the new identifier |
/// | [`revoke_installations`](Self::revoke_installations), [`revoke_identifiers`](Self::revoke_identifiers), [`change_recovery`](Self::change_recovery) | the recovery identifier |
#[derive(Debug, Clone)]
pub struct SignatureRequest {
    update: IdentityUpdate<Member>,
    text: String,
    signatures: BTreeMap<Member, Signature>,
}

impl SignatureRequest {
    /// A new inbox of `owner`, derived with `nonce`, and its first installation.
    ///
    /// # Errors
    /// [`IdentityError::InvalidAddress`] if `owner` is an address kept from the wire that is none.
    pub fn new_inbox(
        owner: Identifier,
        nonce: u64,
        installation: InstallationId,
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        let inbox_id = derive_inbox_id(&owner, nonce)?;
        let signer = Member::from(owner.clone());
        let create = Action::CreateInbox {
            identifier: owner,
            nonce,
            signature: signer.clone(),
        };
        Self::new(inbox_id, now_ns, vec![create, add(installation.into(), signer)])
    }

    /// One more installation in the inbox that `state` is of, let in by `signer`.
    ///
    /// # Errors
    /// [`IdentityError::TooManyInstallations`] if there is no room,
    /// [`IdentityError::MissingExistingMember`] if `signer` is neither a member nor the recovery identifier.
    pub fn new_installation(
        state: &AssociationState,
        signer: Identifier,
        installation: InstallationId,
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        let installations: Vec<_> = state
            .members()
            .into_iter()
            .filter_map(|(member, details)| Some((member.installation()?, details.clone())))
            .collect();
        if installations.len() >= MAX_INSTALLATIONS_PER_INBOX {
            return Err(IdentityError::TooManyInstallations {
                inbox_id: state.inbox_id(),
                installations,
            });
        }
        let is_recovery = *state.recovery_identifier() == signer;
        let signer = Member::from(signer);
        if !is_recovery && !state.is_member(&signer) {
            return Err(IdentityError::MissingExistingMember);
        }
        Self::new(state.inbox_id(), now_ns, vec![add(installation.into(), signer)])
    }

    /// One more wallet or passkey, let in by an installation of the inbox.
    ///
    /// # Errors
    /// None today; the signature is shared with the other constructors.
    pub fn link_identifier(
        inbox_id: InboxId,
        new: Identifier,
        installation: InstallationId,
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        Self::new(inbox_id, now_ns, vec![add(new.into(), installation.into())])
    }

    /// Removes installations. Needs no state: a recovery identifier alone can do it.
    ///
    /// # Errors
    /// [`IdentityError::NothingToSign`] for no installations.
    pub fn revoke_installations(
        inbox_id: InboxId,
        recovery: Identifier,
        installations: &[InstallationId],
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        Self::revoke(
            inbox_id,
            recovery,
            installations.iter().copied().map(Member::from),
            now_ns,
        )
    }

    /// Removes wallets and passkeys, and with each the installations it added.
    ///
    /// # Errors
    /// [`IdentityError::NothingToSign`] for no identifiers.
    pub fn revoke_identifiers(
        inbox_id: InboxId,
        recovery: Identifier,
        identifiers: &[Identifier],
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        Self::revoke(
            inbox_id,
            recovery,
            identifiers.iter().cloned().map(Member::from),
            now_ns,
        )
    }

    /// Hands recovery from one identifier to another, which does not sign and need not be a member.
    ///
    /// # Errors
    /// None today; the signature is shared with the other constructors.
    pub fn change_recovery(
        inbox_id: InboxId,
        recovery: Identifier,
        new_recovery: Identifier,
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        let action = Action::ChangeRecovery {
            new_recovery,
            signature: recovery.into(),
        };
        Self::new(inbox_id, now_ns, vec![action])
    }

    fn revoke(
        inbox_id: InboxId,
        recovery: Identifier,
        members: impl Iterator<Item = Member>,
        now_ns: u64,
    ) -> Result<Self, IdentityError> {
        let signer = Member::from(recovery);
        let actions = members
            .map(|member| Action::Revoke {
                target: member.into(),
                signature: signer.clone(),
            })
            .collect();
        Self::new(inbox_id, now_ns, actions)
    }

    fn new(inbox_id: InboxId, now_ns: u64, actions: Vec<Action<Member>>) -> Result<Self, IdentityError> {
        if actions.is_empty() {
            return Err(IdentityError::NothingToSign);
        }
        let update = IdentityUpdate {
            inbox_id,
            client_timestamp_ns: now_ns,
            actions,
        };
        Ok(Self {
            text: update.signature_text(),
            update,
            signatures: BTreeMap::new(),
        })
    }

    /// Adds a wallet's `personal_sign` of the text (65 bytes: r, s, v), in whichever form wallets give it.
    ///
    /// # Errors
    /// [`IdentityError::UnrecoverableSignature`] if it is none, [`IdentityError::WrongSigner`] if another
    /// wallet made it or it is of another text. The request then stays as it was.
    pub fn add_ecdsa(&mut self, signature: &[u8]) -> Result<(), IdentityError> {
        self.add(
            Signature::Ecdsa(normalise_ecdsa(signature)?.to_vec()),
            &ContractAnswers::none(),
        )
    }

    /// Signs with an installation's key.
    ///
    /// # Errors
    /// [`IdentityError::WrongSigner`] if the request does not wait for this installation.
    pub fn add_installation(&mut self, key: &InstallationKey) -> Result<(), IdentityError> {
        let signature = key.sign_identity_text(&self.text).to_vec();
        self.accept(
            key.id().into(),
            Signature::Installation {
                key: key.id(),
                signature,
            },
        )
    }

    /// Adds an installation's signature that was made elsewhere (64 bytes).
    ///
    /// # Errors
    /// As [`verify_identity_text`], and [`IdentityError::WrongSigner`] if the request does not wait for it.
    pub fn add_installation_signature(
        &mut self,
        key: InstallationId,
        signature: &[u8],
    ) -> Result<(), IdentityError> {
        verify_identity_text(&key, &self.text, signature)?;
        self.accept(
            key.into(),
            Signature::Installation {
                key,
                signature: signature.to_vec(),
            },
        )
    }

    /// What to ask a node about a contract wallet's signature of the text, before it is added.
    #[must_use]
    pub fn contract_question(
        &self,
        account: AccountId,
        block_number: u64,
        signature: &[u8],
    ) -> ContractQuestion {
        ContractSignature {
            account,
            block_number,
            signature: signature.to_vec(),
        }
        .question(&self.text)
    }

    /// Adds a contract wallet's signature that a node has confirmed at `block_number`; it is not checked here.
    ///
    /// # Errors
    /// [`IdentityError::WrongSigner`] if the request does not wait for this account's address.
    pub fn add_contract(
        &mut self,
        account: AccountId,
        block_number: u64,
        signature: &[u8],
    ) -> Result<(), IdentityError> {
        let signer = Member::Ethereum(account.signer());
        let contract = ContractSignature {
            account,
            block_number,
            signature: signature.to_vec(),
        };
        self.accept(signer, Signature::Contract(contract))
    }

    /// Adds a passkey's assertion over the text.
    ///
    /// # Errors
    /// [`IdentityError::InvalidPasskeyClientData`] or [`IdentityError::InvalidPasskeySignature`] if it does not
    /// hold, [`IdentityError::WrongSigner`] if the request does not wait for this passkey.
    pub fn add_passkey(&mut self, assertion: PasskeySignature) -> Result<(), IdentityError> {
        self.add(Signature::Passkey(assertion), &ContractAnswers::none())
    }

    /// The text to sign.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The inbox the update is for.
    #[must_use]
    pub const fn inbox_id(&self) -> InboxId {
        self.update.inbox_id
    }

    /// Who still has to sign, each once, in the order of their places in the update.
    #[must_use]
    pub fn missing_signers(&self) -> Vec<Member> {
        let mut missing: Vec<Member> = Vec::new();
        for signer in self.signers() {
            if !self.signatures.contains_key(signer) && !missing.contains(signer) {
                missing.push(signer.clone());
            }
        }
        missing
    }

    /// The complete update. Verify it before it is published: a contract's signature is still unproven.
    ///
    /// # Errors
    /// [`IdentityError::MissingSigners`] with those that have not signed.
    pub fn build(&self) -> Result<IdentityUpdate, IdentityError> {
        self.update.try_map(|signer| {
            self.signatures
                .get(signer)
                .cloned()
                .ok_or_else(|| IdentityError::MissingSigners(self.missing_signers()))
        })
    }

    fn signers(&self) -> impl Iterator<Item = &Member> {
        self.update.actions.iter().flat_map(Action::signatures)
    }

    fn add(&mut self, signature: Signature, answers: &ContractAnswers) -> Result<(), IdentityError> {
        let signer = signature.verify(&self.text, answers)?.signer().clone();
        self.accept(signer, signature)
    }

    fn accept(&mut self, signer: Member, signature: Signature) -> Result<(), IdentityError> {
        if !self.signers().any(|wanted| *wanted == signer) {
            return Err(IdentityError::WrongSigner { found: signer });
        }
        self.signatures.insert(signer, signature);
        Ok(())
    }
}

/// The addition of `new_member` by `existing`.
fn add(new_member: Member, existing: Member) -> Action<Member> {
    Action::Add {
        existing_signature: existing,
        new_signature: new_member.clone(),
        new_member,
    }
}
