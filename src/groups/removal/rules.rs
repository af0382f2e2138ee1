//! The rules, as pure functions of a removal and its target.
//!
//! # Source
//! XIP-45: one's own message within 24 hours, "as a maintainer, … someone else's message" without a limit. XIP-76 and
//! libxmtp: one's own message at any time, anybody's as a super admin.

use crate::storage::{MessageKind, MessageRow, RemovalRow, RemovalRule, Role};

/// How old one's own message may be to be removed by XIP-45, in nanoseconds by the network's clock, inclusive: 24
/// hours.
pub const MAX_AGE_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// Types that can be removed, all of authority `xmtp.org` and version 1, as in libxmtp.
const REMOVABLE: [&str; 8] = [
    "text",
    "markdown",
    "reply",
    "attachment",
    "remoteStaticAttachment",
    "multiRemoteStaticAttachment",
    "transactionReference",
    "walletSendCalls",
];

/// Whether messages of this kind can be removed: what people say, not lines of the transcript, reactions, receipts,
/// requests, removals and what is unknown.
#[must_use]
pub fn is_removable(target: &MessageRow) -> bool {
    target.kind == MessageKind::Application
        && target.authority_id == "xmtp.org"
        && target.version_major == 1
        && REMOVABLE.contains(&target.type_id.as_str())
}

/// Whether a removal removes a message.
#[must_use]
pub fn is_valid(removal: &RemovalRow, target: &MessageRow) -> bool {
    // an inbox, not an installation
    let own = removal.sender_inbox_id == target.sender_inbox_id;
    let allowed = match removal.rule {
        RemovalRule::Xip45 => {
            // older than its target it can only be by a clock that is off
            let age = removal.sent_at_ns.saturating_sub(target.sent_at_ns);
            removal.sender_role != Role::Member || own && age <= MAX_AGE_NS
        }
        RemovalRule::Libxmtp => own || removal.sender_role == Role::SuperAdmin,
    };
    allowed
        && !removal.failed
        && removal.target_id == target.id
        && removal.group_id == target.group_id
        && is_removable(target)
}
