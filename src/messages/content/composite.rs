//! `xmtp.org/composite:1.0` (XIP-9), which XRC-19 deprecates: read, never written.

use prost::Message as _;

use super::known::KnownType;
use super::reply::MAX_DEPTH;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::content_types::{
    Composite as Proto, composite::part::Element,
};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("composite", false);

/// Several contents in one, in order; nested ones are laid out flat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// Each of them.
    pub parts: Vec<EncodedContent>,
}

impl Composite {
    /// Decodes the parts.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`], [`ContentError::TooDeep`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let body = Proto::decode(content.content.as_slice()).map_err(|_| ContentError::Malformed)?;
        let mut parts = Vec::new();
        collect(body, 1, &mut parts)?;
        Ok(Self { parts })
    }
}

fn collect(composite: Proto, depth: usize, parts: &mut Vec<EncodedContent>) -> Result<(), ContentError> {
    if depth > MAX_DEPTH {
        return Err(ContentError::TooDeep { limit: MAX_DEPTH });
    }
    for part in composite.parts {
        match part.element {
            Some(Element::Part(content)) => parts.push(content.into()),
            Some(Element::Composite(inner)) => collect(inner, depth + 1, parts)?,
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::content::text;
    use crate::proto::xmtp::mls::message_contents::content_types::composite::Part;

    fn nested(depth: usize) -> Proto {
        let part = |element| Part {
            element: Some(element),
        };
        let content = text::encode("inner").encode();
        let content = crate::proto::xmtp::mls::message_contents::EncodedContent::decode(content.as_slice());
        let innermost = Proto {
            parts: vec![
                part(Element::Part(content.expect("content"))),
                Part { element: None },
            ],
        };
        (1..depth).fold(innermost, |inner, _| Proto {
            parts: vec![part(Element::Composite(inner))],
        })
    }

    #[test]
    fn parts_come_in_order_and_nesting_is_bounded() {
        let read = |depth| Composite::decode(&TYPE.content(nested(depth).encode_to_vec(), None));
        let parts = read(MAX_DEPTH).expect("allowed").parts;
        assert_eq!(
            parts.iter().map(text::decode).collect::<Vec<_>>(),
            [Ok("inner".into())]
        );
        assert_eq!(
            read(MAX_DEPTH + 1),
            Err(ContentError::TooDeep { limit: MAX_DEPTH })
        );
        // protobuf gives up earlier than the stack
        assert_eq!(read(90), Err(ContentError::Malformed));
    }
}
