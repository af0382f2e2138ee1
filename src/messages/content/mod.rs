//! Content types, one per file.

pub mod group_updated;
pub mod text;

/// What the content of a reply, reaction or removal refers to, if its type has such a thing.
///
/// Only the types whose reference is a message id in a well-known place are known here.
#[must_use]
pub fn reference(content: &super::EncodedContent) -> Option<crate::ids::MessageId> {
    let content_type = content.content_type.as_ref()?;
    match (content_type.authority_id.as_str(), content_type.type_id.as_str()) {
        ("xmtp.org", "reply") => content.parameters.get("reference")?.parse().ok(),
        _ => None,
    }
}
