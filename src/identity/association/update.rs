//! Actions and updates. `S` is what stands in the place of each signature: who has to sign (in a
//! [`crate::identity::SignatureRequest`]), the signature, or the verified signature.

use crate::identity::identifier::{Identifier, Member};
use crate::identity::signature::text::signature_text;
use crate::identity::signature::{ContractQuestion, Signature};
use crate::ids::InboxId;
use std::fmt;

/// One change of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<S = Signature> {
    /// The inbox begins, with one member that is also its recovery identifier.
    CreateInbox {
        /// The first member.
        identifier: Identifier,
        /// The number the inbox id was derived with.
        nonce: u64,
        /// By the first member.
        signature: S,
    },
    /// A member is added.
    Add {
        /// Who.
        new_member: Member,
        /// By a member, or by the recovery identifier.
        existing_signature: S,
        /// By the new member.
        new_signature: S,
    },
    /// A member is removed, and with it the installations it added.
    Revoke {
        /// Who.
        target: RevokeTarget,
        /// By the recovery identifier.
        signature: S,
    },
    /// Another identifier gets to revoke from now on.
    ChangeRecovery {
        /// Which.
        new_recovery: Identifier,
        /// By the recovery identifier so far.
        signature: S,
    },
}

impl<S> Action<S> {
    /// The signatures in the order of the wire fields.
    pub(in crate::identity) fn signatures(&self) -> impl Iterator<Item = &S> {
        let (first, second) = match self {
            Self::CreateInbox { signature, .. }
            | Self::Revoke { signature, .. }
            | Self::ChangeRecovery { signature, .. } => (signature, None),
            Self::Add {
                existing_signature,
                new_signature,
                ..
            } => (existing_signature, Some(new_signature)),
        };
        std::iter::once(first).chain(second)
    }

    /// The same action with every signature replaced.
    pub(in crate::identity) fn try_map<T, E>(
        &self,
        mut map: impl FnMut(&S) -> Result<T, E>,
    ) -> Result<Action<T>, E> {
        Ok(match self {
            Self::CreateInbox {
                identifier,
                nonce,
                signature,
            } => Action::CreateInbox {
                identifier: identifier.clone(),
                nonce: *nonce,
                signature: map(signature)?,
            },
            Self::Add {
                new_member,
                existing_signature,
                new_signature,
            } => Action::Add {
                new_member: new_member.clone(),
                existing_signature: map(existing_signature)?,
                new_signature: map(new_signature)?,
            },
            Self::Revoke { target, signature } => Action::Revoke {
                target: target.clone(),
                signature: map(signature)?,
            },
            Self::ChangeRecovery {
                new_recovery,
                signature,
            } => Action::ChangeRecovery {
                new_recovery: new_recovery.clone(),
                signature: map(signature)?,
            },
        })
    }
}

/// Whom a revocation names. Revoking somebody who is no member is allowed and removes nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokeTarget {
    /// Somebody who can be a member.
    Member(Member),
    /// An installation key that is not 32 bytes, so nobody's: peers accept and ignore it, so must we.
    MalformedInstallation(Vec<u8>),
}

impl From<Member> for RevokeTarget {
    fn from(member: Member) -> Self {
        Self::Member(member)
    }
}

/// The address, or lower-case hex of the key.
impl fmt::Display for RevokeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(member) => member.fmt(f),
            Self::MalformedInstallation(key) => f.write_str(&hex::encode(key)),
        }
    }
}

/// One entry of an inbox's log: actions that apply together or not at all, all signed over one text.
///
/// It is decoded or built, and proves nothing until [`crate::identity::verify`] has made a
/// [`crate::identity::VerifiedUpdate`] of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUpdate<S = Signature> {
    /// The inbox it belongs to.
    pub inbox_id: InboxId,
    /// When the signed text says it was made: nanoseconds since the Unix epoch, not to be trusted.
    pub client_timestamp_ns: u64,
    /// What it does, in order.
    pub actions: Vec<Action<S>>,
}

impl<S> IdentityUpdate<S> {
    /// The text that every signer signs.
    #[must_use]
    pub fn signature_text(&self) -> String {
        signature_text(self)
    }

    pub(in crate::identity) fn try_map<T, E>(
        &self,
        mut map: impl FnMut(&S) -> Result<T, E>,
    ) -> Result<IdentityUpdate<T>, E> {
        Ok(IdentityUpdate {
            inbox_id: self.inbox_id,
            client_timestamp_ns: self.client_timestamp_ns,
            actions: self
                .actions
                .iter()
                .map(|action| action.try_map(&mut map))
                .collect::<Result<_, E>>()?,
        })
    }
}

impl IdentityUpdate {
    /// What has to be asked of chains before this update can be verified; each question once.
    #[must_use]
    pub fn contract_questions(&self) -> Vec<ContractQuestion> {
        let mut seen = std::collections::HashSet::new();
        let contracts: Vec<_> = self
            .actions
            .iter()
            .flat_map(Action::signatures)
            .filter_map(|signature| match signature {
                Signature::Contract(contract) if seen.insert(contract) => Some(contract),
                _ => None,
            })
            .collect();
        if contracts.is_empty() {
            return Vec::new();
        }
        let text = self.signature_text();
        contracts
            .into_iter()
            .map(|contract| contract.question(&text))
            .collect()
    }
}
