//! Clocks that were wrong and are right again.
use std::time::Duration;

use crate::support::{World, story};
use xmtp_web::groups::NewGroup;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn members_new_installations_are_added_although_the_clock_was_ahead_when_they_were_looked_up() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        world.later(DAY);
        alice.say(group, "tomorrow").await;
        world.machine.set_right();
        let laptop = world.device_of(&bob.wallet).await;
        alice.say(group, "today").await;
        laptop.sync().await;
        assert!(laptop.is_member_of(group));
        assert_eq!(laptop.texts(group), ["today"]);
    });
}

#[test]
fn keys_of_a_leaf_are_renewed_although_the_clock_was_far_ahead_when_that_was_done_last() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        world.later(100 * DAY);
        alice.say(group, "far ahead").await;
        world.machine.set_right();
        let alice = alice.reopened().await;
        let before = alice.epoch_of(group);
        alice.say(group, "renewed").await;
        assert_eq!(alice.epoch_of(group), before + 1);
        alice.say(group, "once").await;
        assert_eq!(alice.epoch_of(group), before + 1);
    });
}

#[test]
fn a_welcome_that_names_what_never_was_holds_up_no_other_for_long_although_the_clock_is_hours_behind() {
    story(async {
        let world = World::new().await;
        world.machine.set_back(5 * DAY);
        let (alice, carol) = (world.person().await, world.person().await);
        let mut bob = world.person_with_file("bob").await;
        alice.group_with(&[&bob]).await;
        carol.client.inbox_state(bob.inbox_id()).await.expect("known");
        // Nobody tells Bob who Carol is.
        world.machine.node_is_behind.set(true);
        let mut invited = Vec::new();
        for person in [&carol, &alice] {
            let made = person.create_group(&[&bob], &NewGroup::default()).await;
            invited.push(made.expect("a group").id());
        }
        // An app that is opened for a moment now and then.
        for _ in 0..2 {
            assert!(bob.client.sync_welcomes().await.is_err());
            bob = bob.reopened().await;
            world.later(DAY);
        }
        assert_eq!(bob.client.sync_welcomes().await.expect("syncs"), invited[1..]);
        assert!(bob.find(invited[0]).is_none());
    });
}
