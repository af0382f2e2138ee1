//! What an accepted envelope leaves behind in rows.

use std::collections::BTreeSet;

use super::Envelope;
use super::commit_rules::ValidatedCommit;
use super::receive::{Change, Speaker};
use crate::groups::context::Context;
use crate::groups::error::GroupError;
use crate::groups::leave;
use crate::groups::metadata::field;
use crate::groups::originator;
use crate::groups::removal::{self, Part};
use crate::groups::row;
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};
use crate::messages::content::group_updated::GroupUpdated;
use crate::messages::{ContentType, Plaintext, message_id};
use crate::mls::{Group, Leaf, MergedCommit};
use crate::storage::{
    CommitLogRow, CommitResult, DeliveryStatus, GroupRow, MessageKind, MessageRow, Published, Role,
};

/// What came of an envelope that is a message of somebody's.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) changes: Vec<Change>,
    /// It makes its conversation the one with the newest message, if none is newer.
    pub(super) is_listed: bool,
}

/// Stores a message that arrived.
pub(super) fn message(
    context: &Context<'_>,
    (group, group_row): (&Group, &GroupRow),
    envelope: &Envelope,
    speaker: &Speaker,
    plaintext: &Plaintext,
    epoch: u64,
) -> Result<Stored, GroupError> {
    let group_id = group.id();
    let sender = (speaker.inbox_id(), speaker.installation_id());
    let row = MessageRow {
        sent_at_ns: envelope.created_ns,
        delivery_status: DeliveryStatus::Published,
        sequence_id: Some(envelope.sequence_id),
        originator_id: Some(originator::MESSAGES),
        expire_at_ns: row::expiry(group_row, context.now_ns),
        ..row::unpublished(group_id, sender, plaintext, true, context.now_ns)
    };
    if !context.db.insert_message(&row)? {
        return Ok(Stored::default());
    }
    if leave::is_request(&row) {
        leave::note(context, group, sender.0, row.id)?;
    }
    Ok(Stored {
        changes: told(context, group, &row, epoch, Change::Message(row.id))?,
        is_listed: row::is_listed(&row),
    })
}

/// What is told of a message: nothing when it was removed before it arrived.
fn told(
    context: &Context<'_>,
    group: &Group,
    row: &MessageRow,
    epoch: u64,
    change: Change,
) -> Result<Vec<Change>, GroupError> {
    Ok(match removal::stored(context, group, row, epoch)? {
        Part::None => vec![change],
        Part::Removes(other) => vec![change, Change::MessageRemoved(other)],
        Part::Removed => Vec::new(),
    })
}

/// Stores that an own message is on the network.
pub(super) fn published(
    context: &Context<'_>,
    (group, group_row): (&Group, &GroupRow),
    id: MessageId,
    envelope: &Envelope,
    epoch: u64,
) -> Result<Stored, GroupError> {
    context.db.mark_published(
        &id,
        &Published {
            sent_at_ns: envelope.created_ns,
            sequence_id: envelope.sequence_id,
            originator_id: originator::MESSAGES,
            expire_at_ns: row::expiry(group_row, context.now_ns),
        },
    )?;
    let Some(row) = context.db.message(&id, context.now_ns)? else {
        return Ok(Stored {
            changes: vec![Change::Published(id)],
            is_listed: false,
        });
    };
    if leave::is_request(&row) {
        leave::note(context, group, context.inbox_id, id)?;
    }
    Ok(Stored {
        changes: told(context, group, &row, epoch, Change::Published(id))?,
        is_listed: row::is_listed(&row),
    })
}

/// Stores what a merged commit changed.
pub(super) fn commit(
    context: &Context<'_>,
    group: &Group,
    envelope: &Envelope,
    merged: &MergedCommit<ValidatedCommit>,
) -> Result<Vec<Change>, GroupError> {
    let (group_id, commit) = (group.id(), &merged.verdict);
    context.db.append_commit_log(&CommitLogRow {
        group_id,
        sequence_id: envelope.sequence_id,
        last_epoch_authenticator: merged.authenticator_before.clone(),
        result: CommitResult::Applied,
        applied_epoch: Some(group.epoch()),
        applied_epoch_authenticator: Some(group.epoch_authenticator().to_vec()),
        sender_inbox_id: Some(commit.committer.0),
        sender_installation_id: Some(commit.committer.1),
        commit_type: None,
        error: None,
    })?;
    let disappearing = |name: &str| commit.metadata.get_ns(name);
    if commit
        .fields
        .iter()
        .any(|change| change.field.starts_with("message_disappear_"))
    {
        let settings = disappearing(field::DISAPPEAR_FROM_NS).zip(disappearing(field::DISAPPEAR_IN_NS));
        context.db.set_message_disappearing(&group_id, settings)?;
    }
    context.db.set_should_publish_commit_log(
        &group_id,
        commit.metadata.is_super_admin(context.inbox_id) || context.row(group_id)?.dm_id.is_some(),
    )?;
    remember_roles(context, group, commit)?;
    if !commit.is_visible() {
        leave::review(context, group)?;
        return Ok(if commit.permissions_changed {
            vec![Change::Group]
        } else {
            Vec::new()
        });
    }
    let asked: Vec<InboxId> = context
        .db
        .pending_removes(&group_id)?
        .into_iter()
        .map(|row| row.inbox_id)
        .collect();
    let text = |ids: &mut dyn Iterator<Item = &InboxId>| ids.map(ToString::to_string).collect::<Vec<_>>();
    let update = GroupUpdated {
        initiated_by: commit.committer.0.to_string(),
        added: text(&mut commit.added.iter()),
        removed: text(&mut commit.removed.iter().filter(|id| !asked.contains(id))),
        left: text(&mut commit.removed.iter().filter(|id| asked.contains(id))),
        fields: commit
            .fields
            .iter()
            .cloned()
            .map(|change| (change.field, change.old, change.new))
            .collect(),
        added_admins: commit.added_admins.clone(),
        removed_admins: commit.removed_admins.clone(),
        added_super_admins: commit.added_super_admins.clone(),
        removed_super_admins: commit.removed_super_admins.clone(),
    };
    for inbox in &commit.removed {
        context.db.delete_pending_remove(&group_id, inbox)?;
    }
    leave::review(context, group)?;
    let row = transcript_row(
        context,
        group_id,
        commit.committer,
        update.encode().encode(),
        envelope.created_ns.to_string(),
        envelope.created_ns,
        Some((envelope.sequence_id, originator::COMMITS)),
    );
    let mut changes = vec![Change::Group];
    if !is_repeated(context, &row, !update.added.is_empty())? && context.db.insert_message(&row)? {
        context.db.advance_last_message(&group_id, envelope.created_ns)?;
        changes.push(Change::Message(row.id));
    }
    Ok(changes)
}

