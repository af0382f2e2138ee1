//! Archives: what an installation knows, taken in by another.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use support::{Person, World, story};
use xmtp_web::client::ClientError;
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::preferences::archive::{ArchiveElement, ArchiveKey, ArchiveOptions};
use xmtp_web::preferences::{Consent, Entity};
use xmtp_web::storage::ConsentState::{Allowed, Denied, Unknown};

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
        world.later(std::time::Duration::from_secs(6));
        let file = archive(&laptop, &ArchiveOptions::default());
        bob.say(group, "who is there?").await;
        phone.sync().await;
        let imported = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!(
            (imported.messages > 250, imported.passed_over),
            (true, 0),
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
fn messages_of_conversations_one_is_not_in_are_passed_over() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, bob) = (world.device_of(&wallet).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await.id();
        laptop.say(group, "hi").await;
        let file = archive(&laptop, &ArchiveOptions::default());
        let phone = world.device_of(&wallet).await;
        let imported = phone.client.import_archive(&file, &key(7)).expect("imports");
        assert_eq!(imported.messages, 0);
        assert!(imported.passed_over > 0);
        assert!(phone.find(group).is_none());
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
        assert_eq!(code(&file, &key(8)), ErrorCode::InvalidArgument);
        assert_eq!(code(&file[..file.len() - 1], &key(7)), ErrorCode::InvalidContent);
        assert_eq!(code(&[], &key(7)), ErrorCode::InvalidContent);
        let mut changed = file.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        assert_eq!(code(&changed, &key(7)), ErrorCode::InvalidArgument);
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
