//! Building payloads.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::data::{AdminChange, IntentData, PostCommit, Recipient};
use crate::groups::context::Context;
use crate::groups::error::{CommitError, GroupError};
use crate::groups::inbound::Case;
use crate::groups::membership::GroupMembership;
use crate::groups::metadata::{self, MutableMetadata};
use crate::groups::own::{Hearers, hearers};
use crate::groups::permissions::PolicySet;
use crate::groups::states::{self, States};
use crate::groups::version::check_minimum_version;
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::mls::{CommitPlan, CommitView, ContextChange, Group, MlsError, VerifiedKeyPackage};
use crate::storage::{AttemptRow, ConversationType, IntentId, IntentKind, IntentRow, IntentState};

/// A payload that is ready to be sent and stored as an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// For which intent.
    pub intent_id: IntentId,
    /// TLS `MLSMessage`.
    pub data: Vec<u8>,
    /// Whether receivers may be notified.
    pub should_push: bool,
    /// It is a commit: nothing else may be sent before it has come back.
    pub is_commit: bool,
}

/// What came of building.
#[derive(Debug, PartialEq, Eq)]
pub enum Build {
    /// Send this.
    Send(Payload),
    /// Nothing is left to do: the intent is gone.
    Done,
    /// These must be known first: fetch their identity logs and build again. None at all: installations of ours that were
    /// revoked must be taken out first.
    Missing(States),
}

/// The next intent to build, in the order in which they were asked for.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn next(context: &Context<'_>, group_id: GroupId) -> Result<Option<IntentRow>, GroupError> {
    Ok(context.db.next_intent(&group_id)?)
}

/// The installations whose key packages building an intent takes, with their inboxes. Empty for all but
/// membership updates that add somebody. The group is kept for [`build`], which comes next.
///
/// # Errors
/// [`GroupError::Corrupt`], [`GroupError::Storage`]; states that are not known are left to [`build`].
pub fn members_to_fetch(
    tx: &crate::storage::Transaction<'_>,
    context: &Context<'_>,
    intent: &IntentRow,
) -> Result<BTreeMap<InstallationId, InboxId>, GroupError> {
    let context = &context.with(tx);
    let IntentData::UpdateMembership { members, remove, add } = IntentData::decode(&intent.data)? else {
        return Ok(BTreeMap::new());
    };
    let group = context.load(intent.group_id)?;
    let before = GroupMembership::decode(group.context().membership.as_deref())?;
    let after = apply(&before, &members, &add, &remove);
    let diff = before.diff(&after);
    let states = states::load(context, &diff.needed())?;
    if !states.is_complete() {
        return Ok(BTreeMap::new());
    }
    let expected = diff.installations(&mut |inbox, position| states.known.get(&(inbox, position)))?;
    let mut owners = BTreeMap::new();
    for ((inbox, _), installations) in &states.known {
        owners.extend(installations.iter().map(|id| (*id, *inbox)));
    }
    let present: BTreeSet<_> = group.leaves().map(|leaf| leaf.installation_id).collect();
    context.keep(group);
    Ok(expected
        .added
        .into_iter()
        .filter(|id| !present.contains(id))
        .filter_map(|id| owners.get(&id).map(|inbox| (id, *inbox)))
        .collect())
}

/// Builds the payload of an intent and stores it as an attempt, all inside of the caller's transaction.
///
/// `key_packages` holds what was fetched of [`members_to_fetch`]: `None` for an installation that has no
/// usable one.
///
/// # Errors
/// [`GroupError::Storage`]; [`GroupError::Inactive`]; [`GroupError::NoUsableKeyPackage`]; [`GroupError::NotPermitted`].
pub fn build(
    tx: &crate::storage::Transaction<'_>,
    context: &Context<'_>,
    intent: &IntentRow,
    key_packages: BTreeMap<InstallationId, Option<VerifiedKeyPackage>>,
) -> Result<Build, GroupError> {
    let context = &context.with(tx);
    let mut group = context.load(intent.group_id)?;
    let built = build_in(context, &mut group, intent, key_packages)?;
    // What is sent comes back to this group. What is built again starts from what is stored, where no key is used up.
    if !matches!(built, Build::Missing(_)) {
        context.keep(group);
    }
    Ok(built)
}

