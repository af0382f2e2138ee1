//! What holds across tables: transactions that hold MLS state, cursors and messages together, files that
//! are closed or torn away, and MLS state that survives both.

#![cfg(not(target_arch = "wasm32"))]

#[path = "support/mls_person.rs"]
mod mls_person;

use mls_person::{bytes, commit, join, load, person, process, text};
use openmls::prelude::*;
use openmls_traits::storage::StorageProvider as _;
use std::cell::Cell;
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::mls::Provider;
use xmtp_web::storage::{CursorKind, DatabaseKey, MessageQuery, StorageError, Store, StoreOptions, suite};

/// The encoding of stored MLS state.
fn encode(value: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("encodes");
    bytes
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> T {
    ciborium::from_reader(bytes).expect("decodes")
}

fn memory() -> Store {
    Store::open(StoreOptions::memory()).expect("memory")
}

#[test]
fn a_store_in_memory_passes_the_suite() {
    for (name, case) in suite::CASES {
        println!("{name}");
        case(&memory());
    }
}

#[test]
fn a_store_in_a_file_passes_the_suite() {
    for (name, case) in suite::CASES {
        println!("{name}");
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(StoreOptions::file(folder.path().join("store"))).expect("opens");
        case(&store);
        store.close().expect("closes");
    }
}

#[test]
fn a_key_for_a_native_file_is_refused_before_the_file_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let options = StoreOptions {
        key: Some(DatabaseKey::new([1; 32])),
        ..StoreOptions::file(&path)
    };
    assert_eq!(Store::open(options).err(), Some(StorageError::UnsupportedKey));
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let noise: Vec<u8> = (0..8192u32).map(|i| (i * 31 % 251) as u8).collect();
    std::fs::write(&path, &noise).expect("written");
    assert_eq!(
        Store::open(StoreOptions::file(&path)).err(),
        Some(StorageError::WrongKey)
    );
    assert_eq!(std::fs::read(&path).expect("read"), noise);
}

#[test]
fn two_connections_do_not_write_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let first = Store::open(StoreOptions::file(&path)).expect("opens");
    let second = Store::open(StoreOptions::file(&path)).expect("opens");
    let answer = first.transaction(|tx| {
        tx.advance_cursor(b"x", CursorKind::Welcome, 11, 1)?;
        second.transaction(|tx| tx.advance_cursor(b"x", CursorKind::Welcome, 11, 2))
    });
    assert_eq!(answer, Err(StorageError::LockedByOtherTab));
    assert_eq!(second.cursor(b"x", CursorKind::Welcome, 11), Ok(0));
}

#[test]
fn stored_values_outside_their_enum_are_corruption_not_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let store = Store::open(StoreOptions::file(&path)).expect("opens");
    store.put_group(&suite::group_row(1)).expect("written");
    store.insert_message(&suite::message_row(1, 1)).expect("written");
    let raw = rusqlite::Connection::open(&path).expect("opens");
    let message = suite::message_row(1, 1).id;
    for (sql, what) in [
        ("UPDATE messages SET kind = 9", "a message kind"),
        (
            "UPDATE messages SET kind = 1, reference_id = x'01'",
            "a message id",
        ),
        (
            "UPDATE messages SET reference_id = NULL, sequence_id = -1",
            "a number",
        ),
        (
            "UPDATE messages SET sequence_id = 1, version_major = -1",
            "a number",
        ),
    ] {
        raw.execute_batch(sql).expect("valid SQL");
        assert_eq!(
            store.message(&message, 0),
            Err(StorageError::Corrupt { what }),
            "{sql}"
        );
    }
}

#[test]
fn a_crash_before_the_commit_leaves_the_state_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, torn) = (folder.path().join("store"), folder.path().join("torn"));
    let store = Store::open(StoreOptions::file(&path)).expect("opens");
    store.put_group(&suite::group_row(1)).expect("written");
    let kind = CursorKind::ApplicationMessage;
    store
        .transaction(|tx| -> Result<(), StorageError> {
            tx.insert_message(&suite::message_row(1, 1))?;
            tx.advance_cursor(b"x", kind, 10, 1)?;
            // large enough that pages reach the file before the commit
            tx.put_mls_value(1, b"k", &vec![7; 16 << 20])?;
            for (from, to) in [("store", "torn"), ("store-wal", "torn-wal")] {
                std::fs::copy(folder.path().join(from), folder.path().join(to)).expect("copied");
            }
            Ok(())
        })
        .expect("commits");
    let torn = Store::open(StoreOptions::file(torn)).expect("recovers");
    assert_eq!(torn.cursor(b"x", kind, 10), Ok(0));
    assert_eq!(torn.mls_value(1, b"k"), Ok(None));
    assert_eq!(
        torn.count_messages(&MessageQuery::group(suite::group_row(1).id), 0),
        Ok(0)
    );
    assert_eq!(store.cursor(b"x", kind, 10), Ok(1));
}

