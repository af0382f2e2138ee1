//! `xmtp.org/remoteStaticAttachment:1.0` (XIP-17): where an encrypted file lies, and its keys.
//!
//! The address is untrusted: load nothing from people one does not know, over HTTPS only, without credentials.

use serde::{Deserialize, Serialize};

use super::attachment;
use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("remoteStaticAttachment", true);

/// Bytes of the secret and of the salt.
pub const KEY_LEN: usize = 32;
/// Bytes of the nonce.
pub const NONCE_LEN: usize = 12;

/// An encrypted file elsewhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteAttachment {
    /// Where it lies.
    pub url: String,
    /// SHA-256 of the encrypted bytes, hex.
    pub content_digest: String,
    /// 32 bytes.
    #[serde(with = "serde_bytes")]
    pub secret: Vec<u8>,
    /// 32 bytes.
    #[serde(with = "serde_bytes")]
    pub salt: Vec<u8>,
    /// 12 bytes.
    #[serde(with = "serde_bytes")]
    pub nonce: Vec<u8>,
    /// `https://`; some write `https`.
    pub scheme: String,
    /// How many bytes the encrypted file has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_length: Option<u32>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Without the keys.
impl std::fmt::Debug for RemoteAttachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteAttachment")
            .field("content_digest", &self.content_digest)
            .field("content_length", &self.content_length)
            .finish_non_exhaustive()
    }
}

impl RemoteAttachment {
    /// Encodes the reference.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        self.check()?;
        let mut parameters = vec![
            ("contentDigest", self.content_digest.to_ascii_lowercase()),
            ("secret", hex::encode(&self.secret)),
            ("salt", hex::encode(&self.salt)),
            ("nonce", hex::encode(&self.nonce)),
            ("scheme", self.scheme.clone()),
        ];
        if let Some(length) = self.content_length {
            parameters.push(("contentLength", length.to_string()));
        }
        if let Some(filename) = &self.filename {
            parameters.push(("filename", filename.clone()));
        }
        let fallback = attachment::fallback(self.filename.as_deref(), "remote attachments");
        Ok(EncodedContent {
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            ..TYPE.content(self.url.clone().into_bytes(), Some(fallback))
        })
    }

    /// Decodes a reference. Keys of the wrong length are refused; a length that is no number is left out.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Field`], [`ContentError::Encoding`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let text = |name: &'static str| content.parameters.get(name).ok_or(ContentError::Field(name));
        let key = |name: &'static str| hex::decode(text(name)?).map_err(|_| ContentError::Field(name));
        let found = Self {
            url: String::from_utf8(content.content.clone()).map_err(|_| ContentError::Encoding)?,
            content_digest: text("contentDigest")?.clone(),
            secret: key("secret")?,
            salt: key("salt")?,
            nonce: key("nonce")?,
            scheme: content.parameters.get("scheme").cloned().unwrap_or_default(),
            content_length: content
                .parameters
                .get("contentLength")
                .and_then(|length| length.parse().ok()),
            filename: content.parameters.get("filename").cloned(),
        };
        found.check()?;
        Ok(found)
    }

    /// Whether digest and keys have the right lengths.
    ///
    /// # Errors
    /// [`ContentError::Field`] with the first that has not.
    pub fn check(&self) -> Result<(), ContentError> {
        let fields: [(&'static str, bool); 4] = [
            (
                "contentDigest",
                hex::decode(&self.content_digest).is_ok_and(|digest| digest.len() == 32),
            ),
            ("secret", self.secret.len() == KEY_LEN),
            ("salt", self.salt.len() == KEY_LEN),
            ("nonce", self.nonce.len() == NONCE_LEN),
        ];
        match fields.into_iter().find(|(_, right)| !right) {
            Some((name, _)) => Err(ContentError::Field(name)),
            None => Ok(()),
        }
    }
}
