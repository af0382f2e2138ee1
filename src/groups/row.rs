//! The row of an application message, whether it is on its way out or has arrived.

use crate::ids::{GroupId, InboxId, InstallationId};
use crate::messages::{EncodedContent, Plaintext, content};
use crate::storage::{DeliveryStatus, GroupRow, MessageKind, MessageRow};

/// The row of a message that is not on the network yet. Content that is no `EncodedContent` is kept as it is,
/// without a type.
pub(super) fn unpublished(
    group_id: GroupId,
    sender: (InboxId, InstallationId),
    plaintext: &Plaintext,
    should_push: bool,
    now_ns: i64,
) -> MessageRow {
    let encoded = EncodedContent::decode(&plaintext.content).unwrap_or_default();
    let reference_id = content::reference(&encoded);
    let content_type = encoded.content_type.unwrap_or_default();
    MessageRow {
        id: plaintext.message_id(group_id),
        group_id,
        idempotency_key: plaintext.idempotency_key.clone(),
        sent_at_ns: now_ns,
        inserted_at_ns: now_ns,
        kind: MessageKind::Application,
        sender_inbox_id: sender.0,
        sender_installation_id: sender.1,
        delivery_status: DeliveryStatus::Unpublished,
        authority_id: content_type.authority_id,
        type_id: content_type.type_id,
        version_major: content_type.version_major,
        version_minor: content_type.version_minor,
        reference_id,
        sequence_id: None,
        originator_id: None,
        expire_at_ns: None,
        should_push,
        content: plaintext.content.clone(),
    }
}

/// When a message of a group disappears that is on the network since now.
///
/// # Source
/// libxmtp: enabled when both settings are above 0, counted from the local time of processing.
pub(super) fn expiry(group: &GroupRow, now_ns: i64) -> Option<i64> {
    match (group.message_disappear_from_ns, group.message_disappear_in_ns) {
        (Some(from), Some(after)) if from > 0 && after > 0 => Some(now_ns.saturating_add(after)),
        _ => None,
    }
}

/// Whether a message is a line of its own. Reactions, read receipts and removals are not, and do not make a
/// conversation the one with the newest message.
pub(super) fn is_listed(row: &MessageRow) -> bool {
    !matches!(
        (row.authority_id.as_str(), row.type_id.as_str(), row.version_major),
        ("xmtp.org", "reaction", 1 | 2)
            | ("xmtp.org", "readReceipt" | "deleteMessage", 1)
            | ("xmtp.org", "delete" | "remove", 0)
    )
}
