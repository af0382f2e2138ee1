//! Database files in a browser: a pool of files in the origin private file system.
//!
//! Works only in a dedicated worker of a secure page. **A directory has one owner** among all tabs and
//! workers of an origin: the pool that holds its handles. Everything after [`OpfsPool::install`] is
//! synchronous.
//!
//! | call | handles | open databases |
//! |---|---|---|
//! | [`OpfsPool::install`], [`OpfsPool::resume`] | taken, all of them | none yet |
//! | [`OpfsPool::pause`] | given back | must be closed first |
//! | the worker ends | given back by the browser, after a moment | gone; SQLite recovers at the next opening |

use super::error::{Missing, StorageError, UnavailableReason};
use super::gathering::gathering;
use super::key::DatabaseKey;
use rusqlite::{Connection, OpenFlags};
use sqlite_wasm_rs::vfs::VfsFilesManager;
use sqlite_wasm_rs::vfs::transfer::{DbTransfer, ExportSource};
use sqlite_wasm_rs::{WasmOsCallback, sqlite3_vfs_find, sqlite3mc_vfs_create};
use sqlite_wasm_vfs::sahpool::{OpfsSAHError, OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil, install};
use std::ffi::CString;
use std::fmt;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Files held at first, journals included: two databases, their journals, and room for temporary ones.
const CAPACITY: usize = 6;

/// How long busy handles are waited for, in milliseconds between the attempts: after a reload the browser
/// takes a moment to release those of the page before. About 1.5 s in all; a living owner keeps them.
const BACKOFF_MS: [i32; 6] = [25, 50, 100, 200, 400, 700];

/// The pool of one directory, in this worker. Clones are the same pool.
#[derive(Clone)]
pub struct OpfsPool {
    util: OpfsSAHPoolUtil,
    /// The name under which SQLite knows the pool, with the layer that gathers writes.
    plain: String,
    /// The name of the encrypting layer above it.
    encrypting: String,
}

impl fmt::Debug for OpfsPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpfsPool")
            .field("name", &self.plain)
            .finish_non_exhaustive()
    }
}

impl OpfsPool {
    /// Takes a directory and all files in it, which are created at first. `directory` is a path below the
    /// origin's root. Called again for a directory this worker holds already, it answers the same pool,
    /// resumed if it was paused.
    ///
    /// # Errors
    /// - [`StorageError::LockedByOtherTab`]: another tab or worker holds the directory, and still does
    ///   after about 1.5 seconds.
    /// - [`StorageError::Unavailable`]: no such file system here, or it was refused, or it is damaged.
    /// - [`StorageError::Full`].
    pub async fn install(directory: &str) -> Result<Self, StorageError> {
        let name = format!("xmtp-{directory}");
        let config = OpfsSAHPoolCfgBuilder::new()
            .vfs_name(&name)
            .directory(directory)
            .initial_capacity(CAPACITY)
            .build();
        let util = patiently(async || install::<WasmOsCallback>(&config, false).await).await?;
        patiently(async || util.resume().await).await?;
        let plain = gathering(&name)?;
        let pool = Self {
            util,
            encrypting: format!("multipleciphers-{plain}"),
            plain,
        };
        pool.add_encrypting_layer()?;
        Ok(pool)
    }

    /// Takes the handles again after [`OpfsPool::pause`]. Does nothing when they are held.
    ///
    /// # Errors
    /// As [`OpfsPool::install`].
    pub async fn resume(&self) -> Result<(), StorageError> {
        patiently(async || self.util.resume().await).await
    }

    /// Gives the handles back, so that another tab or worker may take the directory. Does nothing when
    /// paused.
    ///
    /// # Errors
    /// [`StorageError::LockedByOtherTab`] while a database of the pool is open here; nothing changes then.
    pub fn pause(&self) -> Result<(), StorageError> {
        self.util.pause().map_err(|error| from_pool(&error))
    }

