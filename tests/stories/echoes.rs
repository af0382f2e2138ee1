//! Own messages that come back by the live connection while the call that sent them waits.
use std::pin::pin;
use std::time::Duration;

use crate::support::{Held, Person, Watch, World, story};
use futures::future::{Either, select};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::groups::field;
use xmtp_web::ids::GroupId;
use xmtp_web::storage::DeliveryStatus;

struct Scene {
    world: World,
    alice: Person,
    bob: Person,
    group: GroupId,
    other: GroupId,
    watch: Watch,
}

/// Alice and Bob in two groups, which Alice watches with all the patience there is.
async fn scene() -> Scene {
    let world = World::new().await;
    let (alice, bob) = (world.person().await, world.person().await);
    let group = alice.group_with(&[&bob]).await.id();
    let other = alice.group_with(&[&bob]).await.id();
    for person in [&alice, &bob] {
        // The first message of a group goes behind a renewal of keys.
        person.say(group, "warm").await;
        person.say(other, "warm").await;
    }
    alice.sync().await;
    let watch = alice.watch().await;
    Scene {
        world,
        alice,
        bob,
        group,
        other,
        watch,
    }
}

/// While something is on its way the group changes so often that nobody can read that any more.
async fn renamed_too_often(person: &Person, group: GroupId, held: Held) {
    held.sent.await.expect("on its way");
    for index in 0..5 {
        let renamed = person.group(group);
        let name = format!("name {index}");
        renamed.update_field(field::NAME, &name).await.expect("allowed");
    }
    held.release.send(()).expect("waits");
}

#[test]
fn a_call_given_up_while_its_message_is_on_its_way_loses_nothing_of_others() {
    story(async {
        let mut scene = scene().await;
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        let mut said = Vec::new();
        {
            let held = scene.world.machine.hold_next_send();
            let sending = pin!(alice.say(group, "given up"));
            let Either::Right((_, sending)) = select(sending, held.sent).await else {
                panic!("it is held")
            };
            let meanwhile = async {
                for text in ["one", "two"] {
                    said.push(bob.say(group, text).await);
                }
                // Behind both in the stream: once it is told, the sender has been handed the others.
                let marker = bob.say(scene.other, "marker").await;
                scene.watch.message(marker).await;
            };
            let Either::Right(_) = select(sending, pin!(meanwhile)).await else {
                panic!("it is held")
            };
        }
        for id in &said {
            assert!(alice.message(*id).is_none(), "nobody has read it yet");
        }
        said.push(bob.say(group, "three").await);
        for id in &said {
            scene.watch.message(*id).await;
        }
        let told: Vec<_> = scene.watch.messages();
        let told: Vec<_> = told.into_iter().filter(|id| said.contains(id)).collect();
        assert_eq!(told, said, "each once, in order");
        alice.sync().await;
        bob.sync().await;
        assert_eq!(alice.texts(group), bob.texts(group));
        assert_eq!(bob.texts(group)[2..], ["one", "two", "three", "given up"]);
    });
}

#[test]
fn who_brings_what_others_said_does_not_wait_for_it_to_be_brought() {
    story(async {
        let mut scene = scene().await;
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        let machine = &scene.world.machine;
        let queued = {
            let held = machine.hold_next_send();
            let sending = pin!(alice.say(group, "given up"));
            let Either::Right((_, sending)) = select(sending, held.sent).await else {
                panic!("it is held")
            };
            let meanwhile = async {
                bob.say(group, "one").await;
                let marker = bob.say(scene.other, "marker").await;
                scene.watch.message(marker).await;
            };
            let Either::Right(_) = select(sending, pin!(meanwhile)).await else {
                panic!("it is held")
            };
            machine.asked.take();
            // Left to the task that brings messages, which is to read what nobody did.
            alice.jot(group, "queued").await
        };
        scene.watch.message(queued).await;
        bob.sync().await;
        assert_eq!(bob.texts(group).last().map(String::as_str), Some("queued"));
        let patience = Duration::from_millis(500);
        assert!(
            !machine.asked.borrow().contains(&patience),
            "nothing was waited for"
        );
    });
}

#[test]
fn a_message_that_comes_back_too_late_to_be_read_is_sent_again_before_the_call_ends() {
    story(async {
        let scene = scene().await;
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        scene.world.machine.pause.set(Some(Duration::from_secs(20)));
        let held = scene.world.machine.hold_next_send();
        let late = async {
            let id = alice.say(group, "late").await;
            assert_eq!(alice.status(id), DeliveryStatus::Published);
            let epoch = alice.epoch_of(group);
            bob.sync().await;
            assert_eq!(bob.epoch_of(group), epoch);
            assert_eq!(bob.texts(group).last().map(String::as_str), Some("late"));
            id
        };
        let meanwhile = renamed_too_often(bob, group, held);
        let (id, ()) = futures::join!(late, meanwhile);
        assert_eq!(bob.ids(group).iter().filter(|other| **other == id).count(), 1);
    });
}

