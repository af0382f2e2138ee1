//! The open database, its transactions and savepoints.

use super::error::StorageError;
use super::kept::Kept;
use super::key::DatabaseKey;
use super::migrations;
#[cfg(target_arch = "wasm32")]
use super::opfs::OpfsPool;
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection};
use std::cell::{Cell, RefCell};
use std::ops::Deref;

/// Prepared statements kept; there are about a hundred different ones.
const STATEMENTS: usize = 160;

/// How long another connection's lock on a native file is waited for, in milliseconds. Browsers have one
/// owner per file and never wait.
#[cfg(not(target_arch = "wasm32"))]
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_millis(1000);

/// Where a database lies.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Location {
    /// In memory, gone when dropped.
    Memory,
    /// A file.
    #[cfg(not(target_arch = "wasm32"))]
    File(std::path::PathBuf),
    /// A file of the pool in the origin private file system.
    #[cfg(target_arch = "wasm32")]
    Opfs {
        /// The installed pool.
        pool: OpfsPool,
        /// The file's name within the pool, starting with `/`.
        name: String,
    },
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where it lies.
    pub location: Location,
    /// The key it is encrypted with. A database in memory is never written anywhere: there the key means
    /// nothing and is dropped. Native files cannot be encrypted: there a key is an error.
    pub key: Option<DatabaseKey>,
    /// The file lies in clear, and is encrypted with the key as it is opened. Browsers only.
    pub clear: bool,
}

impl StoreOptions {
    /// A fresh database in memory.
    #[must_use]
    pub const fn memory() -> Self {
        Self {
            location: Location::Memory,
            key: None,
            clear: false,
        }
    }

    /// A file, created if missing.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self {
            location: Location::File(path.into()),
            key: None,
            clear: false,
        }
    }

    /// A file of the pool, created if missing, encrypted if a key is given.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn opfs(pool: &OpfsPool, name: &str, key: Option<DatabaseKey>) -> Self {
        Self {
            location: Location::Opfs {
                pool: pool.clone(),
                name: name.to_owned(),
            },
            key,
            clear: false,
        }
    }

    /// The same file, which lies in clear so far.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn in_clear(mut self) -> Self {
        self.clear = true;
        self
    }
}

/// The functions on rows. They do the same inside and outside of a transaction; outside, each statement
/// commits by itself.
#[derive(Debug)]
pub struct Db {
    pub(super) connection: Connection,
    /// How many statements were run.
    pub(crate) statements: Cell<u64>,
    /// How many transactions were begun.
    transactions: Cell<u64>,
    /// Commits are not waited for until they are on the disk.
    is_relaxed: Cell<bool>,
    /// A [`Transaction`] is open, whatever SQLite says.
    is_open: Cell<bool>,
    /// See [`keep`](Self::keep).
    pub(super) kept: RefCell<Option<Kept>>,
}

/// An open database. One connection, for one thread; share it as `Rc<Store>`.
#[derive(Debug)]
pub struct Store {
    db: Db,
}

impl Deref for Store {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Store {
    /// Opens the database, creates or migrates its schema.
    ///
    /// # Errors
    /// - [`StorageError::WrongKey`]: encrypted with another key or not encrypted as asked; unchanged.
    /// - [`StorageError::NewerSchema`], [`StorageError::Corrupt`]: not ours to open; unchanged.
    /// - [`StorageError::UnsupportedKey`]: a key for a native file.
    /// - [`StorageError::LockedByOtherTab`], [`StorageError::Unavailable`], [`StorageError::Full`].
    pub fn open(options: StoreOptions) -> Result<Self, StorageError> {
        let StoreOptions { location, key, .. } = options;
        let connection = match location {
            Location::Memory => Connection::open_in_memory()?,
            #[cfg(not(target_arch = "wasm32"))]
            Location::File(path) => {
                if key.is_some() {
                    return Err(StorageError::UnsupportedKey);
                }
                let connection = Connection::open(path)?;
                connection.busy_timeout(BUSY_TIMEOUT)?;
                connection
            }
            #[cfg(target_arch = "wasm32")]
            Location::Opfs { pool, name } => match key {
                Some(key) if options.clear => pool.connect_and_encrypt(&name, &key)?,
                key => pool.connect(&name, key.as_ref())?,
            },
        };
        Self::prepare(connection)
    }

