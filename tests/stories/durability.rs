//! What survives crashes, lost answers and nodes that go away, told by real clients and a node in this process.
use std::io::{Read as _, Write as _};

use crate::support::{Person, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, ListOptions, SendOptions};
use xmtp_web::error::Coded as _;
use xmtp_web::groups::{NewGroup, field};
use xmtp_web::storage::DeliveryStatus;

const SEND: &str = "SendGroupMessages";

/// Runs `action` until the node was called, and drops it there: the request is out, the answer never read.
async fn dropped_in_flight<T>(world: &World, method: &str, action: impl Future<Output = T>) {
    let calls = world.faults().calls(method);
    world.faults().add(Rule::once(method, Fault::Delay { ms: 300 }));
    let faults = world.faults();
    tokio::select! {
        biased;
        () = faults.called(method, calls + 1) => {}
        _ = action => panic!("it ended before it was dropped"),
    }
}

/// Waits until the node has answered everything: one more call of the same kind is handled after them.
async fn arrived(world: &World, group: xmtp_web::ids::GroupId, count: usize) {
    loop {
        let page = world.api().query_group_messages(group, 0).await.expect("a page");
        if page.items.len() >= count {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn count(world: &World, group: xmtp_web::ids::GroupId) -> usize {
    world
        .api()
        .query_group_messages(group, 0)
        .await
        .expect("a page")
        .items
        .len()
}

#[test]
fn a_node_killed_in_mid_conversation_loses_and_doubles_nothing() {
    story(async {
        let mut world = World::on_disk().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        let mut said = Vec::new();
        for round in 0..3 {
            for n in 0..4 {
                alice.say(group, &format!("{round}.{n}")).await;
                said.push(format!("{round}.{n}"));
            }
            world.kill_node().await;
            alice.jot(group, &format!("{round}.offline")).await;
            said.push(format!("{round}.offline"));
            assert!(alice.client.sync_all().await.is_err());
            world.restart_node().await;
            alice.sync().await;
        }
        let last = *alice.ids(group).last().expect("said");
        watch.message(last).await;
        assert_eq!(alice.texts(group), said);
        assert_eq!(bob.texts(group), said);
        assert_eq!(bob.ids(group), alice.ids(group));
        for id in bob.ids(group) {
            assert_eq!(watch.count(id), 1);
        }
    });
}

#[test]
fn a_lost_answer_doubles_nothing() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "one").await;
        let stored = count(&world, group).await;
        world.faults().add(Rule::once(SEND, Fault::DropAnswer));
        let id = alice.say(group, "two").await;
        assert_eq!(count(&world, group).await, stored + 1);
        for person in [&alice, &bob] {
            person.sync().await;
            assert_eq!(person.texts(group), ["one", "two"]);
            assert_eq!(person.status(id), DeliveryStatus::Published);
        }
    });
}

#[test]
fn lost_answers_of_every_attempt_at_a_commit_still_make_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        world.faults().add(Rule::always(SEND, Fault::DropAnswer));
        group
            .update_field(field::NAME, "a name")
            .await
            .expect("it came back from the node");
        world.faults().clear();
        assert_eq!(alice.name_of(group.id()), "a name");
        bob.sync().await;
        assert_eq!(bob.name_of(group.id()), "a name");
    });
}

#[test]
fn a_group_is_made_although_every_answer_to_its_commit_is_lost() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world.faults().add(Rule::always(SEND, Fault::DropAnswer));
        let all = alice.client.conversations();
        let group = all.create_group(&[bob.inbox_id()], &NewGroup::default()).await;
        let group = group.expect("a group");
        world.faults().clear();
        bob.sync().await;
        assert!(bob.is_member_of(group.id()));
        assert_eq!(
            bob.client
                .conversations()
                .list(&ListOptions::default())
                .expect("lists")
                .len(),
            1
        );
    });
}

#[test]
fn a_message_dropped_in_mid_send_arrives_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        let stored = count(&world, id).await;
        dropped_in_flight(&world, SEND, group.send_text("in flight", SendOptions::default())).await;
        drop(group);
        let alice = alice.reopened().await;
        assert_eq!(alice.texts(id), ["in flight"]);
        alice.sync().await;
        arrived(&world, id, stored + 1).await;
        alice.sync().await;
        bob.sync().await;
        assert_eq!(bob.texts(id), ["in flight"]);
        assert_eq!(alice.texts(id), ["in flight"]);
        assert_eq!(alice.messages(id)[0].delivery_status, DeliveryStatus::Published);
        alice.say(id, "and on").await;
        bob.sync().await;
        assert_eq!(bob.texts(id), ["in flight", "and on"]);
    });
}

#[test]
fn a_message_dropped_before_its_request_arrived_arrives_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        world.faults().add(Rule::times(SEND, Fault::DropRequest, 6));
        assert!(group.send_text("stopped", SendOptions::default()).await.is_err());
        drop(group);
        let alice = alice.reopened().await;
        alice.sync().await;
        bob.sync().await;
        assert_eq!(bob.texts(id), ["stopped"]);
        assert_eq!(alice.ids(id), bob.ids(id));
    });
}

