//! XIP-45, remove message, told by real clients: its two test cases, who may, and what everybody sees then.
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, Event, GroupHandle, MessageOptions, RemoveOptions, TypedSendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::groups::{MessageView, RemovedBy};
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::messages::content::reaction::{Reaction, ReactionAction, ReactionSchema};
use xmtp_web::messages::content::removal::{Removal, RemovalForm};
use xmtp_web::messages::content::reply::Reply;
use xmtp_web::messages::content::{Content, text};

/// What a person sees, oldest first.
fn views(person: &Person, group: GroupId) -> Vec<MessageView> {
    let options = MessageOptions {
        listed_only: true,
        kind: Some(xmtp_web::storage::MessageKind::Application),
        ..Default::default()
    };
    person.group(group).message_views(&options).expect("reads")
}

fn removed(person: &Person, group: GroupId) -> Vec<Option<RemovedBy>> {
    views(person, group).iter().map(|view| view.removed).collect()
}

async fn remove(group: &GroupHandle, id: MessageId) -> Result<(), ClientError> {
    group.remove_message(id, RemoveOptions::default()).await
}

fn form(form: RemovalForm) -> RemoveOptions {
    RemoveOptions {
        form: Some(form),
        ..Default::default()
    }
}

/// Sends a removal that one's own client would refuse to.
async fn force(group: &GroupHandle, form: RemovalForm, target: MessageId) {
    let content = Content::Removal(Removal { form, target });
    group
        .send_content(&content, TypedSendOptions::default())
        .await
        .expect("is sent");
}

fn refused(outcome: Result<(), ClientError>) -> ErrorCode {
    outcome.expect_err("it must fail").code()
}

#[test]
fn xip_45_as_a_user_i_remove_my_own_message() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        bob.say(group, "keep").await;
        let id = bob.say(group, "oops").await;
        alice.sync().await;
        let mut watch = alice.watch().await;
        remove(&bob.group(group), id).await.expect("allowed");
        let event = watch
            .until(|event| matches!(event, Event::MessageRemoved { .. }))
            .await;
        assert_eq!(event, Event::MessageRemoved { group_id: group, id });
        for person in [&alice, &bob] {
            person.sync().await;
            assert_eq!(removed(person, group), [None, Some(RemovedBy::Sender)]);
            let last = person.group(group).last_message().expect("reads").expect("one");
            assert_eq!(last.id, id, "the removal itself is no line");
        }
        // both forms went out, which are one removal; nothing is told twice
        let told = watch
            .seen
            .iter()
            .filter(|event| matches!(event, Event::MessageRemoved { .. }));
        assert_eq!(told.count(), 1);
        let everything = alice
            .group(group)
            .messages(&MessageOptions::default())
            .expect("reads");
        let types: Vec<_> = everything.iter().map(|row| row.type_id.as_str()).collect();
        assert!(
            types.contains(&"delete") && types.contains(&"deleteMessage"),
            "{types:?}"
        );
        let code = refused(remove(&bob.group(group), id).await);
        assert_eq!(code, ErrorCode::MessageAlreadyRemoved);
    });
}

#[test]
fn xip_45_as_a_maintainer_i_remove_someone_elses_message() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await.id();
        let id = carol.say(group, "spam").await;
        let admin = AdminChange::AddAdmin;
        let made = alice.group(group).update_admins(admin, bob.inbox_id()).await;
        made.expect("allowed");
        bob.sync().await;
        // a plain admin by XIP-45; libxmtp's form is for super admins
        let code = refused(
            bob.group(group)
                .remove_message(id, form(RemovalForm::DeleteMessage))
                .await,
        );
        assert_eq!(code, ErrorCode::NotPermitted);
        world.later(Duration::from_secs(48 * 60 * 60));
        remove(&bob.group(group), id)
            .await
            .expect("an admin has no time limit");
        let taken = alice
            .group(group)
            .update_admins(AdminChange::RemoveAdmin, bob.inbox_id())
            .await;
        taken.expect("allowed");
        for person in [&alice, &bob, &carol] {
            person.sync().await;
            let by = RemovedBy::Admin(bob.inbox_id());
            assert_eq!(
                removed(person, group),
                [Some(by)],
                "also after the admin was demoted"
            );
        }
        let other = carol.say(group, "more").await;
        bob.sync().await;
        assert_eq!(
            refused(remove(&bob.group(group), other).await),
            ErrorCode::NotPermitted
        );
        force(&bob.group(group), RemovalForm::Delete, other).await;
        for person in [&alice, &bob, &carol] {
            person.sync().await;
            assert_eq!(
                removed(person, group).last(),
                Some(&None),
                "demoted before sending"
            );
        }
    });
}

#[test]
fn xip_45_a_member_cannot_remove_what_others_said_and_does_not_shadow_who_can() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let id = alice.say(group, "mine").await;
        bob.sync().await;
        assert_eq!(
            refused(remove(&bob.group(group), id).await),
            ErrorCode::NotPermitted
        );
        for form in RemovalForm::ALL {
            force(&bob.group(group), form, id).await;
        }
        for person in [&alice, &bob] {
            person.sync().await;
            assert_eq!(removed(person, group), [None]);
        }
        remove(&alice.group(group), id).await.expect("allowed");
        bob.sync().await;
        assert_eq!(removed(&bob, group), [Some(RemovedBy::Sender)]);
    });
}

