//! Live connections that leave something out, as those of public nodes do with what is committed late.
use std::time::Duration;

use futures::join;

use crate::support::{Person, Watch, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::groups::{NewGroup, field};
use xmtp_web::ids::GroupId;

const MESSAGES: &str = "SubscribeGroupMessages";

/// Bob, who watches a group that Alice made, and whose connection leaves out what comes after some others.
async fn watched(after: u64) -> (World, Person, Person, GroupId, Watch) {
    let world = World::new().await;
    let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
    let group = alice.group_with(&[&bob]).await.id();
    // The first message is preceded by a renewal of keys, which is a commit.
    alice.say(group, "hello").await;
    bob.sync().await;
    world.machine.wake_with_clock();
    world
        .faults()
        .add(Rule::once(MESSAGES, Fault::LeaveOut { after, count: 1 }));
    let watch = bob.watch().await;
    (world, alice, bob, group, watch)
}

fn told_once(watch: &Watch, bob: &Person, group: GroupId) {
    let all = bob.ids(group);
    assert!(all.iter().all(|id| watch.count(*id) <= 1));
}

#[test]
fn a_message_that_was_left_out_comes_a_minute_later() {
    story(async {
        let (world, alice, bob, group, mut watch) = watched(1).await;
        alice.say(group, "one").await;
        let left_out = alice.say(group, "two").await;
        let last = alice.say(group, "three").await;
        watch.message(last).await;
        assert_eq!(bob.texts(group), ["hello", "one", "three"]);
        world.later(Duration::from_secs(61));
        watch.message(left_out).await;
        assert_eq!(bob.texts(group), ["hello", "one", "two", "three"]);
        told_once(&watch, &bob, group);
        // What was confirmed is not asked for again.
        alice.sync().await;
        let asked = world.faults().calls("QueryGroupMessages");
        assert_eq!(bob.client.sync_all().await.expect("syncs"), 0);
        assert_eq!(world.faults().calls("QueryGroupMessages"), asked);
    });
}

#[test]
fn a_message_that_was_left_out_comes_with_the_next_sync() {
    story(async {
        let (_world, alice, bob, group, mut watch) = watched(0).await;
        let left_out = alice.say(group, "one").await;
        let last = alice.say(group, "two").await;
        watch.message(last).await;
        assert_eq!(bob.texts(group), ["hello", "two"]);
        bob.sync().await;
        watch.message(left_out).await;
        assert_eq!(bob.texts(group), ["hello", "one", "two"]);
        told_once(&watch, &bob, group);
    });
}

/// Bob, whose app ended before he asked for what his connection had left out: "two".
async fn ended() -> (World, Person, Person, GroupId) {
    let (world, alice, bob, group, mut watch) = watched(1).await;
    alice.say(group, "one").await;
    alice.say(group, "two").await;
    let last = alice.say(group, "three").await;
    watch.message(last).await;
    drop(watch);
    let bob = bob.reopened().await;
    assert_eq!(bob.texts(group), ["hello", "one", "three"]);
    (world, alice, bob, group)
}

fn is_whole(alice: &Person, bob: &Person, group: GroupId) {
    assert_eq!(bob.texts(group), ["hello", "one", "two", "three"]);
    assert_eq!(bob.epoch_of(group), alice.epoch_of(group));
    assert!(!bob.group(group).view().expect("readable").row.maybe_forked);
}

#[test]
fn a_message_that_was_left_out_before_the_app_ended_comes_with_the_next_sync() {
    story(async {
        let (world, alice, bob, group) = ended().await;
        bob.sync().await;
        is_whole(&alice, &bob, group);
        // What was confirmed is forgotten.
        let bob = bob.reopened().await;
        let asked = world.faults().calls("QueryGroupMessages");
        bob.sync().await;
        assert_eq!(world.faults().calls("QueryGroupMessages"), asked);
        is_whole(&alice, &bob, group);
    });
}

#[test]
fn a_message_that_was_left_out_before_the_app_ended_is_told_to_who_watches_then() {
    story(async {
        let (_world, alice, bob, group) = ended().await;
        let two = alice.ids(group)[2];
        let mut watch = bob.watch().await;
        if bob.message(two).is_none() {
            watch.message(two).await;
        }
        is_whole(&alice, &bob, group);
        let told: usize = bob.ids(group).iter().map(|id| watch.count(*id)).sum();
        assert!(
            told <= 1 && watch.count(two) == told,
            "what was read before is not told again"
        );
        alice.say(group, "four").await;
        bob.sync().await;
        assert_eq!(bob.texts(group).last().map(String::as_str), Some("four"));
    });
}

#[test]
fn who_was_taken_out_meanwhile_reads_what_was_left_out_and_asks_no_more() {
    story(async {
        let (world, alice, bob, group) = ended().await;
        let at_alice = alice.group(group);
        at_alice.remove_members(&[bob.inbox_id()]).await.expect("removed");
        alice.say(group, "not for Bob").await;
        bob.sync().await;
        assert!(!bob.is_member_of(group));
        assert_eq!(bob.texts(group), ["hello", "one", "two", "three"]);
        let asked = world.faults().calls("QueryGroupMessages");
        bob.sync().await;
        let bob = bob.reopened().await;
        bob.sync().await;
        assert_eq!(world.faults().calls("QueryGroupMessages"), asked);
    });
}

#[test]
fn a_commit_that_was_left_out_parts_nobody_from_the_group() {
    story(async {
        let (_world, alice, bob, group, mut watch) = watched(0).await;
        let at_alice = alice.group(group);
        at_alice
            .update_field(field::NAME, "lunch")
            .await
            .expect("allowed");
        let after = alice.say(group, "after").await;
        watch.message(after).await;
        assert_eq!(bob.texts(group), ["hello", "after"]);
        assert_eq!(bob.name_of(group), "lunch");
        assert_eq!(bob.epoch_of(group), alice.epoch_of(group));
        assert!(!bob.group(group).view().expect("readable").row.maybe_forked);
    });
}

#[test]
fn of_two_commits_at_once_the_first_counts_although_it_was_left_out() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await.id();
        bob.sync().await;
        carol.sync().await;
        world
            .faults()
            .add(Rule::once(MESSAGES, Fault::LeaveOut { after: 0, count: 1 }));
        let mut watch = bob.watch().await;
        let held = world.machine.hold_next_send();
        let (at_alice, at_carol) = (alice.group(group), carol.group(group));
        let late = at_carol.update_field(field::DESCRIPTION, "carol's");
        let first = async {
            held.sent.await.expect("on its way");
            at_alice
                .update_field(field::NAME, "alice's")
                .await
                .expect("allowed");
            held.release.send(()).expect("it waits");
        };
        let (late, ()) = join!(late, first);
        late.expect("the second time");
        let after = carol.say(group, "done").await;
        watch.message(after).await;
        alice.sync().await;
        assert_eq!(bob.name_of(group), "alice's");
        for person in [&alice, &carol] {
            assert_eq!(bob.epoch_of(group), person.epoch_of(group));
        }
        assert_eq!(bob.texts(group), ["done"]);
    });
}

#[test]
fn a_welcome_that_was_left_out_is_joined_with_the_next() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let rule = Rule::once("SubscribeWelcomeMessages", Fault::LeaveOut { after: 0, count: 1 });
        world.faults().add(rule);
        let mut watch = bob.watch().await;
        let mut made = Vec::new();
        for _ in 0..2 {
            let conversations = alice.client.conversations();
            let made_now = conversations
                .create_group(&[bob.inbox_id()], &NewGroup::default())
                .await;
            made.push(made_now.expect("a group").id());
        }
        assert_eq!([watch.conversation().await, watch.conversation().await], made[..]);
    });
}
