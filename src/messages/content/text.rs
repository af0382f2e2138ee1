//! `xmtp.org/text:1.0` (XIP-5).

use super::known::{self, KnownType};
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("text", true);

/// Encodes a text. It has no fallback: every client reads it.
#[must_use]
pub fn encode(text: &str) -> EncodedContent {
    known::encode_text(&TYPE, text)
}

/// Decodes a text. A missing `encoding` parameter means UTF-8.
///
/// # Errors
/// [`ContentError::OtherType`], [`ContentError::Encoding`].
pub fn decode(content: &EncodedContent) -> Result<String, ContentError> {
    known::decode_text(&TYPE, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::ContentType;

    #[test]
    fn a_text_reads_back() {
        assert_eq!(decode(&encode("grüß dich 👋")), Ok("grüß dich 👋".into()));
        assert_eq!(decode(&encode("")), Ok(String::new()));
    }

    #[test]
    fn other_types_and_encodings_are_refused() {
        let mut other = encode("a");
        other.content_type = Some(ContentType::xmtp("markdown", 1));
        assert!(matches!(decode(&other), Err(ContentError::OtherType { .. })));
        let mut latin = encode("a");
        latin.parameters.insert("encoding".into(), "ISO-8859-1".into());
        assert_eq!(decode(&latin), Err(ContentError::Encoding));
        let mut invalid = encode("a");
        invalid.content = vec![0xff];
        assert_eq!(decode(&invalid), Err(ContentError::Encoding));
    }
}
