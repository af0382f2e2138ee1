//! Who is in a conversation, told by real clients against a node in this process.
use std::time::Duration;

use crate::support::{Person, World, inboxes, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, GroupHandle, ListOptions, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::groups::{GroupError, NewGroup, PolicySet, Preset, field};
use xmtp_web::ids::InboxId;
use xmtp_web::storage::{ConsentState, ConversationType};

/// Longer than the pause between two looks at members' installations.
const A_WHILE: Duration = Duration::from_secs(6);

fn conversations(person: &Person) -> Vec<GroupHandle> {
    let all = ListOptions {
        include_duplicate_dms: true,
        ..Default::default()
    };
    person
        .client
        .conversations()
        .list(&all)
        .expect("the database answers")
}

#[test]
fn a_group_is_made_with_inboxes_and_everybody_sees_the_same_members() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        let everybody = inboxes(&[&alice, &bob, &carol]);
        for person in [&alice, &bob, &carol] {
            assert_eq!(person.members_of(group.id()), everybody);
            let members = person.group(group.id()).members().expect("readable");
            for (member, owner) in members
                .iter()
                .flat_map(|member| [&alice, &bob, &carol].map(|owner| (member.clone(), owner)))
            {
                if member.inbox_id == owner.inbox_id() {
                    assert_eq!(member.identifiers, [owner.wallet.identifier()]);
                    assert_eq!(member.installations, [owner.client.installation_id()]);
                    assert_eq!(member.is_super_admin, owner.inbox_id() == alice.inbox_id());
                }
            }
        }
        let at_bob = bob.group(group.id());
        assert_eq!(at_bob.added_by_inbox_id(), alice.inbox_id());
        assert_eq!(at_bob.creator_inbox_id(), alice.inbox_id());
        assert_eq!(at_bob.consent_state().expect("reads"), ConsentState::Unknown);
        assert_eq!(group.consent_state().expect("reads"), ConsentState::Allowed);
    });
}

#[test]
fn a_group_is_made_with_addresses() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let addresses = [bob.wallet.address(), carol.wallet.address()];
        let group = alice
            .client
            .conversations()
            .create_group_with_addresses(&addresses, &NewGroup::default())
            .await
            .expect("a group");
        assert_eq!(alice.members_of(group.id()), inboxes(&[&alice, &bob, &carol]));
        assert_eq!(bob.client.conversations().sync().await.expect("syncs"), 1);
        assert!(bob.is_member_of(group.id()));
    });
}

#[test]
fn strangers_to_the_network_are_refused_and_nothing_is_left() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let nobody = world.wallet().address();
        let all = alice.client.conversations();
        let by_address = all
            .create_group_with_addresses(&[bob.wallet.address(), nobody.clone()], &NewGroup::default())
            .await;
        assert!(matches!(
            by_address.map(|_| ()),
            Err(ClientError::UnknownAddress { address }) if address == nobody
        ));
        let unknown = InboxId::new([7; 32]);
        let by_inbox = all
            .create_group(&[bob.inbox_id(), unknown], &NewGroup::default())
            .await;
        assert!(matches!(
            by_inbox.map(|_| ()),
            Err(ClientError::UnknownInbox { inbox_id }) if inbox_id == unknown
        ));
        let dm = all.find_or_create_dm(unknown, None).await;
        assert!(matches!(dm.map(|_| ()), Err(ClientError::UnknownInbox { .. })));
        assert!(conversations(&alice).is_empty());
        let group = alice.group_with(&[&bob]).await;
        let epoch = alice.epoch_of(group.id());
        let added = group.add_members(&[unknown]).await;
        assert!(matches!(added, Err(ClientError::UnknownInbox { .. })));
        let added = group.add_members_by_address(&[nobody]).await;
        assert!(matches!(added, Err(ClientError::UnknownAddress { .. })));
        alice.sync().await;
        assert_eq!(alice.epoch_of(group.id()), epoch);
    });
}

