//! What the installations of an inbox tell each other.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Person, Wallet, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientOptions, Event};
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{Group, MessageKind, Provider};
use xmtp_web::preferences::{Consent, Entity, PreferenceUpdate};
use xmtp_web::storage::ConsentState::{self, Allowed, Denied, Unknown};
use xmtp_web::storage::{ConversationType, GroupQuery, Store, StoreOptions};

const SEND: &str = "SendGroupMessages";

/// An installation that talks with the others of its inbox; in memory or in a file.
async fn open(world: &World, wallet: &Wallet, file: Option<&str>) -> Person {
    let options = ClientOptions::new(wallet.identifier());
    let file = file.map(|name| world.file(name));
    Person::open_with(options, wallet, file, world.url(), &world.machine)
        .await
        .expect("the client opens")
}

async fn device(world: &World, wallet: &Wallet) -> Person {
    let person = open(world, wallet, None).await;
    person.sign_and_register().await.expect("registers");
    person
}

/// Two installations that have heard of each other.
async fn two_devices(world: &World) -> (Person, Person) {
    let wallet = world.wallet();
    let laptop = device(world, &wallet).await;
    let phone = device(world, &wallet).await;
    settle(&[&laptop, &phone]).await;
    (laptop, phone)
}

/// Everybody reads and says what there is.
async fn settle(devices: &[&Person]) {
    for _ in 0..3 {
        for device in devices.iter().rev() {
            device.sync().await;
        }
    }
}

fn state(person: &Person, entity: Entity) -> ConsentState {
    let preferences = person.client.preferences();
    preferences.consent_state(&entity).expect("the database answers")
}

fn decide(person: &Person, entity: Entity, state: ConsentState) {
    person
        .client
        .preferences()
        .set_consent_states(&[Consent { entity, state }])
        .expect("the database answers");
}

fn listed(person: &Person) -> Vec<GroupId> {
    let listed = person.client.conversations().list(&Default::default());
    listed.expect("lists").iter().map(|group| group.id()).collect()
}

#[test]
fn what_one_installation_decides_the_other_knows() {
    story(async {
        let world = World::new().await;
        let (laptop, phone) = two_devices(&world).await;
        let bob = world.person().await;
        let entity = Entity::Inbox(bob.inbox_id());
        decide(&laptop, entity.clone(), Denied);
        settle(&[&laptop, &phone]).await;
        assert_eq!(state(&phone, entity.clone()), Denied);
        decide(&phone, entity.clone(), Allowed);
        settle(&[&laptop, &phone]).await;
        assert_eq!(
            (state(&laptop, entity.clone()), state(&phone, entity.clone())),
            (Allowed, Allowed)
        );
    });
}

#[test]
fn the_conversation_of_the_own_installations_is_never_seen() {
    story(async {
        let world = World::new().await;
        let (laptop, phone) = two_devices(&world).await;
        decide(&laptop, Entity::Inbox(laptop.inbox_id()), Allowed);
        settle(&[&laptop, &phone]).await;
        assert_eq!((listed(&laptop), listed(&phone)), (vec![], vec![]));
        let summary = phone.client.sync_all_device_sync_groups().await.expect("syncs");
        assert!(
            summary.eligible > 0 && summary.synced == summary.eligible,
            "{summary:?}"
        );
    });
}

#[test]
fn who_is_alone_tells_nobody() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let alone = device(&world, &wallet).await;
        world.faults().add(Rule::always(SEND, Fault::DropRequest));
        decide(&alone, Entity::Inbox(alone.inbox_id()), Allowed);
        let summary = alone.client.preferences().sync().await.expect("nothing is sent");
        assert_eq!((summary.eligible, summary.synced), (0, 0));
    });
}

#[test]
fn what_was_decided_alone_is_told_to_the_next_installation() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let laptop = device(&world, &wallet).await;
        let bob = world.person().await;
        let entity = Entity::Inbox(bob.inbox_id());
        decide(&laptop, entity.clone(), Denied);
        laptop.sync().await;
        let phone = device(&world, &wallet).await;
        settle(&[&laptop, &phone]).await;
        assert_eq!(state(&phone, entity.clone()), Denied);
    });
}

