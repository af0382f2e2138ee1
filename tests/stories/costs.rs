//! What operations cost in requests and statements. Never in time: that is for `npm run bench`.
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_web::client::{GroupHandle, ListOptions, MessageOptions};
use xmtp_web::groups::NewGroup;
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::storage::{DeliveryStatus, Direction, MessageKind};

/// The unary calls that a client makes of a running node.
const CALLS: [&str; 8] = [
    "SendGroupMessages",
    "QueryGroupMessages",
    "GetNewestGroupMessage",
    "QueryWelcomeMessages",
    "SendWelcomeMessages",
    "FetchKeyPackages",
    "GetIdentityUpdates",
    "GetInboxIds",
];

fn calls(world: &World) -> Vec<u64> {
    let faults = world.faults();
    CALLS.iter().map(|name| faults.calls(name)).collect()
}

/// Calls made since.
fn made(world: &World, before: &[u64]) -> Vec<(&'static str, u64)> {
    let differences = CALLS.iter().zip(calls(world)).zip(before);
    differences
        .map(|((name, now), before)| (*name, now - before))
        .filter(|(_, made)| *made > 0)
        .collect()
}

fn groups_of(person: &Person, count: usize) -> Vec<GroupHandle> {
    (0..count)
        .map(|_| {
            let made = person
                .client
                .conversations()
                .create_group_optimistic(&NewGroup::default());
            made.expect("a group")
        })
        .collect()
}

#[test]
fn a_message_costs_one_request_for_one_who_does_not_watch() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        // However slow this machine is: members were looked up just now, and nothing is asked for later.
        world.machine.freeze();
        world.machine.pause.set(Some(Duration::from_secs(20)));
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "warm").await;
        let before = calls(&world);
        let mut said = Vec::new();
        for text in ["one", "two", "three"] {
            let id = alice.say(group, text).await;
            assert_eq!(alice.status(id), DeliveryStatus::Published);
            said.push(id);
        }
        assert_eq!(made(&world, &before), [("SendGroupMessages", 3)]);
        bob.sync().await;
        assert_eq!(bob.ids(group)[1..], said);
        // One request brings back all of them.
        let before = calls(&world);
        alice.group(group).sync().await.expect("syncs");
        assert_eq!(made(&world, &before), [("QueryGroupMessages", 1)]);
        let times = |person: &Person| {
            let rows = person.messages(group).into_iter();
            rows.map(|row| (row.id, row.sent_at_ns, row.sequence_id))
                .collect::<Vec<_>>()
        };
        assert_eq!(times(&alice)[1..], times(&bob)[1..]);
    });
}

#[test]
fn what_was_sent_is_asked_for_a_little_later_once_for_all_of_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world.machine.freeze();
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "warm").await;
        group.sync().await.expect("syncs");
        let before = calls(&world);
        let mut said = Vec::new();
        for text in ["one", "two", "three"] {
            said.push(alice.jot(group.id(), text).await);
        }
        group.publish_messages().await.expect("sends");
        for id in said {
            while alice.message(id).expect("stored").sequence_id.is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        assert_eq!(
            made(&world, &before),
            [("SendGroupMessages", 3), ("QueryGroupMessages", 1)]
        );
    });
}

/// Two who know each other's group, and one who watches it; the live connection has all the time it needs.
async fn watched() -> (World, Person, Person, GroupId, crate::support::Watch) {
    let world = World::new().await;
    let (alice, bob) = (world.person().await, world.person().await);
    world.machine.pause.set(Some(Duration::from_secs(20)));
    let group = alice.group_with(&[&bob]).await.id();
    let watch = alice.watch().await;
    (world, alice, bob, group, watch)
}

#[test]
fn one_who_watches_sends_a_message_by_one_request() {
    story(async {
        let (world, alice, bob, group, mut watch) = watched().await;
        // However slow this machine is: members were looked up just now.
        world.machine.freeze();
        alice.say(group, "warm").await;
        let before = calls(&world);
        let mut sent = Vec::new();
        for text in ["one", "two", "three"] {
            let id = alice.say(group, text).await;
            assert_eq!(alice.status(id), DeliveryStatus::Published);
            // It comes back by itself, with what the node says of it.
            watch.message(id).await;
            let row = alice.message(id).expect("stored");
            assert!(row.sequence_id.is_some());
            sent.push((id, row.sent_at_ns));
        }
        assert_eq!(made(&world, &before), [("SendGroupMessages", 3)]);
        bob.sync().await;
        let read = bob.messages(group);
        let read: Vec<_> = read.iter().map(|row| (row.id, row.sent_at_ns)).collect();
        assert_eq!(read[1..], sent);
    });
}

#[test]
fn a_message_is_three_transactions_what_is_wanted_that_the_node_has_it_and_what_came_back() {
    story(async {
        let (world, alice, _bob, group, mut watch) = watched().await;
        world.machine.freeze();
        let warm = alice.say(group, "warm").await;
        watch.message(warm).await;
        let (before, statements) = (alice.client.transactions_run(), alice.client.statements_run());
        let id = alice.say(group, "hello").await;
        watch.message(id).await;
        assert_eq!(alice.client.transactions_run() - before, 3);
        let statements = alice.client.statements_run() - statements;
        assert!(statements <= 47, "{statements} statements");
    });
}