#[test]
fn somebody_without_a_usable_key_package_cannot_be_added_and_nothing_is_left() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        // In the log, but its key package has gone: an installation nobody can add.
        let bob = world.person().await;
        let group = alice.group_with(&[&bob]).await;
        let ghost = world.person().await;
        world.revoke(&ghost.wallet.clone(), &ghost).await;
        let made = alice.create_group(&[&ghost], &NewGroup::default()).await;
        // Without installations there is nothing to add, nor anybody to reach.
        assert!(made.is_err(), "{made:?}");
        assert_eq!(conversations(&alice).len(), 1);
        let added = group.add_members(&[ghost.inbox_id()]).await;
        assert!(added.is_err(), "{added:?}");
        assert_eq!(alice.members_of(group.id()), inboxes(&[&alice, &bob]));
    });
}

#[test]
fn members_are_added_and_removed() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "before carol").await;
        group.add_members(&[carol.inbox_id()]).await.expect("added");
        carol.sync().await;
        alice.say(group.id(), "all three").await;
        for person in [&bob, &carol] {
            person.sync().await;
            assert_eq!(person.members_of(group.id()), inboxes(&[&alice, &bob, &carol]));
        }
        assert_eq!(bob.texts(group.id()), ["before carol", "all three"]);
        assert_eq!(carol.texts(group.id()), ["all three"], "nothing from before");
        group
            .remove_members_by_address(&[bob.wallet.address()])
            .await
            .expect("removed");
        alice.say(group.id(), "without bob").await;
        for person in [&bob, &carol] {
            person.sync().await;
        }
        assert!(!bob.is_member_of(group.id()));
        assert_eq!(bob.texts(group.id()), ["before carol", "all three"]);
        assert_eq!(carol.texts(group.id()), ["all three", "without bob"]);
        assert_eq!(carol.members_of(group.id()), inboxes(&[&alice, &carol]));
        let at_bob = bob.group(group.id());
        assert!(matches!(
            at_bob.send_text("may I?", SendOptions::default()).await,
            Err(ClientError::Group(GroupError::Inactive))
        ));
        assert!(matches!(
            at_bob.update_field(field::NAME, "mine").await,
            Err(ClientError::Group(GroupError::Inactive))
        ));
        at_bob.sync().await.expect("nothing to fail about");
        bob.sync().await;
    });
}

#[test]
fn somebody_who_is_added_again_reads_only_what_is_new() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "one").await;
        bob.sync().await;
        group.remove_members(&[bob.inbox_id()]).await.expect("removed");
        alice.say(group.id(), "two").await;
        bob.sync().await;
        group.add_members(&[bob.inbox_id()]).await.expect("added");
        alice.say(group.id(), "three").await;
        bob.sync().await;
        assert!(bob.is_member_of(group.id()));
        assert_eq!(bob.texts(group.id()), ["one", "three"]);
        bob.say(group.id(), "four").await;
        alice.sync().await;
        assert_eq!(alice.texts(group.id()), ["one", "two", "three", "four"]);
        assert_eq!(alice.epoch_of(group.id()), bob.epoch_of(group.id()));
    });
}

#[test]
fn adding_a_member_twice_and_removing_a_stranger_change_nothing() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let epoch = alice.epoch_of(group.id());
        group.add_members(&[bob.inbox_id()]).await.expect("nothing to do");
        group
            .remove_members(&[InboxId::new([9; 32])])
            .await
            .expect("nothing to do");
        assert_eq!(alice.epoch_of(group.id()), epoch);
    });
}

#[test]
fn who_wants_to_remove_oneself_too_is_told_that_it_is_not_possible_and_nobody_goes() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        for whom in [&[&alice] as &[_], &[&alice, &bob]] {
            let removed = group.remove_members(&inboxes(whom)).await;
            assert_eq!(removed.expect_err("refused").code(), ErrorCode::NotPermitted);
        }
        alice.sync().await;
        assert_eq!(alice.members_of(group.id()), inboxes(&[&alice, &bob]));
        group.remove_members(&[bob.inbox_id()]).await.expect("removed");
    });
}

