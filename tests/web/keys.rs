//! Keys of databases in a browser: encrypting what lies in clear, changing a key, and the plug pulled at each write of
//! that. Runs in a dedicated worker.

use std::collections::BTreeSet;

use rusqlite::{Connection, OpenFlags};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::storage::{CursorKind, DatabaseKey, OpfsPool, StorageError, Store, StoreOptions};

const KIND: CursorKind = CursorKind::Welcome;
const FILE: &str = "/store";
/// What is looked for in the bytes of all files.
const SECRET: &str = "nobody must be able to read this";

#[wasm_bindgen(inline_js = r#"
    const file = FileSystemSyncAccessHandle.prototype;
    let left = Infinity, room = Infinity, failed = false;
    const fail = (name) => { failed = true; throw new DOMException("on purpose", name); };
    const { write, truncate } = file;
    file.write = function (...args) {
        const pages = Math.ceil(args[0].byteLength / 4096);
        if (left <= 0) fail("InvalidStateError");
        if (pages > room) fail("QuotaExceededError");
        left -= 1;
        room -= pages;
        return write.apply(this, args);
    };
    file.truncate = function (...args) {
        if (left <= 0) fail("InvalidStateError");
        left -= 1;
        return truncate.apply(this, args);
    };
    /** From the n-th write on nothing is written any more. */
    export function cutAfter(writes) { left = writes; }
    /** There is room for so many pages of 4 KB; files can still be made shorter. */
    export function fullAfter(pages) { room = pages; }
    /** Everything is written again. Answers whether something was not. */
    export function mend() { const was = failed; left = Infinity; room = Infinity; failed = false; return was; }
    /** Whether a file below a directory holds these bytes. Takes no handles: they must have been given back. */
    export async function holds(directory, text) {
        const needle = new TextEncoder().encode(text);
        const has = (bytes) => {
            for (let at = bytes.indexOf(needle[0]); at >= 0; at = bytes.indexOf(needle[0], at + 1)) {
                if (needle.every((byte, n) => bytes[at + n] === byte)) return true;
            }
            return false;
        };
        const walk = async (folder) => {
            for await (const entry of folder.values()) {
                if (entry.kind === "directory") { if (await walk(entry)) return true; continue; }
                if (has(new Uint8Array(await (await entry.getFile()).arrayBuffer()))) return true;
            }
            return false;
        };
        return walk(await (await navigator.storage.getDirectory()).getDirectoryHandle(directory));
    }
"#)]
extern "C" {
    #[wasm_bindgen(js_name = cutAfter)]
    fn cut_after(writes: u32);
    #[wasm_bindgen(js_name = fullAfter)]
    fn full_after(pages: u32);
    fn mend() -> bool;
    fn holds(directory: &str, text: &str) -> js_sys::Promise;
}

fn key(byte: u8) -> DatabaseKey {
    DatabaseKey::new([byte; 32])
}

fn open(pool: &OpfsPool, key: Option<DatabaseKey>) -> Result<Store, StorageError> {
    Store::open(StoreOptions::opfs(pool, FILE, key))
}

async fn install(directory: &str) -> OpfsPool {
    OpfsPool::install(directory).await.expect("installs")
}

/// What holds a secret, over more pages than fit into a page or two.
fn fill(store: &Store) {
    store
        .transaction(|tx| -> Result<(), StorageError> {
            for n in 0..40_u64 {
                tx.put_mls_value(1, &n.to_be_bytes(), SECRET.repeat(40).as_bytes())?;
            }
            tx.advance_cursor(b"x", KIND, 11, 5)?;
            Ok(())
        })
        .expect("room");
}

/// That everything is there.
fn check(store: &Store) {
    assert_eq!(store.cursor(b"x", KIND, 11), Ok(5));
    for n in 0..40_u64 {
        let value = store
            .mls_value(1, &n.to_be_bytes())
            .expect("readable")
            .expect("there");
        assert_eq!(value.len(), SECRET.len() * 40);
    }
}

/// The app is started again: what was open is gone, and what is on disk is all there is.
async fn restart(pool: &OpfsPool, store: Option<Store>) {
    drop(store);
    mend();
    pool.pause().expect("nothing is open");
    pool.resume().await.expect("takes the handles");
}

async fn is_readable_without_a_key(pool: &OpfsPool, directory: &str) -> bool {
    pool.pause().expect("nothing is open");
    let found = JsFuture::from(holds(directory, SECRET)).await.expect("looks");
    pool.resume().await.expect("takes the handles");
    found.is_truthy()
}

