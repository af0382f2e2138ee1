//! What people say to each other, told by real clients against a node in this process.
use std::time::Duration;

use crate::support::{World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, SendOptions};
use xmtp_web::groups::{NewGroup, field};
use xmtp_web::storage::{DeliveryStatus, MessageKind};

const SEND: &str = "SendGroupMessages";

fn with_key(key: &str) -> SendOptions {
    SendOptions {
        idempotency_key: Some(key.into()),
        ..Default::default()
    }
}

#[test]
fn who_joined_since_the_sender_last_looked_reads_what_is_said() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        bob.sync().await;
        bob.group(group)
            .add_members(&[carol.inbox_id()])
            .await
            .expect("allowed");
        world.later(Duration::from_secs(6));
        alice.say(group, "welcome, whoever you are").await;
        for person in [&bob, &carol] {
            person.sync().await;
            assert_eq!(person.texts(group), ["welcome, whoever you are"]);
        }
    });
}

#[test]
fn messages_go_both_ways_in_one_order_with_the_same_ids() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "one").await;
        bob.sync().await;
        bob.say(group, "two").await;
        alice.sync().await;
        alice.say(group, "three").await;
        for person in [&alice, &bob] {
            person.sync().await;
            assert_eq!(person.texts(group), ["one", "two", "three"]);
            for message in person.messages(group) {
                assert_eq!(message.delivery_status, DeliveryStatus::Published);
                assert!(message.sequence_id.is_some());
            }
        }
        assert_eq!(alice.ids(group), bob.ids(group));
        assert_eq!(alice.epoch_of(group), bob.epoch_of(group));
        let times = |person: &crate::support::Person| -> Vec<_> {
            person
                .messages(group)
                .iter()
                .map(|message| message.sent_at_ns)
                .collect()
        };
        assert_eq!(times(&alice), times(&bob));
        let senders: Vec<_> = alice
            .messages(group)
            .iter()
            .map(|message| message.sender_inbox_id)
            .collect();
        assert_eq!(senders, [alice.inbox_id(), bob.inbox_id(), alice.inbox_id()]);
        let last = bob
            .group(group)
            .last_message()
            .expect("reads")
            .expect("there is one");
        assert_eq!(crate::support::text_of(&last), "three");
    });
}

#[test]
fn a_message_is_unpublished_until_a_sync_publishes_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let calls = world.faults().calls(SEND);
        let ids = [alice.jot(group, "one").await, alice.jot(group, "two").await];
        assert_eq!(world.faults().calls(SEND), calls, "nothing is sent");
        assert_eq!(ids.map(|id| alice.status(id)), [DeliveryStatus::Unpublished; 2]);
        alice.group(group).sync().await.expect("syncs");
        assert_eq!(ids.map(|id| alice.status(id)), [DeliveryStatus::Published; 2]);
        bob.sync().await;
        assert_eq!(bob.ids(group), ids);
    });
}

#[test]
fn the_same_text_twice_is_two_messages_even_when_the_clock_stands_still() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        world.machine.freeze();
        alice.jot(group, "ok").await;
        alice.jot(group, "ok").await;
        alice.say(group, "ok").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["ok", "ok", "ok"]);
    });
}

#[test]
fn the_same_key_is_the_same_message() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let first = group.send_text("order 7", with_key("7")).await.expect("sent");
        let again = group.send_text("order 7", with_key("7")).await.expect("sent");
        assert_eq!(first, again);
        bob.sync().await;
        assert_eq!(bob.ids(group.id()), [first]);
        assert_eq!(alice.ids(group.id()), [first]);
        let other = group.send_text("order 7", with_key("8")).await.expect("sent");
        assert_ne!(first, other);
    });
}

#[test]
fn a_message_that_cannot_be_sent_three_times_has_failed_and_can_be_sent_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "before").await;
        world.faults().add(Rule::always(SEND, Fault::DropRequest));
        let id = alice.jot(group.id(), "stubborn").await;
        for expected in [
            DeliveryStatus::Unpublished,
            DeliveryStatus::Unpublished,
            DeliveryStatus::Failed,
        ] {
            let failed = group.publish_messages().await;
            assert!(matches!(failed, Err(ClientError::Transport(_))));
            assert_eq!(alice.status(id), expected);
        }
        world.faults().clear();
        alice.sync().await;
        assert_eq!(
            alice.status(id),
            DeliveryStatus::Failed,
            "nobody but the person decides to try again"
        );
        group.resend(id).await.expect("is sent");
        assert_eq!(alice.status(id), DeliveryStatus::Published);
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), ["before", "stubborn"]);
        assert_eq!(bob.ids(group.id()), alice.ids(group.id()));
        assert!(group.resend(id).await.is_err(), "it has not failed");
        assert!(group.discard(id).is_err());
    });
}

