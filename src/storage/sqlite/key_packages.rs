//! The key packages this installation published, so that their private parts are deleted in time.

use super::Columns;
use crate::storage::{Db, StorageError};
use rusqlite::params;

/// A key package of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPackageRow {
    /// The MLS reference of the key package, under which OpenMLS keeps its private part.
    pub hash_ref: Vec<u8>,
    /// The HPKE public key that welcomes are wrapped to.
    pub init_key: Vec<u8>,
    /// When it was made.
    pub created_at_ns: i64,
    /// When its private part must go; `None` while it is the current one.
    pub delete_at_ns: Option<i64>,
}

const COLUMNS: &str = "hash_ref, init_key, created_at_ns, delete_at_ns";

fn read(c: &mut Columns<'_>) -> rusqlite::Result<KeyPackageRow> {
    Ok(KeyPackageRow {
        hash_ref: c.take()?,
        init_key: c.take()?,
        created_at_ns: c.take()?,
        delete_at_ns: c.take()?,
    })
}

impl Db {
    /// Stores a key package.
    ///
    /// # Errors
    /// Those of writing; a second one with the same reference or key is refused.
    pub fn insert_key_package(&self, row: &KeyPackageRow) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO key_packages (hash_ref, init_key, created_at_ns, delete_at_ns) VALUES (?, ?, ?, ?)",
            params![row.hash_ref, row.init_key, row.created_at_ns, row.delete_at_ns],
        )?;
        Ok(())
    }

    /// The key package a welcome was wrapped to.
    ///
    /// # Errors
    /// Those of reading.
    pub fn key_package_by_init_key(&self, init_key: &[u8]) -> Result<Option<KeyPackageRow>, StorageError> {
        self.first(
            &format!("SELECT {COLUMNS} FROM key_packages WHERE init_key = ?"),
            params![init_key],
            read,
        )
    }

    /// All key packages, newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn key_packages(&self) -> Result<Vec<KeyPackageRow>, StorageError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM key_packages ORDER BY created_at_ns DESC"),
            [],
            read,
        )
    }

    /// Sets the end of all key packages but `current`, where none is set yet. Answers how many.
    ///
    /// # Errors
    /// Those of writing.
    pub fn retire_other_key_packages(
        &self,
        current: &[u8],
        delete_at_ns: i64,
    ) -> Result<usize, StorageError> {
        self.execute(
            "UPDATE key_packages SET delete_at_ns = ? WHERE hash_ref <> ? AND delete_at_ns IS NULL",
            params![delete_at_ns, current],
        )
    }

    /// The key packages whose end has come.
    ///
    /// # Errors
    /// Those of reading.
    pub fn key_packages_to_delete(&self, now_ns: i64) -> Result<Vec<KeyPackageRow>, StorageError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM key_packages WHERE delete_at_ns <= ? ORDER BY delete_at_ns"),
            params![now_ns],
            read,
        )
    }

    /// Forgets a key package. Its private part is deleted by the `mls` room, in the same transaction.
    /// Answers whether it was there.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_key_package(&self, hash_ref: &[u8]) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM key_packages WHERE hash_ref = ?", params![hash_ref])? > 0)
    }
}