#[wasm_bindgen_test]
async fn a_database_in_clear_is_encrypted_as_it_is_opened_and_nothing_readable_is_left() {
    let pool = install("clear").await;
    let store = open(&pool, None).expect("opens");
    fill(&store);
    store.close().expect("closes");
    assert_eq!(pool.fits(FILE, None), Ok(true));
    assert!(is_readable_without_a_key(&pool, "clear").await);

    let store = Store::open(StoreOptions::opfs(&pool, FILE, Some(key(1))).in_clear()).expect("encrypts");
    check(&store);
    store.close().expect("closes");
    assert_eq!(pool.fits(FILE, None), Ok(false));
    assert_eq!(pool.fits(FILE, Some(&key(2))), Ok(false));
    assert_eq!(pool.fits(FILE, Some(&key(1))), Ok(true));
    assert!(!is_readable_without_a_key(&pool, "clear").await);
    assert_eq!(open(&pool, None).err(), Some(StorageError::WrongKey));
    check(&open(&pool, Some(key(1))).expect("opens"));
}

#[wasm_bindgen_test]
async fn a_key_is_changed_and_the_old_one_opens_nothing() {
    let pool = install("change").await;
    let store = open(&pool, Some(key(1))).expect("opens");
    fill(&store);
    store.rekey(&key(2)).expect("changes");
    check(&store);
    assert_eq!(store.advance_cursor(b"y", KIND, 11, 7), Ok(true));
    store.close().expect("closes");
    assert_eq!(open(&pool, Some(key(1))).err(), Some(StorageError::WrongKey));
    let store = open(&pool, Some(key(2))).expect("opens");
    check(&store);
    assert_eq!(store.cursor(b"y", KIND, 11), Ok(7));
    drop(store);
    assert!(!is_readable_without_a_key(&pool, "change").await);
}

/// Bytes of a page, as SQLite has noted them in a file that is closed; this part of it is not encrypted.
fn page_size(pool: &OpfsPool) -> u16 {
    let file = pool.export(FILE).expect("is closed");
    u16::from_be_bytes([file[16], file[17]])
}

#[wasm_bindgen_test]
async fn a_database_with_the_pages_of_earlier_versions_keeps_them() {
    let pool = install("pages").await;
    drop(open(&pool, Some(key(1))).expect("opens"));
    assert_eq!(page_size(&pool), 4096);

    pool.delete(FILE).expect("deletes");
    let layer = "multipleciphers-gathering-xmtp-pages";
    let earlier =
        Connection::open_with_flags_and_vfs(FILE, OpenFlags::default(), layer).expect("the pool's layer");
    let raw = key(1).pragma_value();
    earlier
        .pragma_update(None, "key", raw.as_str())
        .expect("a new one");
    earlier
        .execute_batch("PRAGMA page_size = 8192; CREATE TABLE none (x); DROP TABLE none;")
        .expect("room");
    earlier.close().expect("closes");
    assert_eq!(page_size(&pool), 8192);

    let store = open(&pool, Some(key(1))).expect("opens");
    fill(&store);
    store.rekey(&key(2)).expect("changes");
    store.close().expect("closes");
    let store = open(&pool, Some(key(2))).expect("opens");
    check(&store);
    store.close().expect("closes");
    assert_eq!(page_size(&pool), 8192);
}