#[test]
fn a_change_dropped_in_mid_send_happens_once_and_welcomes_follow() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let carol = world.person().await;
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        let stored = count(&world, id).await;
        let inbox = [carol.inbox_id()];
        dropped_in_flight(&world, SEND, group.add_members(&inbox)).await;
        drop(group);
        let alice = alice.reopened().await;
        arrived(&world, id, stored).await;
        alice.sync().await;
        alice.sync().await;
        carol.sync().await;
        alice.say(id, "hello, carol").await;
        for person in [&bob, &carol] {
            person.sync().await;
            assert_eq!(person.texts(id), ["hello, carol"]);
            assert_eq!(person.members_of(id).len(), 3);
            assert_eq!(person.epoch_of(id), alice.epoch_of(id));
        }
    });
}

#[test]
fn a_group_dropped_while_it_was_made_is_finished() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let all = alice.client.conversations();
        let members = [bob.inbox_id()];
        dropped_in_flight(&world, SEND, all.create_group(&members, &NewGroup::default())).await;
        drop(all);
        let alice = alice.reopened().await;
        alice.sync().await;
        alice.sync().await;
        bob.sync().await;
        let list = |person: &Person| {
            person
                .client
                .conversations()
                .list(&ListOptions::default())
                .expect("lists")
        };
        assert_eq!(list(&alice).len(), 1);
        assert_eq!(list(&bob).len(), 1);
        let id = list(&bob)[0].id();
        bob.say(id, "here I am").await;
        alice.sync().await;
        assert_eq!(alice.texts(id), ["here I am"]);
    });
}

#[test]
fn welcomes_dropped_in_flight_are_sent_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let all = alice.client.conversations();
        let members = [bob.inbox_id()];
        let method = "SendWelcomeMessages";
        world.faults().add(Rule::once(method, Fault::DropRequest));
        dropped_in_flight(&world, method, all.create_group(&members, &NewGroup::default())).await;
        drop(all);
        let alice = alice.reopened().await;
        alice.sync().await;
        bob.sync().await;
        let joined = bob
            .client
            .conversations()
            .list(&ListOptions::default())
            .expect("lists");
        assert_eq!(joined.len(), 1);
    });
}

#[test]
fn a_receiver_closed_between_messages_goes_on_where_it_stopped() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let mut bob = world.person_with_file("bob").await;
        let group = alice.group_with(&[&bob]).await.id();
        let mut said = Vec::new();
        for n in 0..5 {
            alice.say(group, &format!("{n}")).await;
            said.push(format!("{n}"));
            bob.sync().await;
            bob = bob.reopened().await;
            assert_eq!(bob.texts(group), said);
        }
        bob.say(group, "all read").await;
        alice.sync().await;
        assert_eq!(alice.texts(group).last().map(String::as_str), Some("all read"));
    });
}

#[test]
fn a_client_closed_while_it_watches_frees_its_file_at_once() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let bob = world.person_with_file("bob").await;
        let group = alice.group_with(&[&bob]).await.id();
        let watch = bob.watch().await;
        drop(watch);
        let bob = bob.reopened().await;
        let mut watch = bob.watch().await;
        let id = alice.say(group, "hello").await;
        watch.message(id).await;
        assert_eq!(watch.count(id), 1);
    });
}

/// Answers every connection with the same bytes, whatever is asked.
fn babbler(bytes: &'static [u8]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(bytes);
        }
    });
    url
}

#[test]
fn a_node_that_talks_nonsense_is_an_error_and_changes_nothing() {
    story(async {
        let world = World::new().await;
        let (mut alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "before").await;
        let epoch = alice.epoch_of(group);
        let nonsense: [&'static [u8]; 3] = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"",
        ];
        for bytes in nonsense {
            alice = alice
                .reopened_at(&babbler(bytes))
                .await
                .expect("opens without the node");
            let synced = alice.client.sync_all().await.expect_err("nonsense");
            assert!(
                matches!(synced, ClientError::Transport(_)) && synced.is_retryable(),
                "{synced:?}"
            );
            let at_alice = alice.group(group);
            let changed = at_alice.update_field(field::NAME, "lost").await;
            assert!(matches!(changed, Err(ClientError::Transport(_))));
            let made = alice.create_group(&[&bob], &NewGroup::default()).await;
            assert!(matches!(made.map(|_| ()), Err(ClientError::Transport(_))));
            assert_eq!(alice.epoch_of(group), epoch);
            assert_eq!(alice.texts(group), ["before"]);
            assert_eq!(
                alice
                    .client
                    .conversations()
                    .list(&ListOptions::default())
                    .expect("lists")
                    .len(),
                1
            );
        }
        let alice = alice.reopened_at(world.url()).await.expect("opens");
        alice.say(group, "after").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["before", "after"]);
        assert_eq!(bob.name_of(group), "");
    });
}

#[test]
fn a_node_that_refuses_now_and_then_only_slows_things_down() {
    story(async {
        let world = World::new().await;
        let unavailable = || Fault::Error {
            code: 14,
            message: "busy".into(),
        };
        let busy = |every: u32| {
            for skip in 0..60 {
                world
                    .faults()
                    .add(Rule::once("*", unavailable()).after(skip * every));
            }
        };
        busy(3);
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        for n in 0..5 {
            alice.say(group, &format!("{n}")).await;
        }
        bob.sync().await;
        assert_eq!(bob.texts(group), ["0", "1", "2", "3", "4"]);
        assert_eq!(bob.ids(group), alice.ids(group));
    });
}
