//! The log of an inbox: actions, the updates that carry them, and the state they add up to.
//!
//! | file | what |
//! |---|---|
//! | `update.rs` | actions and updates, in three stages of their signatures |
//! | `wire.rs` | protobuf to update and back |
//! | `validate.rs` | signatures: the only way to a [`VerifiedUpdate`] |
//! | `apply.rs` | the rules of the log |
//! | `state.rs` | what the log adds up to |
//! | `stored.rs` | the state as bytes |

mod apply;
mod state;
mod stored;
mod update;
mod validate;
mod wire;

pub use state::{AssociationState, MemberDetails, StateDiff, diff};
pub use update::{Action, IdentityUpdate, RevokeTarget};
pub use validate::{VerifiedSignature, VerifiedUpdate, verify};
