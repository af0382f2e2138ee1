//! XIP-72, client enforcement of protocol versions: the specification's four test cases, and what they leave open.
use std::time::Duration;

use crate::support::{Person, Watch, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, Event, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::groups::{GroupError, NewGroup, Permission, PolicyOption, field};
use xmtp_web::ids::GroupId;
use xmtp_web::storage::DeliveryStatus;

const OLD: &str = "1.8.0";
const MIDDLE: &str = "1.9.0";
const NEW: &str = "1.10.0";

fn paused(person: &Person, id: GroupId) -> Option<String> {
    person.group(id).paused_for_version().expect("reads")
}

fn pauses(watch: &Watch) -> Vec<(GroupId, Option<&str>)> {
    watch
        .seen
        .iter()
        .filter_map(|event| match event {
            Event::Paused { group_id, required } => Some((*group_id, required.as_deref())),
            _ => None,
        })
        .collect()
}

async fn told_of_pause(watch: &mut Watch) {
    watch.until(|event| matches!(event, Event::Paused { .. })).await;
}

/// Alice, who sets the minimum, and Bob, whom it pauses.
async fn new_and_older(world: &World) -> (Person, Person) {
    (
        world.person_of_version(NEW).await,
        world.person_of_version(MIDDLE).await,
    )
}

/// Fails with `group.paused` naming the version.
fn is_refused(outcome: Result<(), ClientError>, what: &str) {
    let error = outcome.expect_err(what);
    assert_eq!(error.code(), ErrorCode::GroupPaused, "{what}");
    assert!(
        matches!(&error, ClientError::Group(GroupError::Paused { required }) if required == NEW),
        "{what}: {error:?}"
    );
    assert!(error.to_string().contains(NEW), "{error}");
}

#[test]
fn xip_72_case_1_a_minimum_version_pauses_older_clients_and_an_update_lets_them_go_on() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let group = alice.group_with(&[&bob]).await;
        let other = alice.group_with(&[&bob]).await;
        let id = group.id();
        alice.say(id, "before").await;
        bob.sync().await;
        let mut watch = bob.watch().await;

        group.set_minimum_version(None).await.expect("alice may");
        alice.say(id, "one").await;
        group.update_field(field::NAME, "New").await.expect("alice may");
        alice.say(id, "two").await;
        told_of_pause(&mut watch).await;
        let elsewhere = alice.say(other.id(), "elsewhere").await;
        watch.message(elsewhere).await;
        bob.sync().await;
        assert_eq!(pauses(&watch), [(id, Some(NEW))]);
        assert_eq!(paused(&bob, id).as_deref(), Some(NEW));
        assert_eq!(paused(&alice, id), None);
        assert_eq!(bob.texts(id), ["before"]);
        assert_eq!(bob.name_of(id), "");
        assert!(bob.epoch_of(id) < alice.epoch_of(id));
        assert_eq!(paused(&bob, other.id()), None);
        assert_eq!(bob.texts(other.id()), ["elsewhere"], "other groups go on");

        // Opened again as old as before, nothing changes.
        drop(watch);
        let bob = bob.reopened_as(MIDDLE).await;
        bob.sync().await;
        assert_eq!(paused(&bob, id).as_deref(), Some(NEW));
        assert_eq!(bob.texts(id), ["before"]);

        let bob = bob.reopened_as(NEW).await;
        let mut watch = Watch::new(bob.client.events().expect("open"));
        bob.sync().await;
        told_of_pause(&mut watch).await;
        assert_eq!(pauses(&watch), [(id, None)]);
        assert_eq!(paused(&bob, id), None);
        assert_eq!(bob.texts(id), ["before", "one", "two"], "in order, nothing lost");
        assert_eq!(bob.name_of(id), "New");
        assert_eq!(bob.epoch_of(id), alice.epoch_of(id));
        bob.say(id, "back").await;
        alice.sync().await;
        assert_eq!(alice.texts(id), ["before", "one", "two", "back"]);
        assert_eq!(alice.ids(id), bob.ids(id));
    });
}

#[test]
fn xip_72_case_2_who_joins_with_too_old_a_client_is_paused_from_the_start() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let carol = world.person_of_version(NEW).await;
        let group = alice.group_with(&[&carol]).await;
        let id = group.id();
        group.set_minimum_version(Some(NEW)).await.expect("alice may");
        let mut watch = bob.watch().await;
        group.add_members(&[bob.inbox_id()]).await.expect("alice may");
        told_of_pause(&mut watch).await;
        assert_eq!(pauses(&watch), [(id, Some(NEW))]);
        alice.say(id, "hello bob").await;
        bob.sync().await;
        assert_eq!(paused(&bob, id).as_deref(), Some(NEW));
        assert!(
            bob.texts(id).is_empty(),
            "it is there and nothing of it is processed"
        );
        assert!(bob.is_member_of(id));

        // Welcomes go on: the next group is joined and works.
        let next = alice.group_with(&[&bob]).await;
        bob.say(next.id(), "here I can").await;
        alice.sync().await;
        assert_eq!(alice.texts(next.id()), ["here I can"]);

        drop(watch);
        let bob = bob.reopened_as(NEW).await;
        bob.sync().await;
        assert_eq!(paused(&bob, id), None);
        assert_eq!(bob.texts(id), ["hello bob"]);
        bob.say(id, "hello").await;
        for person in [&alice, &carol] {
            person.sync().await;
            assert_eq!(person.texts(id), ["hello bob", "hello"]);
        }
    });
}

