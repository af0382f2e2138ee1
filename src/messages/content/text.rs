//! `xmtp.org/text:1.0` (XIP-5).

use crate::messages::{ContentError, ContentType, EncodedContent};

/// Encodes a text. It has no fallback: every client reads it.
#[must_use]
pub fn encode(text: &str) -> EncodedContent {
    EncodedContent {
        content_type: Some(ContentType::xmtp("text", 1)),
        parameters: [("encoding".to_owned(), "UTF-8".to_owned())].into(),
        content: text.as_bytes().to_vec(),
        ..Default::default()
    }
}

/// Decodes a text. A missing `encoding` parameter means UTF-8.
///
/// # Errors
/// [`ContentError::OtherType`], [`ContentError::Encoding`].
pub fn decode(content: &EncodedContent) -> Result<String, ContentError> {
    let text = ContentType::xmtp("text", 1);
    if !content
        .content_type
        .as_ref()
        .is_some_and(|found| found.is_compatible(&text))
    {
        return Err(ContentError::OtherType {
            expected: "xmtp.org/text:1.0",
        });
    }
    match content.parameters.get("encoding").map(String::as_str) {
        None | Some("UTF-8") if content.compression.is_none() => {
            String::from_utf8(content.content.clone()).map_err(|_| ContentError::Encoding)
        }
        _ => Err(ContentError::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
