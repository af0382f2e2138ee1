//! Names of content types, and the check that a codec begins with.

use std::borrow::Cow;

use crate::messages::{ContentError, ContentType, EncodedContent};

/// A content type that this client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownType {
    /// Who defines it.
    pub authority_id: &'static str,
    /// Its name on the wire.
    pub type_id: &'static str,
    /// The major version its codec writes.
    pub version_major: u32,
    /// The minor version its codec writes.
    pub version_minor: u32,
    /// Whether its messages notify receivers, unless the caller says otherwise.
    pub should_push: bool,
}

impl KnownType {
    pub(super) const fn xmtp(type_id: &'static str, should_push: bool) -> Self {
        Self {
            authority_id: "xmtp.org",
            type_id,
            version_major: 1,
            version_minor: 0,
            should_push,
        }
    }

    pub(super) const fn version(self, version_major: u32, version_minor: u32) -> Self {
        Self {
            version_major,
            version_minor,
            ..self
        }
    }

    pub(super) const fn authority(self, authority_id: &'static str) -> Self {
        Self { authority_id, ..self }
    }

    /// The id as content carries it.
    #[must_use]
    pub fn id(&self) -> ContentType {
        ContentType {
            authority_id: self.authority_id.to_owned(),
            type_id: self.type_id.to_owned(),
            version_major: self.version_major,
            version_minor: self.version_minor,
        }
    }

    /// Whether content says that it is of this type. Its minor version does not matter (XIP-5).
    #[must_use]
    pub fn is_type_of(&self, content: &EncodedContent) -> bool {
        content.content_type.as_ref().is_some_and(|found| {
            (
                found.authority_id.as_str(),
                found.type_id.as_str(),
                found.version_major,
            ) == (self.authority_id, self.type_id, self.version_major)
        })
    }

    /// Content of this type, inflated.
    pub(super) fn open<'a>(
        &self,
        content: &'a EncodedContent,
    ) -> Result<Cow<'a, EncodedContent>, ContentError> {
        self.check(content)?;
        content.inflated()
    }

    /// Content of this type that has no more bytes than this, inflated.
    pub(super) fn open_within<'a>(
        &self,
        content: &'a EncodedContent,
        limit: usize,
    ) -> Result<Cow<'a, EncodedContent>, ContentError> {
        self.check(content)?;
        content.inflated_within(limit)
    }

    fn check(&self, content: &EncodedContent) -> Result<(), ContentError> {
        match self.is_type_of(content) {
            true => Ok(()),
            false => Err(ContentError::OtherType {
                expected: self.id().to_string(),
            }),
        }
    }

    /// Content of this type.
    pub(super) fn content(&self, content: Vec<u8>, fallback: Option<String>) -> EncodedContent {
        EncodedContent {
            content_type: Some(self.id()),
            fallback,
            content,
            ..Default::default()
        }
    }
}

/// The parameter that both kinds of text carry.
pub(super) fn encode_text(kind: &KnownType, text: &str) -> EncodedContent {
    EncodedContent {
        parameters: [("encoding".to_owned(), "UTF-8".to_owned())].into(),
        ..kind.content(text.as_bytes().to_vec(), None)
    }
}

/// A missing `encoding` means UTF-8 (XIP-5).
pub(super) fn decode_text(kind: &KnownType, content: &EncodedContent) -> Result<String, ContentError> {
    let content = kind.open(content)?;
    match content.parameters.get("encoding").map(String::as_str) {
        None | Some("UTF-8") => {
            String::from_utf8(content.into_owned().content).map_err(|_| ContentError::Encoding)
        }
        _ => Err(ContentError::Encoding),
    }
}
