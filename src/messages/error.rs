//! What can go wrong with content.

use crate::error::{Coded, ErrorCode};

/// Content that does not decode as its type says, or cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The envelope around the content is not one.
    #[error("the message's envelope does not decode")]
    Envelope,
    /// Not an `EncodedContent`.
    #[error("the message's content does not decode")]
    Malformed,
    /// Another type than the codec's.
    #[error("the content is not of type {expected}")]
    OtherType {
        /// The codec's type.
        expected: &'static str,
    },
    /// A text in another encoding than UTF-8.
    #[error("the text is not encoded in UTF-8")]
    Encoding,
}

impl Coded for ContentError {
    fn code(&self) -> ErrorCode {
        ErrorCode::InvalidContent
    }
}
