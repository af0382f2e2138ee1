//! A disk in memory whose plug can be pulled in the middle of a write, which may forget what it was not told to keep,
//! and which can be full.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};
use xmtp_web::storage::gathering;

/// In how many bytes the disk gives out its room.
const PAGE: usize = 4096;

/// What becomes of the write during which the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastWrite {
    /// Nothing of it arrives.
    Lost,
    /// So many quarters of it do.
    Torn(u8),
    /// Nothing of it arrives, and all that was written since its file was last synced is gone too. The power goes in
    /// the end even where there are fewer writes.
    Unsynced,
}

/// Clones are the same disk. SQLite knows it as a file system of its own.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    name: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// What each file was when it was last synced.
    synced: BTreeMap<String, Vec<u8>>,
    /// Files opened before the last cut are dead.
    cuts: u64,
    /// How many more writes arrive, if the plug is about to be pulled, and what becomes of the next one.
    left: Option<(u64, LastWrite)>,
    is_off: bool,
    /// For how many more pages there is room, if room is scarce.
    room: Option<u64>,
    /// A write found none.
    was_full: bool,
    writes: u64,
}

impl Disk {
    pub(crate) fn new() -> Self {
        static DISKS: AtomicU64 = AtomicU64::new(0);
        let disk = Self {
            name: format!("disk-{}", DISKS.fetch_add(1, Ordering::Relaxed)),
            state: Arc::default(),
        };
        sqlite_vfs::register(&disk.name, disk.clone(), false).expect("SQLite takes one more file system");
        disk
    }

