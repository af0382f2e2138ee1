//! MLS state that is kept in memory instead of being read again.

use std::any::Any;

use super::Db;

/// What is kept.
#[derive(Debug)]
pub(super) struct Kept {
    value: Box<dyn Any>,
    /// The [`version`](Db::version) of what is stored.
    version: i64,
}

impl Db {
    /// Keeps what was read from the MLS state, or is as it was written there, for whoever needs it next: one thing at a time.
    /// It is dropped as soon as any MLS state is written, or a transaction or a part of one is undone.
    ///
    /// Who changes what was taken without writing it must not give it back, unless nothing depends on that change.
    pub fn keep<T: Any>(&self, value: T) {
        let value = Box::new(value);
        self.kept
            .replace(self.version().map(|version| Kept { value, version }));
    }

    /// Takes what is kept, if it is what is wanted and nobody else has written since.
    #[must_use]
    pub fn take_kept<T: Any>(&self, is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut kept = self.kept.borrow_mut();
        if !kept.as_ref()?.value.downcast_ref().is_some_and(is_wanted) {
            return None;
        }
        let Kept { value, version } = kept.take()?;
        if self.version() != Some(version) {
            return None;
        }
        value.downcast().ok().map(|value| *value)
    }

    /// Another after each change by another connection. A file of a browser's pool has one owner.
    #[cfg(target_arch = "wasm32")]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "natively it asks and may fail"
    )]
    fn version(&self) -> Option<i64> {
        Some(0)
    }

    /// Another after each change by another connection.
    #[cfg(not(target_arch = "wasm32"))]
    fn version(&self) -> Option<i64> {
        let mut statement = self.connection.prepare_cached("PRAGMA data_version").ok()?;
        statement.query_row([], |row| row.get(0)).ok()
    }

    /// It may not be what is stored any more.
    pub(super) fn forget_kept(&self) {
        self.kept.take();
    }
}

#[cfg(test)]
mod tests {
    use crate::storage::{StorageError, Store, StoreOptions};

    fn keeping(value: u8) -> Store {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        store.keep(value);
        store
    }

    #[test]
    fn what_is_kept_is_taken_once_by_who_wants_it() {
        let store = keeping(1);
        assert_eq!(store.take_kept(|_: &u16| true), None, "it is something else");
        assert_eq!(store.take_kept(|kept: &u8| *kept == 2), None);
        assert_eq!(store.take_kept(|kept: &u8| *kept == 1), Some(1));
        assert_eq!(store.take_kept(|_: &u8| true), None);
    }

    type Write = fn(&Store) -> Result<(), StorageError>;

    #[test]
    fn every_write_of_mls_state_drops_it_and_reading_does_not() {
        let writes: [Write; 5] = [
            |store| store.put_mls_value(1, b"key", b"value"),
            |store| store.delete_mls_value(1, b"key"),
            |store| store.append_mls_list(1, b"list", None, b"value"),
            |store| store.delete_mls_list_item(1, b"list", b"item"),
            |store| store.delete_mls_list(1, b"list"),
        ];
        for write in writes {
            let store = keeping(1);
            assert_eq!(store.mls_value(1, b"key"), Ok(None));
            assert_eq!(store.mls_list(1, b"list"), Ok(Vec::new()));
            write(&store).expect("writes");
            assert_eq!(store.take_kept(|_: &u8| true), None);
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn what_another_connection_has_changed_is_not_what_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let open = || Store::open(StoreOptions::file(directory.path().join("two.db"))).expect("opens");
        let (store, other) = (open(), open());
        store.keep(1_u8);
        assert_eq!(other.mls_value(1, b"key"), Ok(None));
        assert_eq!(store.take_kept(|_: &u8| true), Some(1), "it was only read");
        let kept = store.transaction(|tx| {
            tx.put_mls_value(1, b"key", b"value")?;
            tx.keep(2_u8);
            Ok::<_, StorageError>(())
        });
        assert_eq!(kept, Ok(()));
        other.put_mls_value(1, b"key", b"another").expect("writes");
        assert_eq!(store.take_kept(|_: &u8| true), None);
    }

    #[test]
    fn it_outlives_a_transaction_and_nothing_that_is_undone() {
        let failed = || Err::<(), _>(StorageError::TransactionLost);
        let store = keeping(0);
        let kept = store.transaction(|tx| {
            tx.keep(1_u8);
            tx.savepoint(|part| {
                part.keep(2_u8);
                Ok::<_, StorageError>(())
            })
        });
        assert_eq!(kept, Ok(()));
        assert_eq!(store.take_kept(|_: &u8| true), Some(2));

        let undone = store.transaction(|tx| {
            tx.keep(1_u8);
            failed()
        });
        assert!(undone.is_err());
        assert_eq!(store.take_kept(|_: &u8| true), None);

        let after = store.transaction(|tx| {
            let part = tx.savepoint(|part| {
                part.keep(1_u8);
                failed()
            });
            assert!(part.is_err());
            Ok::<_, StorageError>(tx.take_kept(|_: &u8| true))
        });
        assert_eq!(after, Ok(None));
    }
}
