//! The rules of the log. Each action is checked in the order that peers check it.
//!
//! # Source
//! libxmtp `xmtp_id`, `associations/association_log.rs` and `state.rs`; XIP-46.

use super::state::{AssociationState, MemberDetails};
use super::update::{Action, RevokeTarget};
use super::validate::{VerifiedSignature, VerifiedUpdate};
use crate::identity::error::IdentityError;
use crate::identity::identifier::{Identifier, Member, MemberKind};
use crate::identity::inbox_id::derive_inbox_id;
use crate::identity::signature::SignatureKind;
use crate::ids::InstallationId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The state after `update`. Signatures count as used only for later updates: within one update the same
/// signature may serve several actions.
pub(super) fn apply(
    state: Option<AssociationState>,
    update: &VerifiedUpdate,
) -> Result<AssociationState, IdentityError> {
    let verified = update.update();
    let mut fold = Fold {
        state,
        children: None,
    };
    for action in &verified.actions {
        fold.act(action, verified.client_timestamp_ns)?;
    }
    let mut state = fold.state.ok_or(IdentityError::NotCreated)?;
    if state.inbox_id != verified.inbox_id {
        return Err(IdentityError::WrongInboxId);
    }
    let signatures = verified.actions.iter().flat_map(Action::signatures);
    state
        .seen_signatures
        .extend(signatures.map(|signature| signature.replay_bytes().to_vec()));
    Ok(state)
}

/// The state while the actions of one update are applied.
struct Fold {
    state: Option<AssociationState>,
    /// Installations by who added them, made at the first revocation so that many cost no more than few. May
    /// hold more than is true by now, never less.
    children: Option<HashMap<Member, Vec<InstallationId>>>,
}

impl Fold {
    fn act(&mut self, action: &Action<VerifiedSignature>, now_ns: u64) -> Result<(), IdentityError> {
        match action {
            Action::CreateInbox {
                identifier,
                nonce,
                signature,
            } => self.create(identifier, *nonce, signature),
            Action::Add {
                new_member,
                existing_signature,
                new_signature,
            } => {
                let details = check_add(self.created()?, new_member, existing_signature, new_signature)?;
                self.insert(
                    new_member,
                    MemberDetails {
                        client_timestamp_ns: Some(now_ns),
                        ..details
                    },
                )
            }
            Action::Revoke { target, signature } => {
                check_recovery(self.created()?, signature)?;
                match target {
                    RevokeTarget::Member(member) => self.remove(member),
                    RevokeTarget::MalformedInstallation(_) => Ok(()),
                }
            }
            Action::ChangeRecovery {
                new_recovery,
                signature,
            } => {
                check_recovery(self.created()?, signature)?;
                self.created_mut()?.recovery = new_recovery.clone();
                Ok(())
            }
        }
    }

    fn created(&self) -> Result<&AssociationState, IdentityError> {
        self.state.as_ref().ok_or(IdentityError::NotCreated)
    }

    fn created_mut(&mut self) -> Result<&mut AssociationState, IdentityError> {
        self.state.as_mut().ok_or(IdentityError::NotCreated)
    }

    fn create(
        &mut self,
        identifier: &Identifier,
        nonce: u64,
        signature: &VerifiedSignature,
    ) -> Result<(), IdentityError> {
        if self.state.is_some() {
            return Err(IdentityError::MultipleCreate);
        }
        let member = Member::from(identifier.clone());
        if *signature.signer() != member {
            return Err(IdentityError::MissingExistingMember);
        }
        check_kind(&member, signature)?;
        if is_legacy(signature) && nonce != 0 {
            return Err(IdentityError::LegacySignatureReuse);
        }
        let details = MemberDetails {
            added_by: None,
            client_timestamp_ns: None,
            added_on_chain_id: signature.chain_id(),
        };
        self.state = Some(AssociationState {
            inbox_id: derive_inbox_id(identifier, nonce)?,
            members: BTreeMap::from([(member, details)]),
            recovery: identifier.clone(),
            seen_signatures: BTreeSet::new(),
        });
        Ok(())
    }

    fn insert(&mut self, member: &Member, details: MemberDetails) -> Result<(), IdentityError> {
        if let (Some(children), Some(parent), Member::Installation(id)) =
            (&mut self.children, &details.added_by, member)
        {
            children.entry(parent.clone()).or_default().push(*id);
        }
        let members = &mut self.created_mut()?.members;
        // first out, so that the relying party of a passkey is the one of its latest addition
        members.remove(member);
        members.insert(member.clone(), details);
        Ok(())
    }