    /// The name of a file as SQLite opens it, with the layer that gathers writes.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let layer = gathering(&self.name).expect("it is registered");
        PathBuf::from(format!("file:/{name}?vfs={layer}"))
    }

    /// Lets a number of writes arrive from now on; the plug is pulled during the next.
    pub(crate) fn cut_after(&self, writes: u64, last: LastWrite) {
        self.state().left = Some((writes, last));
    }

    /// Leaves room for a number of [pages](PAGE) from now on; what needs more fails, until there is some again.
    pub(crate) fn full_after(&self, pages: u64) {
        self.state().room = Some(pages);
    }

    /// There is room again. Answers whether a write found none.
    pub(crate) fn make_room(&self) -> bool {
        let mut state = self.state();
        state.room = None;
        std::mem::take(&mut state.was_full)
    }

    /// Whether the power went. From then on nothing is read or written.
    pub(crate) fn is_off(&self) -> bool {
        self.state().is_off
    }

    /// The power is back, or stays: what is opened now works, what was open when it went does not.
    pub(crate) fn restart(&self) {
        let mut state = self.state();
        let forgets = matches!(state.left.take(), Some((_, LastWrite::Unsynced)));
        if forgets {
            state.files = state.synced.clone();
        }
        if std::mem::take(&mut state.is_off) || forgets {
            state.cuts += 1;
        }
    }

    /// How many writes arrived.
    pub(crate) fn writes(&self) -> u64 {
        self.state().writes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn powered(&self, cuts: u64) -> Result<(), Error> {
        if self.is_off || self.cuts != cuts {
            return Err(Error::other("the power is off"));
        }
        Ok(())
    }

    /// Meets what needs room for so many bytes, which deleting and shortening files does not.
    fn on_room(&mut self, bytes: usize) -> Result<(), Error> {
        let pages = bytes.div_ceil(PAGE) as u64;
        let Some(room) = &mut self.room else { return Ok(()) };
        if pages > *room {
            self.was_full = true;
            // What SQLite is told of as a full disk.
            return Err(ErrorKind::WriteZero.into());
        }
        *room -= pages;
        Ok(())
    }

    /// Meets each write: whether all of it arrives, a part of it, or (an error) nothing.
    fn on_write(&mut self, cuts: u64) -> Result<Arrives, Error> {
        self.powered(cuts)?;
        match self.left {
            Some((0, last)) => {
                self.is_off = true;
                match last {
                    LastWrite::Lost | LastWrite::Unsynced => self.powered(cuts).map(|()| Arrives::Whole),
                    LastWrite::Torn(quarters) => Ok(Arrives::Quarters(quarters)),
                }
            }
            _ => {
                if let Some((left, _)) = &mut self.left {
                    *left -= 1;
                }
                self.writes += 1;
                Ok(Arrives::Whole)
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrives {
    Whole,
    Quarters(u8),
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    disk: Disk,
    name: String,
    cuts: u64,
    lock: LockKind,
}

impl File {
    fn length(&self) -> usize {
        self.disk.state().files.get(&self.name).map_or(0, Vec::len)
    }
}

fn index(offset: u64) -> Result<usize, Error> {
    usize::try_from(offset).map_err(Error::other)
}

impl Vfs for Disk {
    type Handle = File;

    fn open(&self, name: &str, options: OpenOptions) -> Result<File, Error> {
        let mut state = self.state();
        let cuts = state.cuts;
        state.powered(cuts)?;
        let exists = state.files.contains_key(name);
        match options.access {
            OpenAccess::Read | OpenAccess::Write if !exists => return Err(ErrorKind::NotFound.into()),
            OpenAccess::CreateNew if exists => return Err(ErrorKind::AlreadyExists.into()),
            _ => {}
        }
        state.files.entry(name.to_owned()).or_default();
        Ok(File {
            disk: self.clone(),
            name: name.to_owned(),
            cuts,
            lock: LockKind::None,
        })
    }

    fn delete(&self, name: &str) -> Result<(), Error> {
        let mut state = self.state();
        let cuts = state.cuts;
        if state.on_write(cuts)? != Arrives::Whole {
            return Err(Error::other("the power is off"));
        }
        state.synced.remove(name);
        state
            .files
            .remove(name)
            .map(|_| ())
            .ok_or(ErrorKind::NotFound.into())
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        let state = self.state();
        state.powered(state.cuts)?;
        Ok(state.files.contains_key(name))
    }

    fn temporary_name(&self) -> String {
        "/temporary".into()
    }

    fn random(&self, buffer: &mut [i8]) {
        // For the names of temporary files and the marks of journals; nothing secret hangs on it.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let bytes = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (place, byte) in buffer.iter_mut().zip(bytes.iter().cycle()) {
            *place = byte.cast_signed();
        }
    }

    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }
}

/// Where the pages of a WAL are is known to the one connection there is, and to nobody else.
#[derive(Debug)]
pub(crate) struct Index;

impl WalIndex for Index {
    fn map(&mut self, _region: u32) -> Result<[u8; 32_768], Error> {
        Ok([0; 32_768])
    }

    fn lock(&mut self, _locks: Range<u8>, _lock: WalIndexLock) -> Result<bool, Error> {
        Ok(true)
    }

    fn delete(self) -> Result<(), Error> {
        Ok(())
    }
}

impl DatabaseHandle for File {
    type WalIndex = Index;

    fn size(&self) -> Result<u64, Error> {
        self.disk.state().powered(self.cuts)?;
        Ok(self.length() as u64)
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let state = self.disk.state();
        state.powered(self.cuts)?;
        let bytes = state.files.get(&self.name).map_or(&[][..], Vec::as_slice);
        let found = bytes.get(index(offset)?..).unwrap_or_default();
        let length = found.len().min(buffer.len());
        // SQLite wants the part behind the end of the file as zeros.
        buffer.fill(0);
        buffer[..length].copy_from_slice(&found[..length]);
        if length < buffer.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn write_all_at(&mut self, buffer: &[u8], offset: u64) -> Result<(), Error> {
        let mut state = self.disk.state();
        state.on_room(buffer.len())?;
        let arrives = state.on_write(self.cuts)?;
        let part = match arrives {
            Arrives::Whole => buffer,
            Arrives::Quarters(quarters) => &buffer[..buffer.len() * usize::from(quarters) / 4],
        };
        let (start, file) = (index(offset)?, state.files.entry(self.name.clone()).or_default());
        if file.len() < start + part.len() {
            file.resize(start + part.len(), 0);
        }
        file[start..start + part.len()].copy_from_slice(part);
        state.powered(self.cuts)
    }

    fn sync(&mut self, _data_only: bool) -> Result<(), Error> {
        let mut state = self.disk.state();
        state.powered(self.cuts)?;
        let bytes = state.files.get(&self.name).cloned().unwrap_or_default();
        state.synced.insert(self.name.clone(), bytes);
        Ok(())
    }

    fn set_len(&mut self, size: u64) -> Result<(), Error> {
        let mut state = self.disk.state();
        // There is no half of a truncation: it has happened or not.
        let _ = state.on_write(self.cuts)?;
        let size = index(size)?;
        state.files.entry(self.name.clone()).or_default().resize(size, 0);
        state.powered(self.cuts)
    }

    fn lock(&mut self, lock: LockKind) -> Result<bool, Error> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> Result<bool, Error> {
        Ok(false)
    }

    fn current_lock(&self) -> Result<LockKind, Error> {
        Ok(self.lock)
    }

    fn wal_index(&self, _readonly: bool) -> Result<Index, Error> {
        Ok(Index)
    }
}
