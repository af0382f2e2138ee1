//! What the person wants: whom and what they let in, and how their installations tell each other.
//!
//! In go decisions, rows and messages of the sync group, out come rows and messages to send. Nothing here waits
//! for a network. `docs/CONSENT.md` says what records there are, who writes them and how they travel.
//!
//! | noun | file |
//! |---|---|
//! | decisions about conversations and inboxes | `consent.rs` |
//! | what installations tell each other | `sync.rs`, as bytes `wire.rs` |
//! | history of one installation for another | `history.rs` |
//! | the list that V2 peers read (XIP-42) | `list/` |
//! | everything in one encrypted file | `archive/` |
//! | what changed, for those who watch | `update.rs` |

pub mod archive;
pub mod consent;
mod error;
pub mod history;
pub mod list;
pub mod sync;
mod update;
pub mod wire;

pub use consent::{Consent, Entity};
pub use error::PreferenceError;
pub use update::PreferenceUpdate;
