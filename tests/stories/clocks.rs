//! Clocks that were wrong and are right again.
use std::time::Duration;

use crate::support::{World, story};

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
