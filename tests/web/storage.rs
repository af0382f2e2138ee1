//! The store in a browser: the private file system, encryption, one owner. Runs in a dedicated worker.

use crate::mls_person::{authenticator, commit, join, load, person, process, text};
use openmls::prelude::LeafNodeParameters;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use xmtp_web::mls::Provider;
use xmtp_web::storage::{
    CursorKind, DatabaseKey, Missing, OpfsPool, StorageError, Store, StoreOptions, Transaction,
    UnavailableReason, suite,
};

const KIND: CursorKind = CursorKind::Welcome;

fn key(byte: u8) -> Option<DatabaseKey> {
    Some(DatabaseKey::new([byte; 32]))
}

fn open(pool: &OpfsPool, name: &str, key: Option<DatabaseKey>) -> Result<Store, StorageError> {
    Store::open(StoreOptions::opfs(pool, name, key))
}

async fn install(directory: &str) -> OpfsPool {
    OpfsPool::install(directory).await.expect("installs")
}

#[wasm_bindgen(inline_js = r#"
    const file = FileSystemSyncAccessHandle.prototype;
    const original = file.read;
    let reads = 0;
    file.read = function (...args) { reads += 1; return original.apply(this, args); };
    /** How often files were read since the last time this was asked. */
    export function readsSince() { const counted = reads; reads = 0; return counted; }
    const { write } = file;
    let writes = 0;
    file.write = function (...args) { writes += 1; return write.apply(this, args); };
    /** The same of writing. */
    export function writesSince() { const counted = writes; writes = 0; return counted; }
"#)]
extern "C" {
    #[wasm_bindgen(js_name = readsSince)]
    fn reads_since() -> u32;
    #[wasm_bindgen(js_name = writesSince)]
    fn writes_since() -> u32;
}

#[wasm_bindgen_test]
async fn what_was_read_once_is_not_read_from_the_file_again() {
    let pool = install("reads").await;
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.advance_cursor(b"x", KIND, 11, 5), Ok(true));
    assert!(reads_since() > 0, "reading is counted");
    for _ in 0..20 {
        assert_eq!(store.cursor(b"x", KIND, 11), Ok(5));
    }
    assert_eq!(reads_since(), 0, "nobody else can have changed it");
    store.close().expect("closes");
    // The lock that was kept goes with the connection.
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.cursor(b"x", KIND, 11), Ok(5));
}

#[wasm_bindgen_test]
async fn what_a_transaction_changes_is_written_at_once() {
    let pool = install("writes").await;
    for byte in [Some(1), None] {
        let opened = || open(&pool, "/store", byte.and_then(key)).expect("opens");
        let store = opened();
        let change = |round: u8| {
            move |tx: &Transaction<'_>| -> Result<(), StorageError> {
                tx.advance_cursor(b"x", KIND, 11, u64::from(round))?;
                for n in 0..10_u64 {
                    tx.put_mls_value(1, &n.to_be_bytes(), &[round; 2_000])?;
                }
                Ok(())
            }
        };
        store.transaction(change(1)).expect("room");
        assert!(writes_since() > 0, "writing is counted");
        store.repeatable_transaction(change(2)).expect("room");
        assert_eq!(writes_since(), 1);
        // What is synced is not followed by anything that fills up its sector.
        store.transaction(change(3)).expect("room");
        assert_eq!(writes_since(), 1);
        store.close().expect("closes");
        let store = opened();
        assert_eq!(store.cursor(b"x", KIND, 11), Ok(3));
        store.close().expect("closes");
        assert_eq!(pool.delete("/store"), Ok(true));
    }
}

#[wasm_bindgen_test]
fn a_store_in_memory_passes_the_suite() {
    for (_, case) in suite::CASES {
        case(&Store::open(StoreOptions::memory()).expect("memory"));
    }
}

#[wasm_bindgen_test]
async fn an_encrypted_store_passes_the_suite() {
    let pool = install("suite-encrypted").await;
    for (_, case) in suite::CASES {
        let store = open(&pool, "/store", key(1)).expect("opens");
        case(&store);
        store.close().expect("closes");
        assert_eq!(pool.delete("/store"), Ok(true));
    }
}

