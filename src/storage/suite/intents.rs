//! Intents: see [`super::CASES`].

use super::*;

pub(super) fn attempts(store: &Store) {
    store.put_group(&group_row(1)).expect("written");
    let group = GroupId::new([1; 16]);
    let new = NewIntent {
        group_id: group,
        kind: IntentKind::SendMessage,
        data: b"wish".to_vec(),
        should_push: true,
        message_id: Some(MessageId::new([4; 32])),
        created_at_ns: 3,
    };
    let id = store.insert_intent(&new).expect("written");
    let attempt = |byte: u8, epoch| AttemptRow {
        intent_id: id,
        payload_hash: [byte; 32],
        published_in_epoch: epoch,
        staged_commit: None,
        post_commit: Some(vec![byte]),
        payload: Some(vec![byte; 9]),
    };
    let states = |states: &[IntentState]| store.intents(&group, states).expect("reads").len();
    assert_eq!(states(&[IntentState::ToPublish]), 1);
    for (byte, epoch) in [(1, 5), (2, 5), (3, 6)] {
        store.insert_attempt(&attempt(byte, epoch)).expect("written");
    }
    assert!(store.insert_attempt(&attempt(3, 6)).is_err());
    assert_eq!(states(&[IntentState::ToPublish]), 0);
    assert_eq!(states(&[IntentState::ToPublish, IntentState::Published]), 1);
    assert_eq!(states(&[]), 0);
    let (intent, found) = store
        .attempt_by_hash(&[1; 32])
        .expect("reads")
        .expect("the first is kept");
    assert_eq!(
        (intent.id, intent.state, found),
        (id, IntentState::Published, attempt(1, 5))
    );
    assert_eq!(store.attempt_by_hash(&[9; 32]), Ok(None));
    assert_eq!(store.attempts(id).map(|rows| rows.len()), Ok(3));
    assert_eq!(store.delete_attempts_before(&GroupId::new([2; 16]), 6), Ok(0));
    assert_eq!(store.delete_attempts_before(&group, 6), Ok(2));
    assert_eq!(store.attempts(id), Ok(vec![attempt(3, 6)]));
    assert_eq!(store.count_publish_attempt(id), Ok(1));
    assert_eq!(store.count_publish_attempt(id), Ok(2));
    store.set_intent_committed(id, 44, Some(b"then")).expect("there");
    let expected = IntentRow {
        id,
        group_id: group,
        kind: new.kind,
        state: IntentState::Committed,
        data: new.data.clone(),
        publish_attempts: 2,
        should_push: true,
        message_id: new.message_id,
        created_at_ns: 3,
        sequence_id: Some(44),
        post_commit: Some(b"then".to_vec()),
    };
    assert_eq!(store.intent(id), Ok(Some(expected.clone())));
    assert_eq!(
        store.intent_of_message(&MessageId::new([4; 32])),
        Ok(Some(expected))
    );
    assert_eq!(store.groups_with_open_intents(), Ok(vec![group]));
    store.set_intent_state(id, IntentState::Processed).expect("there");
    assert_eq!(store.groups_with_open_intents(), Ok(vec![]));
    assert_eq!(store.delete_intent(id), Ok(true));
    assert_eq!(store.attempt_by_hash(&[3; 32]), Ok(None));
    assert!(
        store.insert_intent(&new).expect("written") > id,
        "numbers are not used twice"
    );
    let missing = StorageError::NotFound(Missing::Intent);
    assert_eq!(store.count_publish_attempt(id), Err(missing.clone()));
    assert_eq!(store.insert_attempt(&attempt(5, 5)), Err(missing));
}

fn wish(kind: IntentKind, message: Option<&MessageRow>) -> NewIntent {
    NewIntent {
        group_id: GroupId::new([1; 16]),
        kind,
        data: b"wish".to_vec(),
        should_push: false,
        message_id: message.map(|message| message.id),
        created_at_ns: 1,
    }
}