    /// Sets the connection up. The key, if any, has been set.
    fn prepare(connection: Connection) -> Result<Self, StorageError> {
        // A file of the pool has one owner: whether others have changed it need not be looked up, and its first page not
        // be decrypted again, at each statement. Asked for before the first read, a WAL needs no memory that is shared.
        #[cfg(target_arch = "wasm32")]
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE;")?;
        // The first read: what a crash has left is taken in.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        // WAL: a transaction is written and synced once; see docs/STORAGE.md.
        // FULL: what is committed stays, also when the power goes at once; with less, a commit could be gone after
        // others have its message.
        // secure_delete: deleted keys are overwritten, not just unlinked.
        // wal_autocheckpoint: a first sync is not held up by it; who has nothing to write empties the WAL (`checkpoint`).
        connection.execute_batch(
            "PRAGMA temp_store = MEMORY;
             PRAGMA journal_mode = WAL;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = ON;",
        )?;
        // A statement is planned once: SQLite looks at what is bound to some, and would plan these anew at each use.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        migrations::migrate(&connection)?;
        Ok(Self {
            db: Db {
                connection,
                statements: Cell::new(0),
                transactions: Cell::new(0),
                is_relaxed: Cell::new(false),
                is_open: Cell::new(false),
                kept: RefCell::new(None),
            },
        })
    }

    /// Runs `body` in a transaction: all it writes is kept when it answers `Ok`, nothing when it answers
    /// `Err` or panics.
    ///
    /// # Errors
    /// Whatever `body` answers; [`StorageError::NestedTransaction`] when one is open already (`body` does
    /// not run); [`StorageError::TransactionLost`] when SQLite gave it up and `body` did not notice.
    pub fn transaction<T, E>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StorageError>,
    {
        self.db.expect_no_transaction()?;
        // Where that could not be taken back after a transaction that may be forgotten.
        self.db.relax(false)?;
        self.run_transaction(body)
    }

    fn run_transaction<T, E>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StorageError>,
    {
        self.db.run("BEGIN IMMEDIATE")?;
        self.db.is_open.set(true);
        self.db.transactions.set(self.db.transactions.get() + 1);
        let transaction = Transaction {
            db: &self.db,
            lost: Cell::new(false),
            undo: Undo {
                db: &self.db,
                is_committed: Cell::new(false),
            },
        };
        let answer = body(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }

    /// The same for what the network has and gives again, or what is harmless to forget: it is not waited until that is on
    /// the disk. After a power failure such transactions may be gone, the last ones first, but none that stands before one
    /// of [`transaction`](Self::transaction): that puts all before it on the disk too.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub fn repeatable_transaction<T, E>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StorageError>,
    {
        self.db.expect_no_transaction()?;
        self.db.relax(true)?;
        let _strict = Strict { db: &self.db };
        self.run_transaction(body)
    }

    /// Has `hook` called at each commit, also that of a statement by itself. It must not use the database.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn on_commit(&mut self, mut hook: impl FnMut() + Send + 'static) -> Result<(), StorageError> {
        let never_undone = move || {
            hook();
            false
        };
        Ok(self.db.connection.commit_hook(Some(never_undone))?)
    }

    /// Moves what the WAL holds into the database and empties it. Until then what was deleted, keys of messages that were
    /// read among it, is in its older pages. Not within a transaction.
    ///
    /// # Errors
    /// [`StorageError::Full`] and others; nothing that was committed is lost then.
    pub fn checkpoint(&self) -> Result<(), StorageError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        Ok(self.db.connection.query_row(sql, [], |_| Ok(()))?)
    }

    /// Encrypts the database with another key, all pages in one transaction: a crash leaves it with the one or
    /// the other. Not within a transaction.
    ///
    /// # Errors
    /// [`StorageError::Full`] and others; the key is the same as before then.
    #[cfg(target_arch = "wasm32")]
    pub fn rekey(&self, key: &DatabaseKey) -> Result<(), StorageError> {
        super::opfs::rekey(&self.db.connection, key)
    }

    /// Closes the database. On failure the database is dropped all the same.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn close(self) -> Result<(), StorageError> {
        self.db.connection.close().map_err(|(_, error)| error.into())
    }
}

impl Db {
    /// How many statements were run since the database was opened, those that open and close transactions
    /// included: what an operation costs, for tests.
    #[must_use]
    pub fn statements_run(&self) -> u64 {
        self.statements.get()
    }