#[test]
fn one_who_watches_commits_by_one_request_and_asks_whether_it_was_the_first() {
    story(async {
        let (world, alice, bob, group, _watch) = watched().await;
        // However slow this machine is: members were looked up just now.
        world.machine.freeze();
        alice.say(group, "warm").await;
        let before = calls(&world);
        let conversation = alice.group(group);
        let renamed = conversation.update_field(xmtp_web::groups::field::NAME, "lunch");
        renamed.await.expect("allowed");
        assert_eq!(
            made(&world, &before),
            [("SendGroupMessages", 1), ("QueryGroupMessages", 1)]
        );
        assert_eq!(alice.name_of(group), "lunch");
        bob.sync().await;
        assert_eq!(bob.name_of(group), "lunch");
    });
}

#[test]
fn one_who_watches_looks_after_a_while_for_new_installations_alone() {
    story(async {
        let (world, alice, _bob, group, _watch) = watched().await;
        alice.say(group, "hello").await;
        world.later(Duration::from_secs(6));
        let before = calls(&world);
        alice.say(group, "still there?").await;
        assert_eq!(
            made(&world, &before),
            [("SendGroupMessages", 1), ("GetIdentityUpdates", 1)]
        );
    });
}

#[test]
fn a_message_after_a_while_is_preceded_by_a_look_at_what_others_did_and_one_for_installations() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world.machine.pause.set(Some(Duration::from_secs(20)));
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "hello").await;
        alice.sync().await;
        world.later(Duration::from_secs(6));
        let before = calls(&world);
        alice.say(group, "still there?").await;
        assert_eq!(
            made(&world, &before),
            [
                ("SendGroupMessages", 1),
                ("QueryGroupMessages", 1),
                ("GetIdentityUpdates", 1)
            ]
        );
    });
}

#[test]
fn conversations_of_the_same_people_are_looked_at_for_new_installations_together() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        // However slow this machine is: what is looked for together is waited for.
        world.machine.paused_by_clock.set(Some(Duration::from_secs(2)));
        world.machine.freeze();
        let mut groups = Vec::new();
        for _ in 0..30 {
            groups.push(alice.group_with(&[&bob]).await.id());
        }
        for group in &groups {
            alice.say(*group, "hello").await;
        }
        world.later(Duration::from_secs(60));
        let before = calls(&world);
        bob.sync().await;
        let looks = |before: &[u64]| {
            let made = made(&world, before);
            made.iter()
                .find(|(name, _)| *name == "GetIdentityUpdates")
                .map_or(0, |(_, n)| *n)
        };
        assert_eq!(
            looks(&before),
            1,
            "one look is enough: {:?}",
            made(&world, &before)
        );
        // What others look up for themselves stays true to the second: the look is as old as it was.
        world.later(Duration::from_secs(4));
        let before = calls(&world);
        bob.say(groups[0], "hello").await;
        assert_eq!(looks(&before), 0, "it was less than five seconds ago");
        world.later(Duration::from_secs(2));
        let before = calls(&world);
        bob.say(groups[1], "hello").await;
        assert_eq!(looks(&before), 1, "it is more than five seconds ago");
    });
}

#[test]
fn ten_welcomes_are_one_transaction() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world.machine.freeze();
        // Whom bob knows already needs no transaction of its own.
        alice.group_with(&[&bob]).await;
        for _ in 0..20 {
            let made = alice.create_group(&[&bob], &NewGroup::default()).await;
            made.expect("a group");
        }
        let before = bob.client.transactions_run();
        assert_eq!(bob.client.sync_welcomes().await.expect("syncs").len(), 20);
        // The third looks for key packages to delete.
        assert_eq!(bob.client.transactions_run() - before, 3);
    });
}

/// Somebody whom twelve others have invited, each into a group of their own, and what they said there.
async fn invited_by_twelve() -> (World, Person, Vec<MessageId>) {
    let world = World::new().await;
    let bob = world.person().await;
    // However slow this machine is: what is looked for together is waited for.
    world.machine.paused_by_clock.set(Some(Duration::from_secs(2)));
    world.machine.freeze();
    let mut said = Vec::new();
    for _ in 0..12 {
        let other = world.person().await;
        let group = other.create_group(&[&bob], &NewGroup::default()).await;
        said.push(other.say(group.expect("a group").id(), "hello").await);
    }
    (world, bob, said)
}

