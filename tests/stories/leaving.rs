//! Leaving groups, told by real clients against a node in this process.
use std::time::Duration;

use crate::support::{Person, World, inboxes, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, ConnectionState, Event, MessageOptions, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::groups::{GroupError, LeaveRefusal};
use xmtp_web::ids::GroupId;
use xmtp_web::messages::EncodedContent;
use xmtp_web::messages::content::group_updated::GroupUpdated;
use xmtp_web::storage::{ConsentState, MessageKind};

/// The newest line of the transcript.
fn newest_line(person: &Person, group: GroupId) -> GroupUpdated {
    let options = MessageOptions {
        kind: Some(MessageKind::MembershipChange),
        ..Default::default()
    };
    let lines = person.group(group).messages(&options).expect("reads");
    let line = lines.last().expect("there is one");
    GroupUpdated::decode(&EncodedContent::decode(&line.content).expect("encoded")).expect("an update")
}

async fn asks_to_leave(person: &Person, group: GroupId) {
    person.group(group).request_removal().await.expect("asked");
}

fn is_pending(person: &Person, group: GroupId) -> bool {
    person.group(group).is_pending_removal().expect("reads")
}

fn waits(person: &Person, group: GroupId) -> bool {
    let view = person.group(group).view().expect("readable");
    view.row.has_pending_leave_request
}

#[test]
fn who_asks_to_leave_is_taken_out_by_the_next_sync_of_a_super_admin() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await.id();
        assert!(!is_pending(&bob, group));
        asks_to_leave(&bob, group).await;
        assert!(is_pending(&bob, group));
        assert!(bob.is_member_of(group), "until somebody has done it");
        let request = bob.messages(group).pop().expect("stored");
        assert_eq!(
            (
                request.authority_id.as_str(),
                request.type_id.as_str(),
                request.version_major
            ),
            ("xmtp.org", "leave_request", 1)
        );
        let content = EncodedContent::decode(&request.content).expect("encoded");
        assert!(content.content.is_empty() && content.fallback.is_none() && content.parameters.is_empty());
        // Asking again is the same wish.
        asks_to_leave(&bob, group).await;
        assert_eq!(bob.messages(group).len(), 1);

        carol.sync().await;
        assert_eq!(
            carol.members_of(group),
            inboxes(&[&alice, &bob, &carol]),
            "she may not"
        );
        alice.sync().await;
        for person in [&alice, &carol] {
            person.sync().await;
            assert_eq!(person.members_of(group), inboxes(&[&alice, &carol]));
            let line = newest_line(person, group);
            assert_eq!(line.initiated_by, alice.inbox_id().to_string());
            assert_eq!(line.left, [bob.inbox_id().to_string()]);
            assert!(line.removed.is_empty());
            assert!(!waits(person, group));
        }
        bob.sync().await;
        assert!(!bob.is_member_of(group));
        let late = bob.group(group).send_text("late", SendOptions::default()).await;
        assert!(matches!(late, Err(ClientError::Group(GroupError::Inactive))));
        let refused = bob.group(group).request_removal().await;
        assert_eq!(refused.expect_err("is out").code(), ErrorCode::GroupInactive);
    });
}

#[test]
fn who_must_stay_is_told_why() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let refused = async |person: &Person, group: GroupId| {
            let refused = person.group(group).request_removal().await.expect_err("refused");
            assert_eq!(refused.code(), ErrorCode::CannotLeave);
            match refused {
                ClientError::Group(GroupError::CannotLeave(reason)) => reason,
                other => panic!("{other:?}"),
            }
        };
        let group = alice.group_with(&[&bob]).await.id();
        assert_eq!(refused(&alice, group).await, LeaveRefusal::SuperAdmin);
        let alone = alice.group_with(&[]).await.id();
        assert_eq!(refused(&alice, alone).await, LeaveRefusal::Alone);
        let dm = alice
            .client
            .conversations()
            .find_or_create_dm(bob.inbox_id(), None)
            .await;
        let dm = dm.expect("a direct message").id();
        bob.sync().await;
        assert_eq!(refused(&bob, dm).await, LeaveRefusal::DirectMessage);
        for (person, group) in [(&alice, group), (&alice, alone), (&bob, dm)] {
            assert!(person.messages(group).is_empty(), "nothing was sent");
            assert!(!is_pending(person, group));
        }
    });
}