    /// How many transactions were begun since then; statements outside of one, which commit by themselves, do not count.
    #[must_use]
    pub fn transactions_run(&self) -> u64 {
        self.transactions.get()
    }

    /// How many rows were written since the database was opened: what was read stays true while it is the same.
    #[must_use]
    pub fn changes_made(&self) -> u64 {
        self.connection.total_changes()
    }

    fn expect_no_transaction(&self) -> Result<(), StorageError> {
        match self.is_open.get() || !self.connection.is_autocommit() {
            true => Err(StorageError::NestedTransaction),
            false => Ok(()),
        }
    }

    /// Whether commits from now on may be forgotten.
    fn relax(&self, is_relaxed: bool) -> Result<(), StorageError> {
        if self.is_relaxed.get() != is_relaxed {
            self.run(if is_relaxed {
                "PRAGMA synchronous = NORMAL"
            } else {
                "PRAGMA synchronous = FULL"
            })?;
            self.is_relaxed.set(is_relaxed);
        }
        Ok(())
    }

    /// Runs one statement without parameters or rows.
    fn run(&self, sql: &str) -> Result<(), StorageError> {
        self.statement(sql)?.execute([])?;
        Ok(())
    }

    /// A statement that is prepared once, to be run now.
    ///
    /// # Errors
    /// [`StorageError::TransactionLost`] where SQLite has given up the transaction it belongs to, as it does when the disk is
    /// full or fails: by itself it would be committed.
    pub(super) fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, StorageError> {
        if self.is_open.get() && self.connection.is_autocommit() {
            return Err(StorageError::TransactionLost);
        }
        self.statements.set(self.statements.get() + 1);
        Ok(self.connection.prepare_cached(sql)?)
    }
}

/// Commits are waited for again when this is dropped: at the end of a transaction, on a panic too.
#[derive(Debug)]
struct Strict<'a> {
    db: &'a Db,
}

impl Drop for Strict<'_> {
    fn drop(&mut self) {
        // The next transaction tries again, and does not begin while it fails.
        let _ = self.db.relax(false);
    }
}

/// Rolls back when dropped while a transaction is open: on `Err`, on a failed commit, on a panic.
#[derive(Debug)]
struct Undo<'a> {
    db: &'a Db,
    is_committed: Cell<bool>,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        self.db.is_open.set(false);
        if self.is_committed.get() {
            return;
        }
        self.db.forget_kept();
        // SQLite has ended it already after some failures (disk full, I/O). A failing ROLLBACK leaves
        // nothing to do: the next transaction finds this one open.
        if !self.db.connection.is_autocommit() {
            let _ = self.db.run("ROLLBACK");
        }
    }
}

/// An open transaction. Made by [`Store::transaction`] alone.
#[derive(Debug)]
pub struct Transaction<'a> {
    db: &'a Db,
    /// A part could not be undone, so what it wrote may still be there.
    lost: Cell<bool>,
    undo: Undo<'a>,
}

impl Deref for Transaction<'_> {
    type Target = Db;
    fn deref(&self) -> &Db {
        self.db
    }
}

impl Transaction<'_> {
    /// Runs `body` as a part of the transaction: when it answers `Err`, what it wrote is undone and what
    /// was written before stays. Savepoints nest.
    ///
    /// # Errors
    /// Whatever `body` answers, and what SQLite reports. When SQLite gave up the whole transaction (disk
    /// full), the transaction can only fail from then on, whatever the caller does with this error.
    pub fn savepoint<T, E>(&self, body: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StorageError>,
    {
        self.db.run("SAVEPOINT part")?;
        let part = Part {
            transaction: self,
            released: Cell::new(false),
        };
        let answer = body(self)?;
        self.db.run("RELEASE part")?;
        part.released.set(true);
        Ok(answer)
    }

    fn commit(self) -> Result<(), StorageError> {
        if self.lost.get() || self.db.connection.is_autocommit() {
            return Err(StorageError::TransactionLost);
        }
        self.undo.db.run("COMMIT")?;
        self.undo.is_committed.set(true);
        Ok(())
    }
}

/// Undoes a savepoint when dropped before it was released.
struct Part<'a, 'b> {
    transaction: &'a Transaction<'b>,
    released: Cell<bool>,
}

