//! Key packages. Every upload is kept; the latest one is given out, again and again.

use super::{Store, StoreError, signed};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// Makes `key_package` the latest of an installation.
    pub(crate) fn put_key_package(
        &self,
        installation_id: &[u8],
        key_package: &[u8],
    ) -> Result<(), StoreError> {
        let now = signed(self.clock.now_ns());
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO installations (id, created_at, updated_at, key_package) VALUES (?1, ?2, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET updated_at = ?2, key_package = ?3",
            params![installation_id, now, key_package],
        )?;
        transaction.execute(
            "INSERT INTO key_packages (installation_id, key_package, created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
            params![installation_id, key_package, now],
        )?;
        Ok(transaction.commit()?)
    }

    /// The latest key package of an installation.
    pub(crate) fn key_package(&self, installation_id: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached("SELECT key_package FROM installations WHERE id = ?1")?;
        Ok(query.query_row([installation_id], |row| row.get(0)).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_upload_wins_also_when_an_old_one_returns() {
        let store = Store::for_tests();
        for package in [b"one", b"two", b"one"] {
            store.put_key_package(b"installation", package).expect("stores");
            let latest = store.key_package(b"installation").expect("reads");
            assert_eq!(latest.as_deref(), Some(package.as_slice()));
        }
        assert_eq!(store.key_package(b"other").expect("reads"), None);
    }
}
