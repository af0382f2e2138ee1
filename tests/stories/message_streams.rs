//! What arrives by itself, told by real clients against a node in this process.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Person, Watch, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ConnectionState, Event, ListOptions};
use xmtp_web::groups::{NewGroup, field};
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::transport::calls::{OutgoingGroupMessage, OutgoingWelcome, WelcomeBody};

/// Lets spawned tasks run until `done`.
async fn settled(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

/// Everything of one conversation was told once, in the order in which the node has it.
fn assert_told_once(watch: &Watch, person: &Person, group: GroupId) {
    let told: Vec<MessageId> = watch.messages();
    let distinct: BTreeSet<_> = told.iter().copied().collect();
    assert_eq!(told.len(), distinct.len(), "something was told twice");
    for id in person.ids(group) {
        assert!(distinct.contains(&id), "something was not told");
    }
    let of_people: Vec<_> = person.ids(group);
    let in_order: Vec<_> = told.into_iter().filter(|id| of_people.contains(id)).collect();
    assert_eq!(in_order, of_people);
}

#[test]
fn messages_and_conversations_arrive_by_themselves() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let mut watch = bob.watch().await;
        let all = alice.client.conversations();
        let group = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        assert_eq!(watch.conversation().await, group.id());
        let first = alice.say(group.id(), "one").await;
        watch.message(first).await;
        let second = alice.say(group.id(), "two").await;
        watch.message(second).await;
        // What one says oneself is told when it is on the network.
        let own = bob.say(group.id(), "three").await;
        watch.message(own).await;
        let dm = all
            .find_or_create_dm(bob.inbox_id(), None)
            .await
            .expect("a direct message");
        assert_eq!(watch.conversation().await, dm.id());
        let third = alice.say(dm.id(), "psst").await;
        watch.message(third).await;
        group.update_field(field::NAME, "a name").await.expect("changed");
        watch.until(|event| *event == Event::Group(group.id())).await;
        assert_eq!(bob.name_of(group.id()), "a name");
        assert_told_once(&watch, &bob, group.id());
    });
}

#[test]
fn what_happened_while_nobody_watched_is_told_first() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let all = alice.client.conversations();
        let group = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        let missed = alice.say(group.id(), "missed").await;
        let mut watch = bob.watch().await;
        assert!(watch.seen.contains(&Event::Conversation(group.id())));
        watch.message(missed).await;
        assert_eq!(
            watch.seen.first(),
            Some(&Event::Connection(ConnectionState::Connecting))
        );
    });
}

#[test]
fn cut_streams_leave_no_gap_and_tell_nothing_twice() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        world.faults().add(Rule::times(
            "SubscribeGroupMessages",
            Fault::CutStream { after: 2 },
            6,
        ));
        world.faults().add(Rule::times(
            "SubscribeWelcomeMessages",
            Fault::CutStream { after: 0 },
            2,
        ));
        let mut watch = bob.watch().await;
        let mut last = None;
        for n in 0..30 {
            last = Some(alice.say(group, &format!("message {n}")).await);
        }
        watch.message(last.expect("said")).await;
        assert_told_once(&watch, &bob, group);
        assert_eq!(bob.ids(group).len(), 30);
        assert!(
            watch
                .seen
                .contains(&Event::Connection(ConnectionState::Reconnecting))
        );
    });
}

#[test]
fn items_that_arrive_twice_are_told_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world.faults().add(Rule::always("Subscribe*", Fault::Duplicate));
        let mut watch = bob.watch().await;
        let all = alice.client.conversations();
        let group = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        let mut last = None;
        for n in 0..5 {
            last = Some(alice.say(group.id(), &format!("message {n}")).await);
        }
        watch.message(last.expect("said")).await;
        assert_told_once(&watch, &bob, group.id());
        let conversations = watch
            .seen
            .iter()
            .filter(|event| matches!(event, Event::Conversation(_)));
        assert_eq!(conversations.count(), 1);
    });
}

#[test]
fn syncing_beside_a_stream_tells_nothing_twice() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        let mut last = None;
        for n in 0..10 {
            last = Some(alice.say(group, &format!("message {n}")).await);
            bob.sync().await;
        }
        watch.message(last.expect("said")).await;
        assert_told_once(&watch, &bob, group);
    });
}

