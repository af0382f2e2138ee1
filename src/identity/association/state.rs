//! What a log adds up to.

use super::apply;
use super::validate::VerifiedUpdate;
use crate::identity::error::IdentityError;
use crate::identity::identifier::{Identifier, Member};
use crate::ids::{InboxId, InstallationId};
use std::collections::{BTreeMap, BTreeSet};

/// How a member came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDetails {
    /// Who added it; `None` for the member that created the inbox.
    pub added_by: Option<Member>,
    /// The time in the update that added it: nanoseconds since the Unix epoch, as its client claimed. `None`
    /// for the member that created the inbox.
    pub client_timestamp_ns: Option<u64>,
    /// The chain of its contract wallet; `None` for keys. Later signatures must be of the same.
    pub added_on_chain_id: Option<u64>,
}

/// An inbox at one point of its log: members, recovery identifier, and the signatures used so far.
#[derive(Clone, PartialEq, Eq)]
pub struct AssociationState {
    pub(super) inbox_id: InboxId,
    pub(super) members: BTreeMap<Member, MemberDetails>,
    pub(super) recovery: Identifier,
    pub(super) seen_signatures: BTreeSet<Vec<u8>>,
}

impl AssociationState {
    /// The state after the updates of a whole log, in the order of their sequence ids.
    ///
    /// # Errors
    /// [`IdentityError::NotCreated`] for no updates, otherwise the error of the first that does not apply: one
    /// bad entry makes the whole inbox unresolvable.
    pub fn replay<'a>(updates: impl IntoIterator<Item = &'a VerifiedUpdate>) -> Result<Self, IdentityError> {
        updates
            .into_iter()
            .try_fold(None, |state, update| apply::apply(state, update).map(Some))?
            .ok_or(IdentityError::NotCreated)
    }

    /// The state after one more update; this one stays as it is.
    ///
    /// # Errors
    /// One variant per rule of the log: [`IdentityError::MultipleCreate`], [`IdentityError::Replay`],
    /// [`IdentityError::NewMemberMismatch`], [`IdentityError::AddedItself`],
    /// [`IdentityError::LegacySignatureReuse`], [`IdentityError::SignatureNotAllowed`],
    /// [`IdentityError::ChainMismatch`], [`IdentityError::MissingExistingMember`],
    /// [`IdentityError::MemberNotAllowed`], [`IdentityError::InvalidAddress`],
    /// [`IdentityError::WrongInboxId`].
    pub fn apply(&self, update: &VerifiedUpdate) -> Result<Self, IdentityError> {
        apply::apply(Some(self.clone()), update)
    }

    /// The inbox.
    #[must_use]
    pub const fn inbox_id(&self) -> InboxId {
        self.inbox_id
    }

    /// Who may revoke; need not be a member.
    #[must_use]
    pub const fn recovery_identifier(&self) -> &Identifier {
        &self.recovery
    }

    /// All members, the oldest first by their claimed time; those without one (the creator) come last.
    #[must_use]
    pub fn members(&self) -> Vec<(&Member, &MemberDetails)> {
        let mut members: Vec<_> = self.members.iter().collect();
        members
            .sort_by_key(|(_, details)| (details.client_timestamp_ns.is_none(), details.client_timestamp_ns));
        members
    }

    /// The installations, sorted as [`AssociationState::members`].
    #[must_use]
    pub fn installations(&self) -> Vec<InstallationId> {
        self.members()
            .into_iter()
            .filter_map(|(member, _)| member.installation())
            .collect()
    }

    /// Wallets and passkeys, sorted as [`AssociationState::members`].
    #[must_use]
    pub fn identifiers(&self) -> Vec<Identifier> {
        self.members()
            .into_iter()
            .filter_map(|(member, _)| member.identifier())
            .collect()
    }

    /// Whether `member` is in.
    #[must_use]
    pub fn is_member(&self, member: &Member) -> bool {
        self.members.contains_key(member)
    }

    /// Whether the installation is in.
    #[must_use]
    pub fn has_installation(&self, installation: InstallationId) -> bool {
        self.is_member(&Member::Installation(installation))
    }

    /// How a member came in.
    #[must_use]
    pub fn details(&self, member: &Member) -> Option<&MemberDetails> {
        self.members.get(member)
    }
}

/// The id's prefix and counts.
impl std::fmt::Debug for AssociationState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssociationState")
            .field("inbox_id", &self.inbox_id)
            .field("members", &self.members.keys())
            .field("recovery", &self.recovery)
            .field("seen_signatures", &self.seen_signatures.len())
            .finish()
    }
}

/// Who came and who went between two states. Changes of the recovery identifier are not visible in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateDiff {
    /// In the new state only.
    pub new_members: Vec<Member>,
    /// In the old state only.
    pub removed_members: Vec<Member>,
}

impl StateDiff {
    /// The installations that came.
    pub fn new_installations(&self) -> impl Iterator<Item = InstallationId> {
        self.new_members.iter().filter_map(Member::installation)
    }

    /// The installations that went.
    pub fn removed_installations(&self) -> impl Iterator<Item = InstallationId> {
        self.removed_members.iter().filter_map(Member::installation)
    }
}

/// Compares two states of one inbox; without an old one, everybody is new. Both lists are in the order of
/// [`Member`]. A member that was removed and added again in between is in neither.
#[must_use]
pub fn diff(old: Option<&AssociationState>, new: &AssociationState) -> StateDiff {
    let only_in = |here: &AssociationState, there: Option<&AssociationState>| {
        let elsewhere = |member: &&Member| there.is_some_and(|state| state.is_member(member));
        here.members
            .keys()
            .filter(|member| !elsewhere(member))
            .cloned()
            .collect::<Vec<_>>()
    };
    StateDiff {
        new_members: only_in(new, old),
        removed_members: old.map(|old| only_in(old, Some(new))).unwrap_or_default(),
    }
}
