//! The rules a commit must keep before it is merged: all that a peer may make us do.
//!
//! Pure: what is needed of identity logs is asked for by [`Case::needed_states`] and given to [`Case::validate`]. The
//! numbers of the rules are those of `docs/VALIDATION.md`, which names the test of each.
//!
//! # Source
//! libxmtp 1.9 to 1.12-dev (`ValidatedCommit`), run against `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly.

mod left_out;

use std::collections::{BTreeMap, BTreeSet};

pub use left_out::Rule;
use left_out::is_kept;
#[cfg(feature = "broken-rules")]
pub use left_out::leave_out;

use crate::groups::error::CommitError;
use crate::groups::membership::{GroupMembership, MembershipDiff};
use crate::groups::metadata::{DmMembersNow, FieldChange, ImmutableMetadata, MutableMetadata, field, limit};
use crate::groups::permissions::{Policy, PolicySet, Roles};
use crate::groups::version;
use crate::identity::LogPosition;
use crate::ids::{InboxId, InstallationId};
use crate::mls::{CommitView, ContextExtensions, Leaf, NewLeaf, ProposalKind};

/// The installations of inboxes at points of their identity logs.
pub type IdentityStates = BTreeMap<(InboxId, LogPosition), BTreeSet<InstallationId>>;

/// A commit that keeps every rule, with what it changes. Only [`Case::validate`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedCommit {
    /// Who committed.
    pub committer: (InboxId, InstallationId),
    /// Inboxes that become members, sorted.
    pub added: Vec<InboxId>,
    /// Inboxes that stop being members, sorted.
    pub removed: Vec<InboxId>,
    /// Metadata attributes that change, sorted by name.
    pub fields: Vec<FieldChange>,
    /// New in the admin list.
    pub added_admins: Vec<String>,
    /// Gone from the admin list.
    pub removed_admins: Vec<String>,
    /// New in the super admin list.
    pub added_super_admins: Vec<String>,
    /// Gone from the super admin list.
    pub removed_super_admins: Vec<String>,
    /// Installations that were removed and added again by a super admin.
    pub readded: BTreeSet<InstallationId>,
    /// The membership after the commit.
    pub membership: GroupMembership,
    /// The mutable metadata after the commit.
    pub metadata: MutableMetadata,
    /// Whether the permissions change.
    pub permissions_changed: bool,
}

impl ValidatedCommit {
    /// Whether the commit belongs into the transcript that people see.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        !(self.added.is_empty()
            && self.removed.is_empty()
            && self.fields.is_empty()
            && self.added_admins.is_empty()
            && self.removed_admins.is_empty()
            && self.added_super_admins.is_empty()
            && self.removed_super_admins.is_empty())
    }
}

/// A context's extensions, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Context {
    /// The two people of a direct message.
    dm_members: Option<DmMembersNow>,
    metadata: MutableMetadata,
    membership: GroupMembership,
    permissions: PolicySet,
}

impl Context {
    /// Rule 2: all four extensions are there and decode.
    fn decode(raw: &ContextExtensions) -> Result<Self, CommitError> {
        if raw.has_app_data_dictionary {
            return Err(CommitError::Migrated);
        }
        Ok(Self {
            dm_members: ImmutableMetadata::dm_members_now(raw.immutable_metadata.as_deref())?,
            metadata: MutableMetadata::decode(raw.mutable_metadata.as_deref())?,
            membership: GroupMembership::decode(raw.membership.as_deref())?,
            permissions: PolicySet::decode(raw.permissions.as_deref())?,
        })
    }

    fn roles(&self, inbox_id: InboxId) -> Roles {
        Roles {
            admin: self.metadata.is_admin(inbox_id),
            super_admin: self.metadata.is_super_admin(inbox_id),
        }
    }
}

/// A commit that is being judged: what it says of itself, decoded once.
#[derive(Debug)]
pub struct Case<'v> {
    view: &'v CommitView,
    before: Context,
    after: Context,
    diff: MembershipDiff,
}

