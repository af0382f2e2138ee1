//! What messages hold: the envelope inside the encryption, message ids, content types.
//!
//! Pure: bytes in, values out. Whether a message is stored, shown or hidden is decided elsewhere.

pub mod content;
mod envelope;
mod error;
mod inflate;

pub use envelope::{Compression, ContentType, EncodedContent, Plaintext, message_id};
pub use error::ContentError;
pub use inflate::MAX_INFLATED;