    /// Removes a member, if it is one, and every installation it added.
    fn remove(&mut self, member: &Member) -> Result<(), IdentityError> {
        if self.children.is_none() {
            let mut children: HashMap<Member, Vec<InstallationId>> = HashMap::new();
            for (child, details) in &self.created()?.members {
                if let (Member::Installation(id), Some(parent)) = (child, &details.added_by) {
                    children.entry(parent.clone()).or_default().push(*id);
                }
            }
            self.children = Some(children);
        }
        let children = self
            .children
            .as_mut()
            .and_then(|children| children.remove(member));
        let members = &mut self.created_mut()?.members;
        members.remove(member);
        for child in children.into_iter().flatten().map(Member::Installation) {
            // it may have gone, or come back through somebody else, since the list was made
            if members
                .get(&child)
                .is_some_and(|details| details.added_by.as_ref() == Some(member))
            {
                members.remove(&child);
            }
        }
        Ok(())
    }
}

/// Checks an addition and tells what to note about the new member (all but the time).
fn check_add(
    state: &AssociationState,
    new_member: &Member,
    existing: &VerifiedSignature,
    new: &VerifiedSignature,
) -> Result<MemberDetails, IdentityError> {
    check_replay(state, existing)?;
    check_replay(state, new)?;
    if new.signer() != new_member {
        return Err(IdentityError::NewMemberMismatch);
    }
    if new.signer() == existing.signer() {
        return Err(IdentityError::AddedItself);
    }
    if let Some(identifier) = existing.signer().identifier()
        && (is_legacy(existing) || is_legacy(new))
        && derive_inbox_id(&identifier, 0)? != state.inbox_id
    {
        return Err(IdentityError::LegacySignatureReuse);
    }
    check_kind(new_member, new)?;
    check_chain(state, existing)?;
    if !state.is_member(existing.signer()) {
        check_is_recovery(state, existing)?;
        if is_legacy(existing) {
            return Err(IdentityError::LegacySignatureReuse);
        }
    }
    check_kind(existing.signer(), existing)?;
    let (existing_kind, new_kind) = (existing.signer().kind(), new_member.kind());
    if existing_kind == MemberKind::Installation && new_kind == MemberKind::Installation {
        return Err(IdentityError::MemberNotAllowed {
            existing: existing_kind,
            new: new_kind,
        });
    }
    Ok(MemberDetails {
        added_by: Some(existing.signer().clone()),
        client_timestamp_ns: None,
        added_on_chain_id: new.chain_id(),
    })
}

/// Checks a signature that only the recovery identifier can give.
fn check_recovery(state: &AssociationState, signature: &VerifiedSignature) -> Result<(), IdentityError> {
    check_replay(state, signature)?;
    check_chain(state, signature)?;
    if is_legacy(signature) {
        let (member, signature) = (MemberKind::Ethereum, SignatureKind::Legacy);
        return Err(IdentityError::SignatureNotAllowed { member, signature });
    }
    check_is_recovery(state, signature)
}

fn check_is_recovery(state: &AssociationState, signature: &VerifiedSignature) -> Result<(), IdentityError> {
    if *signature.signer() == Member::from(state.recovery.clone()) {
        Ok(())
    } else {
        Err(IdentityError::MissingExistingMember)
    }
}

fn check_replay(state: &AssociationState, signature: &VerifiedSignature) -> Result<(), IdentityError> {
    if state.seen_signatures.contains(signature.replay_bytes()) {
        Err(IdentityError::Replay)
    } else {
        Ok(())
    }
}

/// A member signs from the chain it was added on; somebody who is no member, from any.
fn check_chain(state: &AssociationState, signature: &VerifiedSignature) -> Result<(), IdentityError> {
    let found = signature.chain_id();
    match state.details(signature.signer()) {
        Some(details) if details.added_on_chain_id != found => Err(IdentityError::ChainMismatch {
            expected: details.added_on_chain_id,
            found,
        }),
        _ => Ok(()),
    }
}

fn check_kind(member: &Member, signature: &VerifiedSignature) -> Result<(), IdentityError> {
    let (member, signature) = (member.kind(), signature.kind());
    let allowed = match signature {
        SignatureKind::Ecdsa | SignatureKind::Contract | SignatureKind::Legacy => MemberKind::Ethereum,
        SignatureKind::Installation => MemberKind::Installation,
        SignatureKind::Passkey => MemberKind::Passkey,
    };
    if member == allowed {
        Ok(())
    } else {
        Err(IdentityError::SignatureNotAllowed { member, signature })
    }
}

fn is_legacy(signature: &VerifiedSignature) -> bool {
    signature.kind() == SignatureKind::Legacy
}