pub(super) fn order(store: &Store) {
    for byte in [1, 2] {
        store.put_group(&group_row(byte)).expect("written");
    }
    let [group, other] = [1, 2].map(|byte| GroupId::new([byte; 16]));
    assert_eq!(store.next_intent(&group), Ok(None));
    assert_eq!(store.is_under_way(&group, IntentKind::KeyUpdate), Ok(false));
    let elsewhere = NewIntent {
        group_id: other,
        ..wish(IntentKind::SendMessage, None)
    };
    store.insert_intent(&elsewhere).expect("written");
    let kinds = [IntentKind::KeyUpdate, IntentKind::MetadataUpdate];
    let ids = kinds.map(|kind| store.insert_intent(&wish(kind, None)).expect("written"));
    let next = || store.next_intent(&group).expect("reads").map(|intent| intent.id);
    assert_eq!(next(), Some(ids[0]));
    store
        .set_intent_state(ids[0], IntentState::Published)
        .expect("there");
    assert_eq!(next(), Some(ids[1]));
    assert_eq!(store.is_under_way(&group, IntentKind::KeyUpdate), Ok(true));
    assert_eq!(store.is_under_way(&other, IntentKind::KeyUpdate), Ok(false));
    store.return_intent(ids[0]).expect("there");
    assert_eq!(next(), Some(ids[0]));
    store.set_intent_state(ids[0], IntentState::Error).expect("there");
    assert_eq!(store.is_under_way(&group, IntentKind::KeyUpdate), Ok(false));
    assert_eq!(next(), Some(ids[1]));
}

pub(super) fn acknowledgements(store: &Store) {
    store.put_group(&group_row(1)).expect("written");
    let group = GroupId::new([1; 16]);
    let row = MessageRow {
        delivery_status: DeliveryStatus::Unpublished,
        sequence_id: None,
        ..message_row(1, 1)
    };
    assert_eq!(store.insert_message(&row), Ok(true));
    let id = store
        .insert_intent(&wish(IntentKind::SendMessage, Some(&row)))
        .expect("written");
    let shown = || {
        let row = store.message(&row.id, 0).expect("reads").expect("there");
        (row.delivery_status, row.expire_at_ns)
    };
    let is_unanswered = || store.has_unanswered_intent(&group).expect("reads");
    assert_eq!(
        store.acknowledge_intent(id, Some(9)),
        Ok(false),
        "it was not sent"
    );
    assert_eq!(
        (shown(), is_unanswered()),
        ((DeliveryStatus::Unpublished, None), false)
    );
    store.set_intent_state(id, IntentState::Published).expect("there");
    assert!(is_unanswered());
    assert_eq!(store.acknowledge_intent(id, Some(9)), Ok(true));
    assert_eq!(
        (shown(), is_unanswered()),
        ((DeliveryStatus::Published, Some(9)), false)
    );
    store.return_intent(id).expect("there");
    assert_eq!(
        (shown(), is_unanswered()),
        ((DeliveryStatus::Unpublished, None), false)
    );
    // What is to disappear does so no later for coming back, and not at all where that was set aside meanwhile.
    store.set_intent_state(id, IntentState::Published).expect("there");
    let published = |expire_at_ns| Published {
        sent_at_ns: 5,
        sequence_id: 6,
        originator_id: 10,
        expire_at_ns,
    };
    for (acknowledged, came_back, expected) in [
        (Some(9), Some(12), Some(9)),
        (None, Some(12), Some(12)),
        (Some(9), None, None),
    ] {
        assert_eq!(store.acknowledge_intent(id, acknowledged), Ok(true));
        assert_eq!(store.mark_published(&row.id, &published(came_back)), Ok(true));
        assert_eq!(shown(), (DeliveryStatus::Published, expected));
    }
    // A commit has no message: it counts once it has come back.
    let commit = store
        .insert_intent(&wish(IntentKind::KeyUpdate, None))
        .expect("written");
    store
        .set_intent_state(commit, IntentState::Published)
        .expect("there");
    assert_eq!(store.acknowledge_intent(commit, None), Ok(false));
    assert!(is_unanswered());
    store.delete_intents_of_message(&row.id).expect("there");
    assert_eq!(store.intent(id), Ok(None));
    assert!(store.intent(commit).expect("reads").is_some());
    let missing = StorageError::NotFound(Missing::Intent);
    assert_eq!(store.return_intent(id), Err(missing));
}