#[test]
fn xip_72_case_3_sending_and_every_change_fail_in_a_paused_group_until_the_client_is_updated() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let carol = world.person().await;
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        // Bob may do everything, so that only the pause forbids it.
        group
            .update_admins(AdminChange::AddSuperAdmin, bob.inbox_id())
            .await
            .expect("alice may");
        bob.sync().await;
        let waiting = bob.jot(id, "queued before").await;
        group.set_minimum_version(None).await.expect("alice may");
        bob.sync().await;
        assert_eq!(bob.status(waiting), DeliveryStatus::Unpublished, "it waits");

        let his = bob.group(id);
        let calls = world.faults().calls("SendGroupMessages");
        let send = |options| his.send_text("not now", options);
        is_refused(send(SendOptions::default()).await.map(|_| ()), "send");
        let optimistic = SendOptions {
            optimistic: true,
            ..Default::default()
        };
        is_refused(send(optimistic).await.map(|_| ()), "optimistic send");
        is_refused(his.publish_messages().await, "publish");
        is_refused(his.add_members(&[carol.inbox_id()]).await, "add");
        is_refused(
            his.add_members_by_address(&[carol.wallet.address()]).await,
            "add by address",
        );
        is_refused(his.remove_members(&[alice.inbox_id()]).await, "remove");
        is_refused(
            his.remove_members_by_address(&[alice.wallet.address()]).await,
            "remove by address",
        );
        for name in [field::NAME, field::DESCRIPTION, field::IMAGE_URL, field::APP_DATA] {
            is_refused(his.update_field(name, "no").await, name);
        }
        for change in [
            AdminChange::AddAdmin,
            AdminChange::RemoveAdmin,
            AdminChange::AddSuperAdmin,
            AdminChange::RemoveSuperAdmin,
        ] {
            is_refused(his.update_admins(change, alice.inbox_id()).await, "admins");
        }
        is_refused(
            his.update_permission(Permission::AddMember, PolicyOption::Deny)
                .await,
            "permission",
        );
        is_refused(his.update_disappearing(1, 1).await, "disappearing");
        is_refused(his.set_minimum_version(None).await, "minimum version");
        his.sync()
            .await
            .expect("a sync is no change: it finds nothing to do");
        assert_eq!(
            world.faults().calls("SendGroupMessages"),
            calls,
            "nothing has left the client"
        );

        let bob = bob.reopened_as(NEW).await;
        bob.sync().await;
        assert_eq!(bob.status(waiting), DeliveryStatus::Published);
        bob.say(id, "at last").await;
        alice.sync().await;
        assert_eq!(alice.texts(id), ["queued before", "at last"]);
        assert_eq!(alice.name_of(id), "", "what was refused is not done later");
        assert_eq!(alice.members_of(id), bob.members_of(id));
    });
}

#[test]
fn xip_72_case_4_clients_of_all_versions_take_part_until_somebody_sets_a_minimum() {
    story(async {
        let world = World::new().await;
        let alice = world.person_of_version(NEW).await;
        let bob = world.person_of_version(MIDDLE).await;
        let carol = world.person_of_version(OLD).await;
        let all = [&alice, &bob, &carol];
        let group = alice.group_with(&[&bob, &carol]).await;
        let id = group.id();
        for (person, words) in all.iter().zip(["a", "b", "c"]) {
            person.sync().await;
            person.say(id, words).await;
        }
        group.update_field(field::NAME, "Mixed").await.expect("alice may");
        for person in all {
            person.sync().await;
            assert_eq!((paused(person, id), person.texts(id).len()), (None, 3));
        }

        // A minimum in the middle pauses the one below it and nobody else.
        group.set_minimum_version(Some(MIDDLE)).await.expect("alice may");
        alice.say(id, "for two").await;
        for person in [&bob, &carol] {
            person.sync().await;
        }
        assert_eq!(paused(&bob, id), None);
        assert_eq!(paused(&carol, id).as_deref(), Some(MIDDLE));
        bob.say(id, "of two").await;
        alice.sync().await;
        assert_eq!(alice.texts(id), ["a", "b", "c", "for two", "of two"]);

        // One step up for everybody: carol, updated only to the middle, stops at the next bar and loses nothing.
        group.set_minimum_version(None).await.expect("alice may");
        alice.say(id, "alone").await;
        let carol = carol.reopened_as(MIDDLE).await;
        for person in [&bob, &carol] {
            person.sync().await;
            assert_eq!(paused(person, id).as_deref(), Some(NEW));
            assert_eq!(person.texts(id), ["a", "b", "c", "for two", "of two"]);
        }
        let (bob, carol) = (bob.reopened_as(NEW).await, carol.reopened_as(NEW).await);
        for person in [&bob, &carol] {
            person.sync().await;
            assert_eq!(person.ids(id), alice.ids(id));
            assert_eq!(person.epoch_of(id), alice.epoch_of(id));
        }
    });
}

