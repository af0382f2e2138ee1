//! Conversations of two, told by real clients against a node in this process.
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_web::client::{ClientError, GroupHandle, ListOptions, MessageOptions, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::groups::{GroupError, NewGroup, field};
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::messages::EncodedContent;
use xmtp_web::messages::content::group_updated::GroupUpdated;
use xmtp_web::storage::{ConsentState, ConversationType, MessageKind};

/// The direct message of somebody with an inbox, found or made.
async fn dm(person: &Person, with: InboxId) -> GroupHandle {
    let all = person.client.conversations();
    all.find_or_create_dm(with, None).await.expect("a direct message")
}

fn listed(person: &Person, options: &ListOptions) -> Vec<GroupId> {
    let found = person.client.conversations().list(options).expect("lists");
    found.iter().map(GroupHandle::id).collect()
}

/// Alice and Bob, who both made the group of their direct message before they heard of the other's. Returns both.
async fn made_twice(alice: &Person, bob: &Person) -> (GroupHandle, GroupHandle) {
    let (at_alice, at_bob) = futures::join!(dm(alice, bob.inbox_id()), dm(bob, alice.inbox_id()));
    assert_ne!(at_alice.id(), at_bob.id());
    for person in [alice, bob] {
        person.sync().await;
    }
    (at_alice, at_bob)
}

#[test]
fn a_direct_message_knows_the_other_person_and_a_group_has_none() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let all = alice.client.conversations();
        let made = all
            .find_or_create_dm_with_address(&bob.wallet.address(), None)
            .await
            .expect("made");
        bob.sync().await;
        assert_eq!(made.peer_inbox_id().expect("a peer"), bob.inbox_id());
        let at_bob = bob.group(made.id());
        assert_eq!(at_bob.peer_inbox_id().expect("a peer"), alice.inbox_id());
        assert!(made.duplicate_dms().expect("reads").is_empty());
        let found = all.dm_with_address(&bob.wallet.address()).await.expect("asked");
        assert_eq!(found.expect("there is one").id(), made.id());
        let again = dm(&alice, bob.inbox_id()).await;
        assert_eq!(again.id(), made.id());

        let stranger = world.wallet().address();
        assert!(matches!(
            all.dm_with_address(&stranger).await,
            Err(ClientError::UnknownAddress { .. })
        ));
        let group = alice.group_with(&[&bob]).await;
        assert_eq!(
            group.peer_inbox_id().expect_err("a group").code(),
            ErrorCode::InvalidArgument
        );
        assert!(group.duplicate_dms().expect("reads").is_empty());
        assert!(
            all.dm_with(world.person().await.inbox_id())
                .expect("reads")
                .is_none()
        );
    });
}

#[test]
fn what_both_sides_made_at_once_is_read_written_and_decided_about_as_one() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (one, two) = made_twice(&alice, &bob).await;
        // Whoever holds the older group speaks in the one that both show.
        one.send_text("from alice", SendOptions::default())
            .await
            .expect("sent");
        two.sync().await.expect("syncs");
        two.send_text("from bob", SendOptions::default())
            .await
            .expect("sent");
        one.sync().await.expect("syncs");
        one.send_text("again from alice", SendOptions::default())
            .await
            .expect("sent");
        two.sync()
            .await
            .expect("one sync reads all groups of the conversation");
        for person in [&alice, &bob] {
            assert_eq!(listed(person, &ListOptions::default()).len(), 1);
            let each = ListOptions {
                include_duplicate_dms: true,
                ..Default::default()
            };
            assert_eq!(listed(person, &each).len(), 2);
            for id in [one.id(), two.id()] {
                assert_eq!(person.texts(id), ["from alice", "from bob", "again from alice"]);
                let other = person.group(id).duplicate_dms().expect("reads");
                assert_eq!(other.len(), 1);
                assert_ne!(other[0].id(), id);
            }
        }
        let group_of = |person: &Person, text: &str| {
            let messages = person.messages(one.id());
            let message = messages
                .iter()
                .find(|message| crate::support::text_of(message) == text);
            message.expect("it is there").group_id
        };
        assert_eq!(
            group_of(&alice, "from bob"),
            group_of(&alice, "again from alice"),
            "both go on in the same group"
        );

        one.set_consent_state(ConsentState::Denied).expect("stored");
        assert_eq!(
            alice.group(two.id()).consent_state().expect("reads"),
            ConsentState::Denied
        );
        assert!(
            listed(&alice, &ListOptions::default()).is_empty(),
            "denied ones are asked for"
        );
        let denied = ListOptions {
            consent_states: vec![ConsentState::Denied],
            ..Default::default()
        };
        assert_eq!(listed(&alice, &denied).len(), 1);
        // Who writes wants the conversation: all of it.
        alice.say(two.id(), "hello again").await;
        for id in [one.id(), two.id()] {
            assert_eq!(
                alice.group(id).consent_state().expect("reads"),
                ConsentState::Allowed
            );
        }
    });
}

