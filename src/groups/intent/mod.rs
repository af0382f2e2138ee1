//! Intents: what this installation wants to happen in a group.
//!
//! | step | function | state after |
//! |---|---|---|
//! | want | [`queue_message`], [`queue`] | to publish |
//! | build a payload, before it is sent | [`build`], or with the wish [`queue_and_build`] | published |
//! | a node has it | [`acknowledged`] | published, and so is its message; a commit counts once it came back |
//! | sending failed | [`sending_failed`] | to publish, or error after three attempts |
//! | the payload came back | `inbound` | committed, or to publish again in the new epoch |
//! | nothing came back although all was read | [`return_unseen`] | to publish |
//! | welcomes are sent | [`complete`] | gone |
//!
//! A payload is stored with its attempt before it is sent, and sent again as it is while the group stays in
//! its epoch: nodes drop a duplicate silently, so a lost answer never doubles a message.

mod data;
mod publish;
mod queue;
mod resolve;

pub use data::{AdminChange, IntentData, PostCommit, Recipient};
pub use publish::{Build, Payload, build, members_to_fetch, next};
pub use queue::{Refresh, membership_update, queue, queue_and_build, queue_message};
pub use resolve::{
    Acknowledged, MAX_ATTEMPTS, acknowledged, complete, drop_message, give_up, has_unanswered,
    left_to_welcome, resend_message, return_unseen, sending_failed, to_complete,
};
