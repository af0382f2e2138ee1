//! Messages that disappear, told by real clients against a node in this process and a clock the story moves.
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_web::client::{ClientError, Event, GroupHandle};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::{GroupError, NewGroup};
use xmtp_web::platform::Platform as _;
use xmtp_web::storage::{MessageKind, MessageQuery};

const HOUR_NS: i64 = 3_600_000_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

async fn group_of(alice: &Person, bob: &Person, disappearing: Option<(i64, i64)>) -> GroupHandle {
    let new = NewGroup {
        disappearing,
        ..Default::default()
    };
    let group = alice.create_group(&[bob], &new).await.expect("a group");
    bob.sync().await;
    group
}

#[test]
fn settings_of_a_new_group_reach_everybody_and_messages_say_when_they_go() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world.machine.freeze();
        let group = group_of(&alice, &bob, Some((1, HOUR_NS))).await;
        let id = group.id();
        for person in [&alice, &bob] {
            assert_eq!(
                person.group(id).disappearing().expect("reads"),
                Some((1, HOUR_NS))
            );
        }
        let message = alice.say(id, "gone in an hour").await;
        bob.sync().await;
        let now = i64::try_from(world.machine.now_ns()).expect("this century");
        for person in [&alice, &bob] {
            let row = person.message(message).expect("is there");
            assert_eq!(row.expire_at_ns, Some(now + HOUR_NS));
        }
    });
}

#[test]
fn settings_change_for_messages_to_come_and_not_for_those_that_are_there() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = group_of(&alice, &bob, None).await;
        let id = group.id();
        assert_eq!(group.disappearing().expect("reads"), None);
        let before = alice.say(id, "for ever").await;
        let epoch = alice.epoch_of(id);
        group.update_disappearing(1, HOUR_NS).await.expect("may");
        assert_eq!(alice.epoch_of(id), epoch + 2, "two commits, from and in");
        bob.sync().await;
        assert_eq!(bob.group(id).disappearing().expect("reads"), Some((1, HOUR_NS)));
        let during = bob.say(id, "for an hour").await;
        alice.sync().await;
        group.update_disappearing(0, 0).await.expect("may");
        bob.sync().await;
        let after = bob.say(id, "for ever again").await;
        alice.sync().await;
        for person in [&alice, &bob] {
            assert_eq!(person.group(id).disappearing().expect("reads"), Some((0, 0)));
            let expiries = [before, during, after].map(|id| person.message(id).expect("there").expire_at_ns);
            assert_eq!(expiries.map(|ns| ns.is_some()), [false, true, false]);
        }
    });
}

#[test]
fn who_may_not_change_them_changes_nothing_and_negative_times_are_refused() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = group_of(&alice, &bob, None).await;
        let epoch = alice.epoch_of(group.id());
        let refused = bob.group(group.id()).update_disappearing(1, 1).await;
        assert!(matches!(
            refused,
            Err(ClientError::Group(GroupError::NotPermitted(_)))
        ));
        for (from_ns, in_ns) in [(-1, 1), (1, -1)] {
            let refused = group
                .update_disappearing(from_ns, in_ns)
                .await
                .expect_err("negative");
            assert_eq!(refused.code(), ErrorCode::InvalidArgument);
        }
        alice.sync().await;
        assert_eq!(alice.epoch_of(group.id()), epoch);
        assert_eq!(group.disappearing().expect("reads"), None);
    });
}

#[test]
fn in_a_direct_message_either_may_change_them() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let conversations = alice.client.conversations();
        let dm = conversations
            .find_or_create_dm(bob.inbox_id(), Some((1, HOUR_NS)))
            .await
            .expect("made");
        bob.sync().await;
        let his = bob.group(dm.id());
        assert_eq!(his.disappearing().expect("reads"), Some((1, HOUR_NS)));
        his.update_disappearing(1, 2 * HOUR_NS).await.expect("he may");
        alice.sync().await;
        assert_eq!(dm.disappearing().expect("reads"), Some((1, 2 * HOUR_NS)));
    });
}

#[test]
fn what_is_due_is_never_read_and_is_deleted_by_a_timer_that_tells() {
    story(async {
        let world = World::new().await;
        world.machine.wake_with_clock();
        let (alice, bob) = (world.person().await, world.person().await);
        let group = group_of(&alice, &bob, Some((1, HOUR_NS))).await;
        let id = group.id();
        let mut watch = bob.watch().await;
        let first = alice.say(id, "first").await;
        watch.message(first).await;
        world.later(HOUR / 2);
        let second = alice.say(id, "second").await;
        watch.message(second).await;
        assert_eq!(bob.texts(id), ["first", "second"]);

        world.later(HOUR / 2);
        let gone =
            |id| move |event: &Event| matches!(event, Event::MessageDeleted { id: it, .. } if *it == id);
        watch.until(gone(first)).await;
        assert_eq!(bob.texts(id), ["second"]);
        assert_eq!(bob.stored_messages(id), 1);
        assert_eq!(bob.message(first), None);
        assert_eq!(bob.message(second).map(|row| row.id), Some(second));

        world.later(HOUR / 2);
        watch.until(gone(second)).await;
        assert_eq!(bob.stored_messages(id), 0);
        let told = |id| watch.seen.iter().filter(|event| gone(id)(event)).count();
        assert_eq!((told(first), told(second)), (1, 1), "each is told once");
        let last = bob
            .group(id)
            .last_message()
            .expect("reads")
            .expect("the transcript stays");
        assert_eq!(last.kind, MessageKind::MembershipChange);
    });
}

#[test]
fn what_came_due_behind_a_timers_back_is_hidden_at_once_and_deleted_by_the_next_sync() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = group_of(&alice, &bob, Some((1, HOUR_NS))).await;
        let id = group.id();
        alice.say(id, "soon gone").await;
        bob.sync().await;
        alice.sync().await;
        // As on a machine that slept: the clock is ahead, and no timer has fired.
        world.later(HOUR);
        assert!(bob.texts(id).is_empty());
        assert_eq!(
            bob.group(id)
                .count_messages(&MessageQuery::default())
                .expect("counts"),
            1
        );
        assert_eq!(bob.stored_messages(id), 1);
        bob.sync().await;
        assert_eq!(bob.stored_messages(id), 0);
        assert_eq!(alice.stored_messages(id), 1);
        group.sync().await.expect("syncs");
        assert_eq!(alice.stored_messages(id), 0);
    });
}

#[test]
fn what_came_due_while_the_app_was_closed_is_deleted_when_it_opens() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob.db").await);
        let group = group_of(&alice, &bob, Some((1, HOUR_NS))).await;
        let id = group.id();
        let message = alice.say(id, "soon gone").await;
        bob.sync().await;
        assert!(bob.message(message).is_some());
        world.later(HOUR);
        let bob = bob.reopened().await;
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bob.stored_messages(id), 0);
    });
}

#[test]
fn an_own_message_that_waits_does_not_disappear_before_it_was_sent() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = group_of(&alice, &bob, Some((1, HOUR_NS))).await;
        let id = group.id();
        let waiting = alice.jot(id, "later").await;
        world.later(2 * HOUR);
        assert_eq!(alice.message(waiting).expect("still there").expire_at_ns, None);
        alice.sync().await;
        let row = alice.message(waiting).expect("sent just now");
        assert!(row.expire_at_ns.is_some());
    });
}
