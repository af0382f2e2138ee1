//! Conversations: making and joining them, who is in them and may do what, what we want to happen and what
//! others did.
//!
//! In go rows and bytes, out come rows, bytes to send and questions to put to a node. Nothing here waits for a
//! network: where a rule needs an identity log that is not stored, the operation says so ([`States`]) and is
//! run again.
//!
//! | noun | file |
//! |---|---|
//! | what a group says of itself | `metadata.rs`, `membership.rs`, `permissions.rs`, `policy_choice.rs` |
//! | making, joining, leaving, restoring | `create.rs`, `join.rs`, `leave.rs`, `restore.rs` |
//! | what we want | `intent/` |
//! | what others did | `inbound/` |
//! | what people see of it | `view.rs`, `timeline.rs`, `removal/` |

mod context;
pub mod create;
mod dm;
mod error;
pub mod forks;
pub mod inbound;
pub mod intent;
pub mod join;
pub mod leave;
mod membership;
mod metadata;
mod own;
mod patience;
mod permissions;
mod policy_choice;
pub mod push;
pub mod removal;
pub mod restore;
mod row;
mod states;
pub mod timeline;
mod version;
pub mod view;

pub use context::Context;
pub use create::NewGroup;
pub use dm::{dm_id, other_member};
pub use error::{CommitError, GroupError, LeaveRefusal, WelcomeError};
pub use membership::{GroupMembership, InstallationDiff, MembershipDiff};
pub use metadata::{FieldChange, ImmutableMetadata, MutableMetadata, field};
pub use own::{Hearers, hearers};
pub use permissions::{Policy, PolicySet, Preset, Roles};
pub use policy_choice::{ChosenPolicies, Permission, PolicyOption};
pub use removal::RemovalError;
pub use states::States;
pub use timeline::{MessageView, RemovedBy};
pub use version::{check_minimum_version, exceeds};
pub use view::{GroupView, KnownView, MemberView};

/// How many members a group may have.
///
/// # Source
/// The group-chat specification: "group sizes can range from 1 to 400".
pub const MAX_MEMBERS: usize = 400;

/// Who gives numbers to what a v3 node delivers, by kind. The client tells commits from the rest by the MLS
/// header, not by the node's flag.
///
/// # Source
/// libxmtp, cursors of v3 data.
pub mod originator {
    /// Commits.
    pub const COMMITS: u32 = 0;
    /// Application messages and standalone proposals.
    pub const MESSAGES: u32 = 10;
    /// Welcomes.
    pub const WELCOMES: u32 = 11;
}
