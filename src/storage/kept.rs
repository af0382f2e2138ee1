//! MLS state that is kept in memory, as it is stored.

use std::any::Any;

use super::Db;

impl Db {
    /// Keeps what was read from the MLS state, or is as it was written there, for whoever needs it next: one thing at a time.
    /// It is dropped as soon as any MLS state is written, or a transaction or a part of one is undone.
    ///
    /// The database must have no other owner. Who changes what was taken without writing it must not give it back.
    pub fn keep<T: Any>(&self, value: T) {
        self.kept.replace(Some(Box::new(value)));
    }

    /// Takes what is kept, if it is what is wanted.
    #[must_use]
    pub fn take_kept<T: Any>(&self, is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut kept = self.kept.borrow_mut();
        if !kept.as_ref()?.downcast_ref().is_some_and(is_wanted) {
            return None;
        }
        kept.take()?.downcast().ok().map(|value| *value)
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
