//! Which inboxes are members, and which leaves the tree must therefore hold.
//!
//! # Source
//! Extension 0xFF01 of libxmtp 1.9 to 1.12-dev.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::error::CommitError;
use super::metadata::inbox_id;
use crate::identity::LogPosition;
use crate::ids::{InboxId, InstallationId};
use crate::proto::xmtp::mls::message_contents as proto;

/// Extension 0xFF01.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupMembership {
    /// Inbox to the identity update up to which the tree reflects it.
    pub members: BTreeMap<InboxId, u64>,
    /// Installations of members that could not be added.
    pub failed_installations: BTreeSet<InstallationId>,
}

impl GroupMembership {
    /// Whether this inbox is the only member.
    #[must_use]
    pub fn is_only(&self, inbox_id: InboxId) -> bool {
        self.members.keys().eq([&inbox_id])
    }

    /// Decodes the protobuf body.
    ///
    /// # Errors
    /// [`CommitError::Extension`] when it does not decode or names members by what is no inbox id. What is no installation's
    /// id among those that failed is the id of none, and passed over: peers look at it no closer.
    pub fn decode(bytes: Option<&[u8]>) -> Result<Self, CommitError> {
        let fault = || CommitError::Extension("group membership");
        let body = proto::GroupMembership::decode(bytes.ok_or_else(fault)?).map_err(|_| fault())?;
        Ok(Self {
            members: body
                .members
                .into_iter()
                .map(|(id, sequence_id)| Some((inbox_id(&id)?, sequence_id)))
                .collect::<Option<_>>()
                .ok_or_else(fault)?,
            failed_installations: body
                .failed_installations
                .iter()
                .filter_map(|id| InstallationId::try_from(id.as_slice()).ok())
                .collect(),
        })
    }

    /// Encodes the protobuf body; failed installations are sorted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        proto::GroupMembership {
            members: self
                .members
                .iter()
                .map(|(id, sequence_id)| (id.to_string(), *sequence_id))
                .collect(),
            failed_installations: self.failed_installations.iter().map(|id| id.to_vec()).collect(),
        }
        .encode_to_vec()
    }

    /// What changes from this membership to `after`.
    #[must_use]
    pub fn diff(&self, after: &Self) -> MembershipDiff {
        let mut diff = MembershipDiff::default();
        for (inbox, new) in &after.members {
            match self.members.get(inbox) {
                None => diff.added.push((*inbox, *new)),
                Some(old) if old != new => diff.updated.push((*inbox, *old, *new)),
                Some(_) => {}
            }
        }
        diff.removed = self
            .members
            .iter()
            .filter(|(inbox, _)| !after.members.contains_key(*inbox))
            .map(|(inbox, old)| (*inbox, *old))
            .collect();
        diff.failed = after
            .failed_installations
            .difference(&self.failed_installations)
            .copied()
            .collect();
        diff
    }
}

/// The inboxes that differ between two memberships.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MembershipDiff {
    /// New inboxes with their sequence ids.
    pub added: Vec<(InboxId, u64)>,
    /// Inboxes that stay, with the old and the new sequence id.
    pub updated: Vec<(InboxId, u64, u64)>,
    /// Inboxes that go, with the sequence id they had.
    pub removed: Vec<(InboxId, u64)>,
    /// Installations newly listed as failed.
    pub failed: BTreeSet<InstallationId>,
}

impl MembershipDiff {
    /// The states of identity logs one must know to say which installations change.
    #[must_use]
    pub fn needed(&self) -> BTreeSet<(InboxId, LogPosition)> {
        let added = self
            .added
            .iter()
            .map(|(inbox, new)| (*inbox, LogPosition::of(*new)));
        let removed = self
            .removed
            .iter()
            .map(|(inbox, old)| (*inbox, LogPosition::of(*old)));
        let updated = self
            .updated
            .iter()
            .flat_map(|(inbox, old, new)| [(*inbox, *old), (*inbox, *new)])
            // from nothing: a creator's 0 means that the tree reflects no update yet
            .filter(|(_, sequence_id)| *sequence_id != 0)
            .map(|(inbox, sequence_id)| (inbox, LogPosition::of(sequence_id)));
        added.chain(removed).chain(updated).collect()
    }

