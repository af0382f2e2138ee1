//! A layer between SQLite and its files that gathers what is written to a WAL.
//!
//! SQLite writes each changed page by itself, and before it the header of its frame: some thirty writes for a message that
//! is sent, each a call into the browser. Here frames that follow each other are kept, up to the end of one that commits, and
//! written as one. What does not follow the write before it is not kept: so SQLite changes a frame that it has written.
//!
//! It may count on frames before it commits: pages of a transaction that is larger than its cache. They are read from what is
//! kept. That it cannot be written is told by a write, by syncing, or by closing, after which SQLite takes the transaction
//! back; a read that cannot do without writing fails, and forgets nothing. After a transaction that was taken back, frames of
//! it may still be kept. They are written before anything else is, which comes over them: **a WAL has one owner**, as all files
//! of the pool have.
//!
//! Of the database itself it tells SQLite one thing: that the end of the power in the middle of a write changes nothing beside
//! it, as SQLite takes for granted of every file system of an operating system (<https://sqlite.org/psow.html>). Otherwise a
//! page more would be written behind each commit that is synced, to fill up the sector, in two parts.
//!
//! Everything else goes straight to the layer below. `sqlite3_vfs` and `sqlite3_file` are SQLite's own interface for
//! such layers (<https://sqlite.org/c3ref/vfs.html>); frames are those of <https://sqlite.org/fileformat2.html#walformat>.

mod piece;

use std::ffi::{CString, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOCAP_POWERSAFE_OVERWRITE, SQLITE_IOERR, SQLITE_IOERR_WRITE, SQLITE_OK,
    SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_filename, sqlite3_int64, sqlite3_io_methods,
    sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use self::piece::{Gathered, HEADER, Kept};
use super::error::StorageError;

/// Registers the layer above the VFS of this name, unless there is one, and answers its name.
///
/// # Errors
/// [`StorageError::Sqlite`]: there is no such VFS.
pub fn gathering(below: &str) -> Result<String, StorageError> {
    let missing = || StorageError::Sqlite {
        code: SQLITE_IOERR,
        message: "no file system to gather the writes of".into(),
    };
    let name = format!("gathering-{below}");
    let below = CString::new(below).map_err(|_| missing())?;
    // SAFETY: a text that ends in NUL and outlives the call.
    let below = unsafe { sqlite3_vfs_find(below.as_ptr()) };
    if below.is_null() {
        return Err(missing());
    }
    let c_name = CString::new(name.as_str()).map_err(|_| missing())?;
    // SAFETY: as above.
    if !unsafe { sqlite3_vfs_find(c_name.as_ptr()) }.is_null() {
        return Ok(name);
    }
    // SAFETY: it is registered. Its methods take the copy for the one below: they find their own data in `pAppData`, which is the same.
    let vfs = unsafe { *below };
    let layer = Box::leak(Box::new(Layer {
        vfs: sqlite3_vfs {
            szOsFile: vfs.szOsFile.saturating_add(size_of::<WalFile>() as c_int),
            pNext: ptr::null_mut(),
            zName: c_name.into_raw(),
            xOpen: Some(open),
            ..vfs
        },
        below,
        database: OnceLock::new(),
    }));
    // SAFETY: the layer and its name are never freed, and no VFS is unregistered.
    match unsafe { sqlite3_vfs_register(&raw mut layer.vfs, 0) } {
        SQLITE_OK => Ok(name),
        code => Err(StorageError::Sqlite {
            code,
            message: "the layer that gathers writes was refused".into(),
        }),
    }
}

/// The layer. SQLite sees its first field.
#[repr(C)]
struct Layer {
    vfs: sqlite3_vfs,
    below: *mut sqlite3_vfs,
    database: OnceLock<DatabaseMethods>,
}

/// The methods of databases: those of the layer below but for one. SQLite sees its first field.
#[repr(C)]
struct DatabaseMethods {
    methods: sqlite3_io_methods,
    below: Option<unsafe extern "C" fn(*mut sqlite3_file) -> c_int>,
}

/// An open WAL. SQLite sees its first field; the file of the layer below follows it in memory.
///
/// Both are aligned as pointers are, like all that layers of SQLite's kind put in front of each other's files.
#[repr(C)]
struct WalFile {
    file: sqlite3_file,
    gathered: *mut Gathered,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
/// SQLite's: `vfs` is a [`Layer`]'s, `file` has room for `szOsFile` bytes.
unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `vfs` is the first field of a layer, which is never freed, nor is the one below.
    let (layer, open) = unsafe {
        let layer = &*vfs.cast::<Layer>();
        (layer, (*layer.below).xOpen)
    };
    let below = layer.below;
    let Some(open) = open else { return SQLITE_IOERR };
    if flags & SQLITE_OPEN_WAL == 0 {
        // SAFETY: the arguments are SQLite's; there is room for more than this file, which says how it is used once it is open.
        // All databases of a layer have the same methods.
        return unsafe {
            let code = open(below, name, file, flags, out_flags);
            if code == SQLITE_OK
                && flags & SQLITE_OPEN_MAIN_DB != 0
                && let Some(methods) = (*file).pMethods.as_ref()
            {
                let database = layer.database.get_or_init(|| DatabaseMethods {
                    methods: sqlite3_io_methods {
                        xDeviceCharacteristics: Some(powersafe),
                        ..*methods
                    },
                    below: methods.xDeviceCharacteristics,
                });
                (*file).pMethods = ptr::from_ref(database).cast();
            }
            code
        };
    }
    // SAFETY: `szOsFile` has room for both. Nobody uses a file that is not open, and one that could not be opened is closed
    // if it says how.
    unsafe {
        (*file).pMethods = ptr::null();
        let inner = inner(file);
        (*inner).pMethods = ptr::null();
        let code = open(below, name, inner, flags, out_flags);
        if code == SQLITE_OK {
            (*file.cast::<WalFile>()).gathered = Box::into_raw(Box::default());
            (*file).pMethods = &raw const METHODS;
        } else if let Some(close) = (*inner).pMethods.as_ref().and_then(|methods| methods.xClose) {
            close(inner);
        }
        code
    }
}

/// What SQLite may rely on in a database's file.
///
/// # Safety
/// SQLite's: `file` is open. Its methods are [`DatabaseMethods`].
unsafe extern "C" fn powersafe(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the caller's; the layer below gets its own file.
    unsafe {
        let below = (*(*file).pMethods.cast::<DatabaseMethods>()).below;
        below.map_or(0, |below| below(file)) | SQLITE_IOCAP_POWERSAFE_OVERWRITE
    }
}

/// The file of the layer below.
///
/// # Safety
/// `file` has room for a [`WalFile`] and what follows it.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the caller's.
    unsafe { file.cast::<WalFile>().add(1).cast() }
}