/// Remembers what those were whose role a commit changed: removals of before it may still arrive.
fn remember_roles(context: &Context<'_>, group: &Group, commit: &ValidatedCommit) -> Result<(), GroupError> {
    let lists = [
        &commit.added_admins,
        &commit.removed_admins,
        &commit.added_super_admins,
        &commit.removed_super_admins,
    ];
    let changed: BTreeSet<&String> = lists.into_iter().flatten().collect();
    for text in changed {
        let Ok(inbox_id) = text.parse() else { continue };
        let was = |now: bool, added: &[String], removed: &[String]| {
            removed.contains(text) || now && !added.contains(text)
        };
        let was_super_admin = was(
            commit.metadata.is_super_admin(inbox_id),
            &commit.added_super_admins,
            &commit.removed_super_admins,
        );
        let was_admin = was(
            commit.metadata.is_admin(inbox_id),
            &commit.added_admins,
            &commit.removed_admins,
        );
        let before = match (was_super_admin, was_admin) {
            (true, _) => Role::SuperAdmin,
            (false, true) => Role::Admin,
            (false, false) => Role::Member,
        };
        removal::remember_role(context, group.id(), group.epoch(), inbox_id, before)?;
    }
    Ok(())
}

/// Whether a line of the transcript is told by another group of the same direct message already: both people
/// are added once in each, and are shown as added once.
///
/// # Source
/// libxmtp, which compares lines that add somebody, in direct messages alone.
pub fn is_repeated(context: &Context<'_>, row: &MessageRow, adds: bool) -> Result<bool, GroupError> {
    match context.row(row.group_id)?.dm_id {
        Some(dm_id) if adds => Ok(context.db.has_transcript_line(&dm_id, &row.content)?),
        _ => Ok(false),
    }
}

/// Notes a refused commit in the commit log. Messages that are no commits leave no line.
pub(super) fn log_refusal(
    context: &Context<'_>,
    group: &Group,
    envelope: &Envelope,
    result: CommitResult,
    sender: Option<Leaf>,
    error: &GroupError,
) -> Result<(), GroupError> {
    let is_commit =
        Group::header(&envelope.data).is_ok_and(|header| header.kind == crate::mls::MessageKind::Commit);
    if !is_commit {
        return Ok(());
    }
    context.db.append_commit_log(&CommitLogRow {
        group_id: group.id(),
        sequence_id: envelope.sequence_id,
        last_epoch_authenticator: group.epoch_authenticator().to_vec(),
        result,
        applied_epoch: None,
        applied_epoch_authenticator: None,
        sender_inbox_id: sender.and_then(|leaf| leaf.inbox_id),
        sender_installation_id: sender.map(|leaf| leaf.installation_id),
        commit_type: None,
        error: Some(error.to_string()),
    })?;
    Ok(())
}

/// A line of the transcript: a message that this client writes from a commit or welcome.
#[must_use]
pub fn transcript_row(
    context: &Context<'_>,
    group_id: GroupId,
    sender: (InboxId, InstallationId),
    content: Vec<u8>,
    idempotency_key: String,
    sent_at_ns: i64,
    position: Option<(u64, u32)>,
) -> MessageRow {
    let content_type = ContentType::xmtp("group_updated", 1);
    MessageRow {
        id: message_id(group_id, &idempotency_key, &content),
        group_id,
        idempotency_key,
        sent_at_ns,
        inserted_at_ns: context.now_ns,
        kind: MessageKind::MembershipChange,
        sender_inbox_id: sender.0,
        sender_installation_id: sender.1,
        delivery_status: DeliveryStatus::Published,
        authority_id: content_type.authority_id,
        type_id: content_type.type_id,
        version_major: content_type.version_major,
        version_minor: content_type.version_minor,
        reference_id: None,
        sequence_id: position.map(|(sequence_id, _)| sequence_id),
        originator_id: position.map(|(_, originator)| originator),
        expire_at_ns: None,
        should_push: false,
        content,
    }
}
