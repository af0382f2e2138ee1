//! What an app asks of its conversations, told by real clients against a node in this process.
use crate::support::{Person, World, inboxes, story};
use prost::Message as _;
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, Event, GroupHandle, MessageOptions, SendOptions, StreamFilter};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::{NewGroup, push};
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::messages::{ContentType, EncodedContent};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;
use xmtp_web::storage::{
    ConsentState, ContentTypeKey, ConversationType, DeliveryStatus, MessageKind, MessageOrder,
};
use xmtp_web::transport::calls::GroupEnvelope;

async fn dm(person: &Person, with: &Person) -> GroupHandle {
    let all = person.client.conversations();
    all.find_or_create_dm(with.inbox_id(), None)
        .await
        .expect("a direct message")
}

fn only(conversation_type: ConversationType) -> StreamFilter {
    StreamFilter {
        conversation_type: Some(conversation_type),
        ..Default::default()
    }
}

/// Content of some type of `xmtp.org`.
fn of_type(type_id: &str) -> Vec<u8> {
    let content = EncodedContent {
        content_type: Some(ContentType::xmtp(type_id, 1)),
        ..Default::default()
    };
    content.encode()
}

/// The envelopes a node has of a group.
async fn envelopes(world: &World, group: GroupId) -> Vec<GroupEnvelope> {
    let page = world.api().query_group_messages(group, 0).await.expect("answers");
    assert!(page.next.is_none());
    page.items
}

/// An envelope as push servers hand it out.
fn pushed(envelope: &GroupEnvelope) -> Vec<u8> {
    let v1 = wire::group_message::V1 {
        id: envelope.id,
        created_ns: envelope.created_ns,
        group_id: envelope.group_id.to_vec(),
        data: envelope.data.clone(),
        sender_hmac: envelope.sender_hmac.clone(),
        should_push: envelope.should_push,
        is_commit: envelope.is_commit,
    };
    let version = Some(wire::group_message::Version::V1(v1));
    wire::GroupMessage { version }.encode_to_vec()
}

#[test]
fn a_direct_message_that_both_sides_made_appears_once() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let mut watch = bob.watch().await;
        let (one, two) = futures::join!(dm(&alice, &bob), dm(&bob, &alice));
        assert_ne!(one.id(), two.id());
        let last = alice.group_with(&[&bob]).await.id();
        watch.until(|event| *event == Event::Conversation(last)).await;
        let told: Vec<GroupId> = watch
            .seen
            .iter()
            .filter_map(|event| match event {
                Event::Conversation(id) => Some(*id),
                _ => None,
            })
            .collect();
        assert!(told.contains(&one.id()) && told.contains(&two.id()));
        let shown = |filter: &StreamFilter| -> Vec<GroupId> {
            let ask = |id: &GroupId| filter.conversation(&bob.client, *id).expect("reads");
            let mut shown: Vec<_> = told.iter().filter_map(ask).map(|handle| handle.id()).collect();
            shown.dedup();
            shown
        };
        let all = shown(&StreamFilter::default());
        assert_eq!(all.len(), 2, "the direct message once, and the group");
        assert!(all.contains(&last));
        assert_eq!(shown(&only(ConversationType::Group)), [last]);
        let direct = shown(&only(ConversationType::Dm));
        assert_eq!(direct.len(), 1);
        assert!(direct[0] == one.id() || direct[0] == two.id());
    });
}

#[test]
fn streams_of_messages_are_of_the_kind_and_consent_that_is_asked_for() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let talk = dm(&alice, &bob).await.id();
        bob.sync().await;
        let (in_group, in_dm) = (alice.say(group, "all").await, alice.say(talk, "psst").await);
        bob.sync().await;
        let passes = |filter: &StreamFilter, group_id: GroupId, id: MessageId| {
            let found = filter.message(&bob.client, group_id, id).expect("reads");
            found.map(|row| row.id) == Some(id)
        };
        let with = |consent_states: &[ConsentState]| StreamFilter {
            consent_states: consent_states.to_vec(),
            ..Default::default()
        };
        let all = StreamFilter::default();
        assert!(passes(&all, group, in_group) && passes(&all, talk, in_dm));
        let groups = only(ConversationType::Group);
        assert!(passes(&groups, group, in_group) && !passes(&groups, talk, in_dm));
        let direct = only(ConversationType::Dm);
        assert!(!passes(&direct, group, in_group) && passes(&direct, talk, in_dm));
        assert!(
            !passes(&with(&[ConsentState::Allowed]), talk, in_dm),
            "nothing was decided"
        );
        bob.group(talk)
            .set_consent_state(ConsentState::Allowed)
            .expect("stored");
        assert!(passes(&with(&[ConsentState::Allowed]), talk, in_dm));
        bob.group(group)
            .set_consent_state(ConsentState::Denied)
            .expect("stored");
        assert!(!passes(&all, group, in_group), "denied ones are asked for");
        assert!(passes(&with(&[ConsentState::Denied]), group, in_group));
    });
}

