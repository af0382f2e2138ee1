//! `xmtp.org/reaction:2.0`, which is written, and `reaction:1.0`, which is read: as JSON, and in the oldest form
//! with all but the emoji in parameters.
//!
//! # Source
//! XRC-20; `ReactionV2` of xmtp/proto; `@xmtp/content-type-reaction` for the older forms.

use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::content_types::ReactionV2;

/// The content type written.
pub const TYPE: KnownType = KnownType::xmtp("reaction", false).version(2, 0);
/// The content type of older clients.
pub const TYPE_1: KnownType = KnownType::xmtp("reaction", false);

/// Whether a reaction is put or taken back. The numbers are the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "i32", from = "i32")]
pub enum ReactionAction {
    /// Something a later client writes.
    Unknown = 0,
    /// Put.
    Added = 1,
    /// Taken back.
    Removed = 2,
}

/// What a reaction's content is. The numbers are the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "i32", from = "i32")]
pub enum ReactionSchema {
    /// Something a later client writes.
    Unknown = 0,
    /// An emoji.
    Unicode = 1,
    /// A name of an emoji, such as `smile`.
    Shortcode = 2,
    /// Whatever two apps agree on.
    Custom = 3,
}

impl From<i32> for ReactionAction {
    fn from(value: i32) -> Self {
        match value {
            1 => Self::Added,
            2 => Self::Removed,
            _ => Self::Unknown,
        }
    }
}

impl From<ReactionAction> for i32 {
    fn from(action: ReactionAction) -> Self {
        action as i32
    }
}

impl From<i32> for ReactionSchema {
    fn from(value: i32) -> Self {
        match value {
            1 => Self::Unicode,
            2 => Self::Shortcode,
            3 => Self::Custom,
            _ => Self::Unknown,
        }
    }
}

impl From<ReactionSchema> for i32 {
    fn from(schema: ReactionSchema) -> Self {
        schema as i32
    }
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The message's id in hex.
    pub reference: String,
    /// Who sent that message; may be empty.
    #[serde(default)]
    pub reference_inbox_id: String,
    /// Put or taken back.
    pub action: ReactionAction,
    /// The emoji, its name, or whatever the schema says.
    pub content: String,
    /// What `content` is.
    pub schema: ReactionSchema,
}

/// How large the body of a reaction may be: an emoji or a word, with two ids, takes some hundred bytes.
const MAX_BYTES: usize = 8 * 1024;

impl Reaction {
    /// Encodes as `reaction:2.0`.
    #[must_use]
    pub fn encode(&self) -> EncodedContent {
        let body = ReactionV2 {
            reference: self.reference.clone(),
            reference_inbox_id: self.reference_inbox_id.clone(),
            action: self.action.into(),
            content: self.content.clone(),
            schema: self.schema.into(),
        };
        let fallback = match self.action {
            ReactionAction::Removed => format!("Removed \"{}\" from an earlier message", self.content),
            _ => format!("Reacted with \"{}\" to an earlier message", self.content),
        };
        TYPE.content(body.encode_to_vec(), Some(fallback))
    }

    /// Decodes a reaction of any form, of at most 8 KiB: all that were sent to a message are held in memory to show it.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`], [`ContentError::TooLarge`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        if TYPE_1.is_type_of(content) {
            let content = TYPE_1.open_within(content, MAX_BYTES)?;
            return serde_json::from_slice(&content.content)
                .map(|json: Json| json.into())
                .or_else(|_| Self::decode_oldest(&content));
        }
        let content = TYPE.open_within(content, MAX_BYTES)?;
        let body = ReactionV2::decode(content.content.as_slice()).map_err(|_| ContentError::Malformed)?;
        Ok(Self {
            reference: body.reference,
            reference_inbox_id: body.reference_inbox_id,
            action: body.action.into(),
            content: body.content,
            schema: body.schema.into(),
        })
    }

    fn decode_oldest(content: &EncodedContent) -> Result<Self, ContentError> {
        let parameter = |name: &str| content.parameters.get(name).map(String::as_str);
        let (Some(reference), Some(action), Some(schema)) =
            (parameter("reference"), parameter("action"), parameter("schema"))
        else {
            return Err(ContentError::Malformed);
        };
        Ok(Self {
            reference: reference.to_owned(),
            reference_inbox_id: parameter("referenceInboxId").unwrap_or_default().to_owned(),
            action: action_of(action),
            content: String::from_utf8(content.content.clone()).map_err(|_| ContentError::Encoding)?,
            schema: schema_of(schema),
        })
    }
}

/// The body of `reaction:1.0`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    action: String,
    reference: String,
    #[serde(default)]
    reference_inbox_id: Option<String>,
    schema: String,
    content: String,
}

impl From<Json> for Reaction {
    fn from(json: Json) -> Self {
        Self {
            action: action_of(&json.action),
            schema: schema_of(&json.schema),
            reference: json.reference,
            reference_inbox_id: json.reference_inbox_id.unwrap_or_default(),
            content: json.content,
        }
    }
}

fn action_of(name: &str) -> ReactionAction {
    match name {
        "added" => ReactionAction::Added,
        "removed" => ReactionAction::Removed,
        _ => ReactionAction::Unknown,
    }
}

fn schema_of(name: &str) -> ReactionSchema {
    match name {
        "unicode" => ReactionSchema::Unicode,
        "shortcode" => ReactionSchema::Shortcode,
        "custom" => ReactionSchema::Custom,
        _ => ReactionSchema::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Compression;
    use flate2::write::ZlibEncoder;
    use std::io::Write as _;

    #[test]
    fn what_a_later_client_writes_is_unknown_and_no_error() {
        let body = ReactionV2 {
            action: 9,
            schema: -1,
            ..Default::default()
        };
        let read = Reaction::decode(&TYPE.content(body.encode_to_vec(), None)).expect("reads");
        assert_eq!(
            (read.action, read.schema),
            (ReactionAction::Unknown, ReactionSchema::Unknown)
        );
    }

    #[test]
    fn one_that_would_fill_the_memory_is_refused_in_whichever_form_it_comes() {
        let reaction = Reaction {
            reference: String::new(),
            reference_inbox_id: String::new(),
            action: ReactionAction::Added,
            content: "x".repeat(MAX_BYTES),
            schema: ReactionSchema::Custom,
        };
        let plain = reaction.encode();
        let mut deflating = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        deflating.write_all(&plain.content).expect("in memory");
        let compressed = EncodedContent {
            content: deflating.finish().expect("in memory"),
            compression: Some(Compression::Deflate),
            ..plain.clone()
        };
        assert!(compressed.content.len() < 100);
        for content in [plain, compressed] {
            let limit = MAX_BYTES;
            assert_eq!(Reaction::decode(&content), Err(ContentError::TooLarge { limit }));
        }
    }
}