#[test]
fn xip_72_a_minimum_is_for_super_admins_not_above_their_own_version_and_never_lowered() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        let his = bob.group(id);
        for role in ["member", "admin"] {
            let refused = his.set_minimum_version(Some(OLD)).await.expect_err(role);
            assert_eq!(refused.code(), ErrorCode::NotPermitted, "{role}");
            if role == "member" {
                group
                    .update_admins(AdminChange::AddAdmin, bob.inbox_id())
                    .await
                    .expect("alice may");
                bob.sync().await;
            }
        }
        group
            .update_admins(AdminChange::AddSuperAdmin, bob.inbox_id())
            .await
            .expect("alice may");
        bob.sync().await;
        let refused = his
            .set_minimum_version(Some(NEW))
            .await
            .expect_err("above his own");
        assert_eq!(refused.code(), ErrorCode::MinimumVersion);
        for text in ["", "1.9", "1.9.0-rc.1", "latest"] {
            let refused = his.set_minimum_version(Some(text)).await.expect_err("no version");
            assert_eq!(refused.code(), ErrorCode::InvalidArgument, "{text}");
        }
        his.set_minimum_version(None).await.expect("his own");
        // Alice does not know yet that he raised it: she reads first.
        let refused = group.set_minimum_version(Some(OLD)).await.expect_err("lower");
        assert!(matches!(
            refused,
            ClientError::Group(GroupError::VersionLowered { asked, current }) if asked == OLD && current == MIDDLE
        ));
        for person in [&alice, &bob] {
            person.sync().await;
            let view = person.group(id).view().expect("reads");
            assert_eq!(view.metadata.get(field::MINIMUM_VERSION), Some(MIDDLE));
            assert_eq!(view.row.paused_for_version, None);
        }
    });
}

#[test]
fn xip_72_a_change_that_was_under_way_when_the_pause_came_is_given_up_for_good() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        world.later(Duration::from_secs(6));
        bob.say(id, "keys are renewed").await;
        alice.sync().await;
        // His commit is on its way while hers, which pauses him, arrives first.
        let held = world.machine.hold_next_send();
        let his = bob.group(id);
        let (renamed, set) = futures::join!(his.update_field(field::NAME, "Bob's"), async {
            held.sent.await.expect("he sends");
            let set = group.set_minimum_version(None).await;
            held.release.send(()).expect("it waits");
            set
        });
        set.expect("alice may");
        is_refused(renamed, "rename");
        let bob = bob.reopened_as(NEW).await;
        bob.sync().await;
        alice.sync().await;
        for person in [&alice, &bob] {
            assert_eq!(person.name_of(id), "");
            assert_eq!(person.epoch_of(id), alice.epoch_of(id));
        }
    });
}

#[test]
fn xip_72_in_a_direct_message_either_sets_a_minimum_and_a_new_one_is_paused_at_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let dm = bob
            .client
            .conversations()
            .find_or_create_dm(alice.inbox_id(), None)
            .await
            .expect("made");
        alice.sync().await;
        alice
            .group(dm.id())
            .set_minimum_version(None)
            .await
            .expect("she may");
        bob.sync().await;
        assert_eq!(paused(&bob, dm.id()).as_deref(), Some(NEW));
        is_refused(
            dm.send_text("hello", SendOptions::default()).await.map(|_| ()),
            "send",
        );
    });
}

#[test]
fn xip_72_who_was_added_before_the_pause_is_welcomed_during_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = new_and_older(&world).await;
        let carol = world.person_of_version(NEW).await;
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        // Bob's commit is accepted, and the welcome does not go out.
        world
            .faults()
            .add(Rule::always("SendWelcomeMessages", Fault::DropRequest));
        let added = bob.group(id).add_members(&[carol.inbox_id()]).await;
        assert!(added.is_err(), "{added:?}");
        world.faults().clear();
        group.set_minimum_version(None).await.expect("alice may");
        bob.sync().await;
        assert_eq!(paused(&bob, id).as_deref(), Some(NEW));
        carol.sync().await;
        assert!(carol.is_member_of(id));
        assert_eq!(carol.epoch_of(id), alice.epoch_of(id));
    });
}

#[test]
fn xip_72_a_new_group_has_no_minimum() {
    story(async {
        let world = World::new().await;
        let alice = world.person_of_version(NEW).await;
        let made = alice
            .client
            .conversations()
            .create_group_optimistic(&NewGroup::default())
            .expect("made");
        let view = made.view().expect("reads");
        assert_eq!(view.metadata.get(field::MINIMUM_VERSION), None);
    });
}