#[test]
fn the_same_key_stays_the_same_message_when_the_conversation_has_moved() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (one, two) = futures::join!(dm(&alice, bob.inbox_id()), dm(&bob, alice.inbox_id()));
        let options = SendOptions {
            idempotency_key: Some("order 7".into()),
            ..Default::default()
        };
        let first = one.send_text("order 7", options.clone()).await.expect("sent");
        assert_eq!(alice.message(first).expect("stored").group_id, one.id());
        bob.say(two.id(), "hi").await;
        alice.sync().await;
        let next = alice.message(alice.say(one.id(), "yes?").await).expect("stored");
        assert_eq!(next.group_id, two.id(), "the conversation has moved");
        let again = one.send_text("order 7", options).await.expect("sent");
        assert_eq!(first, again);
        bob.sync().await;
        assert_eq!(bob.texts(two.id()), ["order 7", "hi", "yes?"]);
    });
}

#[test]
fn both_are_shown_as_added_once_however_many_groups_there_are() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (phone, bob) = (world.device_of(&wallet).await, world.person().await);
        let laptop = world.device_of(&wallet).await;
        // Two installations of Alice, which do not know of each other's.
        let (one, two) = futures::join!(dm(&phone, bob.inbox_id()), dm(&laptop, bob.inbox_id()));
        assert_ne!(one.id(), two.id());
        bob.sync().await;
        let options = MessageOptions {
            kind: Some(MessageKind::MembershipChange),
            ..Default::default()
        };
        let lines = bob.group(one.id()).messages(&options).expect("reads");
        let adds: Vec<_> = lines
            .iter()
            .map(|line| GroupUpdated::decode(&EncodedContent::decode(&line.content).expect("encoded")))
            .collect();
        let [Ok(only)] = adds.as_slice() else {
            panic!("one line, not {adds:?}");
        };
        assert_eq!(only.added, [bob.inbox_id().to_string()]);
        assert_eq!(listed(&bob, &ListOptions::default()).len(), 1);
    });
}

#[test]
fn a_direct_message_has_no_name_no_admins_and_no_third_person() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let dm = dm(&alice, bob.inbox_id()).await;
        let epoch = alice.epoch_of(dm.id());
        for name in [field::NAME, field::DESCRIPTION, field::IMAGE_URL, field::APP_DATA] {
            let refused = dm.update_field(name, "x").await.expect_err("refused");
            assert!(
                matches!(refused, ClientError::Group(GroupError::NotInDm(_))),
                "{name}"
            );
            assert_eq!(refused.code(), ErrorCode::NotPermitted);
        }
        let refused = dm.update_admins(AdminChange::AddAdmin, bob.inbox_id()).await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
        let refused = dm.add_members(&[carol.inbox_id()]).await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
        let refused = dm.remove_members(&[bob.inbox_id()]).await;
        assert_eq!(refused.expect_err("refused").code(), ErrorCode::NotPermitted);
        assert_eq!(alice.epoch_of(dm.id()), epoch, "nothing was sent");
        bob.sync().await;
        assert_eq!(bob.members_of(dm.id()), crate::support::inboxes(&[&alice, &bob]));
    });
}

#[test]
fn lists_take_each_filter_and_both_orders() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let all = alice.client.conversations();
        let first = all
            .create_group(&[bob.inbox_id()], &NewGroup::default())
            .await
            .expect("a group");
        let second = dm(&alice, bob.inbox_id()).await;
        let third = dm(&alice, carol.inbox_id()).await;
        let (first, second, third) = (first.id(), second.id(), third.id());
        let with = |change: &dyn Fn(&mut ListOptions)| {
            let mut options = ListOptions::default();
            change(&mut options);
            listed(&alice, &options)
        };
        assert_eq!(with(&|_| {}), [third, second, first], "newest first");
        world.later(Duration::from_secs(1));
        alice.say(first, "news").await;
        assert_eq!(with(&|o| o.by_activity = true)[0], first);
        assert_eq!(with(&|o| o.limit = Some(2)), [third, second]);
        assert_eq!(
            with(&|o| o.conversation_type = Some(ConversationType::Group)),
            [first]
        );
        assert_eq!(
            with(&|o| o.conversation_type = Some(ConversationType::Dm)),
            [third, second]
        );
        let created = alice.group(second).created_at_ns();
        assert_eq!(with(&|o| o.created_after_ns = Some(created)), [third]);
        assert_eq!(with(&|o| o.created_before_ns = Some(created)), [first]);
        alice
            .group(third)
            .set_consent_state(ConsentState::Denied)
            .expect("stored");
        alice
            .group(second)
            .set_consent_state(ConsentState::Unknown)
            .expect("stored");
        assert_eq!(with(&|_| {}), [second, first]);
        assert_eq!(
            with(&|o| o.consent_states = vec![ConsentState::Unknown]),
            [second]
        );
        let every = vec![ConsentState::Unknown, ConsentState::Allowed, ConsentState::Denied];
        assert_eq!(
            with(&|o| o.consent_states.clone_from(&every)),
            [third, second, first]
        );
    });
}