/// Opens with the first of some keys that fits. What does not fit must change nothing.
fn open_with_any(offers: &[StoreOptions]) -> (usize, Store) {
    for (n, offer) in offers.iter().enumerate() {
        match Store::open(offer.clone()) {
            Ok(store) => return (n, store),
            Err(StorageError::WrongKey | StorageError::Corrupt { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no key opens it");
}

#[wasm_bindgen_test]
async fn a_change_of_the_key_that_is_cut_leaves_the_one_or_the_other() {
    let pool = install("cut-change").await;
    let store = open(&pool, Some(key(0))).expect("opens");
    fill(&store);
    store.close().expect("closes");
    let (mut now, mut points, mut changed) = (0, 0, 0);
    for writes in 0.. {
        points += 1;
        let next = now + 1;
        let store = open(&pool, Some(key(now))).expect("opens");
        cut_after(writes);
        let outcome = store.rekey(&key(next));
        let was_cut = mend();
        if was_cut {
            cut_after(0);
        }
        restart(&pool, Some(store)).await;
        assert!(was_cut || outcome.is_ok());
        assert!(!is_readable_without_a_key(&pool, "cut-change").await);
        // The wrong one first, in both orders: it must not take the journal of the other for its own.
        let offer = |byte| StoreOptions::opfs(&pool, FILE, Some(key(byte)));
        let order = if writes % 2 == 0 {
            [99, next, now]
        } else {
            [99, now, next]
        };
        let (n, store) = open_with_any(&order.map(offer));
        check(&store);
        store.close().expect("closes");
        if order[n] == next {
            now = next;
            changed += 1;
        }
        if !was_cut {
            break;
        }
    }
    assert!(points > 40, "{points} points");
    assert!(changed >= 1);
}

#[wasm_bindgen_test]
async fn encrypting_what_lies_in_clear_may_be_cut_anywhere() {
    let mut points = 0;
    for writes in 0.. {
        points += 1;
        // A directory for each would be slow: the file is made anew.
        let pool = install("cut-clear").await;
        pool.delete(FILE).expect("deletes");
        let store = open(&pool, None).expect("opens");
        fill(&store);
        store.close().expect("closes");
        cut_after(writes);
        let outcome = Store::open(StoreOptions::opfs(&pool, FILE, Some(key(1))).in_clear());
        let was_cut = mend();
        if was_cut {
            cut_after(0);
        }
        assert!(was_cut || outcome.is_ok());
        restart(&pool, outcome.ok()).await;
        let offers = [
            StoreOptions::opfs(&pool, FILE, Some(key(1))),
            StoreOptions::opfs(&pool, FILE, Some(key(1))).in_clear(),
        ];
        let (_, store) = open_with_any(&offers);
        check(&store);
        store.close().expect("closes");
        assert!(!is_readable_without_a_key(&pool, "cut-clear").await);
        assert_eq!(open(&pool, None).err(), Some(StorageError::WrongKey));
        if !was_cut {
            break;
        }
    }
    assert!(points > 40, "{points} points");
}

#[wasm_bindgen_test]
async fn a_wrong_key_does_not_touch_what_an_interrupted_transaction_left() {
    let pool = install("hot").await;
    let store = open(&pool, Some(key(1))).expect("opens");
    fill(&store);
    store.close().expect("closes");
    let mut was_there = false;
    for writes in 0.. {
        let store = open(&pool, Some(key(1))).expect("opens");
        cut_after(writes);
        let outcome = store.transaction(|tx| -> Result<(), StorageError> {
            for n in 0..10_u64 {
                tx.put_mls_value(1, &n.to_be_bytes(), &[7; 5000])?;
            }
            Ok(())
        });
        let was_cut = mend();
        if !was_cut {
            break;
        }
        assert!(outcome.is_err());
        cut_after(0);
        restart(&pool, Some(store)).await;
        was_there |= pool.files().expect("taken").contains(&format!("{FILE}-wal"));
        for _ in 0..2 {
            assert_eq!(pool.fits(FILE, Some(&key(2))), Ok(false));
            assert_eq!(open(&pool, Some(key(2))).err(), Some(StorageError::WrongKey));
        }
        // All of it or nothing. Written to its end, it is there, although what SQLite wrote after that failed.
        let store = open(&pool, Some(key(1))).expect("opens");
        let length = |n: u64| {
            store
                .mls_value(1, &n.to_be_bytes())
                .expect("readable")
                .map(|value| value.len())
        };
        let lengths: BTreeSet<_> = (0..10).map(length).collect();
        assert_eq!(lengths.len(), 1, "{lengths:?}");
        fill(&store);
        store.close().expect("closes");
    }
    assert!(was_there, "a WAL was there");
}

#[wasm_bindgen_test]
async fn what_was_committed_before_the_plug_was_pulled_is_there_after_a_wrong_key() {
    let pool = install("committed").await;
    let store = open(&pool, Some(key(1))).expect("opens");
    fill(&store);
    store.checkpoint().expect("empties");
    assert_eq!(store.advance_cursor(b"late", KIND, 11, 9), Ok(true));
    cut_after(0);
    restart(&pool, Some(store)).await;
    assert_eq!(open(&pool, Some(key(2))).err(), Some(StorageError::WrongKey));
    assert_eq!(open(&pool, None).err(), Some(StorageError::WrongKey));
    let store = open(&pool, Some(key(1))).expect("opens");
    check(&store);
    assert_eq!(store.cursor(b"late", KIND, 11), Ok(9));
}

#[wasm_bindgen_test]
async fn want_of_space_is_told_as_such_changes_nothing_and_is_over_when_there_is_some() {
    let pool = install("full").await;
    let store = open(&pool, Some(key(1))).expect("opens");
    fill(&store);
    let mut points = 0;
    for pages in 0.. {
        points += 1;
        full_after(pages);
        let outcome = store.transaction(|tx| -> Result<(), StorageError> {
            tx.advance_cursor(b"full", KIND, 11, u64::from(pages) + 1)?;
            tx.put_mls_value(2, &pages.to_be_bytes(), &[7; 50_000])
        });
        let was_full = mend();
        if !was_full {
            assert_eq!(outcome, Ok(()));
            break;
        }
        assert_eq!(outcome, Err(StorageError::Full));
        check(&store);
        assert_eq!(store.cursor(b"full", KIND, 11), Ok(0), "nothing of it is there");
    }
    assert!(points > 10, "{points} points");
    check(&store);
    full_after(3);
    assert_eq!(store.rekey(&key(2)), Err(StorageError::Full));
    mend();
    check(&store);
    store.close().expect("closes");
    check(&open(&pool, Some(key(1))).expect("the key is as before"));
}