#[test]
fn a_members_new_installation_is_added_by_whoever_is_active_next() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&phone]).await;
        let laptop = world.device_of(&phone.wallet).await;
        laptop.sync().await;
        assert!(laptop.find(group.id()).is_none());
        world.later(A_WHILE);
        alice.say(group.id(), "hello, both of you").await;
        for device in [&phone, &laptop] {
            device.sync().await;
            assert_eq!(device.texts(group.id()), ["hello, both of you"]);
        }
        assert_eq!(alice.devices_in(group.id(), phone.inbox_id()), 2);
        laptop.say(group.id(), "from the laptop").await;
        for device in [&alice, &phone] {
            device.sync().await;
            assert_eq!(
                device.texts(group.id()),
                ["hello, both of you", "from the laptop"]
            );
        }
    });
}

#[test]
fn ones_own_new_installation_is_added_by_ones_old_one() {
    story(async {
        let world = World::new().await;
        let (phone, bob) = (world.person().await, world.person().await);
        let group = phone.group_with(&[&bob]).await;
        let laptop = world.device_of(&phone.wallet).await;
        world.later(A_WHILE);
        phone.say(group.id(), "hello").await;
        laptop.sync().await;
        assert_eq!(laptop.texts(group.id()), ["hello"]);
        let at_laptop = laptop.group(group.id());
        assert_eq!(at_laptop.consent_state().expect("reads"), ConsentState::Allowed);
        at_laptop
            .update_field(field::NAME, "ours")
            .await
            .expect("a super admin's installation");
        bob.sync().await;
        assert_eq!(bob.name_of(group.id()), "ours");
    });
}

#[test]
fn a_plain_member_brings_in_new_installations_although_only_admins_add_members() {
    story(async {
        let world = World::new().await;
        let (alice, bob, phone) = (world.person().await, world.person().await, world.person().await);
        let new = NewGroup {
            permissions: PolicySet::preset(Preset::AdminOnly),
            ..Default::default()
        };
        let members = [bob.inbox_id(), phone.inbox_id()];
        let group = alice.client.conversations().create_group(&members, &new).await;
        let group = group.expect("a group");
        bob.sync().await;
        let laptop = world.device_of(&phone.wallet).await;
        world.later(A_WHILE);
        bob.say(group.id(), "welcome").await;
        laptop.sync().await;
        assert_eq!(laptop.texts(group.id()), ["welcome"]);
        let carol = world.person().await;
        let refused = bob.group(group.id()).add_members(&[carol.inbox_id()]).await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
    });
}

#[test]
fn a_revoked_installation_is_removed_and_reads_nothing_more() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let lost = world.device_of(&phone.wallet).await;
        let group = alice.group_with(&[&phone, &lost]).await;
        alice.say(group.id(), "both read this").await;
        lost.sync().await;
        world.revoke(&phone.wallet, &lost).await;
        world.later(A_WHILE);
        alice.say(group.id(), "only the phone reads this").await;
        phone.sync().await;
        let told = lost.client.sync_all().await.expect_err("it is told why");
        assert_eq!(told.code(), ErrorCode::InstallationRevoked);
        assert_eq!(
            phone.texts(group.id()),
            ["both read this", "only the phone reads this"]
        );
        assert_eq!(lost.texts(group.id()), ["both read this"]);
        assert_eq!(alice.devices_in(group.id(), phone.inbox_id()), 1);
    });
}

