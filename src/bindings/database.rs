//! Where the rows of a client lie: in memory, or in a directory of the origin's private file system.
//!
//! Each database has a directory of its own, since a directory has one owner among all tabs: several accounts
//! can be open in several tabs, one account cannot be open twice.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use js_sys::Reflect;
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use super::options::database_key;
use crate::error::Coded as _;
use crate::platform::Platform as _;
use crate::platform::web::WebPlatform;
use crate::storage::{DatabaseKey, OpfsPool, StorageError, Store, StoreOptions};

/// The directory of all databases, below the origin's root.
const ROOT: &str = ".xmtp-web";
/// The database's file within its directory.
const FILE: &str = "/client.db3";
/// The pauses between attempts to give a directory back, in milliseconds: calls that were just given up drop
/// what they hold one after the other.
const RELEASE_PAUSES_MS: [u64; 10] = [0, 0, 1, 5, 10, 20, 50, 100, 200, 500];

#[wasm_bindgen]
extern "C" {
    /// The page's keeper of keys and directories.
    #[derive(Debug)]
    pub(super) type Keeper;

    /// The directory of a database, one path component.
    #[wasm_bindgen(method, structural, catch)]
    async fn directory(this: &Keeper, name: &str) -> Result<JsValue, JsValue>;

    /// What to open it with: `{ key, clear }`. Asked again, with the code of the failure, when that does not open
    /// it; throws when there is nothing left to try.
    #[wasm_bindgen(method, structural, catch)]
    async fn key(
        this: &Keeper,
        exists: bool,
        clear: bool,
        failed: Option<String>,
    ) -> Result<JsValue, JsValue>;
}

thread_local! {
    /// The names of the databases that are open in this worker.
    static OPEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// A database that was taken. Giving it back is [`release`](Self::release).
#[derive(Debug)]
pub(super) enum Database {
    /// Gone with the client.
    Memory,
    /// Stays.
    Stored {
        /// The directory's files.
        pool: OpfsPool,
        /// That nobody else in this worker has it.
        lease: Lease,
    },
}

/// One name in [`OPEN`].
#[derive(Debug)]
pub(super) struct Lease(String);

impl Lease {
    fn take(name: &str) -> Result<Self, StorageError> {
        if OPEN.with_borrow_mut(|open| open.insert(name.to_owned())) {
            Ok(Self(name.to_owned()))
        } else {
            Err(StorageError::LockedByOtherTab)
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| open.remove(&self.0));
    }
}

impl Database {
    /// Takes the directory of a database of this name.
    pub(super) async fn take(name: &str, keeper: Option<&Keeper>) -> Result<Self, EdgeError> {
        let lease = Lease::take(name)?;
        let directory = match keeper {
            Some(keeper) => keeper.directory(name).await.map_err(EdgeError::Thrown)?,
            None => component(name).into(),
        };
        let directory = directory.as_string().unwrap_or_default();
        let pool = OpfsPool::install(&format!("{ROOT}/{directory}")).await?;
        Ok(Self::Stored { pool, lease })
    }

    /// Whether there is anything in it.
    pub(super) fn exists(&self) -> Result<bool, EdgeError> {
        match self {
            Self::Memory => Ok(false),
            Self::Stored { pool, .. } => Ok(pool.files()?.iter().any(|name| name == FILE)),
        }
    }

    /// Opens it.
    pub(super) fn open(&self, key: Option<DatabaseKey>) -> Result<Store, EdgeError> {
        let options = match self {
            Self::Memory => StoreOptions::memory(),
            Self::Stored { pool, .. } => StoreOptions::opfs(pool, FILE, key),
        };
        Ok(Store::open(options)?)
    }

    /// Opens it with the first key of the keeper that fits. A wrong one changes nothing.
    pub(super) async fn open_kept(&self, keeper: &Keeper) -> Result<Store, EdgeError> {
        let Self::Stored { pool, .. } = self else {
            return self.open(None);
        };
        let exists = self.exists()?;
        let clear = exists && pool.fits(FILE, None)?;
        let mut failed = None;
        loop {
            let offer = keeper
                .key(exists, clear, failed)
                .await
                .map_err(EdgeError::Thrown)?;
            let part = |name: &str| Reflect::get(&offer, &name.into()).unwrap_or_default();
            let key = database_key(&part("key"))?;
            let mut options = StoreOptions::opfs(pool, FILE, key.clone());
            if part("clear").is_truthy() {
                options = options.in_clear();
            }
            match Store::open(options) {
                Err(mut error @ (StorageError::WrongKey | StorageError::Corrupt { .. })) => {
                    // A journal that does not decrypt is told as damage.
                    if !pool.fits(FILE, key.as_ref())? {
                        error = StorageError::WrongKey;
                    }
                    failed = Some(error.code().as_str().to_owned());
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Gives the directory back, once nobody in this worker has the database open any more.
    pub(super) async fn release(self) -> Result<(), EdgeError> {
        let Self::Stored { pool, lease } = self else {
            return Ok(());
        };
        let mut outcome = Ok(());
        for pause in RELEASE_PAUSES_MS {
            WebPlatform.sleep(Duration::from_millis(pause)).await;
            outcome = pool.pause();
            if outcome.is_ok() {
                break;
            }
        }
        drop(lease);
        Ok(outcome?)
    }
}

/// A name as one path component: what may not be in one is written `%` and two hex digits.
fn component(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => text.push(char::from(byte)),
            b'.' if index > 0 => text.push('.'),
            _ => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}