impl<'v> Case<'v> {
    /// Opens one.
    ///
    /// # Errors
    /// [`CommitError::Extension`], [`CommitError::Migrated`]: rule 2 is broken.
    pub fn of(view: &'v CommitView) -> Result<Self, CommitError> {
        let before = Context::decode(&view.before)?;
        let after = match Context::decode(&view.after) {
            Err(_) if !is_kept(Rule::Extensions) => before.clone(),
            after => after?,
        };
        let diff = before.membership.diff(&after.membership);
        Ok(Self {
            view,
            before,
            after,
            diff,
        })
    }

    /// What of identity logs [`validate`](Self::validate) will need.
    ///
    /// # Errors
    /// [`CommitError::ActorNotMember`] and others that need no states, as [`validate`](Self::validate) would.
    pub fn needed_states(&self) -> Result<BTreeSet<(InboxId, LogPosition)>, CommitError> {
        // Asking for a state that a commit may not go back to would only hold the group up.
        check_sequence_ids(&self.diff)?;
        let mut needed = self.diff.needed();
        for (inbox, _) in subjects(self.view)? {
            if let Some(position) = self.credential_position(inbox)? {
                needed.insert((inbox, position));
            }
        }
        Ok(needed)
    }

    /// Judges the commit.
    ///
    /// `states` holds what [`needed_states`](Self::needed_states) asked for; `own_version` is the protocol version of
    /// this client.
    ///
    /// # Errors
    /// The first rule that is broken. [`CommitError::UnknownIdentity`] is a question, not a verdict.
    /// [`CommitError::VersionTooLow`] asks to pause the group: every other rule was kept.
    pub fn validate(
        self,
        states: &IdentityStates,
        own_version: &str,
    ) -> Result<ValidatedCommit, CommitError> {
        let Self {
            view,
            before,
            after,
            diff,
        } = &self;
        let fields = before.metadata.changes(&after.metadata);
        check_lengths(&fields)?;
        let (committer, installation) = member(view.committer.as_ref())?;
        check_proposals(view)?;

        check_sequence_ids(diff)?;
        let roles = before.roles(committer);
        let readded = check_installations(view, diff, &after.membership, states, roles.super_admin)?;
        self.check_subjects(states)?;

        check_members(view, before, diff, committer)?;
        permit_fields(before, &fields, roles)?;
        let [
            added_admins,
            removed_admins,
            added_super_admins,
            removed_super_admins,
        ] = check_admin_lists(before, after, roles)?;
        let permissions_changed = check_permissions(before, after, roles)?;
        check_version(&after.metadata, own_version)?;

        let mut added: Vec<_> = diff.added.iter().map(|(inbox, _)| *inbox).collect();
        let mut removed: Vec<_> = diff.removed.iter().map(|(inbox, _)| *inbox).collect();
        added.sort_unstable();
        removed.sort_unstable();
        Ok(ValidatedCommit {
            committer: (committer, installation),
            added,
            removed,
            fields,
            added_admins,
            removed_admins,
            added_super_admins,
            removed_super_admins,
            readded,
            membership: self.after.membership,
            metadata: self.after.metadata,
            permissions_changed,
        })
    }

    /// Rule 11.
    fn check_subjects(&self, states: &IdentityStates) -> Result<(), CommitError> {
        for (inbox, installation) in subjects(self.view)? {
            let position = self
                .credential_position(inbox)?
                .ok_or(CommitError::SubjectUnknown)?;
            let installations = states
                .get(&(inbox, position))
                .ok_or(CommitError::UnknownIdentity { inbox })?;
            if !installations.contains(&installation) && is_kept(Rule::Subjects) {
                return Err(CommitError::NotAnInstallation { inbox });
            }
        }
        Ok(())
    }