#[test]
fn names_are_changed_by_those_who_may() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let open = alice.group_with(&[&bob]).await;
        bob.group(open.id())
            .update_field(field::NAME, "Bob's name")
            .await
            .expect("everybody may");
        alice.sync().await;
        assert_eq!(alice.name_of(open.id()), "Bob's name");

        let strict = NewGroup {
            permissions: PolicySet::preset(Preset::AdminOnly),
            name: "Alice's name".into(),
            ..Default::default()
        };
        let strict = alice.create_group(&[&bob], &strict).await;
        let strict = strict.expect("a group");
        bob.sync().await;
        let at_bob = bob.group(strict.id());
        at_bob.sync().await.expect("syncs");
        let (epoch, sent) = (
            bob.epoch_of(strict.id()),
            world.faults().calls("SendGroupMessages"),
        );
        let refused = at_bob.update_field(field::NAME, "Bob's name").await;
        assert!(matches!(
            refused,
            Err(ClientError::Group(GroupError::NotPermitted(_)))
        ));
        assert_eq!(
            world.faults().calls("SendGroupMessages"),
            sent,
            "nothing is published"
        );
        bob.sync().await;
        assert_eq!(
            (bob.name_of(strict.id()), bob.epoch_of(strict.id())),
            ("Alice's name".into(), epoch)
        );
        bob.say(strict.id(), "I may still talk").await;
        let long = strict.update_field(field::NAME, &"x".repeat(101)).await;
        assert!(matches!(
            long,
            Err(ClientError::Group(GroupError::TooLong { .. }))
        ));
    });
}

#[test]
fn admins_are_made_and_unmade() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let strict = NewGroup {
            permissions: PolicySet::preset(Preset::AdminOnly),
            ..Default::default()
        };
        let group = alice.create_group(&[&bob], &strict).await;
        let group = group.expect("a group");
        bob.sync().await;
        let at_bob = bob.group(group.id());
        let refused = at_bob.update_admins(AdminChange::AddAdmin, bob.inbox_id()).await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
        group
            .update_admins(AdminChange::AddAdmin, bob.inbox_id())
            .await
            .expect("changed");
        at_bob
            .update_field(field::NAME, "an admin's")
            .await
            .expect("admins may");
        alice.sync().await;
        assert_eq!(alice.name_of(group.id()), "an admin's");
        let bob_at_alice = alice.group(group.id()).members().expect("readable");
        let is_admin =
            |member: &xmtp_web::groups::MemberView| member.inbox_id == bob.inbox_id() && member.is_admin;
        assert!(bob_at_alice.iter().any(is_admin));
        group
            .update_admins(AdminChange::RemoveAdmin, bob.inbox_id())
            .await
            .expect("changed");
        let refused = at_bob.update_field(field::NAME, "nobody's").await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
        group
            .update_admins(AdminChange::AddSuperAdmin, bob.inbox_id())
            .await
            .expect("changed");
        at_bob
            .update_admins(AdminChange::RemoveSuperAdmin, alice.inbox_id())
            .await
            .expect("changed");
        alice.sync().await;
        let refused = group.update_admins(AdminChange::AddAdmin, alice.inbox_id()).await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
    });
}

#[test]
fn a_direct_message_is_found_or_made_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let all = alice.client.conversations();
        let (one, two) = futures::join!(
            all.find_or_create_dm(bob.inbox_id(), None),
            all.find_or_create_dm(bob.inbox_id(), None)
        );
        let dm = one.expect("a direct message");
        assert_eq!(dm.id(), two.expect("the same").id());
        assert_eq!(dm.conversation_type(), ConversationType::Dm);
        bob.sync().await;
        let at_bob = bob
            .client
            .conversations()
            .find_or_create_dm(alice.inbox_id(), None)
            .await;
        assert_eq!(at_bob.expect("found").id(), dm.id());
        assert!(matches!(
            dm.update_field(field::NAME, "ours").await,
            Err(ClientError::Group(GroupError::NotInDm(_)))
        ));
        assert!(matches!(
            all.find_or_create_dm(alice.inbox_id(), None).await.map(|_| ()),
            Err(ClientError::Group(GroupError::NotInDm(_)))
        ));
        assert_eq!(conversations(&alice).len(), 1);
    });
}

