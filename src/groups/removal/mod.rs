//! Removing messages for everybody (XIP-45, XIP-76): who may, and which messages are removed.
//!
//! A removal is stored with what its verdict needs: who sent it, what they were in the epoch it was sent in, when the
//! network received it. Whether a message is removed is worked out from that and the message alone, each time one of
//! them arrives or changes. So every order of arrival gives the same answer, on every client.

mod rules;
mod send;
#[cfg(test)]
mod tests;

pub use rules::{MAX_AGE_NS, is_removable, is_valid};
pub use send::{RemovalError, check};

use super::context::Context;
use super::error::GroupError;
use super::metadata::MutableMetadata;
use crate::ids::{GroupId, InboxId, MessageId};
use crate::messages::EncodedContent;
use crate::messages::content::removal::{Removal, RemovalForm};
use crate::mls::Group;
use crate::storage::{ConversationType, MessageKind, MessageRow, RemovalRow, RemovalRule, Role};

/// For how many epochs past roles are remembered. Messages are read that are three behind; own attempts are
/// remembered for longer.
const REMEMBERED_EPOCHS: u64 = 64;

/// The removal that a message is, if it is one.
fn of(row: &MessageRow) -> Option<Removal> {
    if row.kind != MessageKind::Application || row.reference_id.is_none() {
        return None;
    }
    let content = EncodedContent::decode(&row.content).ok()?;
    Removal::decode(&content).ok()
}

/// What a message that was just stored has to do with removals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing, as far as anybody sees.
    None,
    /// It removes this message, since now.
    Removes(MessageId),
    /// It is removed itself.
    Removed,
}

/// Notes a stored message's part in removals: as a removal, sent in `epoch`, or as a target.
pub(super) fn stored(
    context: &Context<'_>,
    group: &Group,
    row: &MessageRow,
    epoch: u64,
) -> Result<Part, GroupError> {
    let part = |context: &Context<'_>| {
        Ok(match context.db.removed_by(&row.id)? {
            Some(_) => Part::Removed,
            None => Part::None,
        })
    };
    let Some(removal) = of(row) else {
        if context.db.removals_naming(&row.id)?.is_empty() {
            return Ok(Part::None);
        }
        settle(context, row.id)?;
        return part(context);
    };
    context.db.put_removal(&RemovalRow {
        id: row.id,
        group_id: row.group_id,
        target_id: removal.target,
        sender_inbox_id: row.sender_inbox_id,
        sender_role: role_at(context, group, row.sender_inbox_id, epoch)?,
        rule: match removal.form {
            RemovalForm::Delete | RemovalForm::Remove => RemovalRule::Xip45,
            RemovalForm::DeleteMessage => RemovalRule::Libxmtp,
        },
        sent_at_ns: row.sent_at_ns,
        sequence_id: row.sequence_id,
        failed: false,
    })?;
    if settle(context, removal.target)? {
        return Ok(Part::Removes(removal.target));
    }
    part(context)
}

/// The same of a message from an archive, which does not say what its sender was then: what they are now counts.
///
/// # Errors
/// [`GroupError::Storage`], [`GroupError::Mls`].
pub fn imported(context: &Context<'_>, row: &MessageRow) -> Result<(), GroupError> {
    match of(row) {
        // One that was here with its role is not judged anew.
        Some(_) if context.db.removal(&row.id)?.is_some() => Ok(()),
        Some(_) => {
            let group = context.load(row.group_id)?;
            stored(context, &group, row, group.epoch()).map(drop)
        }
        None => settle(context, row.id).map(drop),
    }
}

/// Notes that an own removal could not be sent, or is tried again.
pub(super) fn set_failed(context: &Context<'_>, id: MessageId, failed: bool) -> Result<(), GroupError> {
    if let Some(row) = context.db.removal(&id)? {
        let target = row.target_id;
        context.db.put_removal(&RemovalRow { failed, ..row })?;
        settle(context, target)?;
    }
    Ok(())
}

/// Forgets an own removal that is not to be sent any more.
pub(super) fn forget(context: &Context<'_>, id: MessageId) -> Result<(), GroupError> {
    if let Some(row) = context.db.removal(&id)? {
        context.db.delete_removal(&id)?;
        settle(context, row.target_id)?;
    }
    Ok(())
}

/// Works out anew whether a message is removed. Answers whether it is since now.
fn settle(context: &Context<'_>, target: MessageId) -> Result<bool, GroupError> {
    let Some(row) = context.db.message(&target, context.now_ns)? else {
        return Ok(false);
    };
    let naming = context.db.removals_naming(&target)?;
    let before = context.db.removed_by(&target)?;
    let valid = naming.iter().find(|removal| is_valid(removal, &row));
    let after = valid.map(|removal| removal.id);
    if before != after {
        context.db.set_removed_by(&target, after.as_ref())?;
    }
    Ok(before.is_none() && after.is_some())
}

/// What somebody was in an epoch that is not later than the group's. In a direct message nobody is an admin.
fn role_at(context: &Context<'_>, group: &Group, inbox_id: InboxId, epoch: u64) -> Result<Role, GroupError> {
    if context.row(group.id())?.conversation_type == ConversationType::Dm {
        return Ok(Role::Member);
    }
    match context.db.past_role(&group.id(), &inbox_id, epoch)? {
        Some(role) => Ok(role),
        None => {
            let metadata = MutableMetadata::decode(group.context().mutable_metadata.as_deref())?;
            Ok(role_in(&metadata, inbox_id))
        }
    }
}

/// What somebody is by the admin lists.
pub(super) fn role_in(metadata: &MutableMetadata, inbox_id: InboxId) -> Role {
    if metadata.is_super_admin(inbox_id) {
        Role::SuperAdmin
    } else if metadata.is_admin(inbox_id) {
        Role::Admin
    } else {
        Role::Member
    }
}

/// Remembers what somebody was before the commit that led to `epoch` changed it.
pub(super) fn remember_role(
    context: &Context<'_>,
    group_id: GroupId,
    epoch: u64,
    inbox_id: InboxId,
    before: Role,
) -> Result<(), GroupError> {
    let Some(until) = epoch.checked_sub(1) else {
        return Ok(());
    };
    context.db.insert_past_role(&group_id, &inbox_id, until, before)?;
    let oldest = epoch.saturating_sub(REMEMBERED_EPOCHS);
    Ok(context.db.delete_past_roles_before(&group_id, oldest)?)
}
