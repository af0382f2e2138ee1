//! `xmtp.org/reply:1.0`: content of any type that answers a message.
//!
//! # Source
//! `@xmtp/content-type-reply`. The parameter `contentType` is written for old readers; the type of the nested
//! content is what counts.

use super::known::KnownType;
use super::text;
use crate::messages::{ContentError, EncodedContent};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("reply", true);

/// How many replies may lie within each other. The wire allows any number.
pub const MAX_DEPTH: usize = 8;

/// An answer to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The message's id in hex.
    pub reference: String,
    /// Who sent that message.
    pub reference_inbox_id: Option<String>,
    /// What is answered.
    pub content: EncodedContent,
}

impl Reply {
    /// Encodes the reply.
    ///
    /// # Errors
    /// [`ContentError::Field`] when the nested content has no type, [`ContentError::TooDeep`].
    pub fn encode(&self) -> Result<EncodedContent, ContentError> {
        let nested_type = self
            .content
            .content_type
            .as_ref()
            .ok_or(ContentError::Field("content type of the reply"))?;
        check_depth(&self.content)?;
        let fallback = match text::decode(&self.content) {
            Ok(text) => format!("Replied with \"{text}\" to an earlier message"),
            Err(_) => "Replied to an earlier message".to_owned(),
        };
        let mut parameters = vec![
            ("reference", self.reference.clone()),
            ("contentType", nested_type.to_string()),
        ];
        if let Some(inbox_id) = &self.reference_inbox_id {
            parameters.push(("referenceInboxId", inbox_id.clone()));
        }
        Ok(EncodedContent {
            parameters: parameters
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            ..TYPE.content(self.content.encode(), Some(fallback))
        })
    }

    /// Decodes a reply. Its content may be of any type, known or not.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Field`] without a reference, [`ContentError::Malformed`],
    /// [`ContentError::TooDeep`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let outer = TYPE.open(content)?;
        let reference = outer
            .parameters
            .get("reference")
            .ok_or(ContentError::Field("reference"))?;
        let nested = EncodedContent::decode(&outer.content)?;
        check_depth(&nested)?;
        Ok(Self {
            reference: reference.clone(),
            reference_inbox_id: outer.parameters.get("referenceInboxId").cloned(),
            content: nested,
        })
    }
}

/// Follows replies within a reply.
fn check_depth(nested: &EncodedContent) -> Result<(), ContentError> {
    let mut at = nested.clone();
    for _ in 1..MAX_DEPTH {
        if !TYPE.is_type_of(&at) {
            return Ok(());
        }
        // what does not decode further is shown by its fallback
        let Ok(next) = at
            .inflated()
            .and_then(|reply| EncodedContent::decode(&reply.content))
        else {
            return Ok(());
        };
        at = next;
    }
    if TYPE.is_type_of(&at) {
        return Err(ContentError::TooDeep { limit: MAX_DEPTH });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Result<EncodedContent, ContentError> {
        (0..depth).try_fold(text::encode("inner"), |content, _| {
            Reply {
                reference: "00".repeat(32),
                reference_inbox_id: None,
                content,
            }
            .encode()
        })
    }

    #[test]
    fn replies_within_replies_are_bounded_on_the_way_out_and_in() {
        let deepest = nested(MAX_DEPTH).expect("allowed");
        assert!(Reply::decode(&deepest).is_ok());
        let too_deep = Err(ContentError::TooDeep { limit: MAX_DEPTH });
        assert_eq!(nested(MAX_DEPTH + 1), too_deep);
        let forged = EncodedContent {
            content: deepest.encode(),
            ..nested(1).expect("allowed")
        };
        assert_eq!(Reply::decode(&forged).map(|_| forged), too_deep);
    }

    #[test]
    fn the_fallback_quotes_a_text_and_nothing_else() {
        let of = |content: EncodedContent| {
            Reply {
                reference: String::new(),
                reference_inbox_id: None,
                content,
            }
            .encode()
            .expect("encodes")
            .fallback
        };
        assert_eq!(
            of(text::encode("I agree")).as_deref(),
            Some("Replied with \"I agree\" to an earlier message")
        );
        assert_eq!(
            of(super::super::markdown::encode("I")).as_deref(),
            Some("Replied to an earlier message")
        );
    }

    #[test]
    fn content_without_a_type_cannot_be_a_reply() {
        let reply = Reply {
            reference: String::new(),
            reference_inbox_id: None,
            content: EncodedContent::default(),
        };
        assert!(matches!(reply.encode(), Err(ContentError::Field(_))));
    }
}
