//! What all payloads of a list say together: of each entry the last word counts.

use std::collections::BTreeMap;

use super::action::{Action, Listed, Subject};

/// Nanoseconds of a millisecond.
const MS: u64 = 1_000_000;

/// What the list says of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its state.
    pub state: Listed,
    /// When its writer says they wrote it, nanoseconds since the Unix epoch.
    pub written_ns: u64,
}

/// A list, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    entries: BTreeMap<(Subject, String), Entry>,
}

impl List {
    /// Takes an action in, in the order of the network's listing. Time counts by the millisecond, and within one the order
    /// of the listing: a node lists by the nanosecond, so nothing is lost, and a list in another order reads as peers read
    /// it. An action without a time does not count.
    ///
    /// # Source
    /// xmtp-js 13.0.4, `Contacts.ts` and `privatePreferencesStore.ts`.
    pub fn replay(&mut self, written_ns: u64, action: &Action) {
        if written_ns == 0 {
            return;
        }
        for value in &action.values {
            let key = (action.subject, value.clone());
            let known = self.entries.get(&key);
            if known.is_none_or(|known| written_ns / MS >= known.written_ns / MS) {
                let state = action.state;
                self.entries.insert(key, Entry { state, written_ns });
            }
        }
    }

    /// What it says of an entry. Addresses are looked up whatever their case: of several spellings the last word counts.
    #[must_use]
    pub fn get(&self, subject: Subject, value: &str) -> Option<Entry> {
        if subject != Subject::Address {
            return self.entries.get(&(subject, value.to_owned())).copied();
        }
        self.iter()
            .filter(|(found, spelled, _)| *found == subject && spelled.eq_ignore_ascii_case(value))
            .map(|(_, _, entry)| entry)
            .max_by_key(|entry| entry.written_ns)
    }

    /// Every entry, as it was spelled.
    pub fn iter(&self) -> impl Iterator<Item = (Subject, &str, Entry)> {
        self.entries
            .iter()
            .map(|((subject, value), entry)| (*subject, value.as_str(), *entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(state: Listed, value: &str) -> Action {
        Action {
            subject: Subject::Address,
            state,
            values: vec![value.to_owned()],
        }
    }

    #[test]
    fn what_has_no_time_does_not_count() {
        let mut list = List::default();
        list.replay(0, &action(Listed::Denied, "0xa"));
        assert_eq!(list, List::default());
    }

    #[test]
    fn the_last_of_several_spellings_of_an_address_counts() {
        let mut list = List::default();
        list.replay(2 * MS, &action(Listed::Denied, "0xAb"));
        list.replay(MS, &action(Listed::Allowed, "0xab"));
        let state = |value| list.get(Subject::Address, value).map(|entry| entry.state);
        assert_eq!(state("0xAB"), Some(Listed::Denied));
        assert_eq!(state("0xac"), None);
        assert_eq!(list.iter().count(), 2);
    }
}