#[test]
fn two_watchers_share_one_connection_and_see_the_same() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let subscriptions = world.faults().calls("SubscribeWelcomeMessages");
        let mut one = bob.watch().await;
        let mut two = bob.watch().await;
        let id = alice.say(group, "hello").await;
        one.message(id).await;
        two.message(id).await;
        assert_eq!(
            world.faults().calls("SubscribeWelcomeMessages"),
            subscriptions + 1
        );
        drop(one);
        let id = alice.say(group, "still there?").await;
        two.message(id).await;
    });
}

#[test]
fn the_connection_ends_with_the_last_watcher_and_comes_back_with_the_next() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let watch = bob.watch().await;
        assert_eq!(bob.client.connection_state(), ConnectionState::Connected);
        drop(watch);
        settled(|| bob.client.connection_state() == ConnectionState::Idle).await;
        let missed = alice.say(group, "missed").await;
        let mut watch = bob.watch().await;
        watch.message(missed).await;
        // Leaving and coming back before the connection has noticed.
        drop(watch);
        let mut watch = bob.watch().await;
        let id = alice.say(group, "again").await;
        watch.message(id).await;
        assert_eq!(watch.count(id), 1);
    });
}

#[test]
fn closing_ends_every_stream_at_once() {
    story(async {
        let world = World::new().await;
        let bob = world.person().await;
        let mut watch = bob.watch().await;
        bob.client.close();
        while watch.next().await.is_some() {}
        settled(|| bob.client.connection_state() == ConnectionState::Idle).await;
    });
}

#[test]
fn a_watcher_waits_for_a_node_that_is_away() {
    story(async {
        let mut world = World::on_disk().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        world.kill_node().await;
        let mut watch = Watch::new(bob.client.events().expect("needs no node"));
        watch
            .until(|event| *event == Event::Connection(ConnectionState::Reconnecting))
            .await;
        world.restart_node().await;
        watch.connected(&bob.client).await;
        let id = alice.say(group, "back again").await;
        watch.message(id).await;
        // Killed while connected.
        world.kill_node().await;
        watch
            .until(|event| *event == Event::Connection(ConnectionState::Reconnecting))
            .await;
        world.restart_node().await;
        let id = alice.say(group, "and again").await;
        watch.message(id).await;
        assert_told_once(&watch, &bob, group);
    });
}

#[test]
fn nobody_waits_for_a_watcher_that_left_while_the_node_was_away() {
    story(async {
        let mut world = World::on_disk().await;
        let bob = world.person().await;
        world.kill_node().await;
        let mut watch = Watch::new(bob.client.events().expect("needs no node"));
        watch
            .until(|event| *event == Event::Connection(ConnectionState::Reconnecting))
            .await;
        drop(watch);
        settled(|| bob.client.connection_state() == ConnectionState::Idle).await;
    });
}

#[test]
fn a_welcome_that_cannot_be_opened_is_passed_over() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let bogus = |key: Vec<u8>, data: Vec<u8>| OutgoingWelcome {
            topic: bob.client.installation_id(),
            hpke_public_key: key,
            body: WelcomeBody::V1 {
                data,
                wrapper_algorithm: 1,
                welcome_metadata: vec![1, 2, 3],
            },
        };
        let send = |key, data| {
            let api = world.api();
            let welcome = bogus(key, data);
            async move {
                api.send_welcome_messages(vec![welcome])
                    .await
                    .expect("nodes take anything")
            }
        };
        send(vec![7; 32], vec![1; 200]).await;
        let all = alice.client.conversations();
        let first = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        send(vec![8; 32], vec![2; 50]).await;
        bob.sync().await;
        assert!(bob.is_member_of(first.id()));
        let mut watch = bob.watch().await;
        send(vec![9; 32], vec![3; 50]).await;
        let second = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        assert_eq!(watch.conversation().await, second.id());
        assert!(
            !watch
                .seen
                .contains(&Event::Connection(ConnectionState::Reconnecting))
        );
        let listed = bob
            .client
            .conversations()
            .list(&ListOptions::default())
            .expect("lists");
        assert_eq!(listed.len(), 2);
    });
}

/// Publishes bytes in a group as anybody can.
async fn publish(world: &World, data: Vec<u8>) -> Result<(), xmtp_web::transport::TransportError> {
    let message = OutgoingGroupMessage {
        data,
        sender_hmac: Vec::new(),
        should_push: false,
    };
    world.api().send_group_messages(vec![message]).await
}