#[test]
fn a_message_that_came_too_late_to_be_read_is_sent_again_by_one_who_does_not_watch() {
    story(async {
        let scene = scene().await;
        drop(scene.watch);
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        let held = scene.world.machine.hold_next_send();
        let meanwhile = renamed_too_often(bob, group, held);
        let (id, ()) = futures::join!(alice.say(group, "late"), meanwhile);
        // In the background: nobody calls anything.
        while alice.message(id).expect("stored").sequence_id.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bob.sync().await;
        assert_eq!(bob.texts(group).last().map(String::as_str), Some("late"));
        assert_eq!(bob.ids(group).iter().filter(|other| **other == id).count(), 1);
    });
}

#[test]
fn what_waits_for_a_sync_is_not_sent_because_something_else_came_back() {
    story(async {
        let scene = scene().await;
        drop(scene.watch);
        let (alice, group) = (&scene.alice, scene.group);
        let id = alice.say(group, "sent").await;
        let waits = alice.jot(group, "waits").await;
        while alice.message(id).expect("stored").sequence_id.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sends = scene.world.faults().calls("SendGroupMessages");
        // Another message's way there and back.
        let other = alice.say(scene.other, "sent").await;
        while alice.message(other).expect("stored").sequence_id.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(scene.world.faults().calls("SendGroupMessages"), sends + 1);
        assert_eq!(alice.status(waits), DeliveryStatus::Unpublished);
    });
}

#[test]
fn a_message_that_the_node_has_is_sent_whatever_becomes_of_the_next() {
    story(async {
        let scene = scene().await;
        let (alice, group) = (&scene.alice, scene.group);
        let held = scene.world.machine.hold_next_send();
        let meanwhile = async {
            held.sent.await.expect("on its way");
            let next = alice.jot(group, "next").await;
            let lost = Rule::always("SendGroupMessages", Fault::DropRequest).after(1);
            scene.world.faults().add(lost);
            held.release.send(()).expect("waits");
            next
        };
        // `say` fails where sending does.
        let (first, next) = futures::join!(alice.say(group, "first"), meanwhile);
        assert_eq!(alice.status(first), DeliveryStatus::Published);
        assert_eq!(alice.status(next), DeliveryStatus::Unpublished);
        scene.world.faults().clear();
        alice.sync().await;
        assert_eq!(alice.status(next), DeliveryStatus::Published);
    });
}

#[test]
fn what_a_stream_delivers_twice_is_told_once() {
    story(async {
        let scene = scene().await;
        drop(scene.watch);
        let (alice, group) = (&scene.alice, scene.group);
        let twice = Rule::always("SubscribeGroupMessages", Fault::Duplicate);
        scene.world.faults().add(twice);
        let mut watch = alice.watch().await;
        for text in ["one", "two", "three"] {
            let id = alice.say(group, text).await;
            assert_eq!(alice.status(id), DeliveryStatus::Published);
            watch.message(id).await;
        }
        let last = scene.bob.say(group, "four").await;
        watch.message(last).await;
        for id in alice.ids(group).into_iter().skip(2) {
            assert_eq!(watch.count(id), 1);
        }
    });
}

#[test]
fn who_waits_asks_the_node_when_the_connection_breaks() {
    story(async {
        let scene = scene().await;
        drop(scene.watch);
        let (alice, group) = (&scene.alice, scene.group);
        for after in 0..3 {
            let cut = Fault::CutStream { after };
            scene
                .world
                .faults()
                .add(Rule::once("SubscribeGroupMessages", cut));
            let mut watch = alice.watch().await;
            for text in ["one", "two", "three"] {
                let id = alice.say(group, text).await;
                assert_eq!(alice.status(id), DeliveryStatus::Published);
                watch.message(id).await;
                assert_eq!(watch.count(id), 1);
                assert!(alice.message(id).expect("stored").sequence_id.is_some());
            }
        }
    });
}

#[test]
fn a_conversation_that_was_busy_for_long_is_heard_soon_afterwards() {
    story(async {
        let scene = scene().await;
        drop(scene.watch);
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        let machine = &scene.world.machine;
        let held = machine.hold_next_send();
        let sending = alice.say(group, "slowly");
        let meanwhile = async {
            held.sent.await.expect("on its way");
            let watch = alice.watch().await;
            machine.asked.take();
            // Whoever connected after the sending began leaves this to be read later, and finds the conversation busy.
            bob.say(group, "meanwhile").await;
            let soon = |pauses: &Vec<Duration>| {
                pauses
                    .iter()
                    .filter(|pause| **pause == Duration::from_millis(250))
                    .count()
            };
            while soon(&machine.asked.borrow()) < 20 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            held.release.send(()).expect("waits");
            watch
        };
        let (_, mut watch) = futures::join!(sending, meanwhile);
        let after = bob.say(group, "afterwards").await;
        watch.message(after).await;
    });
}