#[test]
fn a_super_admin_that_watches_takes_people_out_by_itself() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await.id();
        let mut watch = alice.watch().await;
        asks_to_leave(&bob, group).await;
        watch
            .until(|_| alice.members_of(group) == inboxes(&[&alice, &carol]))
            .await;
        assert_eq!(newest_line(&alice, group).left, [bob.inbox_id().to_string()]);
        assert!(watch.seen.contains(&Event::Group(group)));
        assert_eq!(alice.client.connection_state(), ConnectionState::Connected);
        bob.sync().await;
        assert!(!bob.is_member_of(group));
    });
}

#[test]
fn a_wish_survives_a_restart_and_a_node_that_is_away() {
    story(async {
        let world = World::new().await;
        let alice = world.person_with_file("alice.db").await;
        let (bob, carol) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await.id();
        asks_to_leave(&bob, group).await;
        // She reads the wish, and nothing of hers gets out.
        world
            .faults()
            .add(Rule::always("SendGroupMessages", Fault::DropRequest));
        assert!(alice.client.sync_all().await.is_err());
        assert!(waits(&alice, group));
        let alice = alice.reopened().await;
        for _ in 0..3 {
            assert!(
                alice.client.sync_all().await.is_err(),
                "what has failed is tried anew"
            );
        }
        assert_eq!(alice.members_of(group), inboxes(&[&alice, &bob, &carol]));
        world.faults().clear();
        alice.sync().await;
        assert_eq!(alice.members_of(group), inboxes(&[&alice, &carol]));
        assert!(!waits(&alice, group));
        let calls = world.faults().calls("SendGroupMessages");
        alice.sync().await;
        assert_eq!(
            world.faults().calls("SendGroupMessages"),
            calls,
            "it is done once"
        );
    });
}

#[test]
fn a_wish_that_did_not_get_out_goes_out_when_asked_again() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        world
            .faults()
            .add(Rule::always("SendGroupMessages", Fault::DropRequest));
        for _ in 0..4 {
            assert!(bob.group(group).request_removal().await.is_err());
            assert!(!is_pending(&bob, group));
        }
        world.faults().clear();
        asks_to_leave(&bob, group).await;
        assert!(is_pending(&bob, group));
        assert_eq!(
            bob.messages(group).len(),
            1,
            "one wish, however often it was said"
        );
        alice.sync().await;
        assert_eq!(alice.members_of(group), [alice.inbox_id()]);
    });
}

#[test]
fn who_becomes_or_ceases_to_be_a_super_admin_takes_the_duty_over_or_hands_it_on() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        let id = group.id();
        asks_to_leave(&bob, id).await;
        carol.sync().await;
        assert!(!waits(&carol, id));
        // Alice names another super admin before she gets to it; that one is faster.
        group
            .update_admins(AdminChange::AddSuperAdmin, carol.inbox_id())
            .await
            .expect("changed");
        assert!(waits(&alice, id));
        carol.sync().await;
        assert_eq!(carol.members_of(id), inboxes(&[&alice, &carol]));
        alice.sync().await;
        assert_eq!(newest_line(&alice, id).initiated_by, carol.inbox_id().to_string());
        assert!(!waits(&carol, id) && !waits(&alice, id));

        // A super admin that is to be one no more has nothing to do.
        let dave = world.person().await;
        group.add_members(&[dave.inbox_id()]).await.expect("added");
        group
            .update_admins(AdminChange::RemoveSuperAdmin, carol.inbox_id())
            .await
            .expect("changed");
        dave.sync().await;
        asks_to_leave(&dave, id).await;
        carol.sync().await;
        assert!(!waits(&carol, id));
        assert_eq!(carol.members_of(id), inboxes(&[&alice, &carol, &dave]));
        alice.sync().await;
        carol.sync().await;
        assert_eq!(carol.members_of(id), inboxes(&[&alice, &carol]));
    });
}