#[test]
fn garbage_in_a_group_is_passed_over() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        let id = alice.say(group, "one").await;
        watch.message(id).await;
        // Real messages with a wrong end: the header is right, nothing else.
        let stored = world
            .api()
            .query_group_messages(group, 0)
            .await
            .expect("a page")
            .items;
        for (n, item) in stored.iter().enumerate() {
            let mut data = item.data.clone();
            let end = data.last_mut().expect("not empty");
            *end ^= 1 + u8::try_from(n).expect("few");
            publish(&world, data).await.expect("the header is well formed");
        }
        for person in [&alice, &bob] {
            person.sync().await;
        }
        let id = alice.say(group, "two").await;
        watch.message(id).await;
        assert_eq!(bob.texts(group), ["one", "two"]);
        let view = bob.group(group).view().expect("readable");
        assert!(view.is_active && !view.row.maybe_forked);
        assert_told_once(&watch, &bob, group);
    });
}

#[test]
fn what_a_former_member_publishes_is_passed_over() {
    story(async {
        let world = World::new().await;
        let (alice, bob, mallory) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &mallory]).await;
        mallory.say(group.id(), "hello").await;
        alice.sync().await;
        // Removed, and not yet aware of it: commits for an epoch that is over, and says something.
        group
            .remove_members(&[mallory.inbox_id()])
            .await
            .expect("removed");
        let at_mallory = mallory.group(group.id());
        world.faults().add(Rule::always(
            "QueryGroupMessages",
            Fault::Error {
                code: 14,
                message: "away".into(),
            },
        ));
        mallory.jot(group.id(), "still here").await;
        let published = at_mallory.publish_messages().await;
        published.expect("the node takes what members will not");
        world.faults().clear();
        bob.sync().await;
        alice.sync().await;
        alice.say(group.id(), "gone?").await;
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), ["hello", "gone?"]);
        assert_eq!(alice.texts(group.id()), ["hello", "gone?"]);
        assert_eq!(alice.epoch_of(group.id()), bob.epoch_of(group.id()));
        mallory.sync().await;
        assert!(!mallory.is_member_of(group.id()));
    });
}

#[test]
fn a_new_installation_of_a_member_hears_live_what_follows() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&phone]).await.id();
        let laptop = world.device_of(&phone.wallet).await;
        let mut watch = laptop.watch().await;
        world.later(Duration::from_secs(6));
        let id = alice.say(group, "hello").await;
        assert_eq!(watch.conversation().await, group);
        watch.message(id).await;
    });
}

#[test]
fn a_message_that_waits_for_an_identity_holds_up_its_group_and_no_other() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let other = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        // Alice knows Carol; the node that Bob asks does not.
        let bystander = alice.group_with(&[&carol]).await;
        world.machine.node_is_behind.set(true);
        group.add_members(&[carol.inbox_id()]).await.expect("added");
        let first = alice.say(group.id(), "one").await;
        let elsewhere = alice.say(other, "elsewhere").await;
        watch.message(elsewhere).await;
        assert_eq!(
            watch.count(first),
            0,
            "nothing is read past what cannot be judged"
        );
        assert!(bob.client.sync_all().await.is_err());
        assert!(bob.texts(group.id()).is_empty());
        assert_eq!(bob.client.connection_state(), ConnectionState::Connected);
        world.machine.node_is_behind.set(false);
        let second = alice.say(group.id(), "two").await;
        watch.message(second).await;
        assert_eq!(bob.texts(group.id()), ["one", "two"]);
        assert_eq!(bob.members_of(group.id()).len(), 3);
        assert_told_once(&watch, &bob, group.id());
        carol.sync().await;
        assert!(carol.is_member_of(bystander.id()));
    });
}

#[test]
fn a_welcome_that_waits_for_an_identity_is_joined_once_it_is_known() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let mut watch = bob.watch().await;
        let carol = world.person().await;
        let warm = carol.group_with(&[&alice]).await;
        let all = alice.client.conversations();
        let at_carol = carol.client.conversations();
        carol.client.inbox_state(bob.inbox_id()).await.expect("known");
        alice.client.inbox_state(bob.inbox_id()).await.expect("known");
        world.machine.node_is_behind.set(true);
        let first = at_carol
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        assert!(bob.client.sync_welcomes().await.is_err(), "nobody knows carol");
        world.machine.node_is_behind.set(false);
        let second = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        let joined = BTreeSet::from([watch.conversation().await, watch.conversation().await]);
        assert_eq!(joined, BTreeSet::from([first.id(), second.id()]));
        assert!(alice.is_member_of(warm.id()));
    });
}
