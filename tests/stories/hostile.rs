//! Troubles that one conversation, one welcome or one stranger brings, and that must not become others', told
//! by real clients against a node in this process.
use std::cell::Cell;
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_devnode::{Fault, LOCAL_CHAIN_ID, Rule};
use xmtp_web::client::{ConnectionState, Event, GroupHandle};
use xmtp_web::groups::NewGroup;

/// Makes a group without waiting for the others to join.
async fn invitation(from: &Person, to: &Person) -> GroupHandle {
    from.create_group(&[to], &NewGroup::default())
        .await
        .expect("a group")
}

/// Waits until somebody, and nobody else, has made this call a few times more.
async fn tried_again(world: &World, method: &str) {
    let faults = world.faults();
    faults.called(method, faults.calls(method) + 2).await;
}

/// Retries that come slowly enough for something to happen in between.
fn slow_retries(world: &World) {
    world.machine.pause.set(Some(Duration::from_millis(100)));
}

#[test]
fn nothing_passes_a_commit_that_still_waits_after_it_was_tried_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        alice.group_with(&[&carol]).await;
        let mut watch = bob.watch().await;
        slow_retries(&world);
        // Alice knows Carol; the node that Bob asks does not.
        world.machine.node_is_behind.set(true);
        group.add_members(&[carol.inbox_id()]).await.expect("added");
        let epoch = bob.epoch_of(group.id());
        tried_again(&world, "QueryGroupMessages").await;
        let one = alice.say(group.id(), "one").await;
        alice.sync().await;
        tried_again(&world, "QueryGroupMessages").await;
        assert_eq!((watch.count(one), bob.epoch_of(group.id())), (0, epoch));
        world.machine.node_is_behind.set(false);
        watch.message(one).await;
        let two = alice.say(group.id(), "two").await;
        watch.message(two).await;
        assert_eq!(bob.texts(group.id()), ["one", "two"]);
        assert_eq!(bob.members_of(group.id()).len(), 3);
        assert_eq!(bob.client.connection_state(), ConnectionState::Connected);
    });
}

#[test]
fn no_welcome_passes_one_that_still_waits_after_it_was_tried_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        alice.group_with(&[&bob]).await;
        for person in [&alice, &carol] {
            person.client.inbox_state(bob.inbox_id()).await.expect("known");
        }
        let mut watch = bob.watch().await;
        slow_retries(&world);
        world.machine.node_is_behind.set(true);
        let first = invitation(&carol, &bob).await;
        tried_again(&world, "QueryWelcomeMessages").await;
        let second = invitation(&alice, &bob).await;
        tried_again(&world, "QueryWelcomeMessages").await;
        assert!(bob.find(first.id()).is_none() && bob.find(second.id()).is_none());
        world.machine.node_is_behind.set(false);
        assert_eq!(watch.conversation().await, first.id());
        assert_eq!(watch.conversation().await, second.id());
    });
}

#[test]
fn a_welcome_that_waits_does_not_keep_conversations_from_being_synced() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        carol.client.inbox_state(bob.inbox_id()).await.expect("known");
        alice.say(group, "hello").await;
        world.machine.node_is_behind.set(true);
        let waiting = invitation(&carol, &bob).await.id();
        assert!(bob.client.sync_all().await.is_err(), "which is told all the same");
        assert_eq!(bob.texts(group), ["hello"]);
        assert!(bob.find(waiting).is_none());
        world.machine.node_is_behind.set(false);
        bob.sync().await;
        assert!(bob.is_member_of(waiting));
    });
}

#[test]
fn somebody_added_back_by_an_ordinary_member_while_away_is_in_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        group.remove_members(&[bob.inbox_id()]).await.expect("removed");
        carol.sync().await;
        let at_carol = carol.group(group.id());
        at_carol.add_members(&[bob.inbox_id()]).await.expect("added");
        assert!(bob.is_member_of(group.id()), "who does not know yet");
        alice.sync().await;
        alice.say(group.id(), "welcome back").await;
        bob.sync().await;
        assert!(bob.is_member_of(group.id()));
        assert_eq!(bob.texts(group.id()), ["welcome back"]);
        assert_eq!(bob.epoch_of(group.id()), alice.epoch_of(group.id()));
    });
}