    /// Where a subject's installations are looked up. A sequence id of 0 means the newest update, but only while
    /// it was 0 before too: else a commit could choose it, and members would judge by different states and fork.
    fn credential_position(&self, inbox: InboxId) -> Result<Option<LogPosition>, CommitError> {
        let (before, after) = (&self.before.membership.members, &self.after.membership.members);
        match after.get(&inbox) {
            None => Ok(None),
            Some(0) if before.get(&inbox) != Some(&0) => Err(CommitError::UnknownUpdate { inbox }),
            Some(sequence_id) => Ok(Some(LogPosition::of(*sequence_id))),
        }
    }
}

/// Judges a standalone proposal: only one that replaces the context's extensions may be kept for a commit to
/// refer to, and only if its proposer could have committed the same.
///
/// # Errors
/// The rule that is broken.
pub fn validate_proposal(
    proposer: Option<&Leaf>,
    kind: &ProposalKind,
    current: &ContextExtensions,
) -> Result<(), CommitError> {
    let ProposalKind::GroupContextExtensions(proposed) = kind else {
        return Err(CommitError::ProposalNotAllowed);
    };
    let (proposer, _) = member(proposer)?;
    let before = Context::decode(current)?;
    let after = Context::decode(proposed)?;
    let roles = before.roles(proposer);
    let fields = before.metadata.changes(&after.metadata);
    check_lengths(&fields)?;
    permit_fields(&before, &fields, roles)?;
    check_admin_lists(&before, &after, roles)?;
    check_permissions(&before, &after, roles)?;
    Ok(())
}

/// Rule 3.
fn check_lengths(fields: &[FieldChange]) -> Result<(), CommitError> {
    for change in fields {
        if let (Some(limit), Some(new)) = (limit(&change.field), &change.new)
            && new.len() > limit
            && is_kept(Rule::Lengths)
        {
            return Err(CommitError::TooLong {
                field: change.field.clone(),
                limit,
            });
        }
    }
    Ok(())
}

/// Rule 4: actors are members whose credentials name an inbox.
fn member(leaf: Option<&Leaf>) -> Result<(InboxId, InstallationId), CommitError> {
    let leaf = leaf.ok_or(CommitError::ActorNotMember)?;
    Ok((
        leaf.inbox_id.ok_or(CommitError::ActorNotMember)?,
        leaf.installation_id,
    ))
}