#[test]
fn a_new_installation_is_added_to_what_is_alive_and_not_kept_out() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, bob) = (device(&world, &wallet).await, world.person().await);
        let old = laptop.group_with(&[&bob]).await.id();
        world.later(Duration::from_secs(100 * 24 * 60 * 60));
        let wanted = laptop.group_with(&[&bob]).await.id();
        let unwanted = laptop.group_with(&[&bob]).await.id();
        for group in [wanted, unwanted] {
            // The node's clock stands still in this story: what is said here counts as said now.
            laptop.say(group, "hi").await;
        }
        decide(&laptop, Entity::Conversation(unwanted), Denied);
        let phone = device(&world, &wallet).await;
        // Nobody says anything in them.
        settle(&[&laptop, &phone]).await;
        assert_eq!(listed(&phone), [wanted]);
        assert!(laptop.find(old).is_some());
        assert_eq!(state(&phone, Entity::Conversation(wanted)), Allowed);
        assert_eq!(laptop.devices_in(wanted, laptop.inbox_id()), 2);
        assert_eq!(laptop.devices_in(old, laptop.inbox_id()), 1);
    });
}

#[test]
fn the_later_decision_counts_whoever_is_heard_first() {
    story(async {
        let world = World::new().await;
        let (laptop, phone) = two_devices(&world).await;
        let bob = world.person().await;
        let entity = Entity::Inbox(bob.inbox_id());
        world.faults().add(Rule::always(SEND, Fault::DropRequest));
        decide(&phone, entity.clone(), Denied);
        world.later(Duration::from_secs(1));
        decide(&laptop, entity.clone(), Allowed);
        world.faults().clear();
        settle(&[&laptop, &phone]).await;
        assert_eq!(
            (state(&laptop, entity.clone()), state(&phone, entity.clone())),
            (Allowed, Allowed)
        );
    });
}

#[test]
fn a_decision_is_told_although_the_app_was_closed_before() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let laptop = open(&world, &wallet, Some("laptop.db")).await;
        laptop.sign_and_register().await.expect("registers");
        let phone = device(&world, &wallet).await;
        settle(&[&laptop, &phone]).await;
        let entity = Entity::Inbox(world.person().await.inbox_id());
        world.faults().add(Rule::always(SEND, Fault::DropRequest));
        decide(&laptop, entity.clone(), Denied);
        laptop.client.close();
        drop(laptop);
        world.faults().clear();
        let laptop = open(&world, &wallet, Some("laptop.db")).await;
        settle(&[&laptop, &phone]).await;
        assert_eq!(state(&phone, entity.clone()), Denied);
        drop(laptop);
        let store = Store::open(StoreOptions::file(world.file("laptop.db"))).expect("opens");
        assert_eq!(store.has_unsent_preferences(), Ok(false), "told once");
    });
}

#[test]
fn all_installations_end_with_one_key_for_push_notifications() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let files = ["one.db", "two.db", "three.db"];
        let mut devices = Vec::new();
        for file in files {
            let device = open(&world, &wallet, Some(file)).await;
            device.sign_and_register().await.expect("registers");
            devices.push(device);
            settle(&devices.iter().collect::<Vec<_>>()).await;
        }
        drop(devices);
        let key = |file| {
            let store = Store::open(StoreOptions::file(world.file(file))).expect("opens");
            store.preferences().expect("reads").expect("a key")
        };
        assert_eq!(key(files[0]), key(files[1]));
        assert_eq!(key(files[0]), key(files[2]));
    });
}

#[test]
fn all_installations_end_with_one_key_although_the_clock_was_ahead_when_the_first_was_made() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        world.later(Duration::from_secs(24 * 60 * 60));
        let phone = open(&world, &wallet, Some("phone")).await;
        phone.sign_and_register().await.expect("registers");
        world.machine.set_right();
        let laptop = open(&world, &wallet, Some("laptop")).await;
        laptop.sign_and_register().await.expect("registers");
        settle(&[&phone, &laptop]).await;
        drop((phone, laptop));
        let key = |file| {
            let store = Store::open(StoreOptions::file(world.file(file))).expect("opens");
            store.preferences().expect("reads").expect("a key")
        };
        assert_eq!(key("phone"), key("laptop"));
    });
}