#[test]
fn a_sync_can_be_limited_to_what_was_let_in() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let wanted = alice.group_with(&[&bob]).await.id();
        let denied = alice.group_with(&[&bob]).await.id();
        bob.group(wanted)
            .set_consent_state(ConsentState::Allowed)
            .expect("stored");
        bob.group(denied)
            .set_consent_state(ConsentState::Denied)
            .expect("stored");
        alice.say(wanted, "hello").await;
        alice.say(denied, "buy now").await;
        let synced = bob.client.sync_all_with(&[ConsentState::Allowed]).await;
        assert_eq!(synced.expect("syncs"), 1);
        assert_eq!(bob.texts(wanted), ["hello"]);
        assert!(bob.texts(denied).is_empty());
        bob.sync().await;
        assert_eq!(bob.texts(denied), ["buy now"]);
    });
}

#[test]
fn messages_and_their_conversations_are_found_by_id() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let id = alice.say(group, "where am I?").await;
        let all = alice.client.conversations();
        assert_eq!(all.message(id).expect("reads").expect("there").id, id);
        assert_eq!(all.by_message(id).expect("reads").expect("there").id(), group);
        assert!(
            bob.client
                .conversations()
                .by_message(id)
                .expect("reads")
                .is_none()
        );
        assert!(all.by_message(MessageId::new([7; 32])).expect("reads").is_none());
    });
}

#[test]
fn lists_of_messages_take_content_types_and_both_times() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "late").await;
        group
            .send(of_type("poke"), SendOptions::default())
            .await
            .expect("sent");
        let key = |type_id: &str| ContentTypeKey {
            authority_id: "xmtp.org".into(),
            type_id: type_id.into(),
        };
        let types = |options: &MessageOptions| -> Vec<String> {
            let rows = group.messages(options).expect("reads");
            rows.into_iter().map(|row| row.type_id).collect()
        };
        let texts = MessageOptions {
            content_types: vec![key("text")],
            ..Default::default()
        };
        assert_eq!(types(&texts), ["text"]);
        let others = MessageOptions {
            exclude_content_types: vec![key("text"), key("group_updated")],
            ..Default::default()
        };
        assert_eq!(types(&others), ["poke"]);
        assert_eq!(group.count_messages(&others).expect("counts"), 1);
        // Stored in another order than sent: read by somebody who was away.
        let options = MessageOptions {
            kind: Some(MessageKind::Application),
            order: MessageOrder::InsertedAt,
            inserted_after_ns: Some(0),
            ..Default::default()
        };
        assert_eq!(types(&options), ["text", "poke"]);
    });
}

#[test]
fn push_servers_get_the_keys_of_three_windows_and_know_own_messages_by_them() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (at_alice, at_bob) = futures::join!(dm(&alice, &bob), dm(&bob, &alice));
        alice.sync().await;
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "quietly").await;

        let keys = group.hmac_keys().expect("reads");
        assert_eq!(keys.keys().copied().collect::<Vec<_>>(), [group.id()]);
        let keys = &keys[&group.id()];
        let [before, current, after] = keys.as_slice() else {
            panic!("three windows, not {keys:?}");
        };
        assert_eq!(
            (before.epoch + 1, current.epoch + 1),
            (current.epoch, after.epoch)
        );
        let own = envelopes(&world, group.id()).await;
        assert!(own.len() >= 2, "a commit and a message");
        for envelope in &own {
            let hmac = push::authenticate(&current.key, &envelope.data).expect("computes");
            assert_eq!(hmac, envelope.sender_hmac);
            let other = push::authenticate(&after.key, &envelope.data).expect("computes");
            assert_ne!(other, envelope.sender_hmac);
        }
        let stitched = at_alice.hmac_keys().expect("reads");
        assert_eq!(stitched.len(), 2, "each group of the direct message");
        assert!(stitched.contains_key(&at_bob.id()));
        let all = alice.client.conversations().hmac_keys().expect("reads");
        assert_eq!(all.len(), 3);
        assert_eq!(&all[&group.id()], keys);
        group.set_consent_state(ConsentState::Denied).expect("stored");
        assert_eq!(alice.client.conversations().hmac_keys().expect("reads").len(), 2);
    });
}

