//! Whom and what the user lets in.

use super::device_sync::Unsent;
use super::{Columns, list, stored_enum};
use crate::storage::{Db, StorageError};
use rusqlite::params;
use std::collections::BTreeMap;
use std::fmt::Display;

stored_enum! {
    /// What a consent record is about. The numbers are those of the wire, where addresses are not used any more: they are
    /// of the list of XIP-42, and stay here.
    ConsentEntity, "a kind of consent", {
        /// A conversation; the entity is the group id in hex.
        Conversation = 1,
        /// An inbox; the entity is the inbox id in hex.
        Inbox = 2,
        /// A wallet whose inbox is not known; the entity is its address in lower case.
        Address = 3,
    }
}

stored_enum! {
    /// What the user decided. The numbers are those apps know; the wire counts from 1.
    ConsentState, "a consent state", {
        /// Nothing was decided.
        Unknown = 0,
        /// Let in.
        Allowed = 1,
        /// Kept out.
        Denied = 2,
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRow {
    /// What it is about.
    pub entity_type: ConsentEntity,
    /// Which one: lower-case hex.
    pub entity: String,
    /// What was decided.
    pub state: ConsentState,
    /// When.
    pub consented_at_ns: i64,
}

impl ConsentRow {
    /// A decision made here and now. It is later than whatever is known about the entity, also where that comes
    /// from an installation whose clock is ahead: otherwise the others would ignore it.
    #[must_use]
    pub fn decided(
        entity_type: ConsentEntity,
        entity: String,
        state: ConsentState,
        now_ns: i64,
        stored: Option<&ConsentRow>,
    ) -> Self {
        let after = stored.map_or(i64::MIN, |row| row.consented_at_ns.saturating_add(1));
        Self {
            entity_type,
            entity,
            state,
            consented_at_ns: now_ns.max(after),
        }
    }

    /// Whether this record, made by another installation, takes the place of the one stored here: it was decided
    /// later. Of two decisions of one instant the stricter counts, so that everybody ends with the same.
    #[must_use]
    pub fn supersedes(&self, stored: Option<&ConsentRow>) -> bool {
        stored
            .is_none_or(|stored| (self.consented_at_ns, self.state) > (stored.consented_at_ns, stored.state))
    }
}

const COLUMNS: &str = "entity_type, entity, state, consented_at_ns";

pub(super) fn read(c: &mut Columns<'_>) -> rusqlite::Result<ConsentRow> {
    Ok(ConsentRow {
        entity_type: c.take()?,
        entity: c.take()?,
        state: c.take()?,
        consented_at_ns: c.take()?,
    })
}

impl Db {
    /// The decision about an entity, if there is one.
    ///
    /// # Errors
    /// Those of reading.
    pub fn consent_record(
        &self,
        entity_type: ConsentEntity,
        entity: &str,
    ) -> Result<Option<ConsentRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM consent WHERE entity_type = ? AND entity = ?"),
            params![entity_type, entity],
            read,
        )
    }

    /// The state of an entity; [`ConsentState::Unknown`] without a decision.
    ///
    /// # Errors
    /// Those of reading.
    pub fn consent_state(
        &self,
        entity_type: ConsentEntity,
        entity: &str,
    ) -> Result<ConsentState, StorageError> {
        Ok(self
            .consent_record(entity_type, entity)?
            .map_or(ConsentState::Unknown, |row| row.state))
    }

    /// The decided states of conversations or inboxes, as far as something was decided, by one statement.
    ///
    /// # Errors
    /// Those of reading.
    pub fn consent_states<'a, T: Display + 'a>(
        &self,
        entity_type: ConsentEntity,
        entities: impl IntoIterator<Item = &'a T>,
    ) -> Result<BTreeMap<String, ConsentState>, StorageError> {
        let found = self.all(
            "SELECT entity, state FROM consent WHERE entity_type = ? AND entity IN (SELECT value FROM json_each(?))",
            params![entity_type, list(entities)],
            |c| Ok((c.take()?, c.take()?)),
        )?;
        Ok(found.into_iter().collect())
    }

    /// Every decision.
    ///
    /// # Errors
    /// Those of reading.
    pub fn consent_records(&self) -> Result<Vec<ConsentRow>, StorageError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM consent ORDER BY entity_type, entity"),
            [],
            read,
        )
    }

    /// Stores a record over any other. Answers whether the state changed.
    ///
    /// # Errors
    /// Those of writing.
    pub fn set_consent(&self, row: &ConsentRow) -> Result<bool, StorageError> {
        let before = self.consent_state(row.entity_type, &row.entity)?;
        self.execute(
            "INSERT INTO consent (entity_type, entity, state, consented_at_ns) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = ?3, consented_at_ns = ?4",
            params![row.entity_type, row.entity, row.state, row.consented_at_ns],
        )?;
        Ok(before != row.state)
    }

    /// Stores a decision made here and now, to be told to the own other installations. Answers its record, and whether
    /// the state changed.
    ///
    /// # Errors
    /// Those of writing.
    pub fn decide_consent(
        &self,
        entity_type: ConsentEntity,
        entity: &str,
        state: ConsentState,
        now_ns: i64,
    ) -> Result<(ConsentRow, bool), StorageError> {
        let stored = self.consent_record(entity_type, entity)?;
        let row = ConsentRow::decided(entity_type, entity.to_owned(), state, now_ns, stored.as_ref());
        if entity_type != ConsentEntity::Address {
            self.mark_unsent(Unsent::Consent(entity_type), entity)?;
        }
        let is_new = self.set_consent(&row)?;
        Ok((row, is_new))
    }

    /// Forgets a decision that nobody was told.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_consent(&self, entity_type: ConsentEntity, entity: &str) -> Result<(), StorageError> {
        self.mark_sent(Unsent::Consent(entity_type), entity)?;
        self.drop_unpublished(entity_type, entity)?;
        self.execute(
            "DELETE FROM consent WHERE entity_type = ? AND entity = ?",
            params![entity_type, entity],
        )?;
        Ok(())
    }

    /// Stores a decision made by another installation, if it [supersedes](ConsentRow::supersedes) ours. Answers
    /// whether the state changed.
    ///
    /// # Errors
    /// Those of writing.
    ///
    /// # Source
    /// libxmtp compares in the same way but keeps the first time on update, so that a record between the
    /// two can undo a later choice; here both columns are written.
    pub fn apply_synced_consent(&self, row: &ConsentRow) -> Result<bool, StorageError> {
        let stored = self.consent_record(row.entity_type, &row.entity)?;
        if !row.supersedes(stored.as_ref()) {
            return Ok(false);
        }
        self.set_consent(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Store, StoreOptions};
    use proptest::prelude::*;

    proptest! {
        /// Whatever two installations decide and in whatever order they hear of it, they end with the same.
        #[test]
        fn installations_agree_once_each_has_heard_everything(
            decisions in proptest::collection::vec((0i64..4, 0i64..3), 1..12), order: proptest::sample::Index,
        ) {
            let mut rows: Vec<_> = decisions
                .iter()
                .map(|(at, state)| decision(ConsentState::try_from(*state).expect("a state"), *at))
                .collect();
            let outcome = |rows: &[ConsentRow]| {
                let mut stored: Option<ConsentRow> = None;
                for row in rows {
                    if row.supersedes(stored.as_ref()) {
                        stored = Some(row.clone());
                    }
                }
                stored
            };
            let one = outcome(&rows);
            rows.rotate_left(order.index(decisions.len()));
            prop_assert_eq!(&outcome(&rows), &one);
            rows.reverse();
            prop_assert_eq!(&outcome(&rows), &one);
        }

        /// What is decided here counts everywhere, however wrong the clocks are.
        #[test]
        fn a_decision_made_here_supersedes_what_was_known_here(
            known_at in 0i64..i64::MAX, now_ns in 0i64..i64::MAX, chosen in 0i64..3, other in 0i64..3,
        ) {
            let state = |value| ConsentState::try_from(value).expect("a state");
            let known = decision(state(other), known_at);
            let own = ConsentRow::decided(
                known.entity_type, known.entity.clone(), state(chosen), now_ns, Some(&known),
            );
            prop_assert!(own.supersedes(Some(&known)));
            prop_assert!(!known.supersedes(Some(&own)));
        }
    }

    fn decision(state: ConsentState, consented_at_ns: i64) -> ConsentRow {
        ConsentRow {
            entity_type: ConsentEntity::Inbox,
            entity: "ab".into(),
            state,
            consented_at_ns,
        }
    }

    #[test]
    fn a_synced_decision_counts_only_when_newer() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let state = || store.consent_state(ConsentEntity::Inbox, "ab").expect("reads");
        assert_eq!(state(), ConsentState::Unknown);
        assert_eq!(
            store.apply_synced_consent(&decision(ConsentState::Allowed, 10)),
            Ok(true)
        );
        assert_eq!(store.set_consent(&decision(ConsentState::Denied, 20)), Ok(true));
        // newer than the first, older than the second
        assert_eq!(
            store.apply_synced_consent(&decision(ConsentState::Allowed, 15)),
            Ok(false)
        );
        assert_eq!(
            store.apply_synced_consent(&decision(ConsentState::Allowed, 20)),
            Ok(false)
        );
        assert_eq!(state(), ConsentState::Denied);
        assert_eq!(
            store.apply_synced_consent(&decision(ConsentState::Denied, 25)),
            Ok(false)
        );
        assert_eq!(
            store.apply_synced_consent(&decision(ConsentState::Allowed, 22)),
            Ok(false)
        );
        assert_eq!(store.set_consent(&decision(ConsentState::Allowed, 1)), Ok(true));
        assert_eq!(
            store.consent_records(),
            Ok(vec![decision(ConsentState::Allowed, 1)])
        );
    }
}
