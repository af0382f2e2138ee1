//! Whom and what the user lets in.

use super::{Columns, stored_enum};
use crate::storage::{Db, StorageError};
use rusqlite::params;

stored_enum! {
    /// What a consent record is about. The numbers are those of the wire.
    ConsentEntity, "a kind of consent", {
        /// A conversation; the entity is the group id in hex.
        Conversation = 1,
        /// An inbox; the entity is the inbox id in hex.
        Inbox = 2,
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

const COLUMNS: &str = "entity_type, entity, state, consented_at_ns";

fn read(c: &mut Columns<'_>) -> rusqlite::Result<ConsentRow> {
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

    /// Stores a decision made here: it replaces any other. Answers whether the state changed.
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

    /// Stores a decision made by another installation, if it is newer than ours. Answers whether the
    /// state changed.
    ///
    /// # Errors
    /// Those of writing.
    ///
    /// # Source
    /// libxmtp compares in the same way but keeps the first time on update, so that a record between the
    /// two can undo a later choice; here both columns are written.
    pub fn apply_synced_consent(&self, row: &ConsentRow) -> Result<bool, StorageError> {
        let before = self.consent_state(row.entity_type, &row.entity)?;
        let changed = self.execute(
            "INSERT INTO consent (entity_type, entity, state, consented_at_ns) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = ?3, consented_at_ns = ?4 WHERE consented_at_ns < ?4",
            params![row.entity_type, row.entity, row.state, row.consented_at_ns],
        )?;
        Ok(changed > 0 && before != row.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Store, StoreOptions};

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
