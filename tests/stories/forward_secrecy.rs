//! What stolen keys are good for: a copy of a database reads nothing that was read before, and nothing any more
//! once its owner has renewed the keys.
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Person, World, story};
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{Group, MessageFault, MlsError, Processed, Provider, welcome};
use xmtp_web::storage::{Store, StoreOptions};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Copies a database that nobody is writing to.
fn steal(world: &World, from: &str, to: &str) -> PathBuf {
    for part in ["", "-wal", "-journal"] {
        let (source, copy) = (
            world.file(&format!("{from}{part}")),
            world.file(&format!("{to}{part}")),
        );
        if source.exists() {
            std::fs::copy(source, copy).expect("can be copied");
        }
    }
    world.file(to)
}

fn opened(file: PathBuf) -> Store {
    Store::open(StoreOptions::file(file)).expect("opens")
}

/// The messages of a group as the node has them.
async fn ciphertexts(world: &World, id: GroupId) -> Vec<Vec<u8>> {
    let page = world
        .api()
        .query_group_messages(id, 0)
        .await
        .expect("the node answers");
    page.items.into_iter().map(|item| item.data).collect()
}

/// What a database makes of a message.
fn read(store: &Store, id: GroupId, message: &[u8]) -> Result<Processed, MlsError> {
    let provider = Provider::new(store);
    Group::load(&provider, id)
        .expect("stored")
        .process(&provider, message)
}

fn is_readable(store: &Store, id: GroupId, message: &[u8]) -> bool {
    matches!(read(store, id, message), Ok(Processed::Application { .. }))
}

#[test]
fn the_keys_of_what_was_read_are_gone() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        alice.say(id, "hello").await;
        let before = steal(&world, "bob", "before");
        bob.sync().await;
        assert_eq!(bob.texts(id), ["hello"]);
        let after = steal(&world, "bob", "after");

        let messages = ciphertexts(&world, id).await;
        let hello = messages.last().expect("it was sent");
        assert!(
            is_readable(&opened(before), id, hello),
            "the key was there until it was used"
        );
        let after = opened(after);
        assert_eq!(
            read(&after, id, hello).map(|_| ()),
            Err(MlsError::Message(MessageFault::Undecryptable))
        );
        // nor is it in the row store: only the text is, until it is deleted
        for message in &messages {
            assert!(!is_readable(&after, id, message));
        }
    });
}

/// Whether the bytes of a database or of what lies beside it hold a text.
fn lies_in_files(world: &World, name: &str, text: &str) -> bool {
    ["", "-wal", "-journal"].iter().any(|part| {
        let bytes = std::fs::read(world.file(&format!("{name}{part}"))).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn what_was_deleted_is_in_no_file_once_it_is_quiet() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let group = alice.group_with(&[&bob]).await;
        group.update_disappearing(1, 1_000_000_000).await.expect("may");
        let secret = "the treasure is under the oak";
        alice.say(group.id(), secret).await;
        bob.sync().await;
        assert!(
            lies_in_files(&world, "bob", secret),
            "natively nothing is encrypted"
        );
        world.later(DAY);
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), Vec::<String>::new());
        // The client is still open. The story ends as failed if this does not come.
        while lies_in_files(&world, "bob", secret) {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn epochs_long_past_cannot_be_read_at_all() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let id = alice.group_with(&[&bob]).await.id();
        alice.say(id, "never read by Bob").await;
        let before = steal(&world, "bob", "before");
        let messages = ciphertexts(&world, id).await;
        let secret = messages.last().expect("it was sent");
        assert!(is_readable(&opened(before), id, secret));
        for name in ["one", "two", "three", "four"] {
            let named = alice
                .group(id)
                .update_field(xmtp_web::groups::field::NAME, name)
                .await;
            named.expect("renames");
        }
        bob.sync().await;
        assert_eq!(bob.name_of(id), "four");
        let after = opened(steal(&world, "bob", "after"));
        assert_eq!(
            read(&after, id, secret).map(|_| ()),
            Err(MlsError::Message(MessageFault::TooOld))
        );
    });
}

