//! MLS (RFC 9420): the only room that knows OpenMLS.
//!
//! In come stored state and bytes from the network, out go bytes to send and plain descriptions of what a
//! message would do. It decides nothing about membership or permissions: the `groups` room does, with the
//! [`CommitView`] it gets from here, before anything can be merged.
//!
//! | operation | changes stored state |
//! |---|---|
//! | [`Group::encrypt`] | advances the own sender ratchet |
//! | [`Group::stage_commit`] | no; in memory the ratchet of the own commits moves on |
//! | [`Group::process`] | consumes the message's key: roll back when the message is refused |
//! | [`Group::save_secrets`] | the keys that a batch of messages has consumed |
//! | [`Group::merge`] | moves to the next epoch |
//! | [`Invitation::open`] | no |
//! | [`AcceptedInvitation::join`] | stores the group |
//!
//! What arrives is judged before it counts, and the types say how far it has come: bytes, then [`VerifiedCommit`]
//! (MLS accepts it), [`StagedCommit`] (judged, with the verdict), [`MergedCommit`]. A welcome goes from [`Invitation`]
//! to [`AcceptedInvitation`], a standalone proposal from [`VerifiedProposal`] to [`AcceptedProposal`]. There is no
//! other way from one to the next.

mod commit;
mod crypto;
mod error;
mod extensions;
mod group;
pub mod key_package;
mod provider;
mod signer;
mod store;
mod summary;
mod verifying;
pub mod welcome;

pub use commit::{
    AcceptedProposal, CommitPlan, CommitView, MergedCommit, NewLeaf, ProposalKind, ProposalView,
    StagedCommit, StagedOwnCommit, VerifiedCommit, VerifiedProposal,
};
pub use error::{KeyPackageFault, MessageFault, MlsError, WelcomeFault};
pub use extensions::{ContextChange, ContextExtensions};
pub use group::{Group, Leaf, MessageHeader, MessageKind, Processed};
pub use key_package::{NewKeyPackage, VerifiedKeyPackage};
pub use provider::Provider;
pub use summary::{GroupSummary, StoredSummary};
pub use welcome::{AcceptedInvitation, Invitation};
