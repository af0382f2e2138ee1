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
        expected: String,
    },
    /// A text in another encoding than UTF-8.
    #[error("the text is not encoded in UTF-8")]
    Encoding,
    /// Compressed in a way that is unknown or broken.
    #[error("the content is compressed in a way that cannot be read")]
    Compression,
    /// More than a client is willing to inflate.
    #[error("the content is larger than {limit} bytes once it is inflated")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Content within content within content.
    #[error("the content holds more than {limit} contents within each other")]
    TooDeep {
        /// How deep content may be nested.
        limit: usize,
    },
    /// A field is missing or has the wrong form.
    #[error("the content's {0} is missing or has the wrong form")]
    Field(&'static str),
    /// A rule about the values of a type.
    #[error("{0}")]
    Rule(&'static str),
    /// An uploaded file is not the one that its message names.
    #[error("the downloaded bytes are not the attachment that was sent: their digest is another one")]
    Digest,
    /// An uploaded file does not decrypt.
    #[error("the attachment cannot be decrypted with the keys of its message")]
    Decryption,
}

impl Coded for ContentError {
    fn code(&self) -> ErrorCode {
        match self {
            ContentError::Digest | ContentError::Decryption => ErrorCode::AttachmentRejected,
            _ => ErrorCode::InvalidContent,
        }
    }
}
