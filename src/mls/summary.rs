//! What a group shows of itself without being loaded.

use openmls::group::{GroupContext, MlsGroupState};
use openmls::prelude::OpenMlsProvider as _;

use super::error::MlsError;
use super::extensions::ContextExtensions;
use super::provider::Provider;
use super::store::decode;
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
        let found = StoredSummary::load_all(provider, &[id])?.pop().flatten();
        found.ok_or(MlsError::UnknownGroup)?.read()
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

/// The same as it is stored, not decoded yet. While it is equal to what was stored before, it says the same: decoding
/// costs more than reading it, since CBOR has the bytes of extensions as lists of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSummary {
    context: Vec<u8>,
    state: Vec<u8>,
}

impl StoredSummary {
    /// Of many groups, aligned with the ids, by one query; `None` for those that are not stored.
    ///
    /// # Errors
    /// [`MlsError::Storage`].
    pub fn load_all(provider: &Provider<'_>, ids: &[GroupId]) -> Result<Vec<Option<Self>>, MlsError> {
        let keys = keys(ids);
        let found = provider
            .storage()
            .contexts(&keys)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
        let stored = |[context, state]: [Vec<u8>; 2]| Self { context, state };
        Ok(found.into_iter().map(|found| found.map(stored)).collect())
    }

    /// What it says.
    ///
    /// # Errors
    /// [`MlsError::Corrupt`].
    pub fn read(&self) -> Result<GroupSummary, MlsError> {
        let corrupt = |_| MlsError::Corrupt("MLS state");
        let context: GroupContext = decode(&self.context).map_err(corrupt)?;
        let state: MlsGroupState = decode(&self.state).map_err(corrupt)?;
        Ok(GroupSummary {
            epoch: context.epoch().as_u64(),
            context: ContextExtensions::read(context.extensions()),
            is_active: !matches!(state, MlsGroupState::Inactive),
        })
    }
}

/// The ids as OpenMLS stores them.
fn keys(ids: &[GroupId]) -> Vec<openmls::group::GroupId> {
    ids.iter()
        .map(|id| openmls::group::GroupId::from_slice(id.as_bytes()))
        .collect()
}
