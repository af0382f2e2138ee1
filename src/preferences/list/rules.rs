//! When an entry of the list may change: the four rules of XIP-42, and no other.

use super::action::Listed;
use crate::storage::Occasion;

/// What is to be written to the list about an entry that says `listed`, when `wanted` came about on this occasion.
/// `None`: nothing.
///
/// Receiving a message, opening a conversation or an app's own judgement of spam are no occasions.
///
/// # Source
/// XIP-42, "Backward Compatibility".
#[must_use]
pub fn update(listed: Option<Listed>, occasion: Occasion, wanted: Listed) -> Option<Listed> {
    match (occasion, listed) {
        // 1 and 2: the person denied or allowed.
        (Occasion::Decided, _) => Some(wanted),
        // 3: the app knew it before there was a list.
        (Occasion::Legacy, None) => Some(wanted),
        // 4: the person answered, which is a word for the conversation, never one against it.
        (Occasion::Replied, None) if wanted == Listed::Allowed => Some(wanted),
        (Occasion::Legacy | Occasion::Replied, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Listed::{Allowed, Denied};

    const EVERY: [Option<Listed>; 3] = [None, Some(Allowed), Some(Denied)];

    #[test]
    fn xip_42_rule_1_who_denies_changes_the_entry_whatever_it_said() {
        for listed in EVERY {
            assert_eq!(update(listed, Occasion::Decided, Denied), Some(Denied));
        }
    }

    #[test]
    fn xip_42_rule_2_who_allows_changes_the_entry_whatever_it_said() {
        for listed in EVERY {
            assert_eq!(update(listed, Occasion::Decided, Allowed), Some(Allowed));
        }
    }

    #[test]
    fn xip_42_rule_3_what_the_app_knew_before_is_written_where_there_is_no_entry() {
        for wanted in [Allowed, Denied] {
            assert_eq!(update(None, Occasion::Legacy, wanted), Some(wanted));
            assert_eq!(update(Some(Allowed), Occasion::Legacy, wanted), None);
            assert_eq!(update(Some(Denied), Occasion::Legacy, wanted), None);
        }
    }

    #[test]
    fn xip_42_rule_4_an_answer_allows_where_there_is_no_entry() {
        assert_eq!(update(None, Occasion::Replied, Allowed), Some(Allowed));
        assert_eq!(update(Some(Denied), Occasion::Replied, Allowed), None);
        assert_eq!(update(Some(Allowed), Occasion::Replied, Allowed), None);
        for listed in EVERY {
            assert_eq!(update(listed, Occasion::Replied, Denied), None);
        }
    }
}