#[test]
fn a_failed_message_can_be_discarded() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        world.faults().add(Rule::always(
            SEND,
            Fault::Error {
                code: 3,
                message: "no".into(),
            },
        ));
        let id = alice.jot(group.id(), "regretted").await;
        for _ in 0..3 {
            assert!(group.publish_messages().await.is_err());
        }
        world.faults().clear();
        group.discard(id).expect("discarded");
        assert_eq!(alice.message(id), None);
        alice.say(group.id(), "instead").await;
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), ["instead"]);
    });
}

#[test]
fn a_failed_message_whose_request_had_arrived_turns_out_as_published() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        world.faults().add(Rule::always(SEND, Fault::DropAnswer));
        let id = alice.jot(group.id(), "out there").await;
        for _ in 0..3 {
            assert!(group.publish_messages().await.is_err());
        }
        assert_eq!(alice.status(id), DeliveryStatus::Failed);
        world.faults().clear();
        alice.sync().await;
        assert_eq!(alice.status(id), DeliveryStatus::Published);
        bob.sync().await;
        assert_eq!(bob.ids(group.id()), [id]);
    });
}

#[test]
fn many_messages_are_read_over_several_pages() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let said: Vec<_> = (0..230).map(|n| format!("message {n}")).collect();
        for text in &said {
            alice.jot(group, text).await;
        }
        alice.sync().await;
        bob.sync().await;
        assert_eq!(bob.texts(group), said);
        assert_eq!(alice.texts(group), said);
    });
}

#[test]
fn concurrent_changes_of_two_members_both_happen() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "hello").await;
        bob.sync().await;
        let (at_alice, at_bob) = (alice.group(group), bob.group(group));
        let (name, description) = futures::join!(
            at_alice.update_field(field::NAME, "a name"),
            at_bob.update_field(field::DESCRIPTION, "a description")
        );
        name.expect("changed");
        description.expect("changed");
        for person in [&alice, &bob] {
            person.sync().await;
            let view = person.group(group).view().expect("readable");
            assert_eq!(view.metadata.get(field::NAME), Some("a name"));
            assert_eq!(view.metadata.get(field::DESCRIPTION), Some("a description"));
            assert!(!view.row.maybe_forked);
        }
        assert_eq!(alice.epoch_of(group), bob.epoch_of(group));
    });
}

#[test]
fn the_same_field_changed_by_both_at_once_ends_alike() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let (at_alice, at_bob) = (alice.group(group), bob.group(group));
        let (one, two) = futures::join!(
            at_alice.update_field(field::NAME, "alice's"),
            at_bob.update_field(field::NAME, "bob's")
        );
        one.expect("changed");
        two.expect("changed");
        alice.sync().await;
        bob.sync().await;
        assert_eq!(alice.name_of(group), bob.name_of(group));
        assert_eq!(alice.epoch_of(group), bob.epoch_of(group));
    });
}

#[test]
fn concurrent_additions_by_two_members_both_happen() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (carol, dave) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let (at_alice, at_bob) = (alice.group(group), bob.group(group));
        let (carol_inbox, dave_inbox) = ([carol.inbox_id()], [dave.inbox_id()]);
        let (one, two) = futures::join!(
            at_alice.add_members(&carol_inbox),
            at_bob.add_members(&dave_inbox)
        );
        one.expect("added");
        two.expect("added");
        for person in [&alice, &bob, &carol, &dave] {
            person.sync().await;
        }
        dave.say(group, "hello").await;
        for person in [&alice, &bob, &carol, &dave] {
            person.sync().await;
            assert_eq!(person.members_of(group).len(), 4);
            assert_eq!(person.texts(group), ["hello"]);
            assert_eq!(person.epoch_of(group), alice.epoch_of(group));
        }
    });
}

