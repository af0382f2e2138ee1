//! Archives: what an installation knows, taken in by another.
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_web::client::{ClientError, MessageOptions, RemoveOptions, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::field;
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::platform::Platform as _;
use xmtp_web::preferences::archive::{ArchiveElement, ArchiveKey, ArchiveOptions};
use xmtp_web::preferences::{Consent, Entity};
use xmtp_web::storage::ConsentState::{Allowed, Denied, Unknown};

const HOUR: Duration = Duration::from_secs(3_600);
const HOUR_NS: i64 = 3_600_000_000_000;

fn key(byte: u8) -> ArchiveKey {
    ArchiveKey::new([byte; 32])
}

fn archive(person: &Person, options: &ArchiveOptions) -> Vec<u8> {
    person
        .client
        .create_archive(&key(7), options)
        .expect("an archive")
}

fn decide(person: &Person, entity: Entity, state: xmtp_web::storage::ConsentState) {
    person
        .client
        .preferences()
        .set_consent_states(&[Consent { entity, state }])
        .expect("the database answers");
}

fn is_removed(person: &Person, group: GroupId, id: MessageId) -> bool {
    let views = person.group(group).message_views(&MessageOptions::default());
    let views = views.expect("reads");
    let view = views.iter().find(|view| view.row.id == id);
    view.expect("it is listed").removed.is_some()
}

#[test]
fn a_new_installation_reads_what_was_said_before_it_came() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, bob) = (world.device_of(&wallet).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await.id();
        for number in 0..250 {
            laptop.jot(group, &format!("line {number}")).await;
        }
        laptop.sync().await;
        decide(&laptop, Entity::Inbox(bob.inbox_id()), Denied);
        laptop.jot(group, "not sent yet").await;

        let phone = world.device_of(&wallet).await;
        world.later(Duration::from_secs(6));
        let file = archive(&laptop, &ArchiveOptions::default());
        bob.say(group, "who is there?").await;
        phone.sync().await;
        let imported = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!(
            (imported.messages, imported.passed_over),
            (251, 0),
            "{imported:?}"
        );
        let texts = phone.texts(group);
        assert_eq!(texts.len(), 251);
        assert_eq!(texts.first().map(String::as_str), Some("line 0"));
        assert_eq!(texts.last().map(String::as_str), Some("who is there?"));
        let consent = phone
            .client
            .preferences()
            .consent_state(&Entity::Inbox(bob.inbox_id()));
        assert_eq!(consent.expect("reads"), Denied);

        let again = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!((again.messages, again.updates), (0, vec![]));
    });
}

#[test]
fn conversations_one_is_not_in_are_restored_and_come_alive_when_somebody_adds_one() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, bob) = (world.device_of(&wallet).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await;
        group
            .update_field(field::NAME, "the old days")
            .await
            .expect("is renamed");
        let group = group.id();
        laptop.say(group, "hi").await;
        let dm = laptop.client.conversations();
        let dm = dm.find_or_create_dm(bob.inbox_id(), None).await.expect("a DM");
        laptop.say(dm.id(), "between us").await;
        let file = archive(&laptop, &ArchiveOptions::default());

        let phone = world.device_of(&wallet).await;
        let imported = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!((imported.restored.len(), imported.passed_over), (2, 0));
        assert_eq!(phone.texts(group), ["hi"]);
        assert_eq!(phone.name_of(group), "the old days");
        assert_eq!(phone.texts(dm.id()), ["between us"]);
        let peer = phone.group(dm.id()).peer_inbox_id();
        assert_eq!(peer.expect("a DM"), bob.inbox_id());
        assert!(!phone.is_member_of(group));
        let sent = phone.group(group).send_text("?", SendOptions::default()).await;
        assert_eq!(
            sent.expect_err("one is not in it").code(),
            ErrorCode::GroupInactive
        );
        phone.sync().await;
        phone
            .group(group)
            .sync()
            .await
            .expect("nothing is there to be read");
        assert_eq!(
            phone
                .client
                .import_archive(&file, &key(7))
                .expect("imports")
                .messages,
            0
        );

        // Who writes next looks for new installations.
        world.later(Duration::from_secs(6));
        bob.sync().await;
        bob.say(group, "welcome back").await;
        laptop.say(dm.id(), "there you are").await;
        phone.sync().await;
        assert!(phone.is_member_of(group));
        assert_eq!(phone.texts(group), ["hi", "welcome back"]);
        assert_eq!(phone.texts(dm.id()), ["between us", "there you are"]);
        phone.say(group, "here I am").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["hi", "welcome back", "here I am"]);
        let imported = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!((imported.restored.len(), imported.messages), (0, 0));
        assert!(phone.is_member_of(group), "an archive takes nothing back");
    });
}