#[wasm_bindgen_test]
async fn a_plain_store_passes_the_suite() {
    let pool = install("suite-plain").await;
    for (_, case) in suite::CASES {
        let store = open(&pool, "/store", None).expect("opens");
        case(&store);
        store.close().expect("closes");
        assert_eq!(pool.delete("/store"), Ok(true));
    }
}

#[wasm_bindgen_test]
async fn rows_survive_closing_pausing_and_installing_again() {
    let pool = install("persistence").await;
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.advance_cursor(b"x", KIND, 11, 5), Ok(true));
    assert_eq!(
        pool.pause(),
        Err(StorageError::LockedByOtherTab),
        "a database is open"
    );
    store.close().expect("closes");
    pool.pause().expect("pauses");
    assert!(pool.is_paused());
    let paused = StorageError::Unavailable(UnavailableReason::Paused);
    assert_eq!(open(&pool, "/store", key(1)).err(), Some(paused.clone()));
    assert_eq!(pool.files(), Err(paused));
    let again = install("persistence").await;
    assert!(!pool.is_paused());
    let store = open(&again, "/store", key(1)).expect("opens");
    assert_eq!(store.cursor(b"x", KIND, 11), Ok(5));
}

#[wasm_bindgen_test]
async fn a_wrong_or_missing_key_is_refused_and_changes_nothing() {
    let pool = install("keys").await;
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.advance_cursor(b"x", KIND, 11, 5), Ok(true));
    store.close().expect("closes");
    let before = pool.export("/store").expect("exports");
    assert!(!before.starts_with(b"SQLite format 3"), "it is encrypted");
    assert_eq!(open(&pool, "/store", key(2)).err(), Some(StorageError::WrongKey));
    assert_eq!(open(&pool, "/store", None).err(), Some(StorageError::WrongKey));
    assert_eq!(pool.export("/store"), Ok(before));
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.cursor(b"x", KIND, 11), Ok(5));
}

#[wasm_bindgen_test]
async fn a_key_for_a_plain_database_is_refused_and_changes_nothing() {
    let pool = install("plain-with-key").await;
    let store = open(&pool, "/store", None).expect("opens");
    assert_eq!(store.advance_cursor(b"x", KIND, 11, 5), Ok(true));
    store.close().expect("closes");
    let before = pool.export("/store").expect("exports");
    assert!(before.starts_with(b"SQLite format 3"), "it is not encrypted");
    assert_eq!(open(&pool, "/store", key(1)).err(), Some(StorageError::WrongKey));
    assert_eq!(pool.export("/store"), Ok(before));
}

#[wasm_bindgen_test]
async fn files_are_listed_deleted_and_given_room() {
    let pool = install("files").await;
    pool.ensure_capacity(12).await.expect("room");
    assert_eq!(pool.files(), Ok(vec![]));
    let stores: Vec<Store> = ["/b", "/a"]
        .iter()
        .map(|name| open(&pool, name, key(1)).expect("opens"))
        .collect();
    assert_eq!(
        pool.delete("/a"),
        Err(StorageError::LockedByOtherTab),
        "it is open"
    );
    for store in stores {
        store.close().expect("closes");
    }
    let names = pool.files().expect("lists");
    assert!(
        names.contains(&"/a".to_owned()) && names.contains(&"/b".to_owned()),
        "{names:?}"
    );
    assert_eq!(pool.delete("/a"), Ok(true));
    assert_eq!(pool.delete("/a"), Ok(false));
    let names = pool.files().expect("lists");
    assert!(names.iter().all(|name| !name.starts_with("/a")), "{names:?}");
    assert_eq!(pool.export("/a"), Err(StorageError::NotFound(Missing::File)));
}

#[wasm_bindgen_test]
async fn names_the_pool_cannot_take_are_refused() {
    for directory in ["", "..", "a/../b"] {
        let error = OpfsPool::install(directory).await.err();
        assert_eq!(
            error,
            Some(StorageError::Unavailable(UnavailableReason::InvalidName)),
            "{directory}"
        );
    }
}