    /// The installations the commit is expected to add and to remove.
    ///
    /// `installations` gives an inbox's installations at a position; everything in
    /// [`needed`](Self::needed) is asked of it, and it answers `None` for what it does not know.
    ///
    /// # Errors
    /// [`CommitError::UnknownIdentity`] with the first position not known.
    pub fn installations<'a>(
        &self,
        installations: &mut dyn FnMut(InboxId, LogPosition) -> Option<&'a BTreeSet<InstallationId>>,
    ) -> Result<InstallationDiff, CommitError> {
        let mut at = |inbox: InboxId, sequence_id: u64| {
            installations(inbox, LogPosition::of(sequence_id)).ok_or(CommitError::UnknownIdentity { inbox })
        };
        let mut diff = InstallationDiff::default();
        for (inbox, new) in &self.added {
            diff.added.extend(at(*inbox, *new)?);
        }
        for (inbox, old) in &self.removed {
            diff.removed.extend(at(*inbox, *old)?);
        }
        for (inbox, old, new) in &self.updated {
            let empty = BTreeSet::new();
            let before = if *old == 0 { &empty } else { at(*inbox, *old)? };
            let after = at(*inbox, *new)?;
            diff.added.extend(after.difference(before));
            diff.removed.extend(before.difference(after));
        }
        Ok(diff)
    }
}

/// Installations that the tree must gain and lose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstallationDiff {
    /// To be added, unless their key packages are unusable.
    pub added: BTreeSet<InstallationId>,
    /// To be removed.
    pub removed: BTreeSet<InstallationId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(n: u8) -> InboxId {
        InboxId::new([n; 32])
    }
    fn device(n: u8) -> InstallationId {
        InstallationId::new([n; 32])
    }
    fn membership(members: &[(u8, u64)], failed: &[u8]) -> GroupMembership {
        GroupMembership {
            members: members.iter().map(|(n, s)| (inbox(*n), *s)).collect(),
            failed_installations: failed.iter().map(|n| device(*n)).collect(),
        }
    }

    #[test]
    fn a_membership_survives_a_round_trip() {
        let membership = membership(&[(1, 0), (2, 77)], &[9]);
        assert_eq!(
            GroupMembership::decode(Some(&membership.encode())),
            Ok(membership)
        );
    }

    #[test]
    fn ids_of_the_wrong_length_are_refused_of_members_and_passed_over_of_those_that_failed() {
        let body = proto::GroupMembership {
            failed_installations: vec![vec![1; 31], vec![2; 32]],
            ..Default::default()
        };
        let read = GroupMembership::decode(Some(&body.encode_to_vec()));
        assert_eq!(read, Ok(membership(&[], &[2])));
        let body = proto::GroupMembership {
            members: [("ab".to_owned(), 1)].into(),
            ..Default::default()
        };
        assert!(GroupMembership::decode(Some(&body.encode_to_vec())).is_err());
    }

    #[test]
    fn a_diff_names_installations_to_add_and_to_remove() {
        let diff =
            membership(&[(1, 0), (2, 5), (3, 6)], &[]).diff(&membership(&[(1, 4), (2, 8), (4, 9)], &[7]));
        assert_eq!(diff.added, [(inbox(4), 9)]);
        assert_eq!(diff.updated, [(inbox(1), 0, 4), (inbox(2), 5, 8)]);
        assert_eq!(diff.removed, [(inbox(3), 6)]);
        assert_eq!(diff.failed, [device(7)].into());
        let at = |position| match position {
            LogPosition::At(4) => [device(10)].into(),
            LogPosition::At(5) => [device(20), device(21)].into(),
            LogPosition::At(8) => [device(21), device(22)].into(),
            LogPosition::At(6) => [device(30)].into(),
            LogPosition::At(9) => [device(40)].into(),
            _ => BTreeSet::new(),
        };
        let states: BTreeMap<_, BTreeSet<InstallationId>> = diff
            .needed()
            .into_iter()
            .map(|(inbox, position)| ((inbox, position), at(position)))
            .collect();
        let installations = diff.installations(&mut |inbox, position| states.get(&(inbox, position)));
        let installations = installations.expect("every state is known");
        assert_eq!(installations.added, [device(10), device(22), device(40)].into());
        assert_eq!(installations.removed, [device(20), device(30)].into());
    }

    #[test]
    fn an_unknown_state_is_a_question_not_an_answer() {
        let diff = membership(&[], &[]).diff(&membership(&[(1, 4)], &[]));
        assert_eq!(
            diff.installations(&mut |_, _| None),
            Err(CommitError::UnknownIdentity { inbox: inbox(1) })
        );
    }
}