#[test]
fn xip_45_after_24_hours_a_user_is_told_that_it_is_too_late() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let id = bob.say(group, "yesterday").await;
        world.later(Duration::from_secs(24 * 60 * 60 + 60));
        assert_eq!(
            refused(remove(&bob.group(group), id).await),
            ErrorCode::RemovalTooLate
        );
        let libxmtp = bob
            .group(group)
            .remove_message(id, form(RemovalForm::DeleteMessage))
            .await;
        libxmtp.expect("its rules have no limit");
        alice.sync().await;
        assert_eq!(removed(&alice, group), [Some(RemovedBy::Sender)]);
    });
}

#[test]
fn xip_45_what_cannot_be_removed_is_told_before_anything_is_sent() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (one, two) = (alice.group_with(&[&bob]).await, alice.group_with(&[&bob]).await);
        let id = alice.say(one.id(), "here").await;
        let calls = world.faults().calls("SendGroupMessages");
        assert_eq!(
            refused(remove(&two, id).await),
            ErrorCode::MessageOfOtherConversation
        );
        let unknown = MessageId::new([9; 32]);
        assert_eq!(refused(remove(&one, unknown).await), ErrorCode::MessageNotFound);
        let transcript = one.messages(&MessageOptions::default()).expect("reads");
        let line = transcript.first().expect("a line").id;
        assert_eq!(refused(remove(&one, line).await), ErrorCode::MessageNotRemovable);
        assert_eq!(world.faults().calls("SendGroupMessages"), calls);
    });
}

#[test]
fn xip_45_in_a_direct_message_only_ones_own_can_be_removed() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let dm = alice
            .client
            .conversations()
            .find_or_create_dm(bob.inbox_id(), None)
            .await;
        let dm = dm.expect("made").id();
        bob.sync().await;
        let id = bob.say(dm, "hi").await;
        alice.sync().await;
        assert_eq!(
            refused(remove(&alice.group(dm), id).await),
            ErrorCode::NotPermitted
        );
        force(&alice.group(dm), RemovalForm::Delete, id).await;
        force(&alice.group(dm), RemovalForm::DeleteMessage, id).await;
        bob.sync().await;
        assert_eq!(removed(&bob, dm), [None]);
        remove(&bob.group(dm), id).await.expect("allowed");
        alice.sync().await;
        assert_eq!(removed(&alice, dm), [Some(RemovedBy::Sender)]);
    });
}

#[test]
fn xip_45_replies_stay_and_show_a_placeholder_reactions_go() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let id = alice.say(group, "wrong").await;
        bob.sync().await;
        let reply = Content::Reply(Reply {
            reference: id.to_string(),
            reference_inbox_id: Some(alice.inbox_id().to_string()),
            content: text::encode("are you sure?"),
        });
        let reaction = Content::Reaction(Reaction {
            reference: id.to_string(),
            reference_inbox_id: alice.inbox_id().to_string(),
            action: ReactionAction::Added,
            content: "👀".into(),
            schema: ReactionSchema::Unicode,
        });
        for content in [reply, reaction] {
            let sent = bob
                .group(group)
                .send_content(&content, TypedSendOptions::default())
                .await;
            sent.expect("is sent");
        }
        alice.sync().await;
        let before = views(&alice, group);
        assert_eq!((before[0].num_replies, before[0].reactions.len()), (1, 1));
        remove(&alice.group(group), id).await.expect("allowed");
        bob.sync().await;
        for person in [&alice, &bob] {
            let seen = views(person, group);
            assert_eq!(seen.len(), 2);
            assert_eq!((seen[0].num_replies, seen[0].reactions.len()), (0, 0));
            let quoted = seen[1].in_reply_to.as_ref().expect("the reply stays");
            assert_eq!(quoted.removed, Some(RemovedBy::Sender));
        }
    });
}

#[test]
fn xip_45_a_removal_that_cannot_be_sent_gives_the_message_back() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let id = alice.say(group, "stays").await;
        world
            .faults()
            .add(Rule::always("SendGroupMessages", Fault::DropRequest));
        let options = RemoveOptions {
            optimistic: true,
            form: Some(RemovalForm::Delete),
        };
        alice
            .group(group)
            .remove_message(id, options)
            .await
            .expect("is stored");
        assert_eq!(removed(&alice, group), [Some(RemovedBy::Sender)], "at once");
        for _ in 0..3 {
            assert!(alice.group(group).publish_messages().await.is_err());
        }
        assert_eq!(removed(&alice, group), [None], "nobody else knows of it");
    });
}

#[test]
fn xip_45_a_message_that_was_removed_before_it_was_read_is_never_told() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (alice, bob) = (world.person().await, world.device_of(&wallet).await);
        let group = alice.group_with(&[&bob]).await.id();
        // bob reads message and removal in one go: the placeholder is all there ever was
        let id = alice.say(group, "gone").await;
        remove(&alice.group(group), id).await.expect("allowed");
        bob.sync().await;
        assert_eq!(removed(&bob, group), [Some(RemovedBy::Sender)]);
        let without = MessageOptions {
            listed_only: true,
            removed: Some(false),
            kind: Some(xmtp_web::storage::MessageKind::Application),
            ..Default::default()
        };
        assert_eq!(bob.group(group).count_messages(&without).expect("counts"), 0);
        assert!(
            bob.group(group)
                .message_views(&without)
                .expect("reads")
                .is_empty()
        );
    });
}
