//! State of the MLS library, as opaque bytes. Only the `mls` room knows what the kinds and keys mean.

use crate::storage::{Db, StorageError};
use rusqlite::types::Value;
use rusqlite::{Params, params, params_from_iter};

/// The name of an entry, empty for an unnamed one, and its value.
pub type MlsListEntry = (Vec<u8>, Vec<u8>);

/// The kind of a value, its key, and the value.
pub type MlsValue = (u8, Vec<u8>, Vec<u8>);

impl Db {
    /// The value under a key.
    ///
    /// # Errors
    /// Those of reading.
    pub fn mls_value(&self, kind: u8, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.first(
            "SELECT value FROM mls_values WHERE kind = ? AND key = ?",
            params![kind, key],
            |c| c.take(),
        )
    }

    /// The values of two kinds under any of these keys, in one query, in no order.
    ///
    /// # Errors
    /// Those of reading, also for more keys than a query takes (32,000).
    pub fn mls_values(&self, kinds: [u8; 2], keys: &[Vec<u8>]) -> Result<Vec<MlsValue>, StorageError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let marks = vec!["?"; keys.len()].join(",");
        let kinds = kinds.map(|kind| Value::from(i64::from(kind)));
        let keys = keys.iter().map(|key| Value::Blob(key.clone()));
        self.all(
            &format!("SELECT kind, key, value FROM mls_values WHERE kind IN (?, ?) AND key IN ({marks})"),
            params_from_iter(kinds.into_iter().chain(keys)),
            |c| Ok((c.take()?, c.take()?, c.take()?)),
        )
    }

    /// Writes the value under a key, over any other.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_mls_value(&self, kind: u8, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.change_mls(
            "INSERT INTO mls_values (kind, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = ?3",
            params![kind, key, value],
        )
    }

    /// Deletes the value under a key, if any.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_mls_value(&self, kind: u8, key: &[u8]) -> Result<(), StorageError> {
        self.change_mls(
            "DELETE FROM mls_values WHERE kind = ? AND key = ?",
            params![kind, key],
        )
    }

    /// The entries of a list in the order in which they were appended: names (empty for unnamed entries)
    /// and values.
    ///
    /// # Errors
    /// Those of reading.
    pub fn mls_list(&self, kind: u8, list: &[u8]) -> Result<Vec<MlsListEntry>, StorageError> {
        self.all(
            "SELECT item, value FROM mls_lists WHERE kind = ? AND list = ? ORDER BY position",
            params![kind, list],
            |c| Ok((c.take::<Option<Vec<u8>>>()?.unwrap_or_default(), c.take()?)),
        )
    }

    /// Appends an entry to a list. An entry whose name is there already replaces that one in its place;
    /// entries without a name never do.
    ///
    /// # Errors
    /// Those of writing.
    pub fn append_mls_list(
        &self,
        kind: u8,
        list: &[u8],
        item: Option<&[u8]>,
        value: &[u8],
    ) -> Result<(), StorageError> {
        self.change_mls(
            "INSERT INTO mls_lists (kind, list, item, value) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET value = ?4",
            params![kind, list, item, value],
        )
    }

    /// Deletes a named entry of a list, if it is there.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_mls_list_item(&self, kind: u8, list: &[u8], item: &[u8]) -> Result<(), StorageError> {
        self.change_mls(
            "DELETE FROM mls_lists WHERE kind = ? AND list = ? AND item = ?",
            params![kind, list, item],
        )
    }

    /// Deletes a whole list.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_mls_list(&self, kind: u8, list: &[u8]) -> Result<(), StorageError> {
        self.change_mls(
            "DELETE FROM mls_lists WHERE kind = ? AND list = ?",
            params![kind, list],
        )
    }

    /// Every change of MLS state goes through here: what is kept of it is not what is stored any more.
    fn change_mls(&self, sql: &str, params: impl Params) -> Result<(), StorageError> {
        self.forget_kept();
        self.execute(sql, params)?;
        Ok(())
    }
}
