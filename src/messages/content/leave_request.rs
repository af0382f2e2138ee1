//! `xmtp.org/leave_request:1.0` (XIP-75): a member asks to be removed. The groups room acts on it.

use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::LeaveRequest as Proto;

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("leave_request", false);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaveRequest {
    /// A statement that nobody writes yet.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    pub authenticated_note: Option<Vec<u8>>,
}

impl LeaveRequest {
    /// Encodes the request. It has no fallback.
    #[must_use]
    pub fn encode(&self) -> EncodedContent {
        let body = Proto {
            authenticated_note: self.authenticated_note.clone(),
        };
        TYPE.content(body.encode_to_vec(), None)
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let body = Proto::decode(content.content.as_slice()).map_err(|_| ContentError::Malformed)?;
        Ok(Self {
            authenticated_note: body.authenticated_note,
        })
    }
}