impl Drop for Part<'_, '_> {
    fn drop(&mut self) {
        if self.released.get() {
            return;
        }
        let Transaction { db, lost, .. } = self.transaction;
        db.forget_kept();
        let undone = !db.connection.is_autocommit()
            && db.run("ROLLBACK TO part").is_ok()
            && db.run("RELEASE part").is_ok();
        if !undone {
            lost.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::CursorKind::CommitMessage;

    fn store() -> Store {
        Store::open(StoreOptions::memory()).expect("memory")
    }

    #[test]
    fn a_nested_transaction_is_an_error_and_its_body_does_not_run() {
        let store = store();
        let answer =
            store.transaction(|_| store.transaction(|_| -> Result<(), StorageError> { panic!("ran") }));
        assert_eq!(answer, Err(StorageError::NestedTransaction));
        assert!(store.connection.is_autocommit());
    }

    #[test]
    fn a_panic_rolls_back() {
        let store = store();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.transaction(|tx| -> Result<(), StorageError> {
                tx.advance_cursor(b"x", CommitMessage, 0, 1)?;
                panic!("on purpose")
            })
        }));
        assert!(result.is_err());
        assert_eq!(store.cursor(b"x", CommitMessage, 0), Ok(0));
        store
            .transaction(|_| Ok::<_, StorageError>(()))
            .expect("none is open");
    }

    #[test]
    fn commits_are_waited_for_again_after_one_that_was_not_however_it_ended() {
        let store = store();
        let level = || -> i64 {
            let sql = "PRAGMA synchronous";
            store
                .connection
                .query_row(sql, [], |row| row.get(0))
                .expect("number")
        };
        let (normal, full) = (1, 2);
        assert_eq!(level(), full);
        let fails = |_: &Transaction<'_>| {
            assert_eq!(level(), normal);
            Err::<(), _>(StorageError::Full)
        };
        assert_eq!(store.repeatable_transaction(fails), Err(StorageError::Full));
        assert_eq!(level(), full);
        let panics =
            || store.repeatable_transaction(|_| -> Result<(), StorageError> { panic!("on purpose") });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        assert_eq!(level(), full);
        let nested = store.transaction(|_| store.repeatable_transaction(|_| Ok(())));
        assert_eq!(nested, Err(StorageError::NestedTransaction));
        assert_eq!(level(), full);
    }

    #[test]
    fn a_transaction_that_sqlite_gave_up_cannot_be_continued() {
        let store = store();
        let answer = store.transaction(|tx| {
            let part = tx.savepoint(|tx| {
                tx.advance_cursor(b"x", CommitMessage, 0, 1)?;
                // what SQLite does by itself when the disk is full
                tx.run("ROLLBACK")?;
                Err::<(), _>(StorageError::Full)
            });
            assert_eq!(part, Err(StorageError::Full));
            tx.advance_cursor(b"y", CommitMessage, 0, 1)
        });
        assert_eq!(answer, Err(StorageError::TransactionLost));
        let answer = store.transaction(|tx| {
            tx.run("ROLLBACK")?;
            let by_itself = tx.advance_cursor(b"y", CommitMessage, 0, 1);
            assert_eq!(by_itself, Err(StorageError::TransactionLost));
            let another = store.transaction(|tx| tx.advance_cursor(b"y", CommitMessage, 0, 1));
            assert_eq!(another, Err(StorageError::NestedTransaction));
            Ok(())
        });
        assert_eq!(answer, Err(StorageError::TransactionLost));
        assert_eq!(store.cursor(b"y", CommitMessage, 0), Ok(0));
        store
            .transaction(|_| Ok::<_, StorageError>(()))
            .expect("none is open");
    }

    #[test]
    fn a_full_database_is_a_typed_error_and_keeps_what_it_had() {
        let store = store();
        store.advance_cursor(b"x", CommitMessage, 0, 1).expect("room");
        let pages: i64 = store
            .connection
            .query_row("PRAGMA page_count", [], |r| r.get(0))
            .expect("number");
        store
            .connection
            .pragma_update(None, "max_page_count", pages)
            .expect("set");
        let answer = store.transaction(|tx| tx.put_mls_value(1, b"key", &[0; 1 << 20]));
        assert_eq!(answer, Err(StorageError::Full));
        assert_eq!(store.cursor(b"x", CommitMessage, 0), Ok(1));
    }

    #[test]
    fn a_key_means_nothing_in_memory() {
        let options = StoreOptions {
            key: Some(DatabaseKey::new([1; 32])),
            ..StoreOptions::memory()
        };
        assert!(Store::open(options).is_ok());
    }
}
