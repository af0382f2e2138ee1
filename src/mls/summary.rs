//! What a group shows of itself without being loaded.

use openmls::group::{GroupContext, MlsGroupState};
use openmls::prelude::OpenMlsProvider as _;

use super::error::MlsError;
use super::extensions::ContextExtensions;
use super::provider::Provider;
use crate::ids::GroupId;

/// The context of a group and whether we are in it. Reading it costs the same for any number of members but for
/// the membership extension; loading a [`Group`](super::Group) reads the tree and the secrets of all members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSummary {
    /// The epoch the group is in.
    pub epoch: u64,
    /// The context's extensions.
    pub context: ContextExtensions,
    /// Whether the own leaf is still in the tree.
    pub is_active: bool,
}

impl GroupSummary {
    /// Of one group.
    ///
    /// # Errors
    /// [`MlsError::UnknownGroup`], [`MlsError::Storage`], [`MlsError::Corrupt`].
    pub fn load(provider: &Provider<'_>, id: GroupId) -> Result<Self, MlsError> {
        let found = Self::load_all(provider, &[id])?.pop().flatten();
        found.ok_or(MlsError::UnknownGroup)
    }

    /// Of many, aligned with the ids, by one query; `None` for those that are not stored.
    ///
    /// # Errors
    /// [`MlsError::Storage`], [`MlsError::Corrupt`].
    pub fn load_all(provider: &Provider<'_>, ids: &[GroupId]) -> Result<Vec<Option<Self>>, MlsError> {
        let keys = keys(ids);
        let found = provider
            .storage()
            .contexts::<_, GroupContext, MlsGroupState>(&keys)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
        let summary = |(context, state): (GroupContext, MlsGroupState)| Self {
            epoch: context.epoch().as_u64(),
            context: ContextExtensions::read(context.extensions()),
            is_active: !matches!(state, MlsGroupState::Inactive),
        };
        Ok(found.into_iter().map(|found| found.map(summary)).collect())
    }

    /// Whether the own leaf is in the tree of each of these groups, by one query that reads nothing else of them;
    /// `false` for those that are not stored.
    ///
    /// # Errors
    /// [`MlsError::Storage`], [`MlsError::Corrupt`].
    pub fn are_active(provider: &Provider<'_>, ids: &[GroupId]) -> Result<Vec<bool>, MlsError> {
        let keys = keys(ids);
        let found = provider
            .storage()
            .states::<_, MlsGroupState>(&keys)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
        let is_active = |state: MlsGroupState| !matches!(state, MlsGroupState::Inactive);
        Ok(found
            .into_iter()
            .map(|state| state.is_some_and(is_active))
            .collect())
    }
}

/// The ids as OpenMLS stores them.
fn keys(ids: &[GroupId]) -> Vec<openmls::group::GroupId> {
    ids.iter()
        .map(|id| openmls::group::GroupId::from_slice(id.as_bytes()))
        .collect()
}
