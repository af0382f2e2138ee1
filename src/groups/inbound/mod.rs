//! What others did in a group, and what we did when it comes back: one envelope at a time, in the node's order.
//!
//! Accepted, an envelope moves MLS state, rows and cursor together; refused, it moves the cursor alone and leaves the MLS
//! state as it was, because its author may use the same message key again; unanswered (an identity log is not known), it
//! moves nothing. A commit or proposal is processed within a savepoint. A message is judged before anything of it is
//! written, and what fails after that is a failure of our own: the whole batch is undone.

mod apply;
mod commit_rules;
mod reader;
mod receive;

pub use apply::{is_repeated, transcript_row};
pub use commit_rules::Rule;
#[cfg(feature = "broken-rules")]
pub use commit_rules::leave_out;
pub use commit_rules::{Case, IdentityStates, ValidatedCommit, validate_proposal};
pub use receive::{Batch, Change, Feed, Stop, receive, receive_from};

/// A group message as the node delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The node's number; ascending within a group.
    pub sequence_id: u64,
    /// When the node stored it, nanoseconds since the Unix epoch: the time every member sees.
    pub created_ns: i64,
    /// TLS `MLSMessage`.
    pub data: Vec<u8>,
}
