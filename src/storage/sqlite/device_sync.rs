//! What the installations of an inbox still have to tell each other.

use super::consent::{ConsentEntity, ConsentRow};
use crate::ids::GroupId;
use crate::storage::{Db, StorageError};
use rusqlite::params;

/// What has not been told yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// A record of consent.
    Consent(ConsentEntity),
    /// The root key of push notifications.
    HmacKey,
}

impl Unsent {
    const fn value(self) -> i64 {
        match self {
            Unsent::Consent(entity_type) => entity_type.value(),
            Unsent::HmacKey => 0,
        }
    }
}

impl Db {
    /// Notes that something is to be told; `entity` is empty for the key.
    ///
    /// # Errors
    /// Those of writing.
    pub fn mark_unsent(&self, what: Unsent, entity: &str) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO unsent_preferences (entity_type, entity) VALUES (?, ?) ON CONFLICT DO NOTHING",
            params![what.value(), entity],
        )?;
        Ok(())
    }

    /// Notes that something was told.
    ///
    /// # Errors
    /// Those of writing.
    pub fn mark_sent(&self, what: Unsent, entity: &str) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM unsent_preferences WHERE entity_type = ? AND entity = ?",
            params![what.value(), entity],
        )?;
        Ok(())
    }

    /// Whether anything is to be told.
    ///
    /// # Errors
    /// Those of reading.
    pub fn has_unsent_preferences(&self) -> Result<bool, StorageError> {
        let found = self.first("SELECT 1 FROM unsent_preferences LIMIT 1", [], |c| {
            c.take::<i64>()
        })?;
        Ok(found.is_some())
    }

    /// At most so many records of consent that are to be told, as they are now.
    ///
    /// # Errors
    /// Those of reading.
    pub fn unsent_consent(&self, limit: u32) -> Result<Vec<ConsentRow>, StorageError> {
        self.all(
            "SELECT c.entity_type, c.entity, c.state, c.consented_at_ns
             FROM unsent_preferences JOIN consent c USING (entity_type, entity)
             ORDER BY c.consented_at_ns LIMIT ?",
            params![limit],
            super::consent::read,
        )
    }

    /// Notes that members' installations are to be looked up in a conversation, and new ones added.
    ///
    /// # Errors
    /// Those of writing.
    pub fn queue_installation_refresh(&self, group: &GroupId) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO installation_refreshes (group_id) VALUES (?) ON CONFLICT DO NOTHING",
            params![group],
        )?;
        Ok(())
    }

    /// The conversations in which that is to be done.
    ///
    /// # Errors
    /// Those of reading.
    pub fn installation_refreshes(&self) -> Result<Vec<GroupId>, StorageError> {
        self.all("SELECT group_id FROM installation_refreshes", [], |c| c.take())
    }

    /// Notes that it was done.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_installation_refresh(&self, group: &GroupId) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM installation_refreshes WHERE group_id = ?",
            params![group],
        )?;
        Ok(())
    }

    /// Whether the root key of push notifications is to be told.
    ///
    /// # Errors
    /// Those of reading.
    pub fn is_hmac_key_unsent(&self) -> Result<bool, StorageError> {
        let found = self.first(
            "SELECT 1 FROM unsent_preferences WHERE entity_type = ?",
            params![Unsent::HmacKey.value()],
            |c| c.take::<i64>(),
        )?;
        Ok(found.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ConsentState, Store, StoreOptions};

    #[test]
    fn a_decision_stays_unsent_until_it_was_told() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        assert_eq!(store.has_unsent_preferences(), Ok(false));
        let decide = |state, now_ns| store.decide_consent(ConsentEntity::Inbox, "ab", state, now_ns);
        let is_new = |decided: Result<(ConsentRow, bool), StorageError>| decided.map(|(_, is_new)| is_new);
        assert_eq!(is_new(decide(ConsentState::Denied, 5)), Ok(true));
        assert_eq!(is_new(decide(ConsentState::Denied, 3)), Ok(false));
        let unsent = store.unsent_consent(10).expect("reads");
        assert_eq!(unsent.len(), 1);
        assert_eq!(unsent[0].consented_at_ns, 6, "later than what was known");
        assert_eq!(store.has_unsent_preferences(), Ok(true));
        store
            .mark_sent(Unsent::Consent(ConsentEntity::Inbox), "ab")
            .expect("writes");
        assert_eq!(store.unsent_consent(10), Ok(Vec::new()));
        assert_eq!(store.is_hmac_key_unsent(), Ok(false));
        store.mark_unsent(Unsent::HmacKey, "").expect("writes");
        assert_eq!(store.is_hmac_key_unsent(), Ok(true));
        assert_eq!(store.has_unsent_preferences(), Ok(true));
    }
}
