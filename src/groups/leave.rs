//! Leaving: a member asks by a message, and a super admin takes them out by an ordinary commit.
//!
//! No member can remove its own leaf (RFC 9420 §12.1.3), so the wish is kept with the group until somebody who may
//! has fulfilled it. Rows are written here; sending is the client's.
//!
//! # Source
//! XIP-75; libxmtp 1.9 to 1.12-dev (`pending_remove`); seen with `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly.

use std::collections::BTreeSet;

use super::context::Context;
use super::error::{GroupError, LeaveRefusal};
use super::membership::GroupMembership;
use super::metadata::MutableMetadata;
use super::permissions::{PolicySet, Roles};
use crate::ids::{GroupId, InboxId, MessageId};
use crate::messages::{ContentType, EncodedContent};
use crate::mls::Group;
use crate::storage::{MembershipState, MessageRow, PendingRemoveRow};

/// The wish to leave as content: an empty `LeaveRequest`, without fallback.
#[must_use]
pub fn request() -> EncodedContent {
    EncodedContent {
        content_type: Some(ContentType::xmtp("leave_request", 1)),
        ..Default::default()
    }
}

/// Whether a message is a member's wish to leave.
#[must_use]
pub fn is_request(row: &MessageRow) -> bool {
    (row.authority_id.as_str(), row.type_id.as_str(), row.version_major) == ("xmtp.org", "leave_request", 1)
}

/// Whether the own inbox has asked, and is not back since.
///
/// # Errors
/// [`GroupError::NotFound`], [`GroupError::Storage`].
pub fn is_pending(context: &Context<'_>, group_id: GroupId) -> Result<bool, GroupError> {
    Ok(context.row(group_id)?.membership_state == MembershipState::PendingRemove)
}

/// Whether the own inbox may ask to leave.
///
/// # Errors
/// [`GroupError::Paused`], [`GroupError::Inactive`]; [`GroupError::CannotLeave`].
pub fn check(context: &Context<'_>, group_id: GroupId) -> Result<(), GroupError> {
    let row = context.row(group_id)?;
    if row.dm_id.is_some() {
        return Err(GroupError::CannotLeave(LeaveRefusal::DirectMessage));
    }
    if let Some(required) = row.paused_for_version {
        return Err(GroupError::Paused { required });
    }
    let group = context.load(group_id)?;
    if !group.is_active() {
        return Err(GroupError::Inactive);
    }
    let extensions = group.context();
    if GroupMembership::decode(extensions.membership.as_deref())?
        .members
        .len()
        < 2
    {
        return Err(GroupError::CannotLeave(LeaveRefusal::Alone));
    }
    if MutableMetadata::decode(extensions.mutable_metadata.as_deref())?.is_super_admin(context.inbox_id) {
        return Err(GroupError::CannotLeave(LeaveRefusal::SuperAdmin));
    }
    Ok(())
}

/// Whom the own inbox is to take out now: members who asked, if it is a super admin that stays itself. Super admins
/// cannot be removed, also those who asked before they became one.
///
/// # Errors
/// [`GroupError::Storage`]; [`GroupError::Commit`] when the group's context does not decode.
pub fn to_remove(context: &Context<'_>, group: &Group) -> Result<BTreeSet<InboxId>, GroupError> {
    let asked = context.db.pending_removes(&group.id())?;
    if asked.is_empty() || !group.is_active() || asked.iter().any(|row| row.inbox_id == context.inbox_id) {
        return Ok(BTreeSet::new());
    }
    let extensions = group.context();
    let metadata = MutableMetadata::decode(extensions.mutable_metadata.as_deref())?;
    let roles = Roles {
        admin: true,
        super_admin: true,
    };
    let permissions = PolicySet::decode(extensions.permissions.as_deref())?;
    if !metadata.is_super_admin(context.inbox_id) || !permissions.remove_member.allows(roles) {
        return Ok(BTreeSet::new());
    }
    let members = GroupMembership::decode(extensions.membership.as_deref())?.members;
    Ok(asked
        .into_iter()
        .map(|row| row.inbox_id)
        .filter(|inbox| members.contains_key(inbox) && !metadata.is_super_admin(*inbox))
        .collect())
}

/// Notes that a member asked to leave. In a direct message it means nothing.
///
/// # Errors
/// As [`to_remove`].
pub(super) fn note(
    context: &Context<'_>,
    group: &Group,
    inbox_id: InboxId,
    message_id: MessageId,
) -> Result<(), GroupError> {
    let group_id = group.id();
    if context.row(group_id)?.dm_id.is_some() {
        return Ok(());
    }
    context.db.insert_pending_remove(&PendingRemoveRow {
        group_id,
        inbox_id,
        message_id,
    })?;
    if inbox_id == context.inbox_id {
        context
            .db
            .set_membership_state(&group_id, MembershipState::PendingRemove)?;
    }
    review(context, group)
}

/// Notes whether there is somebody to take out: after a wish, and after each change of members, roles and rules.
///
/// # Errors
/// As [`to_remove`].
pub(super) fn review(context: &Context<'_>, group: &Group) -> Result<(), GroupError> {
    let waiting = !to_remove(context, group)?.is_empty();
    Ok(context.db.set_pending_leave_request(&group.id(), waiting)?)
}
