//! The rules once more, slow and obvious, on what a commit says in the clear.

use std::collections::BTreeSet;

use xmtp_web::groups::{GroupMembership, MutableMetadata, Policy, PolicySet, field};
use xmtp_web::ids::{InboxId, InstallationId};

use crate::registry::Registry;

/// A group, as the model has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) epoch: u64,
    pub(crate) authenticator: Vec<u8>,
    pub(crate) membership: GroupMembership,
    pub(crate) metadata: MutableMetadata,
    pub(crate) policies: PolicySet,
    pub(crate) leaves: BTreeSet<InstallationId>,
}

/// A leaf: whose it says it is, and its key.
pub(crate) type Leaf = (Option<InboxId>, InstallationId);

/// What a commit says.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) committer: Leaf,
    /// The leaf it gives its committer.
    pub(crate) path: Option<Leaf>,
    pub(crate) added: Vec<Leaf>,
    pub(crate) removed: Vec<Leaf>,
    /// Whether it holds proposals of any other kind but a change of the context.
    pub(crate) strange: bool,
    pub(crate) metadata: Option<Vec<u8>>,
    pub(crate) membership: Option<Vec<u8>>,
    pub(crate) permissions: Option<Vec<u8>>,
}

/// What a member is.
struct Rank {
    admin: bool,
    super_admin: bool,
}

impl State {
    fn rank(&self, inbox: InboxId) -> Rank {
        let text = inbox.to_string();
        let super_admin = self.metadata.super_admins.contains(&text);
        let admin = super_admin || self.metadata.admins.contains(&text);
        Rank { admin, super_admin }
    }
}

fn passes(policy: &Policy, rank: &Rank) -> bool {
    match policy {
        Policy::Allow => true,
        Policy::Deny => false,
        Policy::Admin => rank.admin,
        Policy::SuperAdmin => rank.super_admin,
        Policy::All(list) => list.iter().all(|policy| passes(policy, rank)),
        Policy::Any(list) => list.iter().any(|policy| passes(policy, rank)),
    }
}

fn longest(field: &str) -> usize {
    match field {
        field::NAME => 100,
        field::DESCRIPTION => 1000,
        field::IMAGE_URL => 2048,
        field::APP_DATA => 8192,
        _ => usize::MAX,
    }
}

fn list(ids: &[String]) -> BTreeSet<&String> {
    ids.iter().collect()
}

fn need(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// What the group is after a commit, but for what only MLS knows; or the rule that forbids it.
pub(crate) fn judge(before: &State, commit: &Commit, registry: &Registry) -> Result<State, &'static str> {
    let metadata = MutableMetadata::decode(commit.metadata.as_deref()).map_err(|_| "metadata decodes")?;
    let membership =
        GroupMembership::decode(commit.membership.as_deref()).map_err(|_| "membership decodes")?;
    let policies = PolicySet::decode(commit.permissions.as_deref()).map_err(|_| "permissions decode")?;
    let (Some(committer), device) = commit.committer else {
        return Err("the committer has a name");
    };
    need(!commit.strange, "nothing but known proposals")?;
    let rank = before.rank(committer);
    who_is_in(before, &membership, commit, &rank, registry)?;

    // Whoever commits is, by the new membership, who it says it is, and so is its new leaf.
    let seen = membership.members.get(&committer);
    let own = seen.and_then(|update| registry.at(committer, *update));
    let own = own.ok_or("the committer stays a member")?;
    need(
        own.contains(&device),
        "the committer is an installation of its inbox",
    )?;
    if let Some((inbox, device)) = commit.path {
        need(inbox == Some(committer), "the committer keeps its name")?;
        need(own.contains(&device), "the new leaf is one of its installations")?;
    }

    what_it_says(before, &metadata, &rank)?;
    if policies != before.policies {
        need(rank.super_admin, "permissions are for super admins")?;
    }
    if let Some(version) = metadata.get(field::MINIMUM_VERSION) {
        let parts: Vec<_> = version.split('.').collect();
        let numbers = parts.iter().all(|part| part.parse::<u32>().is_ok());
        need(parts.len() == 3 && numbers, "a minimum version is a version")?;
    }
    Ok(State {
        membership,
        metadata,
        policies,
        ..before.clone()
    })
}