#[test]
fn who_watches_hears_what_the_other_installation_decides() {
    story(async {
        let world = World::new().await;
        let (laptop, phone) = two_devices(&world).await;
        let entity = Entity::Inbox(world.person().await.inbox_id());
        let mut watch = phone.watch().await;
        decide(&laptop, entity.clone(), Denied);
        let update = PreferenceUpdate::Consent(Consent {
            entity: entity.clone(),
            state: Denied,
        });
        watch
            .until(|event| matches!(event, Event::Preferences(updates) if updates.contains(&update)))
            .await;
        assert_eq!(state(&phone, entity.clone()), Denied);
    });
}

#[test]
fn without_device_sync_nothing_is_told() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (laptop, phone) = (world.device_of(&wallet).await, world.device_of(&wallet).await);
        decide(&laptop, Entity::Inbox(laptop.inbox_id()), Denied);
        settle(&[&laptop, &phone]).await;
        assert_eq!(state(&phone, Entity::Inbox(laptop.inbox_id())), Unknown);
        let summary = phone.client.sync_all_device_sync_groups().await.expect("syncs");
        assert_eq!(summary.eligible, 0);
    });
}

#[test]
fn a_sync_group_that_could_not_be_published_is_published_later() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let laptop = device(&world, &wallet).await;
        let phone = open(&world, &wallet, Some("phone.db")).await;
        world.faults().add(Rule::always(SEND, Fault::DropRequest));
        phone.sign_and_register().await.expect("registers");
        for _ in 0..3 {
            // Each may fail, and the commit is given up in between.
            let _ = phone.client.sync_all().await;
        }
        world.faults().clear();
        let entity = Entity::Inbox(world.person().await.inbox_id());
        decide(&phone, entity.clone(), Denied);
        settle(&[&laptop, &phone]).await;
        assert_eq!(state(&laptop, entity.clone()), Denied);
        drop(phone);
        let store = Store::open(StoreOptions::file(world.file("phone.db"))).expect("opens");
        let query = GroupQuery {
            conversation_types: vec![ConversationType::Sync],
            ..Default::default()
        };
        assert_eq!(
            store.groups(&query).expect("reads").len(),
            1,
            "one, not one for each attempt"
        );
    });
}

#[test]
fn a_revoked_installation_is_out_before_the_others_are_told_more() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let laptop = open(&world, &wallet, Some("laptop.db")).await;
        laptop.sign_and_register().await.expect("registers");
        let tablet = device(&world, &wallet).await;
        let phone = device(&world, &wallet).await;
        settle(&[&laptop, &tablet, &phone]).await;
        world.revoke(&wallet, &phone).await;
        phone.client.close();
        // Long enough to read the own log again.
        world.later(Duration::from_secs(60 * 60));
        let entity = Entity::Inbox(world.person().await.inbox_id());
        decide(&laptop, entity.clone(), Denied);
        settle(&[&laptop, &tablet]).await;
        assert_eq!(state(&tablet, entity), Denied);
        let left = [&laptop, &tablet].map(|device| device.client.installation_id());
        drop(laptop);
        let store = Store::open(StoreOptions::file(world.file("laptop.db"))).expect("opens");
        let query = GroupQuery {
            conversation_types: vec![ConversationType::Sync],
            ..Default::default()
        };
        let rows = store.groups(&query).expect("reads");
        let newest = rows.iter().max_by_key(|row| row.created_at_ns).expect("one");
        let group = Group::load(&Provider::new(&store), newest.id).expect("stored");
        let leaves: BTreeSet<_> = group.leaves().map(|leaf| leaf.installation_id).collect();
        assert_eq!(leaves, BTreeSet::from(left));
        let page = world
            .api()
            .query_group_messages(newest.id, 0)
            .await
            .expect("answers");
        let headers = page
            .items
            .iter()
            .map(|item| Group::header(&item.data).expect("a message"));
        let said: Vec<_> = headers
            .filter(|header| header.kind == MessageKind::Application)
            .map(|header| header.epoch)
            .collect();
        assert_eq!(
            said.last(),
            Some(&group.epoch()),
            "told when the phone was out: {said:?}"
        );
    });
}
