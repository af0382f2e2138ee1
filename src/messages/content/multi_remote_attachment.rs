//! `xmtp.org/multiRemoteStaticAttachment:1.0` (XIP-50): several encrypted files elsewhere, each with its own keys.

use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::attachment;
use super::known::KnownType;
use super::remote_attachment::RemoteAttachment;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::content_types as proto;

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("multiRemoteStaticAttachment", true);

/// Encrypted files elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRemoteAttachment {
    /// Each of them.
    pub attachments: Vec<RemoteAttachment>,
}

impl MultiRemoteAttachment {
    /// Encodes the references.
    ///
    /// # Errors
    /// [`ContentError::Field`] when a digest or key has the wrong length.
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        for attachment in &self.attachments {
            attachment.check()?;
        }
        let attachments = self
            .attachments
            .iter()
            .cloned()
            .map(|file| proto::RemoteAttachmentInfo {
                content_digest: file.content_digest.to_ascii_lowercase(),
                secret: file.secret,
                nonce: file.nonce,
                salt: file.salt,
                scheme: file.scheme,
                url: file.url,
                content_length: file.content_length,
                filename: file.filename,
            });
        let body = proto::MultiRemoteAttachment {
            attachments: attachments.collect(),
        };
        let fallback = attachment::fallback(None, "multiple remote attachments");
        Ok(TYPE.content(body.encode_to_vec(), Some(fallback)))
    }

    /// Decodes the references.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`], [`ContentError::Field`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let body = proto::MultiRemoteAttachment::decode(content.content.as_slice())
            .map_err(|_| ContentError::Malformed)?;
        let attachments = body.attachments.into_iter().map(|info| {
            let file = RemoteAttachment {
                url: info.url,
                content_digest: info.content_digest,
                secret: info.secret,
                salt: info.salt,
                nonce: info.nonce,
                scheme: info.scheme,
                content_length: info.content_length,
                filename: info.filename,
            };
            file.check().map(|()| file)
        });
        Ok(Self {
            attachments: attachments.collect::<Result<_, _>>()?,
        })
    }
}