/// A second worker that takes every handle in a directory; answers a function that gives them back.
async fn other_worker(directory: &str) -> js_sys::Function {
    let start = js_sys::Function::new_with_args(
        "directory",
        r#"
        const code = `onmessage = async ({ data }) => {
            if (data === null) { held.forEach((handle) => handle.close()); postMessage('released'); return; }
            let folder = await navigator.storage.getDirectory();
            for (const part of data.split('/')) folder = await folder.getDirectoryHandle(part);
            const walk = async (folder) => {
                for await (const entry of folder.values()) {
                    if (entry.kind === 'directory') await walk(entry);
                    else held.push(await entry.createSyncAccessHandle());
                }
            };
            await walk(folder);
            postMessage('held ' + held.length);
        };
        const held = [];`;
        const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
        const ask = (message) => new Promise((resolve, reject) => {
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = (event) => reject(new Error(event.message));
            worker.postMessage(message);
        });
        return ask(directory).then((answer) => {
            if (answer === 'held 0') throw new Error('nothing to hold');
            return () => ask(null);
        });
        "#,
    );
    let started = start
        .call1(&JsValue::UNDEFINED, &directory.into())
        .expect("starts");
    let release = JsFuture::from(started.unchecked_into::<js_sys::Promise>())
        .await
        .expect("holds");
    release.unchecked_into()
}

#[wasm_bindgen_test]
async fn a_directory_held_by_another_worker_is_locked_until_it_is_released() {
    let pool = install("owners").await;
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.advance_cursor(b"x", KIND, 11, 5), Ok(true));
    store.close().expect("closes");
    pool.pause().expect("pauses");

    let release = other_worker("owners").await;
    assert_eq!(
        OpfsPool::install("owners").await.err(),
        Some(StorageError::LockedByOtherTab)
    );
    assert_eq!(pool.resume().await, Err(StorageError::LockedByOtherTab));

    // released while a third attempt is waiting: it succeeds
    let released = release
        .call0(&JsValue::UNDEFINED)
        .expect("asks")
        .unchecked_into::<js_sys::Promise>();
    let (resumed, released) = futures::join!(pool.resume(), JsFuture::from(released));
    released.expect("releases");
    resumed.expect("takes the handles");
    let store = open(&pool, "/store", key(1)).expect("opens");
    assert_eq!(store.cursor(b"x", KIND, 11), Ok(5));
}

#[wasm_bindgen_test]
async fn mls_groups_live_in_an_encrypted_file() {
    let pool = install("mls").await;
    let (alice, bob) = (person(1), person(2));
    let b = Store::open(StoreOptions::memory()).expect("memory");
    let a = open(&pool, "/store", key(1)).expect("opens");
    let (id, welcome) = a
        .transaction(|tx| -> Result<_, StorageError> {
            let mut group = alice.create(tx);
            let (_, welcome) = alice.add(tx, &mut group, &[bob.key_package(&b)]);
            group.merge_pending_commit(&Provider::new(tx)).expect("merges");
            Ok((group.group_id().clone(), welcome))
        })
        .expect("commits");
    let mut at_bob = join(&b, &welcome);
    a.close().expect("closes");

    let a = open(&pool, "/store", key(1)).expect("opens");
    let mut at_alice = load(&a, &id);
    let hello = bob.send(&b, &mut at_bob, "hello");
    assert_eq!(text(process(&a, &mut at_alice, &hello)), "hello");
    let update = at_bob
        .self_update(&Provider::new(&b), &bob.key, LeafNodeParameters::default())
        .expect("a commit");
    at_bob.merge_pending_commit(&Provider::new(&b)).expect("merges");
    a.transaction(|tx| -> Result<_, StorageError> {
        let mut group = load(tx, &id);
        let staged = commit(process(
            tx,
            &mut group,
            &crate::mls_person::bytes(update.commit()),
        ));
        group
            .merge_staged_commit(&Provider::new(tx), staged)
            .expect("merges");
        Ok(())
    })
    .expect("commits");
    assert_eq!(authenticator(&load(&a, &id)), authenticator(&at_bob));
}
