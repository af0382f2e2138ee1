//! `xmtp.org/markdown:1.0`: a text to be rendered. Untrusted: no raw HTML, no images loaded unasked.

use super::known::{self, KnownType};
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("markdown", true);

/// Encodes Markdown. It has no fallback.
#[must_use]
pub fn encode(markdown: &str) -> EncodedContent {
    known::encode_text(&TYPE, markdown)
}

/// Decodes Markdown. A missing `encoding` parameter means UTF-8.
///
/// # Errors
/// [`ContentError::OtherType`], [`ContentError::Encoding`].
pub fn decode(content: &EncodedContent) -> Result<String, ContentError> {
    known::decode_text(&TYPE, content)
}