    /// Whether the handles were given back.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.util.is_paused()
    }

    /// Makes room for at least so many files, journals included. Never gives room back.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Unavailable`].
    pub async fn ensure_capacity(&self, files: usize) -> Result<(), StorageError> {
        self.util
            .ensure_capacity(files)
            .await
            .map_err(|error| from_pool(&error))
    }

    /// The names of the files in the pool, sorted.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] while paused.
    pub fn files(&self) -> Result<Vec<String>, StorageError> {
        let mut names = self.util.names().map_err(|error| from_pool(&error))?;
        names.sort();
        Ok(names)
    }

    /// Deletes a database with its journal. Answers whether it was there.
    ///
    /// # Errors
    /// [`StorageError::LockedByOtherTab`] while it is open here, [`StorageError::Unavailable`] while paused.
    pub fn delete(&self, name: &str) -> Result<bool, StorageError> {
        let deleted = self.util.remove(name).map_err(|error| from_pool(&error))?;
        for suffix in ["-journal", "-wal"] {
            self.util
                .remove(&format!("{name}{suffix}"))
                .map_err(|error| from_pool(&error))?;
        }
        Ok(deleted)
    }

    /// The bytes of a closed database, as they lie in the file: encrypted if it is.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::LockedByOtherTab`] while it is open here,
    /// [`StorageError::Unavailable`].
    pub fn export(&self, name: &str) -> Result<Vec<u8>, StorageError> {
        let mut source = self.util.open_export(name).map_err(|error| from_pool(&error))?;
        let size =
            usize::try_from(source.size()).map_err(|_| StorageError::NumberTooLarge { what: "a file" })?;
        let mut bytes = vec![0; size];
        let mut filled = 0;
        while filled < size {
            match source
                .read_at(filled as u64, &mut bytes[filled..])
                .map_err(|error| from_pool(&error))?
            {
                0 => return Err(StorageError::Unavailable(UnavailableReason::Failed)),
                read => filled += read,
            }
        }
        Ok(bytes)
    }

    /// Whether the first page of a database can be read with this key, or lies in clear (none); an empty file can
    /// be, in any way. Its journal is not looked at: read with none where there is one, it would be taken for one
    /// without content, and what it restores would be lost.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub fn fits(&self, name: &str, key: Option<&DatabaseKey>) -> Result<bool, StorageError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = self.connect_as(&format!("file:{name}?immutable=1"), flags, key)?;
        match first_read(&connection) {
            Err(StorageError::WrongKey) => Ok(false),
            // What an interrupted transaction has left need not be in order. That it can be read says enough.
            Ok(()) | Err(StorageError::Corrupt { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Opens a database that lies in clear and encrypts it.
    pub(super) fn connect_and_encrypt(
        &self,
        name: &str,
        key: &DatabaseKey,
    ) -> Result<Connection, StorageError> {
        let connection =
            Connection::open_with_flags_and_vfs(name, OpenFlags::default(), self.encrypting.as_str())?;
        // The copy that encrypting makes must not be written in clear.
        connection.execute_batch(
            "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA locking_mode = EXCLUSIVE;",
        )?;
        first_read(&connection)?;
        rekey(&connection, key)?;
        Ok(connection)
    }

    /// Opens a database, created if missing, through the encrypting layer if a key is given. The key is
    /// set before anything touches the file and first used at the first read.
    pub(super) fn connect(&self, name: &str, key: Option<&DatabaseKey>) -> Result<Connection, StorageError> {
        if self.util.is_paused() {
            return Err(StorageError::Unavailable(UnavailableReason::Paused));
        }
        // A wrong key must not come near what a WAL holds. Where there is none, what lies beside the database may be the
        // journal of a change of the key: then only that tells which key fits.
        if self.files()?.contains(&format!("{name}-wal")) && !self.fits(name, key)? {
            return Err(StorageError::WrongKey);
        }
        self.connect_as(name, OpenFlags::default(), key)
    }

    fn connect_as(
        &self,
        name: &str,
        flags: OpenFlags,
        key: Option<&DatabaseKey>,
    ) -> Result<Connection, StorageError> {
        let vfs = if key.is_some() {
            &self.encrypting
        } else {
            &self.plain
        };
        let connection = Connection::open_with_flags_and_vfs(name, flags, vfs.as_str())?;
        if let Some(key) = key {
            connection.pragma_update(None, "key", key.pragma_value().as_str())?;
        }
        Ok(connection)
    }

    /// Registers the encrypting layer once. It keeps a pointer to the pool's VFS, which stays allocated
    /// while the pool is paused and is never uninstalled.
    fn add_encrypting_layer(&self) -> Result<(), StorageError> {
        let invalid = StorageError::Unavailable(UnavailableReason::InvalidName);
        let encrypting = CString::new(self.encrypting.as_str()).map_err(|_| invalid.clone())?;
        let plain = CString::new(self.plain.as_str()).map_err(|_| invalid)?;
        // SAFETY: the text ends in NUL and outlives the call; SQLite is used by this one thread.
        if !unsafe { sqlite3_vfs_find(encrypting.as_ptr()) }.is_null() {
            return Ok(());
        }
        // SAFETY: as above. The named VFS is registered: `install` and `resume` have succeeded.
        match unsafe { sqlite3mc_vfs_create(plain.as_ptr(), 0) } {
            0 => Ok(()),
            code => Err(StorageError::Sqlite {
                code,
                message: "no encrypting layer".into(),
            }),
        }
    }
}

/// Reads the schema: a wrong key shows here, and what an interrupted transaction left is undone.
fn first_read(connection: &Connection) -> Result<(), StorageError> {
    Ok(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?)
}

/// Encrypts an open database with another key, in one transaction with a journal of its own: a WAL would hold pages of both
/// keys, and one of a database in clear cannot be encrypted at all.
pub(super) fn rekey(connection: &Connection, key: &DatabaseKey) -> Result<(), StorageError> {
    connection.execute_batch("PRAGMA journal_mode = TRUNCATE;")?;
    let changed = connection.pragma_update(None, "rekey", key.pragma_value().as_str());
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    Ok(changed?)
}

/// Tries again for a while where handles are busy; any other error, or the end of patience, is the answer.
async fn patiently<T>(attempt: impl AsyncFn() -> Result<T, OpfsSAHError>) -> Result<T, StorageError> {
    let mut waits = BACKOFF_MS.into_iter();
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => from_pool(&error),
        };
        match waits.next() {
            Some(ms) if error == StorageError::LockedByOtherTab => sleep(ms).await?,
            _ => return Err(error),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// The worker's timer.
    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, ms: i32) -> Result<JsValue, JsValue>;
}

async fn sleep(ms: i32) -> Result<(), StorageError> {
    let timer = js_sys::Promise::new(&mut |resolve, reject| {
        if let Err(error) = set_timeout(&resolve, ms) {
            // The promise is settled either way; a failing call of `reject` changes nothing.
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }
    });
    match JsFuture::from(timer).await {
        Ok(_) => Ok(()),
        Err(_) => Err(StorageError::Unavailable(UnavailableReason::Failed)),
    }
}

/// What an error of the pool means for us.
fn from_pool(error: &OpfsSAHError) -> StorageError {
    use UnavailableReason::{Damaged, Failed, InvalidName, NoFileSystem, Paused, Refused};
    match error {
        OpfsSAHError::NotSupported => StorageError::Unavailable(NoFileSystem),
        OpfsSAHError::Opfs { value, .. } => {
            let name = js_sys::Reflect::get(value, &"name".into())
                .ok()
                .and_then(|name| name.as_string());
            match name.as_deref() {
                Some("NoModificationAllowedError") => StorageError::LockedByOtherTab,
                Some("QuotaExceededError") => StorageError::Full,
                Some("SecurityError" | "NotAllowedError") => StorageError::Unavailable(Refused),
                _ => StorageError::Unavailable(Failed),
            }
        }
        OpfsSAHError::FileInUse(_) | OpfsSAHError::FilesInUse | OpfsSAHError::Busy => {
            StorageError::LockedByOtherTab
        }
        OpfsSAHError::FileNotFound(_) => StorageError::NotFound(Missing::File),
        OpfsSAHError::Paused | OpfsSAHError::Uninstalled => StorageError::Unavailable(Paused),
        OpfsSAHError::NoCapacity | OpfsSAHError::OutOfMemory => StorageError::Full,
        OpfsSAHError::InvalidFilename(_) | OpfsSAHError::InvalidDirectory => {
            StorageError::Unavailable(InvalidName)
        }
        OpfsSAHError::InvalidDirectoryEntry
        | OpfsSAHError::NeedsRecovery
        | OpfsSAHError::InvalidHeader { .. }
        | OpfsSAHError::DuplicateFilename(_) => StorageError::Unavailable(Damaged),
        OpfsSAHError::Cleanup { error, .. } => from_pool(error),
        _ => StorageError::Unavailable(Failed),
    }
}