/// Calls a method of the layer below on its file. Unsafe: the file must be open.
macro_rules! below {
    ($file:ident, $method:ident $(, $argument:expr)*) => {
        match (*(*inner($file)).pMethods).$method {
            Some(method) => method(inner($file) $(, $argument)*),
            None => SQLITE_IOERR,
        }
    };
}

/// Passes on what was kept. What cannot be is kept.
///
/// # Safety
/// `file` is an open [`WalFile`].
unsafe fn pass_on(file: *mut sqlite3_file) -> c_int {
    // SAFETY: it is open: what it points to is there, and SQLite makes one call of a file at a time.
    unsafe {
        let gathered = &mut *(*file.cast::<WalFile>()).gathered;
        if gathered.bytes.is_empty() {
            return SQLITE_OK;
        }
        // No more than `LIMIT`, or one page, which is at most 64 KB.
        let length = gathered.bytes.len() as c_int;
        let bytes = gathered.bytes.as_ptr().cast();
        let code = below!(file, xWrite, bytes, length, gathered.at);
        if code == SQLITE_OK {
            gathered.bytes.clear();
        }
        code
    }
}

/// Passes on what was kept, for a call after whose failure SQLite takes the transaction back: then it is forgotten.
///
/// # Safety
/// As [`pass_on`].
unsafe fn settle(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the caller's.
    unsafe {
        let code = pass_on(file);
        (*(*file.cast::<WalFile>()).gathered).bytes.clear();
        lost(code)
    }
}

