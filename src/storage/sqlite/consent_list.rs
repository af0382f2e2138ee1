//! What the list of XIP-42 is still to be told, and the key it is encrypted under.

use super::consent::{ConsentEntity, ConsentRow, ConsentState};
use super::{Columns, stored_enum};
use crate::storage::{Db, StorageError};
use rusqlite::params;
use zeroize::Zeroizing;

stored_enum! {
    /// What made a decision: the list may change on three occasions (XIP-42).
    Occasion, "an occasion to write to the list", {
        /// The person decided.
        Decided = 1,
        /// The app knew it before it knew the list.
        Legacy = 2,
        /// The person answered, or began the conversation.
        Replied = 3,
    }
}

/// The private key that the app handed over, wiped when dropped.
pub type IdentityKeyBytes = Zeroizing<[u8; 32]>;

fn read(c: &mut Columns<'_>) -> rusqlite::Result<(ConsentRow, Occasion)> {
    Ok((super::consent::read(c)?, c.take()?))
}

impl Db {
    /// Notes a decision for the list, over what was noted before; what only followed from an answer or from an older store
    /// does not replace what the person decided. A decision for "unknown" takes the note away: the list has no word for it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn note_unpublished(&self, row: &ConsentRow, occasion: Occasion) -> Result<(), StorageError> {
        if row.state == ConsentState::Unknown {
            return self.drop_unpublished(row.entity_type, &row.entity);
        }
        self.execute(
            "INSERT INTO unpublished_consent (entity_type, entity, state, consented_at_ns, occasion)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET state = ?3, consented_at_ns = ?4, occasion = ?5
             WHERE ?5 <= occasion",
            params![
                row.entity_type,
                row.entity,
                row.state,
                row.consented_at_ns,
                occasion
            ],
        )?;
        Ok(())
    }

    /// Everything noted, the oldest decisions first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn unpublished_consent(&self) -> Result<Vec<(ConsentRow, Occasion)>, StorageError> {
        self.all(
            "SELECT entity_type, entity, state, consented_at_ns, occasion FROM unpublished_consent
             ORDER BY consented_at_ns, entity_type, entity",
            [],
            read,
        )
    }

    /// Crosses a note out, unless something else was decided since.
    ///
    /// # Errors
    /// Those of writing.
    pub fn mark_listed(&self, row: &ConsentRow) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM unpublished_consent
             WHERE entity_type = ? AND entity = ? AND state = ? AND consented_at_ns = ?",
            params![row.entity_type, row.entity, row.state, row.consented_at_ns],
        )?;
        Ok(())
    }

    /// Takes a note away, whatever it says.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn drop_unpublished(
        &self,
        entity_type: ConsentEntity,
        entity: &str,
    ) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM unpublished_consent WHERE entity_type = ? AND entity = ?",
            params![entity_type, entity],
        )?;
        Ok(())
    }

    /// Forgets what was decided about an address, but not that the list is to be told.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_address_consent(&self, address: &str) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM consent WHERE entity_type = ? AND entity = ?",
            params![ConsentEntity::Address, address],
        )?;
        Ok(())
    }

    /// The key that the app handed over.
    ///
    /// # Errors
    /// Those of reading.
    pub fn identity_key(&self) -> Result<Option<IdentityKeyBytes>, StorageError> {
        self.first("SELECT private_key FROM identity_key", [], |c| {
            c.take().map(Zeroizing::new)
        })
    }

    /// Keeps the key that the app handed over, in the place of any other.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_identity_key(&self, key: &[u8; 32]) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO identity_key (only, private_key) VALUES (1, ?1)
             ON CONFLICT DO UPDATE SET private_key = ?1",
            params![key],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Store, StoreOptions};

    fn row(state: ConsentState, consented_at_ns: i64) -> ConsentRow {
        ConsentRow {
            entity_type: ConsentEntity::Address,
            entity: "0xab".into(),
            state,
            consented_at_ns,
        }
    }

    #[test]
    fn a_note_is_the_last_word_of_the_person_or_what_follows_where_there_is_none() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let note = |state, at, occasion| store.note_unpublished(&row(state, at), occasion).expect("writes");
        let noted = || store.unpublished_consent().expect("reads");
        note(ConsentState::Allowed, 1, Occasion::Replied);
        assert_eq!(noted(), [(row(ConsentState::Allowed, 1), Occasion::Replied)]);
        note(ConsentState::Denied, 2, Occasion::Decided);
        note(ConsentState::Allowed, 3, Occasion::Replied);
        note(ConsentState::Allowed, 3, Occasion::Legacy);
        assert_eq!(noted(), [(row(ConsentState::Denied, 2), Occasion::Decided)]);
        // A note that changed meanwhile is not crossed out.
        store.mark_listed(&row(ConsentState::Denied, 1)).expect("writes");
        assert_eq!(noted().len(), 1);
        store.mark_listed(&row(ConsentState::Denied, 2)).expect("writes");
        assert_eq!(noted(), []);
        note(ConsentState::Denied, 4, Occasion::Decided);
        note(ConsentState::Unknown, 5, Occasion::Decided);
        assert_eq!(noted(), []);
    }

    #[test]
    fn the_key_handed_over_last_is_kept() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        assert_eq!(store.identity_key(), Ok(None));
        store.put_identity_key(&[1; 32]).expect("writes");
        store.put_identity_key(&[2; 32]).expect("writes");
        assert_eq!(store.identity_key(), Ok(Some(Zeroizing::new([2; 32]))));
    }
}
