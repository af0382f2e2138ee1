//! Direct messages between two inboxes.

use crate::ids::InboxId;

/// The id shared by all groups that are the same direct message: `dm:` and the two inbox ids in ascending
/// order, joined by `:`.
///
/// # Source
/// libxmtp; seen with `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly.
#[must_use]
pub fn dm_id(one: InboxId, other: InboxId) -> String {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    format!("dm:{low}:{high}")
}

/// The one of the two people in a [`dm_id`] that is not `own`; `None` when `own` is neither, or the text is no
/// such id.
#[must_use]
pub fn other_member(dm_id: &str, own: InboxId) -> Option<InboxId> {
    let (low, high) = dm_id.strip_prefix("dm:")?.split_once(':')?;
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    match own {
        own if own == low => Some(high),
        own if own == high => Some(low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_member_is_found_from_either_side() {
        let (one, two, three) = (
            InboxId::new([1; 32]),
            InboxId::new([2; 32]),
            InboxId::new([3; 32]),
        );
        let id = dm_id(two, one);
        assert_eq!(other_member(&id, one), Some(two));
        assert_eq!(other_member(&id, two), Some(one));
        assert_eq!(other_member(&id, three), None);
        for text in ["", "dm:", "dm:ab:cd", &id[3..]] {
            assert_eq!(other_member(text, one), None, "{text}");
        }
    }

    #[test]
    fn both_sides_derive_the_same_id() {
        let (one, two) = (InboxId::new([1; 32]), InboxId::new([2; 32]));
        assert_eq!(dm_id(one, two), dm_id(two, one));
        assert_eq!(
            dm_id(two, one),
            format!("dm:{}:{}", "01".repeat(32), "02".repeat(32))
        );
    }
}
