//! Own messages that come back by the live connection while the call that sent them waits.
use std::pin::pin;
use std::time::Duration;

use crate::support::{Held, Person, Watch, World, story};
use futures::future::{Either, select};
use xmtp_devnode::{Fault, Faults, Rule};
use xmtp_web::groups::field;
use xmtp_web::ids::GroupId;
use xmtp_web::storage::DeliveryStatus;

const SEND: &str = "SendGroupMessages";
const QUERY: &str = "QueryGroupMessages";
/// How long the node is not asked for what the live connection may bring.
const PATIENCE: Duration = Duration::from_millis(500);

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
    scene_where(|_| ()).await
}

/// The same, with a node that is prepared for who watches.
async fn scene_where(prepared: impl FnOnce(Faults)) -> Scene {
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
    prepared(world.faults());
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
            // Who waits that long waits for ever.
            machine.paused_by_clock.set(Some(PATIENCE));
            // Left to the task that brings messages, which is to read what nobody did.
            alice.jot(group, "queued").await
        };
        let brought = scene.watch.message(queued);
        let long = Duration::from_secs(20);
        let brought = tokio::time::timeout(long, brought).await;
        brought.expect("nothing is waited for");
        bob.sync().await;
        assert_eq!(bob.texts(group).last().map(String::as_str), Some("queued"));
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
fn a_message_that_came_too_late_to_be_read_is_sent_again_although_the_live_connection_read_it_first() {
    story(async {
        // The five new names and the message behind them.
        let left_out = Fault::LeaveOut { after: 0, count: 6 };
        let rule = Rule::once("SubscribeGroupMessages", left_out);
        let mut scene = scene_where(|faults| faults.add(rule)).await;
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        let machine = &scene.world.machine;
        machine.paused_by_clock.set(Some(PATIENCE));
        let meanwhile = renamed_too_often(bob, group, machine.hold_next_send());
        let (id, ()) = futures::join!(alice.say(group, "late"), meanwhile);
        assert_eq!(alice.status(id), DeliveryStatus::Published);
        // It is of an epoch to come: the connection asks for what is before it.
        let after = bob.say(group, "after").await;
        scene.watch.message(after).await;
        assert_eq!(alice.epoch_of(group), bob.epoch_of(group));
        assert_eq!(alice.status(id), DeliveryStatus::Unpublished);
        // In the background: nobody calls anything.
        scene.world.later(PATIENCE);
        scene.watch.message(id).await;
        assert_eq!(alice.status(id), DeliveryStatus::Published);
        bob.sync().await;
        assert_eq!(bob.texts(group)[2..], ["after", "late"]);
        assert_eq!(bob.ids(group), alice.ids(group));
    });
}

#[test]
fn each_message_has_its_time_to_come_back_before_the_node_is_asked_for_it() {
    story(async {
        let scene = scene().await;
        drop(scene.watch);
        let (alice, machine, faults) = (&scene.alice, &scene.world.machine, scene.world.faults());
        let comes_back = async |id| {
            while alice.message(id).expect("stored").sequence_id.is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        machine.freeze();
        machine.paused_by_clock.set(Some(PATIENCE));
        let moment = Duration::from_millis(1);
        let first = alice.say(scene.group, "first").await;
        machine.advance(PATIENCE - moment);
        let second = alice.say(scene.other, "second").await;
        let asked = faults.calls(QUERY);
        machine.advance(moment);
        comes_back(first).await;
        assert_eq!(faults.calls(QUERY), asked + 1, "the second was sent just now");
        assert_eq!(alice.message(second).expect("stored").sequence_id, None);
        machine.advance(PATIENCE);
        comes_back(second).await;
        assert_eq!(faults.calls(QUERY), asked + 2);
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
        let sends = scene.world.faults().calls(SEND);
        // Another message's way there and back.
        let other = alice.say(scene.other, "sent").await;
        while alice.message(other).expect("stored").sequence_id.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(scene.world.faults().calls(SEND), sends + 1);
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
            let lost = Rule::always(SEND, Fault::DropRequest).after(1);
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
fn a_message_that_the_node_has_is_sent_although_the_next_fails_a_round_later() {
    story(async {
        let scene = scene().await;
        let (alice, bob, group) = (&scene.alice, &scene.bob, scene.group);
        let (machine, faults) = (&scene.world.machine, scene.world.faults());
        let held = machine.hold_next_send();
        let meanwhile = async {
            held.sent.await.expect("on its way");
            // What came before the message makes another round once that is read, which takes asking.
            let renamed = bob.group(group);
            renamed.update_field(field::NAME, "lunch").await.expect("allowed");
            let (asked, sent) = (faults.calls(QUERY), faults.calls(SEND));
            faults.add(Rule::once(QUERY, Fault::Delay { ms: 300 }));
            held.release.send(()).expect("waits");
            faults.called(QUERY, asked + 1).await;
            assert_eq!(faults.calls(SEND), sent + 1, "the node has it");
            faults.add(Rule::always(SEND, Fault::DropRequest));
            (alice.jot(group, "next").await, sent + 1)
        };
        // `say` fails where sending does.
        let (first, (next, sent)) = futures::join!(alice.say(group, "first"), meanwhile);
        assert!(faults.calls(SEND) > sent, "the next was tried");
        assert_eq!(alice.status(first), DeliveryStatus::Published);
        assert_eq!(alice.status(next), DeliveryStatus::Unpublished);
        faults.clear();
        alice.sync().await;
        assert_eq!(alice.status(next), DeliveryStatus::Published);
        bob.sync().await;
        assert_eq!(bob.texts(group)[2..], ["first", "next"]);
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