/// Somebody whose wallet is a contract.
async fn contract_person(world: &World) -> Person {
    let (owner, contract) = (world.wallet(), world.wallet());
    let address = contract.address();
    world
        .node()
        .register_contract_wallet(address.as_str(), owner.address().as_str())
        .expect("deployed");
    let person = world.visitor(&contract).await;
    let text = person.client.signature_text().expect("a text to sign");
    person
        .client
        .add_contract_signature(&address, LOCAL_CHAIN_ID, None, &owner.sign(&text))
        .await
        .expect("confirmed");
    person.client.register().await.expect("registers");
    person
}

#[test]
fn a_wallet_that_could_not_be_asked_is_asked_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (carol, dave) = (contract_person(&world).await, contract_person(&world).await);
        let group = alice.group_with(&[&bob]).await;
        alice.client.inbox_state(dave.inbox_id()).await.expect("known");
        world.machine.chain_is_away.set(true);
        // A welcome, and a commit.
        let invited = invitation(&carol, &bob).await.id();
        group.add_members(&[dave.inbox_id()]).await.expect("added");
        alice.say(group.id(), "hello").await;
        for _ in 0..2 {
            assert!(bob.client.sync_all().await.is_err());
            assert!(bob.find(invited).is_none());
            assert_eq!(bob.members_of(group.id()).len(), 2);
        }
        world.machine.chain_is_away.set(false);
        bob.sync().await;
        assert!(bob.is_member_of(invited));
        assert_eq!(bob.members_of(group.id()).len(), 3);
        assert_eq!(bob.texts(group.id()), ["hello"]);
    });
}

#[test]
fn a_wallet_that_cannot_be_asked_silences_nobody_else() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let carol = contract_person(&world).await;
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        slow_retries(&world);
        world.machine.chain_is_away.set(true);
        let invited = invitation(&carol, &bob).await.id();
        tried_again(&world, "QueryWelcomeMessages").await;
        let hello = alice.say(group, "hello").await;
        watch.message(hello).await;
        assert!(bob.find(invited).is_none());
        let reconnecting = Event::Connection(ConnectionState::Reconnecting);
        assert!(!watch.seen.contains(&reconnecting));
        world.machine.chain_is_away.set(false);
        assert_eq!(watch.conversation().await, invited);
        assert!(!watch.seen.contains(&reconnecting));
    });
}

#[test]
fn a_slow_send_in_one_group_keeps_no_other_waiting() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (slow, other) = (
            alice.group_with(&[&bob]).await.id(),
            alice.group_with(&[&bob]).await.id(),
        );
        // The first message of a group goes behind a renewal of keys.
        bob.say(slow, "first").await;
        let mut watch = bob.watch().await;
        let sends = world.faults().calls("SendGroupMessages");
        let delay = Fault::Delay { ms: 3000 };
        world.faults().add(Rule::once("SendGroupMessages", delay));
        let is_sent = Cell::new(false);
        let sending = async {
            let id = bob.say(slow, "slow").await;
            is_sent.set(true);
            id
        };
        let meanwhile = async {
            world.faults().called("SendGroupMessages", sends + 1).await;
            alice.say(slow, "overtaken").await;
            // long enough for retries
            tokio::time::sleep(Duration::from_millis(200)).await;
            let hello = alice.say(other, "hello").await;
            watch.message(hello).await;
            assert!(!is_sent.get(), "the slow one kept it waiting");
        };
        let (id, ()) = futures::join!(sending, meanwhile);
        watch.message(id).await;
        assert_eq!(bob.texts(slow), ["first", "overtaken", "slow"]);
    });
}
