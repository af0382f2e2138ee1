//! `xmtp.org/attachment:1.0` (XIP-15): a small file inside a message. Name and type are the sender's claim.

use serde::{Deserialize, Serialize};

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("attachment", true);

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its MIME type; empty when the sender gave none.
    pub mime_type: String,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
}

/// What receivers show who do not read it.
pub(super) fn fallback(filename: Option<&str>, kind: &str) -> String {
    let name = filename.unwrap_or("this content");
    format!("Can't display {name}. This app doesn't support {kind}.")
}

impl Attachment {
    /// Encodes the file.
    #[must_use]
    pub fn encode(&self) -> EncodedContent {
        let mut parameters = vec![("mimeType".to_owned(), self.mime_type.clone())];
        if let Some(filename) = &self.filename {
            parameters.push(("filename".to_owned(), filename.clone()));
        }
        let fallback = fallback(self.filename.as_deref(), "attachments");
        EncodedContent {
            parameters: parameters.into_iter().collect(),
            ..TYPE.content(self.content.clone(), Some(fallback))
        }
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// [`ContentError::OtherType`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?.into_owned();
        Ok(Self {
            filename: content.parameters.get("filename").cloned(),
            mime_type: content.parameters.get("mimeType").cloned().unwrap_or_default(),
            content: content.content,
        })
    }
}