/// Members and their installations.
fn who_is_in(
    before: &State,
    membership: &GroupMembership,
    commit: &Commit,
    rank: &Rank,
    registry: &Registry,
) -> Result<(), &'static str> {
    let mut may_come = BTreeSet::new();
    let mut must_go = BTreeSet::new();
    for (inbox, update) in &membership.members {
        let there = registry
            .at(*inbox, *update)
            .ok_or("every member has an identity")?;
        match before.membership.members.get(inbox) {
            None => {
                need(passes(&before.policies.add_member, rank), "may add members")?;
                may_come.extend(there.iter().copied());
            }
            Some(old) => {
                need(old <= update, "identities only grow")?;
                let were = registry.at(*inbox, *old).ok_or("every member had an identity")?;
                may_come.extend(there.difference(were).copied());
                must_go.extend(were.difference(there).copied());
            }
        }
    }
    for (inbox, old) in &before.membership.members {
        if !membership.members.contains_key(inbox) {
            need(!before.rank(*inbox).super_admin, "no super admin is removed")?;
            need(passes(&before.policies.remove_member, rank), "may remove members")?;
            must_go.extend(registry.at(*inbox, *old).ok_or("every member had an identity")?);
        }
    }
    let mut come: BTreeSet<_> = commit.added.iter().map(|(_, device)| *device).collect();
    let mut go: BTreeSet<_> = commit.removed.iter().map(|(_, device)| *device).collect();
    let mut failed = membership.failed_installations.clone();
    need(
        commit.added.iter().all(|(inbox, _)| inbox.is_some()),
        "whoever comes has a name",
    )?;
    if rank.super_admin {
        let again: BTreeSet<_> = come.intersection(&go).copied().collect();
        come.retain(|device| !again.contains(device));
        go.retain(|device| !again.contains(device));
        let lost: BTreeSet<_> = failed.intersection(&go).copied().collect();
        failed.retain(|device| !lost.contains(device));
        go.retain(|device| !lost.contains(device));
    }
    for device in come {
        let known = may_come.contains(&device) || before.leaves.contains(&device);
        need(known, "only installations of members come in")?;
    }
    must_go.retain(|device| !failed.contains(device));
    need(go == must_go, "exactly those go that must")
}

/// Fields and lists.
fn what_it_says(before: &State, after: &MutableMetadata, rank: &Rank) -> Result<(), &'static str> {
    let names: BTreeSet<&String> = before
        .metadata
        .attributes
        .keys()
        .chain(after.attributes.keys())
        .collect();
    for name in names {
        let (old, new) = (before.metadata.get(name), after.get(name));
        if old == new {
            continue;
        }
        need(
            new.is_none_or(|new| new.len() <= longest(name)),
            "fields keep their lengths",
        )?;
        let may = match before.policies.update_metadata.get(name) {
            Some(policy) => passes(policy, rank),
            None if name.starts_with('_') => rank.super_admin,
            None => rank.admin,
        };
        need(may, "may change the field")?;
    }
    let (old, new) = (list(&before.metadata.admins), list(&after.admins));
    if new.difference(&old).next().is_some() {
        need(passes(&before.policies.add_admin, rank), "may add admins")?;
    }
    if old.difference(&new).next().is_some() {
        need(passes(&before.policies.remove_admin, rank), "may remove admins")?;
    }
    let (old, new) = (list(&before.metadata.super_admins), list(&after.super_admins));
    if old != new {
        need(rank.super_admin, "super admins are for super admins")?;
        need(!new.is_empty(), "one super admin stays")?;
    }
    Ok(())
}
