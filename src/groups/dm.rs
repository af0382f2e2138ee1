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

#[cfg(test)]
mod tests {
    use super::*;

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