#[test]
fn mls_state_survives_closing_in_the_middle_of_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |name: &str| Store::open(StoreOptions::file(folder.path().join(name))).expect("opens");
    let (alice, bob, carol) = (person(1), person(2), person(3));

    let (a, b, c) = (open("a"), open("b"), memory());
    let mut group = alice.create(&a);
    let id = group.group_id().clone();
    let (_, welcome) = alice.add(&a, &mut group, &[bob.key_package(&b)]);
    drop((a, b, group)); // with the commit pending

    let (a, b) = (open("a"), open("b"));
    let mut at_alice = load(&a, &id);
    assert!(at_alice.pending_commit().is_some());
    at_alice.merge_pending_commit(&Provider::new(&a)).expect("merges");
    join(&b, &welcome);
    let mut at_bob = load(&b, &id);
    let hello = bob.send(&b, &mut at_bob, "hello");
    assert_eq!(text(process(&a, &mut at_alice, &hello)), "hello");
    let back = alice.send(&a, &mut at_alice, "back");
    drop((a, b, at_alice, at_bob));

    let (a, b) = (open("a"), open("b"));
    let (mut at_alice, mut at_bob) = (load(&a, &id), load(&b, &id));
    assert_eq!(text(process(&b, &mut at_bob, &back)), "back");

    // a standalone proposal waits on both sides over a reload, then is committed
    let (proposal, _) = at_bob
        .propose_add_member(&Provider::new(&b), &bob.key, &carol.key_package(&c))
        .expect("proposes");
    let Some(ProcessedMessageContent::ProposalMessage(queued)) =
        process(&a, &mut at_alice, &bytes(&proposal))
    else {
        panic!("not a proposal");
    };
    at_alice
        .store_pending_proposal(Provider::new(&a).storage(), *queued)
        .expect("stored");
    let (mut at_alice, mut at_bob) = (load(&a, &id), load(&b, &id));
    assert_eq!(at_alice.pending_proposals().count(), 1);
    assert_eq!(at_bob.pending_proposals().count(), 1);
    let (message, welcome, _) = at_alice
        .commit_to_pending_proposals(&Provider::new(&a), &alice.key)
        .expect("commits");
    at_alice.merge_pending_commit(&Provider::new(&a)).expect("merges");
    let staged = commit(process(&b, &mut at_bob, &bytes(&message)));
    at_bob
        .merge_staged_commit(&Provider::new(&b), staged)
        .expect("merges");
    let at_carol = join(&c, &bytes(&welcome.expect("somebody was added")));
    let (at_alice, at_bob, at_carol) = (load(&a, &id), load(&b, &id), load(&c, at_carol.group_id()));
    assert_eq!(
        mls_person::authenticator(&at_alice),
        mls_person::authenticator(&at_bob)
    );
    assert_eq!(
        mls_person::authenticator(&at_alice),
        mls_person::authenticator(&at_carol)
    );
    assert_eq!(at_alice.pending_proposals().count(), 0);
    assert_eq!(at_bob.pending_proposals().count(), 0);

    let mut at_carol = at_carol;
    at_carol.delete(Provider::new(&c).storage()).expect("deletes");
    assert!(
        MlsGroup::load(Provider::new(&c).storage(), &id)
            .expect("readable")
            .is_none()
    );
}

#[test]
fn a_staged_commit_is_kept_outside_of_the_group_and_merged_later() {
    let (alice, bob) = (person(1), person(2));
    let (a, b) = (memory(), memory());
    let mut at_alice = alice.create(&a);
    let id = at_alice.group_id().clone();
    let (_, welcome) = alice.add(&a, &mut at_alice, &[bob.key_package(&b)]);
    at_alice.merge_pending_commit(&Provider::new(&a)).expect("merges");
    let mut at_bob = join(&b, &welcome);

    // built in a transaction that is undone
    let built = Cell::new(None);
    let undone = a.transaction(|tx| {
        let mut group = load(tx, &id);
        let bundle = group
            .self_update(&Provider::new(tx), &alice.key, LeafNodeParameters::default())
            .expect("a commit");
        let staged = encode(group.pending_commit().expect("staged"));
        built.set(Some((bytes(bundle.commit()), staged)));
        Err::<(), _>(StorageError::Full)
    });
    assert_eq!(undone, Err(StorageError::Full));
    let (message, staged) = built.take().expect("built");
    assert!(load(&a, &id).pending_commit().is_none());

    let mut at_alice = load(&a, &id);
    let meanwhile = alice.send(&a, &mut at_alice, "meanwhile");
    let staged: StagedCommit = decode(&staged);
    at_alice
        .merge_staged_commit(&Provider::new(&a), staged)
        .expect("merges");
    assert_eq!(text(process(&b, &mut at_bob, &meanwhile)), "meanwhile");
    let received = commit(process(&b, &mut at_bob, &message));
    // one that was received is encoded just as well
    let received: StagedCommit = decode(&encode(&received));
    at_bob
        .merge_staged_commit(&Provider::new(&b), received)
        .expect("merges");
    let (mut at_alice, mut at_bob) = (load(&a, &id), load(&b, &id));
    assert_eq!(
        mls_person::authenticator(&at_alice),
        mls_person::authenticator(&at_bob)
    );
    let after = bob.send(&b, &mut at_bob, "after");
    assert_eq!(text(process(&a, &mut at_alice, &after)), "after");
}

