//! The envelope of an application message and the id derived from it.
//!
//! # Source
//! `PlaintextEnvelope` and `EncodedContent` of xmtp/proto; XIP-5; message ids seen with `@xmtp/node-sdk`
//! 5.5.0 to 6.1.0-nightly.

use std::collections::BTreeMap;
use std::fmt;

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::error::ContentError;
use crate::ids::{GroupId, MessageId};
use crate::proto::xmtp::mls::message_contents as proto;

/// What is encrypted: content and the key its id is derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plaintext {
    /// Normally an encoded [`EncodedContent`].
    pub content: Vec<u8>,
    /// Chosen by the sender; libxmtp takes the send time in nanoseconds, as decimal text.
    pub idempotency_key: String,
}

impl Plaintext {
    /// Decodes the envelope. `None`: an older device-sync message, which current clients ignore.
    ///
    /// # Errors
    /// [`ContentError::Envelope`].
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, ContentError> {
        use proto::plaintext_envelope::Content;
        let envelope = proto::PlaintextEnvelope::decode(bytes).map_err(|_| ContentError::Envelope)?;
        match envelope.content.ok_or(ContentError::Envelope)? {
            Content::V1(v1) => Ok(Some(Self {
                content: v1.content,
                idempotency_key: v1.idempotency_key,
            })),
            Content::V2(_) => Ok(None),
        }
    }

    /// Encodes the envelope.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        use proto::plaintext_envelope::{Content, V1};
        let v1 = V1 {
            content: self.content.clone(),
            idempotency_key: self.idempotency_key.clone(),
        };
        proto::PlaintextEnvelope {
            content: Some(Content::V1(v1)),
        }
        .encode_to_vec()
    }

    /// The id of this message in a group.
    #[must_use]
    pub fn message_id(&self, group_id: GroupId) -> MessageId {
        message_id(group_id, &self.idempotency_key, &self.content)
    }
}

/// SHA-256 of group id, TAB, idempotency key, TAB, content.
#[must_use]
pub fn message_id(group_id: GroupId, idempotency_key: &str, content: &[u8]) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(group_id.as_bytes());
    hash.update(b"\t");
    hash.update(idempotency_key.as_bytes());
    hash.update(b"\t");
    hash.update(content);
    MessageId::new(hash.finalize().into())
}

/// Names what content is. Minor versions of one major are compatible (XIP-5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ContentType {
    /// Who defines the type, such as `xmtp.org`.
    pub authority_id: String,
    /// The type's name.
    pub type_id: String,
    /// Major version.
    pub version_major: u32,
    /// Minor version.
    pub version_minor: u32,
}

impl ContentType {
    /// A type of authority `xmtp.org`, version `major.0`.
    #[must_use]
    pub fn xmtp(type_id: &str, major: u32) -> Self {
        Self {
            authority_id: "xmtp.org".into(),
            type_id: type_id.into(),
            version_major: major,
            version_minor: 0,
        }
    }

    /// Whether a codec for `other` reads this: all but the minor version agree.
    #[must_use]
    pub fn is_compatible(&self, other: &Self) -> bool {
        (&self.authority_id, &self.type_id, self.version_major)
            == (&other.authority_id, &other.type_id, other.version_major)
    }
}

/// `authority/type:major.minor`, for people.
impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}:{}.{}",
            self.authority_id, self.type_id, self.version_major, self.version_minor
        )
    }
}

/// How content is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// A zlib container (RFC 1950).
    Deflate,
    /// gzip (RFC 1952).
    Gzip,
    /// A value this client does not know.
    Unknown(i32),
}

/// Content with its type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedContent {
    /// What it is; `None` when the sender did not say.
    pub content_type: Option<ContentType>,
    /// Depending on the type.
    pub parameters: BTreeMap<String, String>,
    /// What to show where the type is unknown. `None`: nothing.
    pub fallback: Option<String>,
    /// The bytes of the content.
    pub content: Vec<u8>,
    /// Whether and how `content` is compressed.
    pub compression: Option<Compression>,
}

impl EncodedContent {
    /// Decodes from protobuf.
    ///
    /// # Errors
    /// [`ContentError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let content = proto::EncodedContent::decode(bytes).map_err(|_| ContentError::Malformed)?;
        Ok(content.into())
    }

    /// Encodes to protobuf.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        proto::EncodedContent {
            r#type: self.content_type.as_ref().map(|id| proto::ContentTypeId {
                authority_id: id.authority_id.clone(),
                type_id: id.type_id.clone(),
                version_major: id.version_major,
                version_minor: id.version_minor,
            }),
            parameters: self.parameters.clone().into_iter().collect(),
            fallback: self.fallback.clone(),
            content: self.content.clone(),
            compression: self.compression.map(|compression| match compression {
                Compression::Deflate => proto::Compression::Deflate.into(),
                Compression::Gzip => proto::Compression::Gzip.into(),
                Compression::Unknown(value) => value,
            }),
        }
        .encode_to_vec()
    }
}

impl From<proto::EncodedContent> for EncodedContent {
    fn from(content: proto::EncodedContent) -> Self {
        Self {
            content_type: content.r#type.map(|id| ContentType {
                authority_id: id.authority_id,
                type_id: id.type_id,
                version_major: id.version_major,
                version_minor: id.version_minor,
            }),
            parameters: content.parameters.into_iter().collect(),
            fallback: content.fallback,
            content: content.content,
            compression: content
                .compression
                .map(|value| match proto::Compression::try_from(value) {
                    Ok(proto::Compression::Deflate) => Compression::Deflate,
                    Ok(proto::Compression::Gzip) => Compression::Gzip,
                    Err(_) => Compression::Unknown(value),
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn envelopes_survive_a_round_trip(content: Vec<u8>, idempotency_key: String) {
            let plaintext = Plaintext { content, idempotency_key };
            prop_assert_eq!(Plaintext::decode(&plaintext.encode()), Ok(Some(plaintext)));
        }

        #[test]
        fn encoded_content_survives_a_round_trip(
            type_id: String, parameters: BTreeMap<String, String>, fallback: Option<String>, content: Vec<u8>,
        ) {
            let content = EncodedContent {
                content_type: Some(ContentType::xmtp(&type_id, 2)),
                parameters, fallback, content, compression: Some(Compression::Deflate),
            };
            prop_assert_eq!(EncodedContent::decode(&content.encode()), Ok(content));
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Plaintext::decode(&bytes);
            let _ = EncodedContent::decode(&bytes);
        }
    }

    #[test]
    fn an_empty_envelope_is_refused() {
        assert_eq!(Plaintext::decode(&[]), Err(ContentError::Envelope));
    }
}