#[test]
fn messages_written_while_others_change_the_group_are_read_by_all() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "warm").await;
        bob.say(group, "up").await;
        for round in 0..6 {
            let name = format!("name {round}");
            let text = format!("text {round}");
            let (at_alice, at_bob) = (alice.group(group), bob.group(group));
            let (changed, sent) = futures::join!(
                at_alice.update_field(field::NAME, &name),
                at_bob.send_text(&text, SendOptions::default())
            );
            changed.expect("changed");
            sent.expect("sent");
        }
        alice.sync().await;
        bob.sync().await;
        assert_eq!(alice.texts(group).len(), 8);
        assert_eq!(alice.ids(group), bob.ids(group));
        assert_eq!(bob.name_of(group), "name 5");
    });
}

#[test]
fn a_message_of_a_past_too_long_ago_is_sent_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        bob.say(group, "hello").await;
        alice.sync().await;
        // Bob's message waits on its way while the group moves on by more epochs than are kept readable.
        world.faults().add(Rule::once(SEND, Fault::Delay { ms: 1_200 }));
        let at_bob = bob.group(group);
        let slow = at_bob.send_text("slow", SendOptions::default());
        let moves = async {
            world.faults().called(SEND, world.faults().calls(SEND) + 1).await;
            for n in 0..5 {
                alice
                    .group(group)
                    .update_field(field::NAME, &format!("{n}"))
                    .await
                    .expect("changed");
            }
        };
        let (sent, ()) = futures::join!(slow, moves);
        let id = sent.expect("sent");
        bob.sync().await;
        alice.sync().await;
        assert_eq!(alice.texts(group), ["hello", "slow"]);
        assert_eq!(bob.status(id), DeliveryStatus::Published);
        assert_eq!(alice.ids(group), bob.ids(group));
    });
}

/// Some released clients lose it: they look for the sender by its place among the leaves that were taken.
#[test]
fn a_message_of_the_epoch_before_is_read_although_a_leaf_before_its_senders_is_empty() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&carol]).await.id();
        alice
            .group(group)
            .add_members(&[bob.inbox_id()])
            .await
            .expect("allowed");
        bob.sync().await;
        bob.say(group, "here I am").await;
        alice.sync().await;
        alice
            .group(group)
            .remove_members(&[carol.inbox_id()])
            .await
            .expect("allowed");
        bob.sync().await;
        alice
            .group(group)
            .update_field(field::NAME, "Bob has not heard of this")
            .await
            .expect("allowed");
        assert_ne!(alice.epoch_of(group), bob.epoch_of(group));
        bob.say(group, "in the epoch before").await;
        alice.sync().await;
        assert_eq!(alice.texts(group), ["here I am", "in the epoch before"]);
    });
}

#[test]
fn a_change_is_one_line_of_everybodys_transcript() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        group.update_field(field::NAME, "a name").await.expect("changed");
        bob.sync().await;
        let lines = |person: &crate::support::Person| -> Vec<_> {
            let all = person
                .group(group.id())
                .messages(&Default::default())
                .expect("reads");
            let changes = all
                .into_iter()
                .filter(|row| row.kind == MessageKind::MembershipChange);
            changes.map(|row| (row.type_id, row.sender_inbox_id)).collect()
        };
        let line = ("group_updated".to_owned(), alice.inbox_id());
        assert_eq!(lines(&alice), [line.clone(), line.clone()]);
        assert_eq!(lines(&bob), [line.clone(), line]);
    });
}

#[test]
fn a_group_made_without_the_node_is_published_with_what_was_said_in_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice
            .client
            .conversations()
            .create_group_optimistic(&NewGroup::default())
            .expect("made");
        alice.jot(group.id(), "to myself").await;
        group.sync().await.expect("published");
        group.add_members(&[bob.inbox_id()]).await.expect("added");
        alice.say(group.id(), "hello").await;
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), ["hello"]);
        assert_eq!(alice.texts(group.id()), ["to myself", "hello"]);
    });
}

#[test]
fn the_leaf_keys_are_renewed_before_the_first_message_and_again_after_a_month() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let joined = bob.epoch_of(group);
        bob.say(group, "one").await;
        assert_eq!(bob.epoch_of(group), joined + 1);
        bob.say(group, "two").await;
        assert_eq!(bob.epoch_of(group), joined + 1);
        world.later(Duration::from_secs(31 * 24 * 60 * 60));
        bob.say(group, "three").await;
        assert_eq!(bob.epoch_of(group), joined + 2);
        alice.sync().await;
        assert_eq!(alice.texts(group), ["one", "two", "three"]);
    });
}