/// What SQLite is told: only after these two it takes the whole transaction back, whatever it was doing.
const fn lost(code: c_int) -> c_int {
    match code & 0xff {
        SQLITE_OK | SQLITE_FULL | SQLITE_IOERR => code,
        _ => SQLITE_IOERR_WRITE,
    }
}

/// # Safety
/// SQLite's: `file` is open, and `buffer` holds `amount` bytes.
unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's promises; `gathered` is not used beyond a call of `pass_on`.
    unsafe {
        let gathered = (*file.cast::<WalFile>()).gathered;
        let bytes = std::slice::from_raw_parts(buffer.cast(), usize::try_from(amount).unwrap_or(0));
        if (*gathered).frame.is_none() && at != 0 {
            // A WAL that was there when it was opened.
            let mut header = [0_u8; HEADER];
            let code = read(file, header.as_mut_ptr().cast(), HEADER as c_int, 0);
            if code == SQLITE_OK {
                (*gathered).read_header(&header);
            }
        }
        if !(*gathered).continues(bytes, at) {
            let code = settle(file);
            if code != SQLITE_OK {
                return code;
            }
        }
        match (*gathered).keep(bytes, at) {
            Ok(true) => settle(file),
            Ok(false) => SQLITE_OK,
            // No memory: it is written by itself.
            Err(_) => match settle(file) {
                SQLITE_OK => lost(below!(file, xWrite, buffer, amount, at)),
                code => code,
            },
        }
    }
}

/// # Safety
/// SQLite's: `file` is open, and `buffer` has room for `amount` bytes.
unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    buffer: *mut c_void,
    amount: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's promises; what is kept is no part of its buffer.
    unsafe {
        let gathered = (*file.cast::<WalFile>()).gathered;
        match (*gathered).kept(at, usize::try_from(amount).unwrap_or(0)) {
            Kept::All(bytes) => {
                ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len());
                return SQLITE_OK;
            }
            Kept::Part => {
                let code = pass_on(file);
                if code != SQLITE_OK {
                    return code;
                }
            }
            Kept::Nothing => {}
        }
        below!(file, xRead, buffer, amount, at)
    }
}

/// # Safety
/// SQLite's: `file` is open, and not used again.
unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: it is open: `gathered` is a box's, and is not used again.
    unsafe {
        let passed = settle(file);
        drop(Box::from_raw((*file.cast::<WalFile>()).gathered));
        (*file).pMethods = ptr::null();
        let closed = below!(file, xClose);
        if passed == SQLITE_OK { closed } else { passed }
    }
}

/// A method that does what the layer below does, after what was kept.
macro_rules! forward {
    ($name:ident, $method:ident $(, $argument:ident: $type:ty)*) => {
        /// # Safety
        /// SQLite's: `file` is open.
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: it is open, and so is the one below; the arguments are SQLite's.
            unsafe {
                let code = settle(file);
                if code != SQLITE_OK {
                    return code;
                }
                below!(file, $method $(, $argument)*)
            }
        }
    };
}

forward!(truncate, xTruncate, size: sqlite3_int64);
forward!(sync, xSync, flags: c_int);
forward!(file_size, xFileSize, size: *mut sqlite3_int64);
forward!(lock, xLock, level: c_int);
forward!(unlock, xUnlock, level: c_int);
forward!(check_reserved_lock, xCheckReservedLock, is_reserved: *mut c_int);
forward!(file_control, xFileControl, operation: c_int, argument: *mut c_void);

/// # Safety
/// SQLite's: `file` is open.
unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    // SAFETY: it is open, and so is the one below.
    unsafe {
        (*(*inner(file)).pMethods)
            .xSectorSize
            .map_or(0, |method| method(inner(file)))
    }
}

/// # Safety
/// SQLite's: `file` is open.
unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    // SAFETY: it is open, and so is the one below.
    unsafe {
        (*(*inner(file)).pMethods)
            .xDeviceCharacteristics
            .map_or(0, |method| method(inner(file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_layer_above_what_is_not_there() {
        assert!(matches!(gathering("nowhere"), Err(StorageError::Sqlite { .. })));
    }
}
