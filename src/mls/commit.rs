//! Commits: ours, staged without touching the group, and others', described for judgement.

use openmls::group::StagedCommit as OpenMlsStagedCommit;
use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{
    KeyPackage, LeafNode, LeafNodeIndex, OpenMlsProvider as _, Proposal, QueuedProposal, Sender,
};

use super::error::MlsError;
use super::extensions::{ContextChange, ContextExtensions};
use super::group::{Group, Leaf};
use super::key_package::{VerifiedKeyPackage, inbox_of};
use super::provider::Provider;
use super::signer::MlsSigner;
use crate::identity::InstallationKey;
use crate::ids::InstallationId;

/// What a commit of ours is to do. Everything empty: a key update.
#[derive(Debug, Default)]
pub struct CommitPlan {
    /// Leaves to add.
    pub add: Vec<VerifiedKeyPackage>,
    /// Leaves to remove, by signature key.
    pub remove: Vec<InstallationId>,
    /// One context extension to replace.
    pub change: Option<ContextChange>,
}

/// A commit of ours that is staged and not merged.
#[derive(Debug)]
pub struct StagedOwnCommit {
    /// TLS `MLSMessage` to send.
    pub payload: Vec<u8>,
    /// What to merge when the payload comes back; see [`StagedCommit::from_bytes`].
    pub staged: Vec<u8>,
    /// TLS `MLSMessage` with the one Welcome for all added leaves.
    pub welcome: Option<Vec<u8>>,
}

/// A verified commit that can be merged.
#[derive(Debug)]
pub struct StagedCommit(pub(super) Box<OpenMlsStagedCommit>);

impl StagedCommit {
    /// Reads back what [`Group::stage_commit`] gave.
    ///
    /// # Errors
    /// [`MlsError::Corrupt`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MlsError> {
        super::store::decode(bytes)
            .map(|staged| Self(Box::new(staged)))
            .map_err(|_| MlsError::Corrupt("staged commit"))
    }

    /// The epoch the group is in after the merge.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch().as_u64()
    }

    /// Whether the merge ends the local membership.
    #[must_use]
    pub fn removes_self(&self) -> bool {
        self.0.self_removed()
    }
}

/// A leaf as a proposal or update path brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLeaf {
    /// What its credential says.
    pub inbox_id: Option<crate::ids::InboxId>,
    /// Its signature key; `None` when it has no 32 bytes.
    pub installation_id: Option<InstallationId>,
}

impl NewLeaf {
    fn of(leaf: &LeafNode) -> Self {
        Self {
            inbox_id: inbox_of(leaf.credential()),
            installation_id: InstallationId::try_from(leaf.signature_key().as_slice()).ok(),
        }
    }
}

/// What a proposal would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalKind {
    /// Adds a leaf.
    Add(NewLeaf),
    /// Removes a leaf (`None`: there is none at that index).
    Remove(Option<Leaf>),
    /// Replaces the proposer's leaf.
    Update(NewLeaf),
    /// Replaces the context's extensions.
    GroupContextExtensions(Box<ContextExtensions>),
    /// Injects a pre-shared key.
    PreSharedKey,
    /// Anything else: re-initialisation, external init, custom types.
    Other,
}

/// A proposal with who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalView {
    /// The proposer's leaf before the commit; `None` when it is no member.
    pub proposer: Option<Leaf>,
    /// What it would do.
    pub kind: ProposalKind,
}

impl ProposalView {
    pub(super) fn of(group: &Group, proposal: &QueuedProposal) -> Self {
        let proposer = match proposal.sender() {
            Sender::Member(index) => group.leaf_at(*index),
            _ => None,
        };
        let kind = match proposal.proposal() {
            Proposal::Add(add) => ProposalKind::Add(NewLeaf::of(add.key_package().leaf_node())),
            Proposal::Remove(remove) => ProposalKind::Remove(group.leaf_at(remove.removed())),
            Proposal::Update(update) => ProposalKind::Update(NewLeaf::of(update.leaf_node())),
            Proposal::GroupContextExtensions(change) => {
                ProposalKind::GroupContextExtensions(Box::new(ContextExtensions::read(change.extensions())))
            }
            Proposal::PreSharedKey(_) => ProposalKind::PreSharedKey,
            _ => ProposalKind::Other,
        };
        Self { proposer, kind }
    }
}

