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
    /// What receivers will judge.
    pub view: CommitView,
    /// What to judge and merge when the payload comes back; see [`VerifiedCommit::own`].
    pub staged: Vec<u8>,
    /// TLS `MLSMessage` with the one Welcome for all added leaves.
    pub welcome: Option<Vec<u8>>,
}

/// A commit that MLS accepts and that nobody has judged yet. All that can be done with it is to look at it and to
/// have it judged.
#[derive(Debug)]
pub struct VerifiedCommit {
    view: Box<CommitView>,
    staged: Box<OpenMlsStagedCommit>,
}

impl VerifiedCommit {
    pub(super) fn new(group: &Group, staged: Box<OpenMlsStagedCommit>, committer: Option<Leaf>) -> Self {
        let view = Box::new(CommitView::of(group, &staged, committer));
        Self { view, staged }
    }

    /// One of ours: reads back what [`Group::stage_commit`] gave.
    ///
    /// # Errors
    /// [`MlsError::Corrupt`]; [`MlsError::Inactive`].
    pub fn own(group: &Group, staged: &[u8]) -> Result<Self, MlsError> {
        let staged = super::store::decode(staged).map_err(|_| MlsError::Corrupt("staged commit"))?;
        Ok(Self::new(group, Box::new(staged), Some(group.own_leaf()?)))
    }

    /// What it would do.
    #[must_use]
    pub fn view(&self) -> &CommitView {
        &self.view
    }

    /// Has it judged: `rules` answers the verdict that it travels on with, or why it is refused.
    ///
    /// # Errors
    /// What `rules` answers; the commit is gone.
    pub fn judge<V, E>(self, rules: impl FnOnce(&CommitView) -> Result<V, E>) -> Result<StagedCommit<V>, E> {
        Ok(StagedCommit {
            verdict: rules(&self.view)?,
            staged: self.staged,
        })
    }
}

/// A commit that was judged, with the verdict. Only [`VerifiedCommit::judge`] makes one, and only one of these can be
/// merged.
#[derive(Debug)]
pub struct StagedCommit<V> {
    verdict: V,
    staged: Box<OpenMlsStagedCommit>,
}

/// A commit that the group has moved on by. Only [`Group::merge`] makes one.
#[derive(Debug)]
pub struct MergedCommit<V> {
    /// What was judged of it.
    pub verdict: V,
    /// The group's epoch authenticator before.
    pub authenticator_before: Vec<u8>,
    /// Whether it ended the local membership.
    pub removed_self: bool,
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
    fn of(group: &Group, proposal: &QueuedProposal) -> Self {
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

/// A standalone proposal that MLS accepts and that nobody has judged yet.
#[derive(Debug)]
pub struct VerifiedProposal {
    view: ProposalView,
    proposal: Box<QueuedProposal>,
}

impl VerifiedProposal {
    pub(super) fn new(group: &Group, proposal: Box<QueuedProposal>) -> Self {
        let view = ProposalView::of(group, &proposal);
        Self { view, proposal }
    }

    /// Has it judged by `rules`.
    ///
    /// # Errors
    /// What `rules` answers; the proposal is gone.
    pub fn judge<E>(self, rules: impl FnOnce(&ProposalView) -> Result<(), E>) -> Result<AcceptedProposal, E> {
        rules(&self.view)?;
        Ok(AcceptedProposal(self.proposal))
    }
}

/// A standalone proposal that was judged. Only [`VerifiedProposal::judge`] makes one, and only one of these can be kept.
#[derive(Debug)]
pub struct AcceptedProposal(Box<QueuedProposal>);

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
    fn of(group: &Group, staged: &OpenMlsStagedCommit, committer: Option<Leaf>) -> Self {
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
            epoch: staged.epoch().as_u64(),
            removes_self: staged.self_removed(),
        }
    }
}

impl Group {
    /// Applies a commit that was judged valid: the group moves to its epoch.
    ///
    /// # Errors
    /// [`MlsError::Storage`]; [`MlsError::Internal`].
    pub fn merge<V>(
        &mut self,
        provider: &Provider<'_>,
        commit: StagedCommit<V>,
    ) -> Result<MergedCommit<V>, MlsError> {
        let authenticator_before = self.epoch_authenticator().to_vec();
        let removed_self = commit.staged.self_removed();
        self.inner
            .merge_staged_commit(provider, *commit.staged)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
        Ok(MergedCommit {
            verdict: commit.verdict,
            authenticator_before,
            removed_self,
        })
    }

    /// Keeps an accepted standalone proposal for the commit that will refer to it.
    ///
    /// # Errors
    /// [`MlsError::Storage`].
    pub fn store_proposal(
        &mut self,
        provider: &Provider<'_>,
        proposal: AcceptedProposal,
    ) -> Result<(), MlsError> {
        self.keep(provider, *proposal.0)
    }

    pub(super) fn keep(&mut self, provider: &Provider<'_>, proposal: QueuedProposal) -> Result<(), MlsError> {
        self.inner
            .store_pending_proposal(provider.storage(), proposal)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))
    }

    /// Builds a commit for the current epoch. The returned parts are all that is needed later.
    ///
    /// Nothing is stored, which is why it takes the provider for itself, and the group stays as it was, but for the ratchet
    /// of the own commits, which has moved on in memory: the next commit that is built takes another key. Receivers follow
    /// for a thousand keys that never came (OpenMLS), so do not keep a group in which commits are built in vain. After an
    /// error, drop it.
    ///
    /// # Errors
    /// [`MlsError::Inactive`]; [`MlsError::Storage`]; [`MlsError::Internal`] when OpenMLS refuses the plan.
    ///
    /// # Source
    /// RFC 9420 §12.4; inline Add, Remove and GroupContextExtensions proposals with a path, as libxmtp
    /// commits.
    pub fn stage_commit(
        &mut self,
        provider: Provider<'_>,
        key: &InstallationKey,
        plan: CommitPlan,
    ) -> Result<StagedOwnCommit, MlsError> {
        if !self.is_active() {
            return Err(MlsError::Inactive);
        }
        let provider = &provider.writing_nothing();
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
        let staged = StagedOwnCommit {
            view: CommitView::of(self, staged, Some(self.own_leaf()?)),
            payload: commit.tls_serialize_detached().map_err(|e| internal(&e))?,
            staged: super::store::encode(staged).map_err(|_| MlsError::Corrupt("staged commit"))?,
            welcome: welcome
                .map(|welcome| welcome.tls_serialize_detached())
                .transpose()
                .map_err(|e| internal(&e))?,
        };
        self.inner
            .clear_pending_commit(provider.storage())
            .map_err(|error| provider.failed(|| internal(&error)))?;
        Ok(staged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InboxId;
    use crate::storage::{Store, StoreOptions};

    #[test]
    fn nothing_is_pending_in_a_group_in_which_a_commit_was_built() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let key = InstallationKey::from_seed(&[7; 32]);
        let bodies = ContextExtensions {
            immutable_metadata: Some(vec![1]),
            mutable_metadata: Some(vec![2]),
            membership: Some(vec![3]),
            permissions: Some(vec![4]),
            has_app_data_dictionary: false,
        };
        let group = Group::create(&Provider::new(&store), &key, InboxId::new([7; 32]), &bodies);
        let mut group = group.expect("made");
        let staged = group.stage_commit(Provider::new(&store), &key, CommitPlan::default());
        assert_eq!(staged.expect("staged").view.epoch, 1);
        assert!(group.inner.pending_commit().is_none());
    }
}
