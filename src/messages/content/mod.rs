//! Content types, one per file.
//!
//! Decoders are total: any bytes give a value or a [`ContentError`](super::ContentError), in bounded memory and
//! depth. What a client does not know, or what does not decode, is [`Content::Custom`], shown by its fallback.

pub mod actions;
pub mod attachment;
pub mod attachment_crypto;
pub mod attachment_stream;
pub mod composite;
mod decoded;
pub mod group_membership_change;
pub mod group_updated;
pub mod intent;
mod known;
pub mod leave_request;
pub mod markdown;
pub mod multi_remote_attachment;
pub mod reaction;
pub mod read_receipt;
pub mod remote_attachment;
pub mod removal;
pub mod reply;
mod rfc3339;
pub mod text;
pub mod transaction_reference;
pub mod wallet_send_calls;

pub use decoded::{Content, reference, should_push};
pub use known::KnownType;
