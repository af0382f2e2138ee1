//! What the installations of an inbox share: the root key of push notifications.

use crate::storage::{Db, StorageError};
use rusqlite::params;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key that push topics' HMAC keys are derived from: 42 secret bytes, wiped when dropped, never
/// printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct HmacKey([u8; 42]);

impl HmacKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 42]) -> Self {
        Self(bytes)
    }

    /// The key if `bytes` are exactly 42.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 42] {
        &self.0
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(…)")
    }
}

impl FromSql for HmacKey {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 42]>::column_result(value).map(Self)
    }
}

/// The one row of preferences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferencesRow {
    /// The root key.
    pub hmac_key: HmacKey,
    /// When it was made.
    pub hmac_key_cycled_at_ns: i64,
}

impl Db {
    /// The preferences; `None` before the first key was made or received.
    ///
    /// # Errors
    /// Those of reading.
    pub fn preferences(&self) -> Result<Option<PreferencesRow>, StorageError> {
        self.first(
            "SELECT hmac_key, hmac_key_cycled_at_ns FROM user_preferences",
            [],
            |c| {
                Ok(PreferencesRow {
                    hmac_key: c.take()?,
                    hmac_key_cycled_at_ns: c.take()?,
                })
            },
        )
    }

    /// Stores a root key unless ours is newer. Answers whether it was stored.
    ///
    /// # Errors
    /// Those of writing.
    pub fn apply_hmac_key(&self, row: &PreferencesRow) -> Result<bool, StorageError> {
        let changed = self.execute(
            "INSERT INTO user_preferences (only, hmac_key, hmac_key_cycled_at_ns) VALUES (1, ?1, ?2)
             ON CONFLICT DO UPDATE SET hmac_key = ?1, hmac_key_cycled_at_ns = ?2
             WHERE hmac_key_cycled_at_ns <= ?2",
            params![row.hmac_key.as_bytes(), row.hmac_key_cycled_at_ns],
        )?;
        Ok(changed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Store, StoreOptions};

    #[test]
    fn an_older_root_key_does_not_replace_a_newer_one() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let key = |byte, at| PreferencesRow {
            hmac_key: HmacKey::new([byte; 42]),
            hmac_key_cycled_at_ns: at,
        };
        assert_eq!(store.preferences(), Ok(None));
        assert_eq!(store.apply_hmac_key(&key(1, 10)), Ok(true));
        assert_eq!(store.apply_hmac_key(&key(2, 9)), Ok(false));
        assert_eq!(store.apply_hmac_key(&key(3, 10)), Ok(true));
        assert_eq!(store.preferences(), Ok(Some(key(3, 10))));
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", HmacKey::new([7; 42])), "HmacKey(…)");
    }
}