fn build_in(
    context: &Context<'_>,
    group: &mut Group,
    intent: &IntentRow,
    key_packages: BTreeMap<InstallationId, Option<VerifiedKeyPackage>>,
) -> Result<Build, GroupError> {
    if !group.is_active() {
        return Err(GroupError::Inactive);
    }
    // What the group is was read when it was made or joined: members can change what it says of that.
    if intent.kind == IntentKind::SendMessage
        && context.row(group.id())?.conversation_type == ConversationType::Sync
    {
        match hearers(context, group)? {
            Hearers::Ours => {}
            Hearers::Revoked => return Ok(Build::Missing(States::default())),
            Hearers::Unknown(states) => return Ok(Build::Missing(states)),
            Hearers::Others => {
                return Err(GroupError::NotPermitted(
                    "tell others what is for the own installations",
                ));
            }
        }
    }
    if let Some(payload) = same_epoch_attempt(context, intent, group.epoch())? {
        context.db.set_intent_state(intent.id, IntentState::Published)?;
        return Ok(Build::Send(payload));
    }
    let epoch = group.epoch();
    let data = IntentData::decode(&intent.data)?;
    let (plan, recipients) = match data {
        IntentData::SendMessage { .. } => {
            return Ok(Build::Send(build_message(context, group, intent)?));
        }
        IntentData::KeyUpdate => (CommitPlan::default(), Vec::new()),
        IntentData::UpdateMembership { members, remove, add } => {
            let before = GroupMembership::decode(group.context().membership.as_deref())?;
            let after = apply(&before, &members, &add, &remove);
            match membership_plan(context, group, &before, after, key_packages.clone())? {
                Planned::Missing(states) => return Ok(Build::Missing(states)),
                Planned::Nothing => {
                    context.db.delete_intent(intent.id)?;
                    return Ok(Build::Done);
                }
                Planned::Nobody => return Err(GroupError::NoUsableKeyPackage),
                Planned::Commit { plan, recipients } => (plan, recipients),
            }
        }
        IntentData::UpdateMetadata { field, value } => {
            let mut metadata = MutableMetadata::decode(group.context().mutable_metadata.as_deref())?;
            if field == metadata::field::MINIMUM_VERSION {
                check_minimum_version(&value, metadata.get(&field), context.own_version)?;
            }
            metadata.attributes.insert(field, value);
            (
                change(ContextChange::MutableMetadata(metadata.encode())),
                Vec::new(),
            )
        }
        IntentData::UpdateAdmins {
            change: how,
            inbox_id,
        } => {
            let mut metadata = MutableMetadata::decode(group.context().mutable_metadata.as_deref())?;
            change_admins(&mut metadata, how, inbox_id);
            (
                change(ContextChange::MutableMetadata(metadata.encode())),
                Vec::new(),
            )
        }
        IntentData::UpdatePermission { permission, option } => {
            let metadata = MutableMetadata::decode(group.context().mutable_metadata.as_deref())?;
            if !metadata.is_super_admin(context.inbox_id) {
                // Also where nothing would change: who may not, hears so.
                return Err(GroupError::NotPermitted("change permissions"));
            }
            let before = PolicySet::decode(group.context().permissions.as_deref())?;
            let mut after = before.clone();
            after.set(&permission, option)?;
            if after == before {
                context.db.delete_intent(intent.id)?;
                return Ok(Build::Done);
            }
            (change(ContextChange::Permissions(after.encode()?)), Vec::new())
        }
    };
    let added = plan.add.clone();
    let staged = match group.stage_commit(context.provider(), context.key, plan) {
        Err(MlsError::Internal(reason)) if !added.is_empty() => {
            // One package that cannot be added must not keep everybody else's change from being made.
            let unusable = unusable(context, intent.group_id, added)?;
            if unusable.is_empty() {
                return Err(GroupError::Mls(MlsError::Internal(reason)));
            }
            let mut key_packages = key_packages;
            key_packages.extend(unusable.into_iter().map(|id| (id, None)));
            *group = context.load(intent.group_id)?;
            return build_in(context, group, intent, key_packages);
        }
        staged => staged?,
    };
    if let Some(states) = judge(context, &staged.view)? {
        return Ok(Build::Missing(states));
    }
    let post_commit = staged
        .welcome
        .map(|welcome| PostCommit { welcome, recipients }.encode())
        .transpose()?;
    Ok(Build::Send(store(
        context,
        intent,
        epoch,
        staged.payload,
        Some(staged.staged),
        post_commit,
    )?))
}

