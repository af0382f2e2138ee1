//! Groups in which the own installations talk: what is said there is for nobody else.

use std::collections::BTreeSet;

use super::context::Context;
use super::error::GroupError;
use super::membership::GroupMembership;
use super::states::{self, States};
use crate::identity::LogPosition;
use crate::mls::Group;

/// Who hears what is said in a group that is for the own installations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearers {
    /// Own installations, and nobody else.
    Ours,
    /// Besides, some that were revoked since the group was brought up to date: it has to be first.
    Revoked,
    /// As far as is known own installations; whether they are and still are is not known without these.
    Unknown(States),
    /// Somebody else.
    Others,
}

/// Who hears what is said in a group.
///
/// The membership alone does not say so: who was brought in and is taken out of it again, listed as failed, keeps its leaf, and
/// receivers of commits, as peers do, let that pass.
///
/// # Errors
/// [`GroupError::Commit`] for a membership that does not decode; [`GroupError::Storage`].
pub fn hearers(context: &Context<'_>, group: &Group) -> Result<Hearers, GroupError> {
    let own = context.inbox_id;
    let membership = GroupMembership::decode(group.context().membership.as_deref())?;
    let seen = match membership.members.get(&own) {
        Some(seen) if membership.is_only(own) => LogPosition::of(*seen),
        _ => return Ok(Hearers::Others),
    };
    let mut states = states::load(context, &[(own, LogPosition::Newest), (own, seen)].into())?;
    let newest = states.known.remove(&(own, LogPosition::Newest));
    let before = states.known.remove(&(own, seen));
    let are_all = |known: &BTreeSet<_>| group.leaves().all(|leaf| known.contains(&leaf.installation_id));
    let ever = [&newest, &before]
        .into_iter()
        .flatten()
        .flatten()
        .copied()
        .collect();
    Ok(match newest {
        Some(newest) if are_all(&newest) => Hearers::Ours,
        None if before.is_none() => Hearers::Unknown(states),
        _ if !are_all(&ever) => Hearers::Others,
        Some(_) => Hearers::Revoked,
        None => Hearers::Unknown(states),
    })
}
