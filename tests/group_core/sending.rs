//! Sending over a network that loses answers and orders as it likes.

use xmtp_web::groups::inbound::Change;
use xmtp_web::groups::intent::{self, Build, IntentData};
use xmtp_web::groups::{field, inbound};
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::messages::Plaintext;
use xmtp_web::messages::content::text;
use xmtp_web::mls::{CommitPlan, MlsError, VerifiedCommit};
use xmtp_web::storage::{DeliveryStatus, IntentState, Store, StoreOptions};

use crate::world::{Client, Node, group_of, settle};

fn status(client: &Client, id: MessageId) -> DeliveryStatus {
    client
        .store
        .message(&id, client.now_ns)
        .expect("readable")
        .expect("stored")
        .delivery_status
}

/// Another epoch begins: somebody renames the group.
fn rename(node: &mut Node, client: &Client, group: GroupId, name: &str) {
    client.want_field(group, field::NAME, name);
    client.flush(node, group);
}

#[test]
fn of_two_commits_at_once_the_second_is_built_again() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let epoch = alice.epoch(group);
    alice.want_field(group, field::NAME, "alice's");
    bob.want_field(group, field::DESCRIPTION, "bob's");
    let (first, second) = (alice.payload(&node, group), bob.payload(&node, group));
    node.post(first.data);
    node.post(second.data);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.epoch(group), epoch + 1);
    assert_eq!(bob.intents(group)[0].state, IntentState::ToPublish);
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.epoch(group), epoch + 2);
    let metadata = alice.metadata(group);
    assert_eq!(
        (metadata.get(field::NAME), metadata.get(field::DESCRIPTION)),
        (Some("alice's"), Some("bob's"))
    );
    assert!(bob.intents(group).is_empty());
}

#[test]
fn a_commit_that_is_built_leaves_its_group_as_it_was() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let context = alice.context();
    let mut loaded = context.load(group).expect("stored");
    let (epoch, written) = (loaded.epoch(), alice.store.changes_made());
    let mut build = || {
        let built = loaded.stage_commit(context.provider(), &alice.key, CommitPlan::default());
        built.expect("staged")
    };
    let (_never_sent, second) = (build(), build());
    assert_eq!((loaded.epoch(), alice.store.changes_made()), (epoch, written));
    let between = Plaintext {
        content: text::encode("between").encode(),
        idempotency_key: "between".into(),
    };
    let said = loaded.encrypt(&context.provider(), context.key, &between.encode());
    node.post(said.expect("encrypts"));
    // others follow although a commit before it never came, and so does this very group
    node.post(second.payload);
    bob.pull(&node, group);
    assert_eq!(bob.texts(group), ["between"]);
    let judged = VerifiedCommit::own(&loaded, &second.staged)
        .and_then(|commit| commit.judge(|_| Ok::<_, MlsError>(())))
        .expect("its own");
    loaded.merge(&context.provider(), judged).expect("merged");
    assert_eq!(bob.epoch(group), epoch + 1);
    assert_eq!(bob.authenticator(group), loaded.epoch_authenticator());
}

#[test]
fn a_commit_comes_back_to_the_group_in_which_it_was_built() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let mut coming_back = |name: &str, meanwhile: fn(&Client, GroupId)| {
        alice.want_field(group, field::NAME, name);
        let payload = alice.payload(&node, group);
        node.post(payload.data);
        meanwhile(&alice, group);
        let before = alice.store.statements_run();
        alice.pull(&node, group);
        alice.store.statements_run() - before
    };
    let reads = coming_back("read again", |alice, group| drop(alice.context().load(group)));
    let keeps = coming_back("kept", |_, _| {});
    // OpenMLS reads a group by twelve
    assert_eq!(reads, keeps + 12);
}

#[test]
fn a_lost_answer_never_doubles_a_message() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let id = bob.say(group, "once");
    let payload = bob.payload(&node, group);
    node.post(payload.data.clone());
    let intent = bob.intents(group).remove(0);
    assert_eq!(intent::sending_failed(&bob.context(), &intent), Ok(false));
    // in the same epoch the same bytes go out again
    let again = bob.payload(&node, group);
    assert_eq!(again.data, payload.data);
    node.post(again.data);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(
        (alice.texts(group), bob.texts(group)),
        (vec!["once".into()], vec!["once".into()])
    );
    assert_eq!(status(&bob, id), DeliveryStatus::Published);

    // in another epoch other bytes do, under the same id
    let id = bob.say(group, "twice sent");
    let first = bob.payload(&node, group);
    let intent = bob.intents(group).remove(0);
    assert_eq!(intent::sending_failed(&bob.context(), &intent), Ok(false));
    rename(&mut node, &alice, group, "moved on");
    bob.pull(&node, group);
    let second = bob.payload(&node, group);
    assert_ne!(first.data, second.data);
    node.post(first.data);
    node.post(second.data);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group), ["once", "twice sent"]);
    assert_eq!(bob.texts(group), ["once", "twice sent"]);
    assert_eq!(status(&bob, id), DeliveryStatus::Published);
    assert!(bob.intents(group).is_empty());
}