/// Encrypts the message of an intent in a group that is active, and stores it as an attempt.
pub(super) fn build_message(
    context: &Context<'_>,
    group: &mut Group,
    intent: &IntentRow,
) -> Result<Payload, GroupError> {
    let IntentData::SendMessage { plaintext } = IntentData::decode(&intent.data)? else {
        return Err(GroupError::Corrupt("intent"));
    };
    let epoch = group.epoch();
    let payload = group.encrypt(&context.provider(), context.key, &plaintext)?;
    store(context, intent, epoch, payload, None, None)
}

/// The installations whose packages pass every check of their own and still cannot be added to this group: a
/// leaf without what the group requires, an init key that nothing can be sealed to.
fn unusable(
    context: &Context<'_>,
    group_id: GroupId,
    packages: Vec<VerifiedKeyPackage>,
) -> Result<Vec<InstallationId>, GroupError> {
    let mut unusable = Vec::new();
    // Not kept: its keys are used up in vain.
    let mut loaded = None;
    for package in packages {
        let id = package.installation_id();
        let mut group = match loaded.take() {
            Some(group) => group,
            None => context.load(group_id)?,
        };
        let alone = CommitPlan {
            add: vec![package],
            ..Default::default()
        };
        match group.stage_commit(context.provider(), context.key, alone) {
            Ok(_) => loaded = Some(group),
            Err(MlsError::Internal(error)) => {
                tracing::info!(installation = ?id, %error, "an installation cannot be added");
                unusable.push(id);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(unusable)
}

/// Judges an own commit as receivers will, before anybody sees it. Answers what must be known for that.
fn judge(context: &Context<'_>, view: &CommitView) -> Result<Option<States>, GroupError> {
    let case = Case::of(view)?;
    let states = states::load(context, &case.needed_states()?)?;
    if !states.is_complete() {
        return Ok(Some(states));
    }
    match case.validate(&states.known, context.own_version) {
        Ok(_) => Ok(None),
        Err(CommitError::NotPermitted(action)) => Err(GroupError::NotPermitted(action)),
        Err(error) => Err(error.into()),
    }
}

/// The newest attempt, if it was built for the epoch the group is still in.
fn same_epoch_attempt(
    context: &Context<'_>,
    intent: &IntentRow,
    epoch: u64,
) -> Result<Option<Payload>, GroupError> {
    let newest = context.db.attempts(intent.id)?.pop();
    Ok(newest
        .filter(|attempt| attempt.published_in_epoch == epoch)
        .and_then(|attempt| {
            Some(Payload {
                intent_id: intent.id,
                data: attempt.payload?,
                should_push: intent.should_push,
                is_commit: attempt.staged_commit.is_some(),
            })
        }))
}

fn store(
    context: &Context<'_>,
    intent: &IntentRow,
    epoch: u64,
    payload: Vec<u8>,
    staged_commit: Option<Vec<u8>>,
    post_commit: Option<Vec<u8>>,
) -> Result<Payload, GroupError> {
    let is_commit = staged_commit.is_some();
    context.db.insert_attempt(&AttemptRow {
        intent_id: intent.id,
        payload_hash: Sha256::digest(&payload).into(),
        published_in_epoch: epoch,
        staged_commit,
        post_commit,
        payload: Some(payload.clone()),
    })?;
    Ok(Payload {
        intent_id: intent.id,
        data: payload,
        should_push: intent.should_push,
        is_commit,
    })
}

fn change(change: ContextChange) -> CommitPlan {
    CommitPlan {
        change: Some(change),
        ..Default::default()
    }
}

fn change_admins(metadata: &mut MutableMetadata, how: AdminChange, inbox_id: InboxId) {
    let id = inbox_id.to_string();
    let list = match how {
        AdminChange::AddAdmin | AdminChange::RemoveAdmin => &mut metadata.admins,
        AdminChange::AddSuperAdmin | AdminChange::RemoveSuperAdmin => &mut metadata.super_admins,
    };
    match how {
        AdminChange::AddAdmin | AdminChange::AddSuperAdmin if !list.contains(&id) => list.push(id),
        AdminChange::RemoveAdmin | AdminChange::RemoveSuperAdmin => list.retain(|other| *other != id),
        _ => {}
    }
}

/// The membership an update leads to. Updates never take an inbox back to an earlier state, and bring in
/// nobody who was not asked for: a member may have been removed since the update was wanted.
fn apply(
    before: &GroupMembership,
    members: &BTreeMap<InboxId, u64>,
    add: &BTreeSet<InboxId>,
    remove: &BTreeSet<InboxId>,
) -> GroupMembership {
    let mut after = before.clone();
    for (inbox, sequence_id) in members {
        match after.members.get_mut(inbox) {
            Some(current) => *current = (*current).max(*sequence_id),
            None if add.contains(inbox) => {
                after.members.insert(*inbox, *sequence_id);
            }
            None => {}
        }
    }
    after.members.retain(|inbox, _| !remove.contains(inbox));
    after
}

enum Planned {
    Commit {
        plan: CommitPlan,
        recipients: Vec<Recipient>,
    },
    Nothing,
    /// None of those who were asked for can be added.
    Nobody,
    Missing(States),
}

/// What a membership update commits: one replaced extension with everything that follows from it in the tree.
fn membership_plan(
    context: &Context<'_>,
    group: &Group,
    before: &GroupMembership,
    mut after: GroupMembership,
    key_packages: BTreeMap<InstallationId, Option<VerifiedKeyPackage>>,
) -> Result<Planned, GroupError> {
    let diff = before.diff(&after);
    let states = states::load(context, &diff.needed())?;
    if !states.is_complete() {
        return Ok(Planned::Missing(states));
    }
    let expected = diff.installations(&mut |inbox, position| states.known.get(&(inbox, position)))?;
    let present: BTreeSet<_> = group.leaves().map(|leaf| leaf.installation_id).collect();
    let own = context.key.id();
    if expected.removed.contains(&own) {
        // Nobody commits the end of their own leaf: nothing of what was asked for would happen.
        return Err(if after.members.contains_key(&context.inbox_id) {
            GroupError::Inactive
        } else {
            GroupError::NotPermitted("remove yourself: leave it")
        });
    }

    let mut plan = CommitPlan::default();
    let mut recipients = Vec::new();
    let mut failed = BTreeSet::new();
    let mut packages = key_packages;
    for id in expected.added.iter().filter(|id| !present.contains(id)) {
        match packages.remove(id).flatten() {
            Some(package) => {
                recipients.push(Recipient {
                    installation_id: *id,
                    init_key: package.init_key().to_vec(),
                });
                plan.add.push(package);
            }
            None => {
                failed.insert(*id);
            }
        }
    }
    plan.remove = expected
        .removed
        .iter()
        .filter(|id| present.contains(id))
        .copied()
        .collect();
    // An installation that goes for good explains its missing leaf by staying in the list; one whose leaf
    // is removed now must not be in it, or receivers would not expect the removal.
    after.failed_installations.retain(|id| !plan.remove.contains(id));
    after.failed_installations.append(&mut failed);
    // An inbox without a single leaf would be a member that nobody can reach.
    let lost: Vec<InboxId> = diff
        .added
        .iter()
        .map(|(inbox, _)| *inbox)
        .filter(|inbox| {
            !plan.add.iter().any(|package| package.inbox_id() == *inbox)
                && !group.leaves().any(|leaf| leaf.inbox_id == Some(*inbox))
        })
        .collect();
    if !lost.is_empty() && lost.len() == diff.added.len() {
        return Ok(Planned::Nobody);
    }
    after.members.retain(|inbox, _| !lost.contains(inbox));
    for ((inbox, _), installations) in &states.known {
        if lost.contains(inbox) {
            after
                .failed_installations
                .retain(|id| !installations.contains(id));
        }
    }
    if after.members == before.members && plan.add.is_empty() && plan.remove.is_empty() {
        return Ok(Planned::Nothing);
    }
    plan.change = Some(ContextChange::Membership(after.encode()));
    Ok(Planned::Commit { plan, recipients })
}