#[test]
fn a_stolen_database_cannot_read_on_once_its_owner_has_renewed_the_keys() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let id = alice.group_with(&[&bob]).await.id();
        bob.say(id, "hello").await;
        alice.sync().await;
        steal(&world, "bob", "at first");
        steal(&world, "bob", "stolen");
        // reading uses keys up, so each look is at a copy of its own
        let late = steal(&world, "bob", "late");

        // until then it can: what follows proves that the renewal is what ends it
        alice.say(id, "all can read this").await;
        let thief = open_copy(&world, &bob, "at first").await;
        thief.group(id).sync().await.expect("syncs");
        assert_eq!(thief.texts(id), ["hello", "all can read this"]);

        // keys are renewed before the first message after 30 days
        world.later(31 * DAY);
        let epoch = bob.epoch_of(id);
        bob.sync().await;
        bob.say(id, "I was away").await;
        assert!(bob.epoch_of(id) > epoch);
        alice.sync().await;
        alice.say(id, "welcome back").await;
        bob.sync().await;
        assert_eq!(
            bob.texts(id),
            ["hello", "all can read this", "I was away", "welcome back"]
        );
        let late = opened(late);
        let readable = ciphertexts(&world, id)
            .await
            .iter()
            .filter(|message| is_readable(&late, id, message))
            .count();
        assert_eq!(readable, 1, "only what was said before the renewal");
        let thief = open_copy(&world, &bob, "stolen").await;
        thief.group(id).sync().await.expect("syncs");
        assert_eq!(thief.texts(id), ["hello", "all can read this"]);
    });
}

async fn open_copy(world: &World, owner: &Person, name: &str) -> Person {
    Person::open(&owner.wallet, Some(world.file(name)), world.url(), &world.machine)
        .await
        .expect("a copy opens as the original does")
}

#[test]
fn a_welcome_cannot_be_opened_once_its_key_package_is_gone() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let id = alice.group_with(&[&bob]).await.id();
        let welcomes = world
            .api()
            .query_welcome_messages(bob.client.installation_id(), 0)
            .await
            .expect("the node answers");
        let sealed_to = welcomes.items[0].hpke_public_key.clone();
        let row = |store: &Store| store.key_package_by_init_key(&sealed_to).expect("readable");
        let before = opened(steal(&world, "bob", "before"));
        let package = row(&before).expect("still kept");
        welcome::init_private_key(&Provider::new(&before), &package.hash_ref).expect("it opens welcomes");
        bob.client.rotate_key_package().await.expect("uploaded");
        world.later(DAY + Duration::from_secs(60));
        bob.sync().await;
        let after = opened(steal(&world, "bob", "after"));
        assert_eq!(row(&after), None);
        let key = welcome::init_private_key(&Provider::new(&after), &package.hash_ref);
        assert!(key.is_err(), "the private part is gone as well");
        assert!(bob.is_member_of(id));
    });
}

#[test]
fn an_installation_that_was_away_for_long_is_reachable_again_after_a_sync() {
    story(async {
        let world = World::new().await;
        let bob = world.person().await;
        let package = |world: &World| {
            let (api, id) = (world.api(), bob.client.installation_id());
            async move { api.fetch_key_packages(&[id]).await.expect("the node answers")[0].clone() }
        };
        let first = package(&world).await;
        world.later(29 * DAY);
        bob.sync().await;
        assert_eq!(package(&world).await, first, "nothing is due before 30 days");
        world.later(60 * DAY);
        bob.sync().await;
        assert_ne!(package(&world).await, first);
    });
}

#[test]
fn who_only_watches_has_the_key_package_renewed_too() {
    story(async {
        let world = World::new().await;
        let bob = world.person().await;
        world.machine.hours_pass.set(true);
        let _watch = bob.watch().await;
        let uploads = || world.faults().calls("UploadKeyPackage");
        let before = uploads();
        world.later(31 * DAY);
        while uploads() == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(uploads(), before + 1);
    });
}