#[test]
fn a_lost_answer_never_forks_a_committer() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    alice.want_field(group, field::NAME, "kept");
    let payload = alice.payload(&node, group);
    node.post(payload.data.clone());
    for attempt in 1..=3 {
        let intent = alice.intents(group).remove(0);
        assert_eq!(
            intent::sending_failed(&alice.context(), &intent),
            Ok(attempt == 3)
        );
        if attempt < 3 {
            assert_eq!(alice.payload(&node, group).data, payload.data);
        }
    }
    // given up, and yet it comes back
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.metadata(group).get(field::NAME), Some("kept"));
    assert!(alice.intents(group).is_empty());
}

#[test]
fn own_payloads_are_known_again_after_a_restart() {
    let mut node = Node::default();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("alice.db");
    let mut alice = Client::in_file(&mut node, 1, &path);
    let bob = Client::new(&mut node, 2);
    let group = group_of(&mut node, &[&alice, &bob]);
    let id = alice.say(group, "before the restart");
    node.post(alice.payload(&node, group).data);
    alice.want_field(group, field::NAME, "also before");
    node.post(alice.payload(&node, group).data);
    alice.store = Store::open(StoreOptions::memory()).expect("memory");
    alice.store = Store::open(StoreOptions::file(&path)).expect("opens again");
    let batch = alice.pull(&node, group);
    assert!(batch.changes.contains(&Change::Published(id)) && batch.changes.contains(&Change::Group));
    settle(&node, &[&alice, &bob], group);
    assert!(alice.intents(group).is_empty());
    assert_eq!(alice.texts(group), ["before the restart"]);
}

#[test]
fn after_three_failures_a_message_has_failed_and_can_be_sent_again() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let id = bob.say(group, "stubborn");
    let lost = bob.payload(&node, group);
    for _ in 0..3 {
        assert_eq!(status(&bob, id), DeliveryStatus::Unpublished);
        let intent = bob.intents(group).remove(0);
        intent::sending_failed(&bob.context(), &intent).expect("counted");
    }
    assert_eq!(status(&bob, id), DeliveryStatus::Failed);
    assert!(bob.build(&node, group).expect("nothing").is_none());
    assert_eq!(intent::resend_message(&bob.context(), id), Ok(group));
    assert_eq!(status(&bob, id), DeliveryStatus::Unpublished);
    assert!(
        intent::resend_message(&bob.context(), id).is_err(),
        "it has not failed again"
    );
    // the first attempt arrives after all: the message is out, and the resend is not needed any more
    node.post(lost.data);
    bob.pull(&node, group);
    assert_eq!(status(&bob, id), DeliveryStatus::Published);
    assert!(
        bob.build(&node, group).expect("nothing").is_none(),
        "no second copy goes out"
    );
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group), ["stubborn"]);
    assert!(bob.intents(group).is_empty());

    let id = bob.say(group, "lost for good");
    bob.payload(&node, group);
    for _ in 0..3 {
        let intent = bob.intents(group).remove(0);
        intent::sending_failed(&bob.context(), &intent).expect("counted");
    }
    intent::resend_message(&bob.context(), id).expect("failed");
    bob.flush(&mut node, group);
    assert_eq!(status(&bob, id), DeliveryStatus::Published);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group).len(), 2);
}

#[test]
fn a_failed_message_can_be_dropped() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let id = bob.say(group, "never mind");
    assert!(
        intent::drop_message(&bob.context(), id).is_err(),
        "it is on its way"
    );
    bob.payload(&node, group);
    for _ in 0..3 {
        let intent = bob.intents(group).remove(0);
        intent::sending_failed(&bob.context(), &intent).expect("counted");
    }
    intent::drop_message(&bob.context(), id).expect("dropped");
    assert!(bob.intents(group).is_empty() && bob.texts(group).is_empty());
}

#[test]
fn what_did_not_come_back_is_published_again() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    bob.say(group, "swallowed");
    let swallowed = bob.payload(&node, group);
    assert!(intent::next(&bob.context(), group).expect("readable").is_none());
    bob.pull(&node, group);
    assert_eq!(intent::return_unseen(&bob.context(), group), Ok(1));
    assert_eq!(intent::return_unseen(&bob.context(), group), Ok(0));
    assert_eq!(bob.payload(&node, group).data, swallowed.data);
    intent::return_unseen(&bob.context(), group).expect("returned");
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group), ["swallowed"]);
}

