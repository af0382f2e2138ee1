//! `coinbase.com/intent:1.0`: the button of a question that somebody pressed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("intent", true).authority("coinbase.com");

/// How many bytes the metadata may have as JSON.
pub const MAX_METADATA: usize = 10 * 1024;

/// An answer. Its form in JSON is the one on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The question's id.
    pub id: String,
    /// The button's id.
    #[serde(alias = "action_id")]
    pub action_id: String,
    /// Whatever the app adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

impl Intent {
    /// Encodes the answer.
    ///
    /// # Errors
    /// [`ContentError::Rule`] when the metadata are too long.
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        let length = |metadata| serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
        if self.metadata.as_ref().map_or(0, length) > MAX_METADATA {
            return Err(ContentError::Rule(
                "the metadata of an intent may have 10 KiB as JSON",
            ));
        }
        let body = serde_json::to_vec(self).map_err(|_| ContentError::Malformed)?;
        let fallback = format!("User selected action: {}", self.action_id);
        Ok(TYPE.content(body, Some(fallback)))
    }

    /// Decodes an answer.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        serde_json::from_slice(&content.content).map_err(|_| ContentError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_metadata_are_refused_and_the_other_spelling_is_read() {
        let with = |length: usize| Intent {
            id: "a".into(),
            action_id: "y".into(),
            metadata: Some(
                [("k".to_owned(), Value::String("x".repeat(length)))]
                    .into_iter()
                    .collect(),
            ),
        };
        assert!(with(MAX_METADATA - 8).encode().is_ok());
        assert!(matches!(
            with(MAX_METADATA - 7).encode(),
            Err(ContentError::Rule(_))
        ));
        let other = TYPE.content(br#"{"id":"a","action_id":"y"}"#.to_vec(), None);
        assert_eq!(
            Intent::decode(&other).map(|intent| intent.action_id),
            Ok("y".into())
        );
    }
}
