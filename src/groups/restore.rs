//! Conversations known from an archive alone: readable, and nothing can be sent or received in them until somebody
//! adds this installation.

use super::context::Context;
use super::error::GroupError;
use super::membership::GroupMembership;
use super::metadata::{ImmutableMetadata, MutableMetadata};
use super::permissions::{PolicySet, Preset};
use crate::ids::InboxId;
use crate::mls::{ContextExtensions, Group};
use crate::storage::{ConversationType, GroupRow};

/// Stores a conversation that this installation is not in. Who its members are is not known, but for a direct
/// message, which has two.
///
/// An MLS group of nobody stands in for the one that is elsewhere, so that everything else finds what it finds in a
/// conversation one was removed from.
///
/// # Errors
/// [`GroupError::Storage`]; [`GroupError::NotDm`] where `dm_members` are missing of a direct message.
///
/// # Source
/// libxmtp, `insert_restored`: a stub with the same id, which the next welcome replaces.
pub fn restore(
    context: &Context<'_>,
    row: &GroupRow,
    dm_members: Option<(InboxId, InboxId)>,
    metadata: &MutableMetadata,
) -> Result<(), GroupError> {
    let is_dm = row.conversation_type == ConversationType::Dm;
    if is_dm != dm_members.is_some() {
        return Err(GroupError::NotDm);
    }
    let membership = GroupMembership {
        members: dm_members
            .into_iter()
            .flat_map(|(one, two)| [(one, 0), (two, 0)])
            .collect(),
        ..Default::default()
    };
    let permissions = if is_dm {
        PolicySet::direct_message()
    } else {
        PolicySet::preset(Preset::AllMembers)
    };
    let extensions = ContextExtensions {
        immutable_metadata: Some(
            ImmutableMetadata {
                conversation_type: row.conversation_type,
                creator: row.creator_inbox_id,
                dm_members,
            }
            .encode(),
        ),
        mutable_metadata: Some(metadata.encode()),
        membership: Some(membership.encode()),
        permissions: Some(permissions.encode()?),
        has_app_data_dictionary: false,
    };
    Group::create_inactive(
        &context.provider(),
        context.key,
        context.inbox_id,
        row.id,
        &extensions,
    )?;
    Ok(context.db.put_group(row)?)
}
