//! State of the MLS library, as opaque bytes. Only the `mls` room knows what the kinds and keys mean.

use crate::storage::{Db, StorageError};
use rusqlite::params;

/// The name of an entry, empty for an unnamed one, and its value.
pub type MlsListEntry = (Vec<u8>, Vec<u8>);

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

    /// Writes the value under a key, over any other.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_mls_value(&self, kind: u8, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO mls_values (kind, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = ?3",
            params![kind, key, value],
        )?;
        Ok(())
    }

    /// Deletes the value under a key, if any.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_mls_value(&self, kind: u8, key: &[u8]) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM mls_values WHERE kind = ? AND key = ?",
            params![kind, key],
        )?;
        Ok(())
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
        self.execute(
            "INSERT INTO mls_lists (kind, list, item, value) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET value = ?4",
            params![kind, list, item, value],
        )?;
        Ok(())
    }

    /// Deletes a named entry of a list, if it is there.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_mls_list_item(&self, kind: u8, list: &[u8], item: &[u8]) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM mls_lists WHERE kind = ? AND list = ? AND item = ?",
            params![kind, list, item],
        )?;
        Ok(())
    }

    /// Deletes a whole list.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_mls_list(&self, kind: u8, list: &[u8]) -> Result<(), StorageError> {
        self.execute(
            "DELETE FROM mls_lists WHERE kind = ? AND list = ?",
            params![kind, list],
        )?;
        Ok(())
    }
}