#[test]
fn different_people_are_asked_for_together_when_they_invite_and_for_their_new_installations() {
    story(async {
        let (world, bob, _) = invited_by_twelve().await;
        let before = calls(&world);
        assert_eq!(bob.client.sync_welcomes().await.expect("syncs").len(), 12);
        // Those whom the first ten welcomes name, and those of the last two.
        let made = made(&world, &before);
        assert!(made.contains(&("GetIdentityUpdates", 2)), "{made:?}");
        world.later(Duration::from_secs(60));
        let before = calls(&world);
        bob.sync().await;
        let made = self::made(&world, &before);
        assert!(made.contains(&("QueryGroupMessages", 12)), "{made:?}");
        // The own log, and one look for all groups.
        assert!(made.contains(&("GetIdentityUpdates", 2)), "{made:?}");
    });
}

#[test]
fn who_connects_after_a_while_looks_for_the_members_of_all_conversations_together() {
    story(async {
        let (world, bob, said) = invited_by_twelve().await;
        assert_eq!(bob.client.sync_welcomes().await.expect("syncs").len(), 12);
        world.later(Duration::from_secs(60));
        let before = calls(&world);
        let mut watch = bob.watch().await;
        for id in said {
            watch.message(id).await;
        }
        let made = made(&world, &before);
        assert!(made.contains(&("QueryGroupMessages", 12)), "{made:?}");
        // The own log, and one look for all conversations instead of twelve.
        assert!(made.contains(&("GetIdentityUpdates", 2)), "{made:?}");
    });
}

#[test]
fn one_who_watches_hears_of_an_own_message_once_and_has_the_nodes_time_then() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = alice.watch().await;
        let first = alice.say(group, "one").await;
        let second = alice.say(group, "two").await;
        for id in [first, second] {
            watch.message(id).await;
            assert_eq!(watch.count(id), 1);
            assert!(alice.message(id).expect("stored").sequence_id.is_some());
        }
    });
}

#[test]
fn syncing_idle_conversations_costs_the_same_requests_for_any_number() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let mut costs = Vec::new();
        for more in [10, 190] {
            for group in groups_of(&alice, more) {
                group.sync().await.expect("syncs");
            }
            alice.sync().await;
            let (before, statements) = (calls(&world), alice.client.statements_run());
            alice.sync().await;
            let statements = alice.client.statements_run() - statements;
            costs.push((made(&world, &before), statements));
        }
        assert_eq!(costs[0], costs[1], "requests and statements");
        assert!(
            costs[0].0.iter().map(|(_, made)| made).sum::<u64>() <= 3,
            "{costs:?}"
        );
    });
}

#[test]
fn a_list_costs_the_same_statements_for_any_number_of_conversations() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let mut costs = Vec::new();
        for more in [10, 990] {
            let groups = groups_of(&alice, more);
            for group in &groups {
                alice.jot(group.id(), &format!("in {:?}", group.id())).await;
            }
            let conversations = alice.client.conversations();
            let options = ListOptions::default();
            let before = alice.client.statements_run();
            let listed = conversations.list(&options).expect("reads");
            for group in &listed {
                assert!(group.view().expect("reads").is_active);
            }
            let shown = alice.client.statements_run();
            let with_last = conversations.list_with_last_message(&options).expect("reads");
            let end = alice.client.statements_run();
            costs.push((shown - before, end - shown));
            let ids = |groups: &[GroupHandle]| groups.iter().map(GroupHandle::id).collect::<Vec<GroupId>>();
            let (found, last): (Vec<_>, Vec<_>) = with_last.into_iter().unzip();
            assert_eq!(ids(&found), ids(&listed));
            for (group, last) in found.iter().zip(last) {
                assert_eq!(last, group.last_message().expect("reads"));
                assert_eq!(last.expect("one was written").group_id, group.id());
            }
        }
        assert_eq!(costs, [(2, 1), (2, 1)]);
    });
}

#[test]
fn what_a_list_has_read_of_a_conversation_is_never_shown_after_a_change() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let listed = alice.client.conversations().list(&ListOptions::default());
        assert_eq!(listed.expect("reads").len(), 1);
        assert_eq!(alice.name_of(group.id()), "");
        group
            .update_field(xmtp_web::groups::field::NAME, "lunch")
            .await
            .expect("allowed");
        assert_eq!(alice.name_of(group.id()), "lunch");
        assert!(alice.is_member_of(group.id()));
    });
}

#[test]
fn paging_through_a_conversation_is_one_statement_for_a_page() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let group = groups_of(&alice, 1).remove(0);
        let mut said = Vec::new();
        for index in 0..350 {
            said.push(alice.jot(group.id(), &format!("message {index}")).await);
        }
        let before = alice.client.statements_run();
        let (mut read, mut pages, mut older_than) = (Vec::new(), 0, None);
        loop {
            let page = group
                .messages(&MessageOptions {
                    kind: Some(MessageKind::Application),
                    sent_before_ns: older_than,
                    direction: Direction::Descending,
                    limit: Some(100),
                    ..Default::default()
                })
                .expect("reads");
            pages += 1;
            let Some(oldest) = page.last() else { break };
            older_than = Some(oldest.sent_at_ns);
            read.extend(page.into_iter().map(|message| message.id));
        }
        assert_eq!(alice.client.statements_run() - before, pages);
        assert_eq!(pages, 5);
        said.reverse();
        assert_eq!(read, said);
    });
}