#[test]
fn a_pushed_envelope_gives_its_message_and_misses_nothing_before_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "before").await;
        let id = alice.say(group, "pushed").await;
        let envelope = envelopes(&world, group).await.pop().expect("there is one");
        let at_bob = bob.group(group);
        let got = at_bob
            .process_streamed_message(&pushed(&envelope))
            .await
            .expect("processed");
        assert_eq!(got.iter().map(|row| row.id).collect::<Vec<_>>(), [id]);
        assert_eq!(bob.texts(group), ["before", "pushed"]);
        // What is read already needs no node.
        world
            .faults()
            .add(Rule::always("QueryGroupMessages", Fault::DropRequest));
        let again = at_bob.process_streamed_message(&pushed(&envelope)).await;
        assert_eq!(again.expect("is stored"), got);
        world.faults().clear();
        alice.say(group, "after").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["before", "pushed", "after"]);

        let other = alice.group_with(&[&bob]).await.id();
        let foreign = pushed(&envelopes(&world, other).await[0]);
        let unheard_of = pushed(&GroupEnvelope {
            id: u64::MAX,
            ..envelope
        });
        for bytes in [b"".as_slice(), b"\xff\xff", &foreign, &unheard_of] {
            let refused = at_bob.process_streamed_message(bytes).await;
            assert!(matches!(refused, Err(ClientError::NotOfConversation)));
        }
        assert_eq!(ClientError::NotOfConversation.code(), ErrorCode::InvalidArgument);
    });
}

#[test]
fn read_receipts_say_up_to_when_each_has_read() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = alice.group_with(&[&bob, &carol]).await;
        assert!(group.last_read_times().expect("reads").is_empty());
        let quiet = || SendOptions {
            should_push: false,
            ..Default::default()
        };
        bob.sync().await;
        for _ in 0..2 {
            bob.group(group.id())
                .send(of_type("readReceipt"), quiet())
                .await
                .expect("sent");
        }
        carol.say(group.id(), "no receipt").await;
        alice.sync().await;
        let times = group.last_read_times().expect("reads");
        assert_eq!(times.keys().copied().collect::<Vec<_>>(), [bob.inbox_id()]);
        let newest = alice.messages(group.id());
        let newest = newest
            .iter()
            .filter(|row| row.type_id == "readReceipt")
            .max_by_key(|row| row.sent_at_ns);
        assert_eq!(times[&bob.inbox_id()], newest.expect("sent").sent_at_ns);
    });
}

#[test]
fn an_optimistic_group_takes_messages_and_members_and_is_published_with_them() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let new = NewGroup {
            name: "soon".into(),
            ..Default::default()
        };
        let calls = world.faults().calls("SendGroupMessages");
        let group = alice
            .client
            .conversations()
            .create_group_optimistic(&new)
            .expect("made");
        let early = alice.jot(group.id(), "nobody is here yet").await;
        assert_eq!(
            world.faults().calls("SendGroupMessages"),
            calls,
            "nothing is sent"
        );
        group.add_members(&[bob.inbox_id()]).await.expect("added");
        let late = alice.jot(group.id(), "welcome").await;
        group.publish_messages().await.expect("published");
        for id in [early, late] {
            assert_eq!(alice.status(id), DeliveryStatus::Published);
        }
        bob.sync().await;
        assert_eq!(bob.name_of(group.id()), "soon");
        assert_eq!(bob.members_of(group.id()), inboxes(&[&alice, &bob]));
        assert!(bob.ids(group.id()).contains(&late));
    });
}

#[test]
fn a_message_is_sent_again_or_dropped_in_its_own_conversation_alone() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let one = alice.group_with(&[&bob]).await;
        let other = alice.group_with(&[&bob]).await;
        let id = alice.say(one.id(), "mine").await;
        let resent = other.resend(id).await.expect_err("not of this one");
        assert_eq!(resent.code(), ErrorCode::MessageNotFound);
        assert_eq!(
            other.discard(id).expect_err("not of this one").code(),
            ErrorCode::MessageNotFound
        );
        assert_eq!(
            one.discard(id).expect_err("has not failed").code(),
            ErrorCode::MessageNotFound
        );
        assert_eq!(alice.texts(one.id()), ["mine"]);
    });
}