#[test]
fn what_was_removed_stays_removed_and_what_disappears_does_so_in_time() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, bob) = (world.device_of(&wallet).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await;
        let id = group.id();
        let regretted = laptop.say(id, "forget this").await;
        let stays = laptop.say(id, "stays").await;
        group
            .remove_message(regretted, RemoveOptions::default())
            .await
            .expect("is removed");
        let now = i64::try_from(world.machine.now_ns()).expect("this century");
        group.update_disappearing(now, HOUR_NS).await.expect("is set");
        let fleeting = laptop.say(id, "goes in an hour").await;
        let file = archive(&laptop, &ArchiveOptions::default());
        let lasting = ArchiveOptions {
            exclude_disappearing_messages: true,
            ..Default::default()
        };
        let without = archive(&laptop, &lasting);

        let phone = world.device_of(&wallet).await;
        phone.client.import_archive(&without, &key(7)).expect("imports");
        assert_eq!(phone.message(fleeting), None, "it was left out");
        let left = phone.stored_messages(id);
        phone.client.import_archive(&file, &key(7)).expect("imports");
        let row = phone.message(fleeting).expect("it is not due yet");
        assert_eq!(row.expire_at_ns, Some(row.sent_at_ns + HOUR_NS));
        assert_eq!(phone.message(stays).expect("is there").expire_at_ns, None);
        assert!(is_removed(&phone, id, regretted));

        world.later(2 * HOUR);
        phone.sync().await;
        assert_eq!(phone.stored_messages(id), left, "it has disappeared");
        let again = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!(again.messages, 0);
        assert_eq!(
            phone.stored_messages(id),
            left,
            "what is over is not brought back"
        );
        assert!(is_removed(&phone, id, regretted));
    });
}

#[test]
fn what_has_disappeared_stays_away_although_messages_do_not_disappear_any_more() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let now = i64::try_from(world.machine.now_ns()).expect("this century");
        group.update_disappearing(now, HOUR_NS).await.expect("is set");
        let fleeting = alice.say(group.id(), "goes in an hour").await;
        let file = archive(&alice, &ArchiveOptions::default());
        world.later(2 * HOUR);
        group.update_disappearing(0, 0).await.expect("is set");
        alice.sync().await;
        let left = alice.stored_messages(group.id());
        let imported = alice.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!((imported.messages, alice.message(fleeting)), (0, None));
        assert_eq!(alice.stored_messages(group.id()), left);
    });
}

#[test]
fn a_stranger_cannot_take_a_restored_conversation_over() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, bob) = (world.device_of(&wallet).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await.id();
        laptop.say(group, "hi").await;
        decide(&laptop, Entity::Conversation(group), Allowed);
        let file = archive(&laptop, &ArchiveOptions::default());
        // Carol is not in the archive: what she brings back is asked about again.
        let carol = world.person().await;
        let added = laptop.group(group).add_members(&[carol.inbox_id()]).await;
        added.expect("is added");
        carol.sync().await;
        let phone = world.device_of(&wallet).await;
        phone.client.import_archive(&file, &key(7)).expect("imports");
        let state = || {
            let entity = Entity::Conversation(group);
            phone.client.preferences().consent_state(&entity).expect("reads")
        };
        assert_eq!(state(), Allowed);
        world.later(Duration::from_secs(6));
        carol.say(group, "hello").await;
        phone.sync().await;
        assert!(phone.is_member_of(group));
        assert_eq!(state(), Unknown);
    });
}

#[test]
fn an_archive_holds_what_was_asked_for_and_says_so() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        decide(&alice, Entity::Inbox(bob.inbox_id()), Allowed);
        let options = ArchiveOptions {
            elements: vec![ArchiveElement::Messages],
            start_ns: Some(5),
            end_ns: Some(i64::MAX),
            exclude_disappearing_messages: true,
        };
        let file = archive(&alice, &options);
        let metadata = alice.client.archive_metadata(&file, &key(7)).expect("reads");
        assert_eq!(metadata.elements, options.elements);
        assert_eq!(
            (metadata.start_ns, metadata.end_ns),
            (options.start_ns, options.end_ns)
        );
        assert_eq!(metadata.version, 0);
        let carol = world.person().await;
        carol.client.import_archive(&file, &key(7)).expect("imports");
        let state = carol
            .client
            .preferences()
            .consent_state(&Entity::Inbox(bob.inbox_id()));
        assert_eq!(state.expect("reads"), Unknown);
    });
}

#[test]
fn an_archive_that_is_not_right_leaves_nothing_behind() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        decide(&alice, Entity::Inbox(bob.inbox_id()), Denied);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "hi").await;
        let file = archive(&alice, &ArchiveOptions::default());
        let code = |file: &[u8], key: &ArchiveKey| {
            let refused: Result<_, ClientError> = bob.client.import_archive(file, key);
            refused.expect_err("it is not right").code()
        };
        assert_eq!(code(&file, &key(8)), ErrorCode::WrongArchiveKey);
        assert_eq!(code(&file[..file.len() - 1], &key(7)), ErrorCode::InvalidArchive);
        assert_eq!(code(&[], &key(7)), ErrorCode::InvalidArchive);
        let mut changed = file.clone();
        // The last byte belongs to the block around it.
        let last_of_element = changed.len() - 2;
        changed[last_of_element] ^= 1;
        assert_eq!(code(&changed, &key(7)), ErrorCode::WrongArchiveKey);
        let state = bob
            .client
            .preferences()
            .consent_state(&Entity::Inbox(bob.inbox_id()));
        assert_eq!(
            state.expect("reads"),
            Unknown,
            "nothing of the part before was kept"
        );
    });
}