/// Everything about a commit that the rules judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitView {
    /// The authenticated sender, as the tree had it before; `None` when it was no member.
    pub committer: Option<Leaf>,
    /// The leaf the commit gives its committer.
    pub path_leaf: Option<NewLeaf>,
    /// The proposals it covers, inline and by reference.
    pub proposals: Vec<ProposalView>,
    /// The context before.
    pub before: ContextExtensions,
    /// The context after.
    pub after: ContextExtensions,
    /// The installations in the tree before.
    pub installations: Vec<InstallationId>,
    /// The epoch after.
    pub epoch: u64,
    /// Whether the own leaf goes.
    pub removes_self: bool,
}

impl CommitView {
    /// Describes a commit against the group it was staged on.
    #[must_use]
    pub fn of(group: &Group, commit: &StagedCommit, committer: Option<Leaf>) -> Self {
        let staged = &commit.0;
        Self {
            committer,
            path_leaf: staged.update_path_leaf_node().map(NewLeaf::of),
            proposals: staged
                .queued_proposals()
                .map(|proposal| ProposalView::of(group, proposal))
                .collect(),
            before: group.context(),
            after: ContextExtensions::read(staged.group_context().extensions()),
            installations: group.leaves().map(|leaf| leaf.installation_id).collect(),
            epoch: commit.epoch(),
            removes_self: commit.removes_self(),
        }
    }
}

impl Group {
    /// Builds a commit for the current epoch.
    ///
    /// The group's state in memory and in the store is changed as if the commit were pending: run this in a
    /// savepoint, roll it back and drop the group. The returned parts are all that is needed later.
    ///
    /// # Errors
    /// [`MlsError::Inactive`]; [`MlsError::Storage`]; [`MlsError::Internal`] when OpenMLS refuses the plan.
    ///
    /// # Source
    /// RFC 9420 §12.4; inline Add, Remove and GroupContextExtensions proposals with a path, as libxmtp
    /// commits.
    pub fn stage_commit(
        &mut self,
        provider: &Provider<'_>,
        key: &InstallationKey,
        plan: CommitPlan,
    ) -> Result<StagedOwnCommit, MlsError> {
        if !self.is_active() {
            return Err(MlsError::Inactive);
        }
        let internal = |error: &dyn std::fmt::Display| MlsError::Internal(error.to_string());
        let removed: Vec<LeafNodeIndex> = self
            .leaves()
            .filter(|leaf| plan.remove.contains(&leaf.installation_id))
            .map(|leaf| LeafNodeIndex::new(leaf.index))
            .collect();
        let context = plan
            .change
            .map(|change| change.apply(self.inner.extensions()))
            .transpose()?;
        let mut builder = self
            .inner
            .commit_builder()
            .force_self_update(true)
            // Stored proposals are others' wishes, which a commit of ours could lack the right to: peers judge
            // what a commit refers to by its committer.
            .consume_proposal_store(false)
            .propose_adds(
                plan.add
                    .into_iter()
                    .map(|package| -> KeyPackage { package.inner }),
            )
            .propose_removals(removed);
        if let Some(context) = context {
            builder = builder
                .propose_group_context_extensions(context)
                .map_err(|e| internal(&e))?;
        }
        let bundle = builder
            .load_psks(provider.storage())
            .map_err(|error| provider.failed(|| internal(&error)))?
            .build(provider.rand(), provider.crypto(), &MlsSigner(key), |_| true)
            .map_err(|error| provider.failed(|| internal(&error)))?
            .stage_commit(provider)
            .map_err(|error| provider.failed(|| internal(&error)))?;
        let (commit, welcome, _) = bundle.into_messages();
        let staged = self
            .inner
            .pending_commit()
            .ok_or(MlsError::Corrupt("pending commit"))?;
        Ok(StagedOwnCommit {
            payload: commit.tls_serialize_detached().map_err(|e| internal(&e))?,
            staged: super::store::encode(staged).map_err(|_| MlsError::Corrupt("staged commit"))?,
            welcome: welcome
                .map(|welcome| welcome.tls_serialize_detached())
                .transpose()
                .map_err(|e| internal(&e))?,
        })
    }
}