/// Rules 4, 5 and 6: every proposer is a member, and only kinds the network uses are committed.
fn check_proposals(view: &CommitView) -> Result<(), CommitError> {
    for proposal in &view.proposals {
        member(proposal.proposer.as_ref())?;
        match &proposal.kind {
            ProposalKind::PreSharedKey => return Err(CommitError::PreSharedKey),
            ProposalKind::Other => return Err(CommitError::ProposalNotAllowed),
            ProposalKind::Remove(None) => return Err(CommitError::SubjectUnknown),
            ProposalKind::Add(leaf) if leaf.inbox_id.is_none() || leaf.installation_id.is_none() => {
                return Err(CommitError::SubjectUnknown);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Rule 7.
fn check_sequence_ids(diff: &MembershipDiff) -> Result<(), CommitError> {
    if !is_kept(Rule::SequenceIds) {
        return Ok(());
    }
    match diff.updated.iter().find(|(_, old, new)| new < old) {
        Some((inbox, ..)) => Err(CommitError::SequenceIdDecreased { inbox: *inbox }),
        // An inbox cannot come in without an update of its log.
        None => match diff.added.iter().find(|(_, new)| *new == 0) {
            Some((inbox, _)) => Err(CommitError::UnknownUpdate { inbox: *inbox }),
            None => Ok(()),
        },
    }
}

/// Rules 8, 9 and 10. Returns the installations that a super admin added again.
fn check_installations(
    view: &CommitView,
    diff: &MembershipDiff,
    membership: &GroupMembership,
    states: &IdentityStates,
    super_admin: bool,
) -> Result<BTreeSet<InstallationId>, CommitError> {
    let expected = diff.installations(&mut |inbox, position| states.get(&(inbox, position)))?;
    let mut added = BTreeSet::new();
    let mut removed = BTreeSet::new();
    for proposal in &view.proposals {
        match &proposal.kind {
            ProposalKind::Add(NewLeaf {
                installation_id: Some(id),
                ..
            }) => added.insert(*id),
            ProposalKind::Remove(Some(leaf)) => removed.insert(leaf.installation_id),
            _ => false,
        };
    }
    let mut failed = membership.failed_installations.clone();
    let mut readded = BTreeSet::new();
    if super_admin || !is_kept(Rule::AddingAgain) {
        let again: BTreeSet<_> = added.intersection(&removed).copied().collect();
        added.retain(|id| !again.contains(id));
        removed.retain(|id| !again.contains(id));
        let lost: BTreeSet<_> = failed.intersection(&removed).copied().collect();
        failed.retain(|id| !lost.contains(id));
        removed.retain(|id| !lost.contains(id));
        readded = again.union(&lost).copied().collect();
    }
    if added
        .iter()
        .any(|id| !expected.added.contains(id) && !view.installations.contains(id))
        && is_kept(Rule::InstallationsAdded)
    {
        return Err(CommitError::UnexpectedInstallationAdded);
    }
    if removed != expected.removed.difference(&failed).copied().collect()
        && is_kept(Rule::InstallationsRemoved)
    {
        return Err(CommitError::UnexpectedInstallationsRemoved);
    }
    Ok(readded)
}

/// Those whose leaves must belong to the inboxes they claim: the committer, the leaf the commit gives it, and
/// every updated leaf.
fn subjects(view: &CommitView) -> Result<Vec<(InboxId, InstallationId)>, CommitError> {
    let committer = member(view.committer.as_ref())?;
    let mut subjects = vec![committer];
    let new = |leaf: &NewLeaf| {
        leaf.inbox_id
            .zip(leaf.installation_id)
            .ok_or(CommitError::SubjectUnknown)
    };
    if let Some(leaf) = &view.path_leaf {
        let leaf = new(leaf)?;
        if leaf.0 != committer.0 {
            return Err(CommitError::InboxChanged);
        }
        subjects.push(leaf);
    }
    for proposal in &view.proposals {
        if let ProposalKind::Update(leaf) = &proposal.kind {
            let leaf = new(leaf)?;
            if Some(leaf.0) != proposal.proposer.and_then(|proposer| proposer.inbox_id) {
                return Err(CommitError::InboxChanged);
            }
            subjects.push(leaf);
        }
    }
    Ok(subjects)
}

/// Rule 12 for members: each added and removed inbox is judged by who proposed it.
fn check_members(
    view: &CommitView,
    before: &Context,
    diff: &MembershipDiff,
    committer: InboxId,
) -> Result<(), CommitError> {
    let mut adders = BTreeMap::new();
    let mut removers = BTreeMap::new();
    let mut context_proposer = None;
    for proposal in &view.proposals {
        let Some(proposer) = proposal.proposer.and_then(|leaf| leaf.inbox_id) else {
            continue;
        };
        match &proposal.kind {
            ProposalKind::Add(leaf) => adders.extend(leaf.inbox_id.map(|inbox| (inbox, proposer))),
            ProposalKind::Remove(leaf) => {
                removers.extend(leaf.and_then(|leaf| leaf.inbox_id).map(|inbox| (inbox, proposer)));
            }
            ProposalKind::GroupContextExtensions(_) => context_proposer = Some(proposer),
            _ => {}
        }
    }
    let actor = |by: &BTreeMap<InboxId, InboxId>, inbox| {
        before.roles(by.get(inbox).copied().or(context_proposer).unwrap_or(committer))
    };
    let only_dm_partner = dm_partner_joins(before, diff, committer);
    for (inbox, _) in &diff.added {
        if !only_dm_partner {
            permit(
                Rule::AddMembers,
                &before.permissions.add_member,
                actor(&adders, inbox),
                "add members",
            )?;
        }
    }
    for (inbox, _) in &diff.removed {
        if before.metadata.is_super_admin(*inbox) && is_kept(Rule::SuperAdminsStay) {
            return Err(CommitError::NotPermitted("remove a super admin"));
        }
        permit(
            Rule::RemoveMembers,
            &before.permissions.remove_member,
            actor(&removers, inbox),
            "remove members",
        )?;
    }
    Ok(())
}

/// In a direct message the other person comes in although the policy denies adding.
fn dm_partner_joins(before: &Context, diff: &MembershipDiff, committer: InboxId) -> bool {
    match (before.dm_members, diff.added.as_slice()) {
        (Some(people), [(inbox, _)]) => people.contains(&Some(*inbox)) && *inbox != committer,
        _ => false,
    }
}

/// Rule 12 for the admin lists. Returns added and removed admins, added and removed super admins.
fn check_admin_lists(
    before: &Context,
    after: &Context,
    roles: Roles,
) -> Result<[Vec<String>; 4], CommitError> {
    let gone = |from: &[String], to: &[String]| -> Vec<String> {
        let to: BTreeSet<_> = to.iter().collect();
        let missing: BTreeSet<_> = from.iter().filter(|id| !to.contains(id)).cloned().collect();
        missing.into_iter().collect()
    };
    let (old, new) = (&before.metadata, &after.metadata);
    let lists = [
        gone(&new.admins, &old.admins),
        gone(&old.admins, &new.admins),
        gone(&new.super_admins, &old.super_admins),
        gone(&old.super_admins, &new.super_admins),
    ];
    let [added, removed, added_super, removed_super] = &lists;
    if !added.is_empty() {
        permit(
            Rule::AddAdmins,
            &before.permissions.add_admin,
            roles,
            "add admins",
        )?;
    }
    if !removed.is_empty() {
        permit(
            Rule::RemoveAdmins,
            &before.permissions.remove_admin,
            roles,
            "remove admins",
        )?;
    }
    if !added_super.is_empty() || !removed_super.is_empty() {
        permit(
            Rule::SuperAdmins,
            &Policy::SuperAdmin,
            roles,
            "change super admins",
        )?;
    }
    if !removed_super.is_empty() && new.super_admins.is_empty() && is_kept(Rule::LastSuperAdmin) {
        return Err(CommitError::NotPermitted("remove the last super admin"));
    }
    Ok(lists)
}

/// The fixed rule for permissions. Answers whether they change.
fn check_permissions(before: &Context, after: &Context, roles: Roles) -> Result<bool, CommitError> {
    let changed = before.permissions != after.permissions;
    if changed {
        permit(
            Rule::Permissions,
            &Policy::SuperAdmin,
            roles,
            "change permissions",
        )?;
    }
    Ok(changed)
}

fn permit(rule: Rule, policy: &Policy, roles: Roles, action: &'static str) -> Result<(), CommitError> {
    if policy.allows(roles) || !is_kept(rule) {
        Ok(())
    } else {
        Err(CommitError::NotPermitted(action))
    }
}

/// Rule 12 for fields: who sends may change each of them.
fn permit_fields(before: &Context, fields: &[FieldChange], roles: Roles) -> Result<(), CommitError> {
    for change in fields {
        permit(
            Rule::Fields,
            before.permissions.metadata(&change.field),
            roles,
            "change this field",
        )?;
    }
    Ok(())
}

/// Rule 13.
fn check_version(metadata: &MutableMetadata, own_version: &str) -> Result<(), CommitError> {
    let Some(required) = metadata.get(field::MINIMUM_VERSION) else {
        return Ok(());
    };
    match version::exceeds(required, own_version) {
        Some(false) => Ok(()),
        Some(true) => Err(CommitError::VersionTooLow {
            required: required.to_owned(),
        }),
        None if is_kept(Rule::Version) => Err(CommitError::InvalidVersion),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
