//! Groups in which the own installations talk: what is said there is for nobody else.

use std::collections::BTreeSet;

use super::context::Context;
use super::error::GroupError;
use super::membership::GroupMembership;
use super::states;
use crate::identity::LogPosition;
use crate::mls::Group;

/// Whether the own inbox is the one member of a group, and each leaf is an installation that its log has at one of these positions.
///
/// The membership alone does not say so: who was brought in and is taken out of it again, listed as failed, keeps its leaf, and
/// receivers of commits, as peers do, let that pass.
///
/// # Errors
/// [`GroupError::Commit`] for a membership that does not decode; [`GroupError::Storage`].
pub fn is_ours(context: &Context<'_>, group: &Group, at: &[LogPosition]) -> Result<bool, GroupError> {
    let membership = GroupMembership::decode(group.context().membership.as_deref())?;
    if !membership.is_only(context.inbox_id) {
        return Ok(false);
    }
    let positions = at.iter().map(|position| (context.inbox_id, *position)).collect();
    let known = states::load(context, &positions)?.known;
    let own: BTreeSet<_> = known.into_values().flatten().collect();
    Ok(group.leaves().all(|leaf| own.contains(&leaf.installation_id)))
}

/// The update of the own log at which a group of the own inbox stands.
///
/// # Errors
/// As [`is_ours`].
pub fn stands_at(context: &Context<'_>, group: &Group) -> Result<LogPosition, GroupError> {
    let membership = GroupMembership::decode(group.context().membership.as_deref())?;
    let seen = membership.members.get(&context.inbox_id).copied();
    Ok(LogPosition::of(seen.unwrap_or(0)))
}
