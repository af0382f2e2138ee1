//! Many envelopes in one transaction: the group is loaded once, its ratchets are written once, and what is refused
//! in between costs nobody anything.

use xmtp_web::groups::inbound::{Envelope, Stop, receive};
use xmtp_web::groups::{GroupError, field};
use xmtp_web::ids::GroupId;
use xmtp_web::messages::Plaintext;
use xmtp_web::storage::StorageError;

use crate::world::{Client, Node, group_of, settle};

/// Encrypts bytes as they are.
fn encrypt(client: &Client, group: GroupId, bytes: &[u8]) -> Vec<u8> {
    let context = client.context();
    let mut loaded = context.load(group).expect("stored");
    let payload = loaded.encrypt(&context.provider(), context.key, bytes);
    payload.expect("encrypts")
}

fn words(client: &Client, group: GroupId, words: &str) -> Vec<u8> {
    let plaintext = Plaintext {
        content: xmtp_web::messages::content::text::encode(words).encode(),
        idempotency_key: words.into(),
    };
    encrypt(client, group, &plaintext.encode())
}

/// What a member says that is no message: it decrypts, uses its key up, and is refused.
fn nonsense(client: &Client, group: GroupId) -> Vec<u8> {
    encrypt(client, group, &[0xff; 9])
}

#[test]
fn what_is_refused_between_messages_takes_none_of_them_with_it() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let mut expected = Vec::new();
    for round in 0..3 {
        for part in ["a", "b"] {
            let text = format!("{part}{round}");
            node.post(words(&alice, group, &text));
            expected.push(text);
        }
        node.post(nonsense(&alice, group));
        node.post(vec![0xff; 40]);
    }
    node.post(words(&alice, group, "last"));
    expected.push("last".into());
    let batch = bob.pull(&node, group);
    assert_eq!((batch.done, batch.stop), (node.messages.len(), None));
    assert_eq!(bob.texts(group), expected);
    // and the next batch goes on from there
    node.post(words(&alice, group, "afterwards"));
    bob.pull(&node, group);
    expected.push("afterwards".into());
    assert_eq!(bob.texts(group), expected);
}

#[test]
fn a_message_key_is_gone_from_the_database_after_the_batch_that_used_it() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    for text in ["one", "two", "three"] {
        node.post(words(&alice, group, text));
    }
    bob.pull(&node, group);
    for envelope in node.messages.iter().rev().take(3) {
        let context = bob.context();
        let mut stored = context.load(group).expect("stored");
        assert!(stored.process(&context.provider(), &envelope.data).is_err());
    }
}

#[test]
fn commits_between_messages_start_from_what_the_messages_left() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    for round in 0..3 {
        node.post(words(&alice, group, &format!("before {round}")));
        node.post(nonsense(&alice, group));
        alice.want_field(group, field::NAME, &format!("name {round}"));
        alice.flush(&mut node, group);
        node.post(words(&alice, group, &format!("after {round}")));
    }
    let batch = bob.pull(&node, group);
    assert_eq!((batch.done, batch.stop), (node.messages.len(), None));
    assert_eq!(bob.texts(group).len(), 6);
    assert_eq!(bob.metadata(group).get(field::NAME), Some("name 2"));
    settle(&node, &[&alice, &bob], group);
}

#[test]
fn a_batch_that_stops_keeps_what_came_before_and_goes_on_with_what_it_stopped_at() {
    let mut node = Node::default();
    let alice = Client::new(&mut node, 1);
    let bob = Client::new(&mut node, 2);
    let group = group_of(&mut node, &[&alice, &bob]);
    // somebody comes in whom bob does not know
    let carol = Client::new(&mut node, 3);
    alice.learn(&node);
    for text in ["one", "two"] {
        node.post(words(&alice, group, text));
    }
    assert!(alice.want_members(group, &[carol.inbox_id], &[]));
    alice.flush(&mut node, group);
    node.post(words(&alice, group, "three"));
    let batch = bob.pull(&node, group);
    assert!(matches!(batch.stop, Some(Stop::Missing(_))), "{batch:?}");
    assert_eq!(bob.texts(group), ["one", "two"]);
    bob.learn(&node);
    let rest: Vec<Envelope> = node.messages.split_off(batch.done);
    let batch = bob.pull_of(&rest, group, true);
    assert_eq!((batch.done, batch.stop), (rest.len(), None));
    assert_eq!(bob.texts(group), ["one", "two", "three"]);
}

#[test]
fn a_message_costs_the_same_few_statements_however_many_there_are() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let mut costs = Vec::new();
    // the first meets who speaks
    for count in [1, 10, 60] {
        let read = node.messages.len();
        for index in 0..count {
            node.post(words(&alice, group, &format!("{count}-{index}")));
        }
        let before = bob.store.statements_run();
        bob.pull_of(&node.messages[read..], group, false);
        costs.push(bob.store.statements_run() - before);
    }
    // whether it is our own, the row, and whether it was removed before it came
    assert_eq!(costs[2] - costs[1], 50 * 3, "{costs:?}");
    assert!(costs[1] < 10 * 3 + 20, "{costs:?}");
}

#[test]
fn what_sqlite_gives_up_in_the_middle_of_a_batch_uses_no_keys() {
    let mut node = Node::default();
    let alice = Client::new(&mut node, 1);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bob.db");
    let bob = Client::in_file(&mut node, 2, &file);
    let group = group_of(&mut node, &[&alice, &bob]);
    for text in ["one", "two", "three"] {
        node.post(words(&alice, group, text));
    }
    // As it does when the disk is full or fails: the whole transaction is undone, and is none any more.
    let other = rusqlite::Connection::open(&file).expect("opens");
    let gives_up = "CREATE TRIGGER gives_up BEFORE INSERT ON messages
        WHEN (SELECT count(*) FROM messages WHERE group_id = new.group_id AND kind = new.kind) = 2
        BEGIN SELECT RAISE(ROLLBACK, 'on purpose'); END";
    other.execute_batch(gives_up).expect("made");
    let batch = bob.store.transaction(|tx| {
        let context = bob.context();
        receive(tx, &context, group, &node.messages, false)
    });
    assert!(
        matches!(&batch, Err(GroupError::Storage(error)) if *error != StorageError::TransactionLost),
        "nothing is tried after it: {batch:?}"
    );
    other.execute_batch("DROP TRIGGER gives_up").expect("dropped");
    let nothing: [&str; 0] = [];
    assert_eq!(bob.texts(group), nothing);
    bob.pull(&node, group);
    assert_eq!(bob.texts(group), ["one", "two", "three"]);
}