/// What released peers do with messages of past epochs.
fn peers() -> serde_json::Value {
    let file: serde_json::Value = serde_json::from_str(include_str!("../vectors/peers.json")).expect("JSON");
    file["past_epoch_results"].clone()
}

#[test]
fn messages_are_read_up_to_three_epochs_late() {
    let peers = peers();
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob, &carol]);
    for behind in 1..=5_u64 {
        let peer_reads = peers["we_behind"][behind.to_string()] == "peer reads";
        let peer_sends = peers["peer_behind"][behind.to_string()].as_str().expect("text");
        settle(&node, &[&alice, &bob, &carol], group);
        let words = format!("{behind} behind");
        let id = carol.say(group, &words);
        let payload = carol.payload(&node, group);
        for step in 0..behind {
            rename(&mut node, &alice, group, &format!("{behind}.{step}"));
        }
        node.post(payload.data);
        for reader in [&alice, &bob] {
            let batch = reader.pull(&node, group);
            assert_eq!(batch.stop, None);
            assert_eq!(reader.texts(group).contains(&words), peer_reads, "{words}");
        }
        carol.pull(&node, group);
        // from three on it goes out once more, under the same id, as peers do
        let published = if peer_sends == "sent once, read" {
            DeliveryStatus::Published
        } else {
            DeliveryStatus::Unpublished
        };
        assert_eq!(status(&carol, id), published, "{words}");
        carol.flush(&mut node, group);
        settle(&node, &[&alice, &bob, &carol], group);
        assert_eq!(status(&carol, id), DeliveryStatus::Published);
        for reader in [&alice, &bob] {
            let copies = reader.texts(group).iter().filter(|text| **text == words).count();
            assert_eq!(copies, 1, "{words}");
        }
    }
}

#[test]
fn the_same_text_with_the_same_key_is_one_message() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    assert_eq!(bob.say(group, "same"), bob.say(group, "same"));
    assert_eq!(bob.intents(group).len(), 1);
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group), ["same"]);
}

#[test]
fn a_refresh_does_not_bring_back_who_was_removed_meanwhile() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob, &carol]);
    let _phone = carol.second_installation(&mut node, 33);
    for client in [&alice, &bob, &carol] {
        client.learn(&node);
    }
    assert!(bob.want_members(group, &[], &[]));
    let late = bob.payload(&node, group);
    assert!(alice.want_members(group, &[], &[carol.inbox_id]));
    alice.flush(&mut node, group);
    node.post(late.data);
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(bob.members(group), [alice.inbox_id, bob.inbox_id].into());
    assert!(bob.intents(group).is_empty());
}

#[test]
fn two_who_add_the_same_person_add_them_once() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob]);
    bob.learn(&node);
    assert!(alice.want_members(group, &[carol.inbox_id], &[]));
    assert!(bob.want_members(group, &[carol.inbox_id], &[]));
    let late = bob.payload(&node, group);
    alice.flush(&mut node, group);
    node.post(late.data);
    bob.pull(&node, group);
    match bob.build(&node, group) {
        Ok(Some((_, Build::Done))) => {}
        other => panic!("{other:?}"),
    }
    assert!(bob.intents(group).is_empty());
    assert_eq!(carol.accept(&node).len(), 1);
    settle(&node, &[&alice, &bob, &carol], group);
}

#[test]
fn a_late_attempt_of_a_done_commit_changes_nothing() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob]);
    bob.learn(&node);
    assert!(bob.want_members(group, &[carol.inbox_id], &[]));
    let first = bob.payload(&node, group);
    let intent = bob.intents(group).remove(0);
    intent::sending_failed(&bob.context(), &intent).expect("counted");
    rename(&mut node, &alice, group, "meanwhile");
    bob.pull(&node, group);
    let second = bob.payload(&node, group);
    node.post(second.data);
    node.post(first.data);
    let batch = bob.pull(&node, group);
    assert_eq!(batch.stop, None);
    assert_eq!(
        bob.intents(group)[0].state,
        IntentState::Committed,
        "its welcomes are still to be sent"
    );
    bob.finish(&mut node, group);
    assert_eq!(carol.accept(&node).len(), 1);
    settle(&node, &[&alice, &bob, &carol], group);
}

#[test]
fn key_updates_are_followed_and_batches_can_be_cut_anywhere() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    for round in 0..4 {
        bob.want(group, &IntentData::KeyUpdate);
        bob.say(group, &format!("message {round}"));
        bob.flush(&mut node, group);
    }
    let copies: Vec<inbound::Envelope> = node.messages.clone();
    for envelope in &copies {
        let one = std::slice::from_ref(envelope);
        assert_eq!(alice.pull_of(one, group, false).done, 1);
        assert_eq!(alice.pull_of(one, group, false).changes, [], "twice is once");
    }
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group).len(), 4);
}
