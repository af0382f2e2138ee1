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
//! Files other than a WAL go straight to the layer below. `sqlite3_vfs` and `sqlite3_file` are SQLite's own interface for
//! such layers (<https://sqlite.org/c3ref/vfs.html>); frames are those of <https://sqlite.org/fileformat2.html#walformat>.

use std::collections::TryReserveError;
use std::ffi::{CStr, CString, c_int, c_void};
use std::ops::Range;
use std::ptr;

use rusqlite::ffi::{
    SQLITE_IOERR, SQLITE_OK, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_filename, sqlite3_int64,
    sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::error::StorageError;

/// Bytes that are kept at most; a larger transaction is written in parts. SQLite's VFS for Unix takes no more at once.
const LIMIT: usize = 0x1_ffff;
/// Bytes of the header of a WAL, and of that of a frame.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Where the size of a page stands in a WAL's header, big endian.
const PAGE_SIZE: Range<usize> = 8..12;
/// Where the size of the database after a commit stands in a frame's header; all zero in frames that do not commit.
const COMMIT: Range<usize> = 4..8;

/// Registers the layer above the VFS of this name, unless there is one, and answers its name.
///
/// # Errors
/// [`StorageError::Sqlite`]: there is no such VFS.
pub fn gathering(below: &str) -> Result<String, StorageError> {
    let missing = || StorageError::Sqlite {
        code: SQLITE_IOERR,
        message: "no file system to gather the writes of".into(),
    };
    let below = CString::new(below).map_err(|_| missing())?;
    // SAFETY: a text that ends in NUL and outlives the call.
    let below = unsafe { sqlite3_vfs_find(below.as_ptr()) };
    if below.is_null() {
        return Err(missing());
    }
    // SAFETY: a registered VFS has a name that ends in NUL.
    let name = unsafe { CStr::from_ptr((*below).zName) }.to_string_lossy();
    let name = format!("gathering-{name}");
    let c_name = CString::new(name.as_str()).map_err(|_| missing())?;
    // SAFETY: as above.
    if !unsafe { sqlite3_vfs_find(c_name.as_ptr()) }.is_null() {
        return Ok(name);
    }
    // SAFETY: as above. Its methods take it for the one below: they find their own data in `pAppData`, which is the same.
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
}

/// An open WAL. SQLite sees its first field; the file of the layer below follows it in memory.
///
/// Both are aligned as pointers are, like all that layers of SQLite's kind put in front of each other's files.
#[repr(C)]
struct WalFile {
    file: sqlite3_file,
    gathered: *mut Gathered,
}

/// What was written and not passed on: one piece.
#[derive(Debug, Default)]
struct Gathered {
    at: sqlite3_int64,
    bytes: Vec<u8>,
    /// Bytes of a frame, once known.
    frame: Option<usize>,
    /// What the last frame's header has in [`COMMIT`].
    commit: [u8; 4],
    /// Where the last write ended.
    next: sqlite3_int64,
}

impl Gathered {
    /// Takes the size of pages from the WAL's header.
    fn read_header(&mut self, header: &[u8]) {
        let size = header
            .get(PAGE_SIZE)
            .and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)))
            .filter(|size| (512..=65_536).contains(size));
        self.frame = size.map(|size| FRAME_HEADER + size as usize);
    }

    /// Whether a write continues the piece, and there is room for it.
    fn continues(&self, bytes: &[u8], at: sqlite3_int64) -> bool {
        let length = self.bytes.len();
        length == 0 || (self.at.saturating_add_unsigned(length as u64) == at && length + bytes.len() <= LIMIT)
    }

    /// Keeps a write that [continues](Self::continues) the piece, as far as there is memory. Answers whether it must be passed on:
    /// it ends a frame that commits, does not follow the write before, or is not understood. SQLite may write a header or a
    /// page in two parts.
    fn keep(&mut self, bytes: &[u8], at: sqlite3_int64) -> Result<bool, TryReserveError> {
        let follows = std::mem::replace(&mut self.next, at.saturating_add_unsigned(bytes.len() as u64)) == at;
        self.bytes.try_reserve(bytes.len())?;
        if self.bytes.is_empty() {
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        if at == 0 {
            self.read_header(bytes);
            return Ok(bytes.len() != HEADER);
        }
        let (Some(frame), Ok(at)) = (self.frame, usize::try_from(at)) else {
            return Ok(true);
        };
        let Some(start) = at.checked_sub(HEADER).map(|at| at % frame) else {
            return Ok(true);
        };
        for (place, kept) in COMMIT.zip(&mut self.commit) {
            if let Some(byte) = place.checked_sub(start).and_then(|index| bytes.get(index)) {
                *kept = *byte;
            }
        }
        let end = start + bytes.len();
        Ok(!follows || end > frame || end == frame && self.commit != [0; 4])
    }

    /// What is kept of these bytes of the file.
    fn kept(&self, at: sqlite3_int64, length: usize) -> Kept<'_> {
        let (start, end) = (self.at, self.at.saturating_add_unsigned(self.bytes.len() as u64));
        if at >= end || at.saturating_add_unsigned(length as u64) <= start {
            return Kept::Nothing;
        }
        let all = usize::try_from(at - start).ok();
        match all.and_then(|from| self.bytes.get(from..from + length)) {
            Some(bytes) => Kept::All(bytes),
            None => Kept::Part,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kept<'a> {
    Nothing,
    Part,
    All(&'a [u8]),
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
    let (below, open) = unsafe {
        let below = (*vfs.cast::<Layer>()).below;
        (below, (*below).xOpen)
    };
    let Some(open) = open else { return SQLITE_IOERR };
    if flags & SQLITE_OPEN_WAL == 0 {
        // SAFETY: the arguments are SQLite's; there is room for more than this file.
        return unsafe { open(below, name, file, flags, out_flags) };
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

/// The file of the layer below.
///
/// # Safety
/// `file` has room for a [`WalFile`] and what follows it.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: the caller's.
    unsafe { file.cast::<WalFile>().add(1).cast() }
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
        let code = write_below(file, gathered.bytes.as_ptr().cast(), length, gathered.at);
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
        code
    }
}

/// # Safety
/// As [`write`].
unsafe fn write_below(
    file: *mut sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: the caller's; the file below is open as long as this one is.
    unsafe {
        match (*(*inner(file)).pMethods).xWrite {
            Some(write) => write(inner(file), buffer, amount, at),
            None => SQLITE_IOERR,
        }
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
                SQLITE_OK => write_below(file, buffer, amount, at),
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
        match (*(*inner(file)).pMethods).xRead {
            Some(read) => read(inner(file), buffer, amount, at),
            None => SQLITE_IOERR,
        }
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
        let closed = (*(*inner(file)).pMethods)
            .xClose
            .map_or(SQLITE_IOERR, |close| close(inner(file)));
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
                match (*(*inner(file)).pMethods).$method {
                    Some(method) => method(inner(file) $(, $argument)*),
                    None => SQLITE_IOERR,
                }
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

    const PAGE: usize = 4096;
    const FRAME: usize = FRAME_HEADER + PAGE;

    /// A WAL without frames, whose header was passed on.
    fn begun() -> Gathered {
        let mut header = [9; HEADER];
        header[PAGE_SIZE].copy_from_slice(&(PAGE as u32).to_be_bytes());
        let mut gathered = Gathered::default();
        assert_eq!(gathered.keep(&header, 0), Ok(false));
        gathered.bytes.clear();
        gathered
    }

    /// The bytes of a frame.
    fn frame(commits: bool) -> [u8; FRAME] {
        let mut frame = [7; FRAME];
        frame[COMMIT].copy_from_slice(&u32::from(commits).to_be_bytes());
        frame
    }

    /// Writes a frame in parts, and answers after which of them something was to be passed on, as it then is.
    fn write(gathered: &mut Gathered, number: usize, frame: &[u8; FRAME], parts: &[usize]) -> Vec<bool> {
        let mut at = HEADER + number * FRAME;
        let (mut rest, mut passed) = (&frame[..], Vec::new());
        for length in parts.iter().copied().chain([FRAME - parts.iter().sum::<usize>()]) {
            let (part, behind) = rest.split_at(length);
            let place = sqlite3_int64::try_from(at).expect("small");
            assert!(gathered.continues(part, place));
            passed.push(gathered.keep(part, place).expect("memory"));
            if passed.last() == Some(&true) {
                gathered.bytes.clear();
            }
            (at, rest) = (at + length, behind);
        }
        passed
    }

    #[test]
    fn frames_are_kept_up_to_the_end_of_the_one_that_commits() {
        let mut gathered = begun();
        let header = &[FRAME_HEADER][..];
        assert_eq!(write(&mut gathered, 0, &frame(false), header), [false, false]);
        assert_eq!(write(&mut gathered, 1, &frame(false), header), [false, false]);
        assert_eq!((gathered.at, gathered.bytes.len()), (32, 2 * FRAME));
        assert_eq!(write(&mut gathered, 2, &frame(true), header), [false, true]);
        assert_eq!(
            write(&mut gathered, 3, &frame(false), header),
            [false, false],
            "the next one"
        );
    }

    #[test]
    fn it_does_not_matter_in_which_parts_a_frame_is_written() {
        for first in 1..=40 {
            for second in [1, 3, FRAME_HEADER, 1000, FRAME - 41] {
                let mut gathered = begun();
                let parts = [first, second];
                assert_eq!(
                    write(&mut gathered, 0, &frame(true), &parts),
                    [false, false, true]
                );
                assert_eq!(write(&mut gathered, 1, &frame(false), &parts), [false; 3]);
                // What fills up a sector behind a commit says that it commits too.
                assert_eq!(
                    write(&mut gathered, 2, &frame(true), &parts),
                    [false, false, true]
                );
            }
        }
    }

    #[test]
    fn a_frame_that_is_written_again_is_passed_on_at_once() {
        let mut gathered = begun();
        for number in 0..2 {
            write(&mut gathered, number, &frame(false), &[FRAME_HEADER]);
        }
        assert!(!gathered.continues(&[7; FRAME_HEADER], 32));
        gathered.bytes.clear();
        assert_eq!(gathered.keep(&frame(true)[..FRAME_HEADER], 32), Ok(true));
    }

    #[test]
    fn what_is_kept_is_read_from_there() {
        let mut gathered = begun();
        write(&mut gathered, 0, &frame(false), &[FRAME_HEADER]);
        let end = sqlite3_int64::try_from(HEADER + FRAME).expect("small");
        assert_eq!(gathered.kept(32, FRAME), Kept::All(&frame(false)));
        assert_eq!(gathered.kept(end - 3, 3), Kept::All(&[7; 3]));
        assert_eq!(gathered.kept(end - 3, 4), Kept::Part);
        assert_eq!(gathered.kept(0, 33), Kept::Part);
        assert_eq!(gathered.kept(0, 32), Kept::Nothing);
        assert_eq!(gathered.kept(end, 1), Kept::Nothing);
    }

    #[test]
    fn what_is_not_understood_is_passed_on() {
        let mut unknown = Gathered::default();
        assert_eq!(
            unknown.keep(&[0; FRAME_HEADER], 32),
            Ok(true),
            "pages of what size?"
        );
        let mut gathered = begun();
        assert_eq!(gathered.keep(&[0; FRAME + 1], 32), Ok(true), "more than a frame");
        assert_eq!(begun().keep(&[0; 8], 8), Ok(true), "a part of the header");
        gathered.read_header(&[0xff; HEADER]);
        assert_eq!(gathered.frame, None);
    }

    #[test]
    fn what_is_kept_has_a_limit_and_is_one_piece() {
        let mut gathered = begun();
        let mut number = 0;
        while gathered.continues(
            &[7; FRAME],
            sqlite3_int64::try_from(HEADER + number * FRAME).expect("small"),
        ) {
            write(&mut gathered, number, &frame(false), &[]);
            number += 1;
        }
        assert_eq!(gathered.bytes.len(), 31 * FRAME);
        assert!(!gathered.continues(&[7], 32));
    }

    #[test]
    fn there_is_no_layer_above_what_is_not_there() {
        assert!(matches!(gathering("nowhere"), Err(StorageError::Sqlite { .. })));
    }
}