#[test]
fn direct_messages_made_on_both_sides_at_once_are_one_conversation() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (at_alice, at_bob) = (alice.client.conversations(), bob.client.conversations());
        let (one, two) = futures::join!(
            at_alice.find_or_create_dm(bob.inbox_id(), None),
            at_bob.find_or_create_dm(alice.inbox_id(), None)
        );
        let (one, two) = (one.expect("a direct message"), two.expect("a direct message"));
        assert_ne!(one.id(), two.id());
        one.send_text("from alice", SendOptions::default())
            .await
            .expect("sent");
        two.send_text("from bob", SendOptions::default())
            .await
            .expect("sent");
        for person in [&alice, &bob] {
            person.sync().await;
            person.sync().await;
            let shown = person.client.conversations().list(&ListOptions::default());
            assert_eq!(shown.expect("lists").len(), 1);
            assert_eq!(conversations(person).len(), 2);
            assert_eq!(person.texts(one.id()), ["from alice", "from bob"]);
            assert_eq!(person.texts(two.id()), ["from alice", "from bob"]);
        }
        let ids = |person: &Person, other: &Person| {
            let found = person
                .client
                .conversations()
                .dm_with(other.inbox_id())
                .expect("reads");
            found.expect("there is one").id()
        };
        assert_eq!(ids(&alice, &bob), ids(&bob, &alice), "both go on in the same one");
    });
}

#[test]
fn a_group_whose_welcome_failed_is_finished_by_the_next_sync() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world
            .faults()
            .add(Rule::always("SendWelcomeMessages", Fault::DropRequest));
        let made = alice.create_group(&[&bob], &NewGroup::default()).await;
        assert!(matches!(made.map(|_| ()), Err(ClientError::Transport(_))));
        world.faults().clear();
        alice.sync().await;
        bob.sync().await;
        let group = conversations(&bob).pop().expect("bob was welcomed");
        assert_eq!(bob.members_of(group.id()), inboxes(&[&alice, &bob]));
        assert_eq!(conversations(&alice).len(), 1);
    });
}

#[test]
fn a_group_whose_commit_could_not_be_sent_is_finished_by_the_next_sync() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world
            .faults()
            .add(Rule::times("SendGroupMessages", Fault::DropRequest, 6));
        world
            .faults()
            .add(Rule::times("QueryGroupMessages", Fault::DropRequest, 6));
        let made = alice.create_group(&[&bob], &NewGroup::default()).await;
        assert!(matches!(made.map(|_| ()), Err(ClientError::Transport(_))));
        world.faults().clear();
        alice.sync().await;
        bob.sync().await;
        assert_eq!(conversations(&bob).len(), 1);
    });
}

#[test]
fn a_group_whose_commit_could_never_be_sent_leaves_nothing() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world
            .faults()
            .add(Rule::always("SendGroupMessages", Fault::DropRequest));
        let all = alice.client.conversations();
        let made = all.create_group(&[bob.inbox_id()], &NewGroup::default()).await;
        assert!(matches!(made.map(|_| ()), Err(ClientError::Transport(_))));
        assert!(conversations(&alice).is_empty());
        world.faults().clear();
        alice.sync().await;
        let group = alice.group_with(&[&bob]).await;
        assert_eq!(conversations(&bob).len(), 1);
        assert_eq!(bob.members_of(group.id()), inboxes(&[&alice, &bob]));
    });
}

#[test]
fn fifty_people_talk_in_one_group() {
    story(async {
        let world = World::new().await;
        let mut people = Vec::new();
        for _ in 0..50 {
            people.push(world.person().await);
        }
        let everybody: Vec<_> = people.iter().collect();
        let (alice, others) = everybody.split_first().expect("there are fifty");
        let group = alice.group_with(others).await;
        alice.say(group.id(), "hello, all of you").await;
        for person in others {
            person.sync().await;
            assert_eq!(person.texts(group.id()), ["hello, all of you"]);
            assert_eq!(person.members_of(group.id()).len(), 50);
        }
    });
}