#[test]
fn a_refused_commit_is_undone_with_its_savepoint_and_the_next_message_decrypts() {
    let (alice, bob) = (person(1), person(2));
    let (a, b) = (memory(), memory());
    let mut at_alice = alice.create(&a);
    let id = at_alice.group_id().clone();
    let (_, welcome) = alice.add(&a, &mut at_alice, &[bob.key_package(&b)]);
    at_alice.merge_pending_commit(&Provider::new(&a)).expect("merges");
    join(&b, &welcome);
    b.put_group(&suite::group_row(1)).expect("written");
    let kind = CursorKind::CommitMessage;

    // two commits of the same epoch that use the same generation: each built in an undone transaction
    let build = || {
        let built = Cell::new(Vec::new());
        let _: Result<(), StorageError> = a.transaction(|tx| {
            let mut group = load(tx, &id);
            let bundle = group.self_update(&Provider::new(tx), &alice.key, LeafNodeParameters::default());
            built.set(bytes(bundle.expect("a commit").commit()));
            Err(StorageError::Full)
        });
        built.take()
    };
    let (first, second) = (build(), build());

    b.transaction(|tx| -> Result<(), StorageError> {
        let refused = tx.savepoint(|tx| {
            let mut group = load(tx, &id);
            let staged = commit(process(tx, &mut group, &first));
            group
                .merge_staged_commit(&Provider::new(tx), staged)
                .expect("merges");
            tx.advance_cursor(b"g", kind, 0, 1)?;
            tx.insert_message(&suite::message_row(1, 1))?;
            Err::<(), _>(StorageError::Corrupt { what: "a rule" })
        });
        assert!(refused.is_err());
        tx.savepoint(|tx| {
            let mut group = load(tx, &id);
            let staged = commit(process(tx, &mut group, &second));
            group
                .merge_staged_commit(&Provider::new(tx), staged)
                .expect("merges");
            tx.advance_cursor(b"g", kind, 0, 2)?;
            tx.insert_message(&suite::message_row(1, 2))?;
            Ok(())
        })
    })
    .expect("commits");
    assert_eq!(load(&b, &id).epoch().as_u64(), 2);
    assert_eq!(b.cursor(b"g", kind, 0), Ok(2));
    let messages = b
        .messages(&MessageQuery::group(suite::group_row(1).id), 0)
        .expect("reads");
    assert_eq!(messages, [suite::message_row(1, 2)]);

    // and the whole transaction likewise
    let before = mls_person::authenticator(&load(&b, &id));
    let undone = b.transaction(|tx| {
        let mut group = load(tx, &id);
        bob.add(tx, &mut group, &[person(3).key_package(tx)]);
        tx.advance_cursor(b"g", kind, 0, 3)?;
        Err::<(), _>(StorageError::Full)
    });
    assert_eq!(undone, Err(StorageError::Full));
    assert_eq!(mls_person::authenticator(&load(&b, &id)), before);
    assert!(load(&b, &id).pending_commit().is_none());
    assert_eq!(b.cursor(b"g", kind, 0), Ok(2));
}

#[test]
fn psks_and_key_packages_are_stored_and_deleted() {
    let db = memory();
    let provider = Provider::new(&db);
    let psk = openmls::schedule::PreSharedKeyId::external(b"id".to_vec(), b"nonce".to_vec());
    psk.store(&provider, b"secret").expect("stored");
    let package = person(1).key_package(&db);
    let reference = package.hash_ref(provider.crypto()).expect("a reference");
    let found: Option<KeyPackageBundle> = provider.storage().key_package(&reference).expect("readable");
    assert_eq!(found.expect("stored").key_package(), &package);
    provider
        .storage()
        .delete_key_package(&reference)
        .expect("deleted");
    let found: Option<KeyPackageBundle> = provider.storage().key_package(&reference).expect("readable");
    assert!(found.is_none());
}

#[test]
fn mls_state_that_does_not_decode_is_a_typed_error() {
    let db = memory();
    let group = person(1).create(&db);
    let key = encode(group.group_id());
    db.put_mls_value(2, &key, b"\xff\xff").expect("written");
    let error = MlsGroup::load(Provider::new(&db).storage(), group.group_id()).err();
    assert_eq!(error.map(|error| error.code()), Some(ErrorCode::CorruptDatabase));
}
