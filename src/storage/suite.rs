//! Tests every store must pass, wherever its bytes lie: in memory, in a file, in a browser.
//!
//! A test binary opens a fresh store for each of [`CASES`] and runs it; a case panics when it fails.

mod intents;

use super::*;
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};

/// The name of a test and the test itself, to be given an empty store.
pub type Case = (&'static str, fn(&Store));

/// Every test.
pub const CASES: &[Case] = &[
    ("an identity is written once and keeps its registration", identity),
    (
        "identity logs are kept in order and never rewritten",
        identity_logs,
    ),
    ("answers about identities are remembered", caches),
    ("replaced key packages end, the current one stays", key_packages),
    (
        "a group keeps every column and each setter changes its own",
        group_columns,
    ),
    (
        "lists of groups are filtered, sorted and free of duplicate DMs",
        group_lists,
    ),
    ("a message is stored once and keeps every column", message_columns),
    ("lists of messages are filtered and sorted", message_lists),
    ("disappeared messages are not read and then deleted", disappearing),
    (
        "an intent keeps all its attempts until they are forgotten",
        intents::attempts,
    ),
    ("intents are built in their order, of one group", intents::order),
    (
        "a message is published when the network has it, and not any more when it must be sent again",
        intents::acknowledgements,
    ),
    ("deleting a group deletes what hangs on it", deletion),
    (
        "an undone savepoint leaves the rest of the transaction",
        savepoints,
    ),
    ("an undone transaction leaves nothing", rollback),
    ("MLS values are replaced, lists keep their order", mls),
    ("the commit log is appended", commit_log),
];

/// A group row with plain values; `byte` fills its id.
#[must_use]
pub fn group_row(byte: u8) -> GroupRow {
    GroupRow {
        id: GroupId::new([byte; 16]),
        conversation_type: ConversationType::Group,
        membership_state: MembershipState::Allowed,
        created_at_ns: i64::from(byte),
        creator_inbox_id: InboxId::new([1; 32]),
        added_by_inbox_id: InboxId::new([2; 32]),
        dm_id: None,
        welcome_sequence_id: None,
        rotated_at_ns: 0,
        installations_last_checked_ns: 0,
        last_message_ns: None,
        message_disappear_from_ns: None,
        message_disappear_in_ns: None,
        paused_for_version: None,
        maybe_forked: false,
        fork_details: String::new(),
        should_publish_commit_log: false,
        has_pending_leave_request: false,
    }
}

/// A text message with plain values in the group of [`group_row`]`(group)`; `byte` fills its id and is the
/// time it was sent at.
#[must_use]
pub fn message_row(group: u8, byte: u8) -> MessageRow {
    MessageRow {
        id: MessageId::new([byte; 32]),
        group_id: GroupId::new([group; 16]),
        idempotency_key: byte.to_string(),
        sent_at_ns: i64::from(byte),
        inserted_at_ns: 1000 - i64::from(byte),
        kind: MessageKind::Application,
        sender_inbox_id: InboxId::new([1; 32]),
        sender_installation_id: InstallationId::new([3; 32]),
        delivery_status: DeliveryStatus::Published,
        authority_id: "xmtp.org".into(),
        type_id: "text".into(),
        version_major: 1,
        version_minor: 0,
        reference_id: None,
        sequence_id: Some(u64::from(byte)),
        originator_id: Some(10),
        expire_at_ns: None,
        should_push: true,
        content: vec![byte; 5],
    }
}

fn identity(store: &Store) {
    assert_eq!(store.identity(), Ok(None));
    assert_eq!(
        store.set_registration(RegistrationState::Registered),
        Err(StorageError::NotFound(Missing::Identity))
    );
    let mut row = IdentityRow {
        inbox_id: InboxId::new([1; 32]),
        installation_seed: InstallationSeed::new([9; 32]),
        identifier: "0xab".into(),
        identifier_kind: IdentifierKind::Ethereum,
        nonce: u64::MAX,
        registration: RegistrationState::Created,
        pending_update: None,
        next_key_package_rotation_ns: None,
    };
    let other = IdentityRow {
        inbox_id: InboxId::new([2; 32]),
        ..row.clone()
    };
    assert_eq!(store.replace_identity(&other), Ok(()));
    assert_eq!(store.replace_identity(&row), Ok(()));
    assert_eq!(store.identity(), Ok(Some(row.clone())));
    store
        .set_registration(RegistrationState::KeyPackageUploaded)
        .expect("there");
    store.set_pending_identity_update(Some(b"signed")).expect("there");
    store.set_next_key_package_rotation(Some(7)).expect("there");
    row.registration = RegistrationState::KeyPackageUploaded;
    row.pending_update = Some(b"signed".to_vec());
    row.next_key_package_rotation_ns = Some(7);
    assert_eq!(store.identity(), Ok(Some(row)));
}

fn identity_logs(store: &Store) {
    let inbox = InboxId::new([1; 32]);
    let row = |sequence_id: u64, payload: &[u8]| IdentityUpdateRow {
        inbox_id: inbox,
        sequence_id,
        server_timestamp_ns: 5,
        payload: payload.to_vec(),
    };
    assert_eq!(store.latest_identity_sequence(&inbox), Ok(0));
    assert_eq!(
        store.insert_identity_updates(&[row(9, b"b"), row(4, b"a")]),
        Ok(2)
    );
    assert_eq!(
        store.insert_identity_updates(&[row(9, b"forged"), row(12, b"c")]),
        Ok(1)
    );
    assert_eq!(store.latest_identity_sequence(&inbox), Ok(12));
    let unknown = InboxId::new([0xFE; 32]);
    assert_eq!(
        store.latest_identity_sequences([&unknown, &inbox, &inbox]),
        Ok([(inbox, 12), (unknown, 0)].into())
    );
    assert_eq!(store.latest_identity_sequences([]), Ok([].into()));
    for (sequence_id, state) in [(4, b"after a"), (9, b"after b")] {
        store
            .put_association_state(&inbox, sequence_id, state)
            .expect("stored");
    }
    assert_eq!(
        store.association_states([(inbox, 9), (inbox, 12), (unknown, 4), (inbox, u64::MAX)]),
        Ok([((inbox, 9), b"after b".to_vec())].into())
    );
    assert_eq!(store.association_states([]), Ok([].into()));
    let all = vec![row(4, b"a"), row(9, b"b"), row(12, b"c")];
    assert_eq!(store.identity_updates(&inbox, 0, None), Ok(all.clone()));
    assert_eq!(
        store.identity_updates(&inbox, 4, Some(9)),
        Ok(vec![all[1].clone()])
    );
    assert_eq!(store.identity_updates(&inbox, u64::MAX, None), Ok(vec![]));
    assert_eq!(
        store.insert_identity_updates(&[row(u64::MAX, b"")]),
        Err(StorageError::NumberTooLarge {
            what: "a sequence id"
        })
    );
}

fn caches(store: &Store) {
    let inbox = InboxId::new([1; 32]);
    assert_eq!(store.association_states([(inbox, 3)]), Ok([].into()));
    store.put_association_state(&inbox, 3, b"old").expect("written");
    store.put_association_state(&inbox, 3, b"new").expect("written");
    assert_eq!(
        store.association_states([(inbox, 3)]),
        Ok([((inbox, 3), b"new".to_vec())].into())
    );
    assert_eq!(store.contract_answer(&[5; 32]), Ok(None));
    store.put_contract_answer(&[5; 32], false).expect("written");
    assert_eq!(store.contract_answer(&[5; 32]), Ok(Some(false)));
    let kind = IdentifierKind::Ethereum;
    assert_eq!(store.identifier_inbox(kind, "0xab"), Ok(None));
    store
        .put_identifier_inbox(kind, "0xab", &InboxId::new([2; 32]), 1)
        .expect("written");
    store
        .put_identifier_inbox(kind, "0xab", &inbox, 2)
        .expect("written");
    assert_eq!(store.identifier_inbox(kind, "0xab"), Ok(Some((inbox, 2))));
    assert_eq!(store.identifier_inbox(IdentifierKind::Passkey, "0xab"), Ok(None));
}

fn key_packages(store: &Store) {
    let row = |byte: u8, delete_at_ns| KeyPackageRow {
        hash_ref: vec![byte; 16],
        init_key: vec![byte; 32],
        created_at_ns: i64::from(byte),
        delete_at_ns,
    };
    for byte in 1..=3 {
        store.insert_key_package(&row(byte, None)).expect("written");
    }
    assert!(store.insert_key_package(&row(3, None)).is_err());
    assert_eq!(store.retire_other_key_packages(&[3; 16], 50), Ok(2));
    assert_eq!(store.retire_other_key_packages(&[3; 16], 60), Ok(0));
    assert_eq!(
        store.key_packages(),
        Ok(vec![row(3, None), row(2, Some(50)), row(1, Some(50))])
    );
    assert_eq!(store.key_packages_to_delete(49), Ok(vec![]));
    assert_eq!(store.key_packages_to_delete(50).map(|rows| rows.len()), Ok(2));
    assert_eq!(
        store.key_package_by_init_key(&[2; 32]),
        Ok(Some(row(2, Some(50))))
    );
    assert_eq!(store.delete_key_package(&[2; 16]), Ok(true));
    assert_eq!(store.key_package_by_init_key(&[2; 32]), Ok(None));
}

fn group_columns(store: &Store) {
    let mut row = GroupRow {
        conversation_type: ConversationType::Dm,
        dm_id: Some("dm:a:b".into()),
        welcome_sequence_id: Some(77),
        ..group_row(1)
    };
    let id = row.id;
    assert_eq!(
        store.set_membership_state(&id, MembershipState::Allowed),
        Err(StorageError::NotFound(Missing::Group))
    );
    store.put_group(&row).expect("written");
    assert_eq!(store.group(&id), Ok(Some(row.clone())));
    store
        .set_membership_state(&id, MembershipState::PendingRemove)
        .expect("there");
    store.set_group_rotated(&id, 11).expect("there");
    store.set_installations_checked(&id, 12).expect("there");
    store.advance_last_message(&id, 20).expect("there");
    store.advance_last_message(&id, 13).expect("there");
    store
        .set_message_disappearing(&id, Some((14, 15)))
        .expect("there");
    store.set_paused_for_version(&id, Some("2.0.0")).expect("there");
    store.set_maybe_forked(&id, Some("epoch 9")).expect("there");
    store.set_should_publish_commit_log(&id, true).expect("there");
    store.set_pending_leave_request(&id, true).expect("there");
    row.membership_state = MembershipState::PendingRemove;
    row.rotated_at_ns = 11;
    row.installations_last_checked_ns = 12;
    row.last_message_ns = Some(20);
    row.message_disappear_from_ns = Some(14);
    row.message_disappear_in_ns = Some(15);
    row.paused_for_version = Some("2.0.0".into());
    row.maybe_forked = true;
    row.fork_details = "epoch 9".into();
    row.should_publish_commit_log = true;
    row.has_pending_leave_request = true;
    assert_eq!(store.group(&id), Ok(Some(row.clone())));
    row.welcome_sequence_id = Some(78);
    store.put_group(&row).expect("written over");
    assert_eq!(store.group(&id), Ok(Some(row)));
}

fn group_lists(store: &Store) {
    let dm = |byte, last_message_ns| GroupRow {
        conversation_type: ConversationType::Dm,
        dm_id: Some("dm:a:b".into()),
        last_message_ns,
        ..group_row(byte)
    };
    let rows = [
        GroupRow {
            last_message_ns: Some(90),
            ..group_row(1)
        },
        dm(2, Some(50)),
        dm(3, None),
        dm(4, Some(40)),
        GroupRow {
            conversation_type: ConversationType::Sync,
            ..group_row(5)
        },
    ];
    for row in &rows {
        store.put_group(row).expect("written");
    }
    let ids = |query: GroupQuery| -> Vec<u8> {
        store
            .groups(&query)
            .expect("reads")
            .iter()
            .map(|row| row.id.as_bytes()[0])
            .collect()
    };
    assert_eq!(ids(GroupQuery::default()), [5, 2, 1]);
    let all = GroupQuery {
        include_duplicate_dms: true,
        ..GroupQuery::default()
    };
    assert_eq!(ids(all.clone()), [5, 4, 3, 2, 1]);
    assert_eq!(
        ids(GroupQuery {
            order: GroupOrder::LastActivity,
            ..all.clone()
        }),
        [1, 2, 4, 5, 3]
    );
    assert_eq!(
        ids(GroupQuery {
            limit: Some(2),
            ..all.clone()
        }),
        [5, 4]
    );
    let between = GroupQuery {
        created_after_ns: Some(1),
        created_before_ns: Some(4),
        ..all.clone()
    };
    assert_eq!(ids(between), [3, 2]);
    assert_eq!(
        ids(GroupQuery {
            active_after_ns: Some(40),
            ..all.clone()
        }),
        [2, 1]
    );
    let types = vec![ConversationType::Group, ConversationType::Sync];
    assert_eq!(
        ids(GroupQuery {
            conversation_types: types,
            ..all.clone()
        }),
        [5, 1]
    );
    let states = vec![MembershipState::Pending];
    assert_eq!(
        ids(GroupQuery {
            membership_states: states,
            ..all.clone()
        }),
        [0u8; 0]
    );
    let decision = ConsentRow {
        entity_type: ConsentEntity::Conversation,
        entity: GroupId::new([4; 16]).to_string(),
        state: ConsentState::Denied,
        consented_at_ns: 1,
    };
    assert_eq!(store.set_consent(&decision), Ok(true));
    let consent = |state| GroupQuery {
        consent_states: vec![state],
        ..all.clone()
    };
    assert_eq!(ids(consent(ConsentState::Denied)), [4]);
    assert_eq!(ids(consent(ConsentState::Unknown)), [5, 3, 2, 1]);
    assert_eq!(ids(consent(ConsentState::Allowed)), [0u8; 0]);
    let dms = store.dm_groups("dm:a:b").expect("reads");
    assert_eq!(dms, [rows[1].clone(), rows[3].clone(), rows[2].clone()]);
}

fn message_columns(store: &Store) {
    let row = MessageRow {
        reference_id: Some(MessageId::new([8; 32])),
        sequence_id: None,
        originator_id: None,
        delivery_status: DeliveryStatus::Unpublished,
        ..message_row(1, 7)
    };
    assert!(store.insert_message(&row).is_err(), "the group does not exist");
    store.put_group(&group_row(1)).expect("written");
    assert_eq!(store.insert_message(&row), Ok(true));
    let again = MessageRow {
        content: b"other".to_vec(),
        ..row.clone()
    };
    assert_eq!(store.insert_message(&again), Ok(false));
    assert_eq!(store.message(&row.id, 0), Ok(Some(row.clone())));
    let published = Published {
        sent_at_ns: 99,
        sequence_id: 12,
        originator_id: 10,
        expire_at_ns: Some(200),
    };
    assert_eq!(store.mark_published(&row.id, &published), Ok(true));
    let expected = MessageRow {
        sent_at_ns: 99,
        sequence_id: Some(12),
        originator_id: Some(10),
        expire_at_ns: Some(200),
        delivery_status: DeliveryStatus::Published,
        ..row.clone()
    };
    assert_eq!(store.message(&row.id, 0), Ok(Some(expected)));
    store
        .set_delivery_status(&row.id, DeliveryStatus::Failed)
        .expect("there");
    assert_eq!(store.delete_message(&row.id), Ok(true));
    assert_eq!(store.mark_published(&row.id, &published), Ok(false));
    assert_eq!(
        store.set_delivery_status(&row.id, DeliveryStatus::Failed),
        Err(StorageError::NotFound(Missing::Message))
    );
}

fn message_lists(store: &Store) {
    store.put_group(&group_row(1)).expect("written");
    store.put_group(&group_row(2)).expect("written");
    let key = |type_id: &str| ContentTypeKey {
        authority_id: "xmtp.org".into(),
        type_id: type_id.into(),
    };
    let rows = [
        message_row(1, 1),
        MessageRow {
            type_id: "reaction".into(),
            reference_id: Some(MessageId::new([1; 32])),
            ..message_row(1, 2)
        },
        MessageRow {
            sender_inbox_id: InboxId::new([7; 32]),
            ..message_row(2, 3)
        },
        MessageRow {
            kind: MessageKind::MembershipChange,
            ..message_row(1, 4)
        },
        MessageRow {
            delivery_status: DeliveryStatus::Unpublished,
            sent_at_ns: 4,
            ..message_row(1, 5)
        },
    ];
    for row in &rows {
        assert_eq!(store.insert_message(row), Ok(true));
    }
    let both = MessageQuery {
        groups: vec![rows[0].group_id, rows[2].group_id],
        ..MessageQuery::default()
    };
    let ids = |query: &MessageQuery| -> Vec<u8> {
        let found = store.messages(query, 0).expect("reads");
        if query.limit.is_none() {
            assert_eq!(store.count_messages(query, 0), Ok(found.len() as u64));
        }
        found.iter().map(|row| row.id.as_bytes()[0]).collect()
    };
    assert_eq!(ids(&MessageQuery::default()), [0u8; 0]);
    assert_eq!(ids(&MessageQuery::group(rows[0].group_id)), [1, 2, 4, 5]);
    assert_eq!(ids(&both), [1, 2, 3, 4, 5]);
    let newest = MessageQuery {
        direction: Direction::Descending,
        limit: Some(2),
        ..both.clone()
    };
    assert_eq!(ids(&newest), [5, 4]);
    assert_eq!(
        ids(&MessageQuery {
            order: MessageOrder::InsertedAt,
            ..both.clone()
        }),
        [5, 4, 3, 2, 1]
    );
    let sent = MessageQuery {
        sent_after_ns: Some(1),
        sent_before_ns: Some(4),
        ..both.clone()
    };
    assert_eq!(ids(&sent), [2, 3]);
    let inserted = MessageQuery {
        inserted_after_ns: Some(995),
        inserted_before_ns: Some(998),
        ..both.clone()
    };
    assert_eq!(ids(&inserted), [3, 4]);
    let kind = Some(MessageKind::MembershipChange);
    assert_eq!(ids(&MessageQuery { kind, ..both.clone() }), [4]);
    let delivery_status = Some(DeliveryStatus::Unpublished);
    assert_eq!(
        ids(&MessageQuery {
            delivery_status,
            ..both.clone()
        }),
        [5]
    );
    let only = MessageQuery {
        content_types: vec![key("reaction"), key("none")],
        ..both.clone()
    };
    assert_eq!(ids(&only), [2]);
    let none = MessageQuery {
        exclude_content_types: vec![key("text"), key("none")],
        ..both.clone()
    };
    assert_eq!(ids(&none), [2]);
    let others = MessageQuery {
        exclude_senders: vec![InboxId::new([1; 32])],
        ..both.clone()
    };
    assert_eq!(ids(&others), [3]);
    let answers = MessageQuery {
        references: vec![MessageId::new([1; 32])],
        ..both.clone()
    };
    assert_eq!(ids(&answers), [2]);
    assert_eq!(store.latest_message(&both.groups, 0), Ok(Some(rows[4].clone())));
    assert_eq!(store.latest_message(&[GroupId::new([9; 16])], 0), Ok(None));
}

fn disappearing(store: &Store) {
    store.put_group(&group_row(1)).expect("written");
    let rows = [
        MessageRow {
            expire_at_ns: Some(100),
            ..message_row(1, 1)
        },
        MessageRow {
            expire_at_ns: Some(100),
            delivery_status: DeliveryStatus::Unpublished,
            ..message_row(1, 2)
        },
        MessageRow {
            expire_at_ns: Some(101),
            ..message_row(1, 3)
        },
    ];
    for row in &rows {
        assert_eq!(store.insert_message(row), Ok(true));
    }
    let query = MessageQuery::group(rows[0].group_id);
    assert_eq!(store.count_messages(&query, 99), Ok(3));
    assert_eq!(store.count_messages(&query, 100), Ok(1));
    assert_eq!(store.message(&rows[0].id, 100), Ok(None));
    assert_eq!(store.next_expiry_ns(), Ok(Some(100)));
    assert_eq!(store.delete_expired_messages(99), Ok(vec![]));
    assert_eq!(
        store.delete_expired_messages(100),
        Ok(vec![(rows[0].group_id, rows[0].id)])
    );
    assert_eq!(store.count_messages(&query, 0), Ok(2));
    assert_eq!(store.next_expiry_ns(), Ok(Some(101)));
}

fn deletion(store: &Store) {
    store.put_group(&group_row(1)).expect("written");
    let group = GroupId::new([1; 16]);
    let message = message_row(1, 1);
    assert_eq!(store.insert_message(&message), Ok(true));
    let leaver = PendingRemoveRow {
        group_id: group,
        inbox_id: InboxId::new([5; 32]),
        message_id: message.id,
    };
    assert_eq!(store.insert_pending_remove(&leaver), Ok(true));
    assert_eq!(store.insert_pending_remove(&leaver), Ok(false));
    assert_eq!(store.pending_removes(&group), Ok(vec![leaver.clone()]));
    assert_eq!(store.delete_pending_remove(&group, &leaver.inbox_id), Ok(true));
    assert_eq!(store.insert_pending_remove(&leaver), Ok(true));
    store.put_group(&group_row(1)).expect("a second welcome");
    assert_eq!(store.pending_removes(&group), Ok(vec![leaver]));
    assert_eq!(store.delete_group(&group), Ok(true));
    assert_eq!(store.message(&message.id, 0), Ok(None));
    assert_eq!(store.pending_removes(&group), Ok(vec![]));
    assert_eq!(store.delete_group(&group), Ok(false));
}

fn savepoints(store: &Store) {
    let kind = CursorKind::CommitMessage;
    let answer = store.transaction(|tx| {
        tx.advance_cursor(b"before", kind, 0, 1)?;
        let undone = tx.savepoint(|tx| {
            tx.advance_cursor(b"outer", kind, 0, 1)?;
            tx.savepoint(|tx| tx.advance_cursor(b"inner", kind, 0, 1))?;
            Err::<(), _>(StorageError::Full)
        });
        assert_eq!(undone, Err(StorageError::Full));
        assert_eq!(tx.cursor(b"inner", kind, 0), Ok(0));
        tx.savepoint(|tx| tx.advance_cursor(b"after", kind, 0, 1))
    });
    assert_eq!(answer, Ok(true));
    for (entity, expected) in [("before", 1), ("outer", 0), ("inner", 0), ("after", 1)] {
        assert_eq!(store.cursor(entity.as_bytes(), kind, 0), Ok(expected), "{entity}");
    }
}

fn rollback(store: &Store) {
    let kind = CursorKind::CommitMessage;
    let answer = store.transaction(|tx| {
        tx.put_group(&group_row(1))?;
        tx.put_mls_value(1, b"k", b"v")?;
        tx.advance_cursor(b"x", kind, 0, 1)?;
        Err::<(), _>(StorageError::WrongKey)
    });
    assert_eq!(answer, Err(StorageError::WrongKey));
    assert_eq!(store.cursor(b"x", kind, 0), Ok(0));
    assert_eq!(store.mls_value(1, b"k"), Ok(None));
    assert_eq!(store.groups(&GroupQuery::default()), Ok(vec![]));
}

fn mls(store: &Store) {
    store.put_mls_value(1, b"k", b"old").expect("written");
    store.put_mls_value(1, b"k", b"new").expect("written");
    store.put_mls_value(2, b"k", b"other").expect("written");
    assert_eq!(store.mls_value(1, b"k"), Ok(Some(b"new".to_vec())));
    store.delete_mls_value(1, b"k").expect("written");
    assert_eq!(store.mls_value(1, b"k"), Ok(None));
    assert_eq!(store.mls_value(2, b"k"), Ok(Some(b"other".to_vec())));
    for (item, value) in [("b", "1"), ("a", "2"), ("b", "3")] {
        store
            .append_mls_list(3, b"l", Some(item.as_bytes()), value.as_bytes())
            .expect("written");
    }
    let entry = |item: &str, value: &str| (item.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(
        store.mls_list(3, b"l"),
        Ok(vec![entry("b", "3"), entry("a", "2")])
    );
    store.delete_mls_list_item(3, b"l", b"b").expect("written");
    assert_eq!(store.mls_list(3, b"l"), Ok(vec![entry("a", "2")]));
    store.append_mls_list(4, b"l", None, b"x").expect("written");
    store.append_mls_list(4, b"l", None, b"x").expect("written");
    assert_eq!(store.mls_list(4, b"l"), Ok(vec![entry("", "x"), entry("", "x")]));
    store.delete_mls_list(4, b"l").expect("written");
    assert_eq!(store.mls_list(4, b"l"), Ok(vec![]));
    assert_eq!(store.mls_list(3, b"l").map(|list| list.len()), Ok(1));
}

fn commit_log(store: &Store) {
    store.put_group(&group_row(1)).expect("written");
    let group = GroupId::new([1; 16]);
    let row = |sequence_id| CommitLogRow {
        group_id: group,
        sequence_id,
        last_epoch_authenticator: vec![1; 32],
        result: CommitResult::Applied,
        applied_epoch: Some(2),
        applied_epoch_authenticator: Some(vec![2; 32]),
        sender_inbox_id: Some(InboxId::new([1; 32])),
        sender_installation_id: None,
        commit_type: Some("key update".into()),
        error: None,
    };
    let first = store.append_commit_log(&row(5)).expect("written");
    let second = store.append_commit_log(&row(6)).expect("written");
    assert!(first < second);
    assert_eq!(
        store.commit_log(&group, 0),
        Ok(vec![(first, row(5)), (second, row(6))])
    );
    assert_eq!(store.commit_log(&group, first), Ok(vec![(second, row(6))]));
}