#[test]
fn a_super_admin_that_had_asked_before_takes_nobody_out_and_cannot_be_taken_out() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        let id = group.id();
        asks_to_leave(&bob, id).await;
        // Alice makes him a super admin before she gets to it.
        group
            .update_admins(AdminChange::AddSuperAdmin, bob.inbox_id())
            .await
            .expect("changed");
        asks_to_leave(&carol, id).await;
        bob.sync().await;
        assert_eq!(
            bob.members_of(id),
            inboxes(&[&alice, &bob, &carol]),
            "he is to go himself"
        );
        alice.sync().await;
        bob.sync().await;
        assert_eq!(alice.members_of(id), inboxes(&[&alice, &bob]));
        assert!(is_pending(&bob, id));
        assert!(!waits(&alice, id), "a super admin cannot be removed");
        assert!(!waits(&bob, id));
        group
            .update_admins(AdminChange::RemoveSuperAdmin, bob.inbox_id())
            .await
            .expect("changed");
        alice.sync().await;
        assert_eq!(alice.members_of(id), [alice.inbox_id()]);
    });
}

#[test]
fn several_super_admins_take_the_same_person_out_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        let id = group.id();
        group
            .update_admins(AdminChange::AddSuperAdmin, carol.inbox_id())
            .await
            .expect("changed");
        carol.sync().await;
        asks_to_leave(&bob, id).await;
        let (one, two) = futures::join!(alice.client.sync_all(), carol.client.sync_all());
        one.expect("syncs");
        two.expect("syncs");
        for person in [&alice, &carol] {
            person.sync().await;
            assert_eq!(person.members_of(id), inboxes(&[&alice, &carol]));
            assert!(!waits(person, id));
            let lines = person.group(id).messages(&MessageOptions {
                kind: Some(MessageKind::MembershipChange),
                ..Default::default()
            });
            let left = lines.expect("reads").into_iter().filter(|line| {
                let content = EncodedContent::decode(&line.content).expect("encoded");
                GroupUpdated::decode(&content).is_ok_and(|update| !update.left.is_empty())
            });
            assert_eq!(left.count(), 1);
        }
        assert_eq!(alice.epoch_of(id), carol.epoch_of(id));
    });
}

#[test]
fn who_left_and_is_added_again_decides_anew() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        let id = group.id();
        bob.group(id)
            .set_consent_state(ConsentState::Allowed)
            .expect("stored");
        asks_to_leave(&bob, id).await;
        alice.sync().await;
        bob.sync().await;
        assert!(!bob.is_member_of(id));
        world.later(Duration::from_secs(10));
        group.add_members(&[bob.inbox_id()]).await.expect("added");
        bob.sync().await;
        assert!(bob.is_member_of(id));
        assert!(!is_pending(&bob, id));
        assert_eq!(
            bob.group(id).consent_state().expect("reads"),
            ConsentState::Unknown
        );
        // The wish of before is fulfilled and not fulfilled again.
        for person in [&alice, &carol, &bob] {
            person.sync().await;
            assert_eq!(person.members_of(id), inboxes(&[&alice, &bob, &carol]));
        }
        asks_to_leave(&bob, id).await;
        assert!(is_pending(&bob, id));
        alice.sync().await;
        assert_eq!(alice.members_of(id), inboxes(&[&alice, &carol]));
    });
}

#[test]
fn other_installations_know_of_the_wish_and_go_too() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (alice, phone) = (world.person().await, world.device_of(&wallet).await);
        let laptop = world.device_of(&wallet).await;
        let group = alice.group_with(&[&phone]).await.id();
        laptop.sync().await;
        asks_to_leave(&phone, group).await;
        laptop.sync().await;
        assert!(is_pending(&laptop, group));
        asks_to_leave(&laptop, group).await;
        assert_eq!(laptop.messages(group).len(), 1, "it was said already");
        alice.sync().await;
        for device in [&phone, &laptop] {
            device.sync().await;
            assert!(!device.is_member_of(group));
        }
    });
}
