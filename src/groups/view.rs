//! What an app sees of a group.

use std::collections::BTreeMap;

use super::context::Context;
use super::error::GroupError;
use super::membership::GroupMembership;
use super::metadata::MutableMetadata;
use super::permissions::PolicySet;
use crate::identity::{Identifier, LogPosition, Resolved, resolve_all};
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::mls::{GroupSummary, StoredSummary};
use crate::storage::{ConsentEntity, ConsentState, GroupRow};

/// A group as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// What is stored of it.
    pub row: GroupRow,
    /// Whether we are a member.
    pub is_active: bool,
    /// The MLS epoch.
    pub epoch: u64,
    /// Name, description, admins and the rest.
    pub metadata: MutableMetadata,
    /// Who may do what.
    pub permissions: PolicySet,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Who it is.
    pub inbox_id: InboxId,
    /// The wallets and passkeys of the inbox, as of the identity update the group reflects.
    pub identifiers: Vec<Identifier>,
    /// The installations of the inbox, as of the identity update the group reflects: also those that could not be
    /// added. Where that update is not stored, those in the tree.
    ///
    /// # Source
    /// `members()` of `@xmtp/node-sdk` 6.0.0.
    pub installations: Vec<InstallationId>,
    /// In the admin list.
    pub is_admin: bool,
    /// In the super admin list.
    pub is_super_admin: bool,
    /// What was decided about the inbox.
    pub consent: ConsentState,
}

/// Reads a group.
///
/// # Errors
/// [`GroupError::NotFound`], [`GroupError::Storage`], [`GroupError::Commit`] when the context does not decode.
pub fn group(context: &Context<'_>, group_id: GroupId) -> Result<GroupView, GroupError> {
    view(context.row(group_id)?, &context.summary(group_id)?)
}

/// A view of a group and what it was decoded from: while that is stored unchanged, the view is true but for its row.
#[derive(Debug, Clone)]
pub struct KnownView {
    /// What an app sees.
    pub view: GroupView,
    stored: StoredSummary,
}

/// Reads many groups, by one query whatever their number. What is `known` of them is taken from there and not decoded
/// again where it is stored unchanged. Those whose context does not decode are left out, as are those that have none.
///
/// # Errors
/// [`GroupError::Storage`], [`GroupError::Mls`].
pub fn groups(
    context: &Context<'_>,
    rows: Vec<GroupRow>,
    mut known: impl FnMut(&GroupId) -> Option<KnownView>,
) -> Result<Vec<KnownView>, GroupError> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let stored = StoredSummary::load_all(&context.provider(), &ids)?;
    let mut views = Vec::with_capacity(rows.len());
    for (row, stored) in rows.into_iter().zip(stored) {
        let Some(stored) = stored else { continue };
        let view = match known(&row.id) {
            Some(known) if known.stored == stored => Ok(GroupView { row, ..known.view }),
            _ => view(row, &stored.read()?),
        };
        views.extend(view.ok().map(|view| KnownView { view, stored }));
    }
    Ok(views)
}

fn view(row: GroupRow, summary: &GroupSummary) -> Result<GroupView, GroupError> {
    Ok(GroupView {
        row,
        is_active: summary.is_active,
        epoch: summary.epoch,
        metadata: MutableMetadata::decode(summary.context.mutable_metadata.as_deref())?,
        permissions: PolicySet::decode(summary.context.permissions.as_deref())?,
    })
}

/// Reads the members of a group, sorted by inbox id.
///
/// An identity log that is not stored leaves a member's identifiers empty; a sync loads it.
///
/// # Errors
/// As [`group`].
pub fn members(context: &Context<'_>, group_id: GroupId) -> Result<Vec<MemberView>, GroupError> {
    context.row(group_id)?;
    let group = context.load(group_id)?;
    let extensions = group.context();
    let membership = GroupMembership::decode(extensions.membership.as_deref())?;
    let metadata = MutableMetadata::decode(extensions.mutable_metadata.as_deref())?;
    let mut installations: BTreeMap<InboxId, Vec<InstallationId>> = BTreeMap::new();
    for leaf in group.leaves() {
        if let Some(inbox_id) = leaf.inbox_id {
            installations
                .entry(inbox_id)
                .or_default()
                .push(leaf.installation_id);
        }
    }
    let members = membership.members.iter();
    let positions = members.map(|(inbox_id, sequence_id)| (*inbox_id, LogPosition::of(*sequence_id)));
    let resolved = resolve_all(context.db, positions)?;
    let consents = context
        .db
        .consent_states(ConsentEntity::Inbox, membership.members.keys())?;
    // One position for each inbox, in their order.
    let members = resolved.into_iter().map(|((inbox_id, _), resolved)| {
        let in_tree = installations.remove(&inbox_id).unwrap_or_default();
        let (identifiers, installations) = match resolved {
            Resolved::State(state) => (state.identifiers(), state.installations()),
            _ => (Vec::new(), in_tree),
        };
        let text = inbox_id.to_string();
        let consent = consents.get(&text).copied();
        MemberView {
            inbox_id,
            identifiers,
            installations,
            is_admin: metadata.admins.contains(&text),
            is_super_admin: metadata.is_super_admin(inbox_id),
            consent: consent.unwrap_or(ConsentState::Unknown),
        }
    });
    Ok(members.collect())
}

/// The membership a group has now.
///
/// # Errors
/// As [`group`].
pub fn membership(context: &Context<'_>, group_id: GroupId) -> Result<GroupMembership, GroupError> {
    Ok(GroupMembership::decode(
        context.summary(group_id)?.context.membership.as_deref(),
    )?)
}
