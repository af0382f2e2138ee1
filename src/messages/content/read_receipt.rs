//! `xmtp.org/readReceipt:1.0`: its sender has seen the conversation up to the time it was sent. Never listed, never
//! pushed, never answered.

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("readReceipt", false);

/// Encodes a receipt.
#[must_use]
pub fn encode() -> EncodedContent {
    TYPE.content(Vec::new(), None)
}

/// Checks that content is a receipt.
///
/// # Errors
/// [`ContentError::OtherType`].
pub fn decode(content: &EncodedContent) -> Result<(), ContentError> {
    TYPE.open(content).map(|_| ())
}
