//! XIP-42, allow and deny preferences: the bytes against those of released peers (`tests/vectors/preferences.json`, none is
//! skipped), and the list as people use it, through a node.
use std::time::Duration;

use crate::support::{Person, Watch, World, story};
use serde_json::Value;
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, ClientOptions, Event};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::ids::GroupId;
use xmtp_web::preferences::list::key::{identifier, identifier_of_2023};
use xmtp_web::preferences::list::{Action, IdentityKey, List, Listed, Subject, ecies, seal};
use xmtp_web::preferences::{Consent, Entity, PreferenceUpdate};
use xmtp_web::storage::ConsentState::{self, Allowed, Denied, Unknown};
use xmtp_web::transport::calls::{LegacyEnvelope, LegacyQuery};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/preferences.json")).expect("JSON")
}

fn section(name: &str) -> Vec<Value> {
    let list = vectors()[name].as_array().expect("a list").clone();
    assert!(!list.is_empty(), "{name}");
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).expect("hex")
}

/// Every action that the JSON of a vector says, by the numbers of its members.
fn actions(json: &Value) -> Vec<Action> {
    [
        (
            "allowAddress",
            "walletAddresses",
            Subject::Address,
            Listed::Allowed,
        ),
        ("denyAddress", "walletAddresses", Subject::Address, Listed::Denied),
        ("allowGroup", "groupIds", Subject::Group, Listed::Allowed),
        ("denyGroup", "groupIds", Subject::Group, Listed::Denied),
        ("allowInboxId", "inboxIds", Subject::Inbox, Listed::Allowed),
        ("denyInboxId", "inboxIds", Subject::Inbox, Listed::Denied),
    ]
    .into_iter()
    .filter_map(|(member, values, subject, state)| {
        let values = json[member][values].as_array()?;
        let values = values
            .iter()
            .map(|value| value.as_str().expect("text").to_owned());
        Some(Action {
            subject,
            state,
            values: values.collect(),
        })
    })
    .collect()
}

#[test]
fn xip_42_vectors_topics() {
    for vector in section("topics") {
        let key = IdentityKey::from_bytes(&bytes(&vector, "private_key")).expect("a key");
        assert_eq!(identifier(key.secret()), text(&vector, "identifier"));
        assert_eq!(key.topic(), text(&vector, "content_topic"));
    }
}

#[test]
fn xip_42_vectors_actions() {
    for vector in section("actions") {
        let (name, encoded) = (text(&vector, "name"), bytes(&vector, "bytes"));
        let expected = actions(&vector["json"]);
        assert_eq!(Action::decode_all(&encoded).expect(name), expected, "{name}");
        if let [action] = expected.as_slice() {
            assert_eq!(hex::encode(action.encode()), hex::encode(&encoded), "{name}");
        }
    }
}

#[test]
fn xip_42_vectors_encryption() {
    for vector in section("encryption") {
        let (name, sealed) = (
            text(&vector, "name"),
            bytes(&vector, "private_preferences_payload"),
        );
        let (private, public) = (
            bytes(&vector, "private_key"),
            bytes(&vector, "public_key_uncompressed_aad"),
        );
        let key = IdentityKey::from_bytes(&private).expect(name);
        assert_eq!(key.public(), public, "{name}");
        let plain = bytes(&vector, "plaintext");
        let opened = seal::decrypt(&public, &private, &sealed).expect(name);
        assert_eq!(opened.as_slice(), plain, "{name}");
        let fresh = seal::Freshness {
            salt: bytes(&vector, "hkdf_salt").try_into().expect("32 bytes"),
            nonce: bytes(&vector, "gcm_nonce").try_into().expect("12 bytes"),
        };
        let again = seal::encrypt(&public, &private, &plain, &fresh).expect(name);
        assert_eq!(hex::encode(again), hex::encode(sealed), "{name}");
    }
}

#[test]
fn xip_42_vectors_decrypt_outcomes() {
    for vector in section("decrypt_outcomes") {
        let name = text(&vector, "name");
        let opened = seal::decrypt(
            &bytes(&vector, "public_key_uncompressed_aad"),
            &bytes(&vector, "private_key"),
            &bytes(&vector, "private_preferences_payload"),
        );
        let result = &vector["result"];
        if result["accepted"] == true {
            assert_eq!(
                opened.expect(name).as_slice(),
                bytes(result, "plaintext"),
                "{name}"
            );
        } else {
            let code = opened.map(|_| ()).expect_err(name).code();
            assert_eq!(code, ErrorCode::InvalidContent, "{name}");
        }
    }
}

#[test]
fn xip_42_vectors_envelopes() {
    for vector in section("envelopes") {
        let name = text(&vector, "name");
        let key = IdentityKey::from_bytes(&bytes(&vector, "identity_private_key")).expect(name);
        assert_eq!(key.topic(), text(&vector, "content_topic"), "{name}");
        let opened = seal::decrypt(key.public(), key.secret(), &bytes(&vector, "message")).expect(name);
        assert_eq!(opened.as_slice(), bytes(&vector, "action_bytes"), "{name}");
        assert_eq!(
            Action::decode_all(&opened).expect(name),
            actions(&vector["action_json"]),
            "{name}"
        );
    }
}

#[test]
fn xip_42_vectors_folds() {
    for vector in section("folds") {
        let name = text(&vector, "name");
        let mut list = List::default();
        for envelope in vector["envelopes_in_network_order"].as_array().expect(name) {
            let written_ns = text(envelope, "timestamp_ns").parse().expect("a number");
            for action in actions(&envelope["action"]) {
                list.replay(written_ns, &action);
            }
        }
        let read: serde_json::Map<_, _> = list
            .iter()
            .map(|(subject, value, entry)| {
                let kind = match subject {
                    Subject::Address => "address",
                    Subject::Group => "groupId",
                    Subject::Inbox => "inboxId",
                };
                let state = match entry.state {
                    Listed::Allowed => "allowed",
                    Listed::Denied => "denied",
                };
                (format!("{kind}-{value}"), state.into())
            })
            .collect();
        assert_eq!(Value::Object(read), vector["result"], "{name}");
    }
}

#[test]
fn xip_42_vectors_of_2023() {
    let of_2023 = vectors()["legacy_ecies_2023"].clone();
    let list = |name: &str| of_2023[name].as_array().expect("a list").clone();
    for vector in list("topics") {
        let key = bytes(&vector, "private_key");
        assert_eq!(identifier_of_2023(&key), text(&vector, "identifier"));
    }
    for vector in list("messages") {
        let key = IdentityKey::from_bytes(&bytes(&vector, "private_key")).expect("a key");
        let message = bytes(&vector, "ecies_message");
        let opened = ecies::decrypt(&key, &message).expect("opens");
        assert_eq!(opened, bytes(&vector, "plaintext"));
        // One that was changed, and somebody else's, are refused.
        for at in [3, 70, 90, message.len() - 1] {
            let mut changed = message.clone();
            changed[at] ^= 1;
            assert!(ecies::decrypt(&key, &changed).is_err(), "{at}");
        }
        let other = IdentityKey::from_bytes(&[1; 32]).expect("a key");
        assert!(ecies::decrypt(&other, &message).is_err());
    }
}

const KEY: [u8; 32] = [0x45; 32];

/// A person who brought the key of their V2 inbox along.
async fn owner(world: &World) -> Person {
    let person = world.person().await;
    person.client.preferences().set_identity_key(&KEY).expect("a key");
    person
}

fn state(person: &Person, entity: &Entity) -> ConsentState {
    person
        .client
        .preferences()
        .consent_state(entity)
        .expect("the database answers")
}

fn decide(person: &Person, entity: &Entity, state: ConsentState) {
    let entity = entity.clone();
    person
        .client
        .preferences()
        .set_consent_states(&[Consent { entity, state }])
        .expect("the database answers");
}

async fn publish(person: &Person) -> usize {
    person
        .client
        .preferences()
        .publish_consent_list()
        .await
        .expect("is published")
}

async fn refresh(person: &Person) {
    person
        .client
        .preferences()
        .refresh_consent_list()
        .await
        .expect("is read");
}

/// What lies on the network, as any owner of the key reads it.
async fn network(world: &World) -> Vec<(u64, Action)> {
    let key = IdentityKey::from_bytes(&KEY).expect("a key");
    let page = world
        .api()
        .legacy_query(&LegacyQuery {
            content_topics: vec![key.topic()],
            ascending: true,
            ..LegacyQuery::default()
        })
        .await
        .expect("a page");
    page.envelopes
        .iter()
        .flat_map(|envelope| {
            let plain = seal::decrypt(key.public(), key.secret(), &envelope.message).expect("ours");
            let actions = Action::decode_all(&plain).expect("actions");
            actions.into_iter().map(|action| (envelope.timestamp_ns, action))
        })
        .collect()
}

/// Writes to the list as another app of the person does.
async fn write(world: &World, timestamp_ns: u64, plain: &[u8]) {
    let key = IdentityKey::from_bytes(&KEY).expect("a key");
    let fresh = seal::Freshness {
        salt: [7; 32],
        nonce: [9; 12],
    };
    let message = seal::encrypt(key.public(), key.secret(), plain, &fresh).expect("encrypts");
    put(world, key.topic(), timestamp_ns, message).await;
}

async fn put(world: &World, content_topic: String, timestamp_ns: u64, message: Vec<u8>) {
    world
        .api()
        .legacy_publish(vec![LegacyEnvelope {
            content_topic,
            timestamp_ns,
            message,
        }])
        .await
        .expect("is stored");
}

fn one(subject: Subject, state: Listed, value: impl ToString) -> Action {
    Action {
        subject,
        state,
        values: vec![value.to_string()],
    }
}

fn now_ns(world: &World) -> u64 {
    use xmtp_web::platform::Platform as _;
    world.machine.now_ns()
}

#[test]
fn xip_42_what_one_app_decides_another_app_of_the_person_reads() {
    story(async {
        let world = World::new().await;
        // Two inboxes stand for two apps: they share nothing but the key.
        let (one_app, other_app) = (owner(&world).await, owner(&world).await);
        let stranger = world.person().await;
        let group = Entity::Conversation(GroupId::new([0xab; 16]));
        let inbox = Entity::Inbox(stranger.inbox_id());
        decide(&one_app, &group, Allowed);
        decide(&one_app, &inbox, Denied);
        assert_eq!(publish(&one_app).await, 2);
        assert_eq!(state(&other_app, &inbox), Unknown);
        let mut watch = other_app.watch().await;
        refresh(&other_app).await;
        assert_eq!(state(&other_app, &group), Allowed);
        assert_eq!(state(&other_app, &inbox), Denied);
        watch
            .until(|event| matches!(event, Event::Preferences(updates) if updates.len() == 2))
            .await;
        assert_eq!(
            other_app.client.preferences().consent_list().expect("a list"),
            [
                Consent {
                    entity: group.clone(),
                    state: Allowed
                },
                Consent {
                    entity: inbox,
                    state: Denied
                }
            ]
        );
        // What was read is not written again, and what was written not twice.
        assert_eq!((publish(&other_app).await, publish(&one_app).await), (0, 0));
        assert_eq!(network(&world).await.len(), 2);
        // A change of mind of the other app comes back.
        world.later(Duration::from_secs(1));
        decide(&other_app, &group, Denied);
        assert_eq!(publish(&other_app).await, 1);
        refresh(&one_app).await;
        assert_eq!(state(&one_app, &group), Denied);
    });
}

#[test]
fn xip_42_what_one_call_decides_is_one_action_of_each_kind() {
    story(async {
        let world = World::new().await;
        let person = owner(&world).await;
        let groups = [[1; 16], [2; 16], [3; 16]].map(|id| Entity::Conversation(GroupId::new(id)));
        let decisions: Vec<_> = groups
            .iter()
            .zip([Denied, Allowed, Denied])
            .map(|(entity, state)| Consent {
                entity: entity.clone(),
                state,
            })
            .collect();
        person
            .client
            .preferences()
            .set_consent_states(&decisions)
            .expect("decides");
        assert_eq!(publish(&person).await, 3);
        let written: Vec<_> = network(&world)
            .await
            .into_iter()
            .map(|(_, action)| action)
            .collect();
        assert_eq!(written.len(), 2);
        let of = |state| {
            written
                .iter()
                .find(|action| action.state == state)
                .expect("an action")
        };
        assert_eq!(of(Listed::Denied).values, ["01".repeat(16), "03".repeat(16)]);
        assert_eq!(of(Listed::Allowed).values, ["02".repeat(16)]);
    });
}

#[test]
fn xip_42_an_address_is_a_name_of_its_inbox() {
    story(async {
        let world = World::new().await;
        let (person, bob) = (owner(&world).await, world.person().await);
        let preferences = person.client.preferences();
        let (address, inbox) = (bob.wallet.address(), Entity::Inbox(bob.inbox_id()));
        let entity = Entity::Address(address.clone());
        // Nobody asked whose it is yet: the decision is the address's own.
        decide(&person, &entity, Denied);
        assert_eq!(
            (state(&person, &entity), state(&person, &inbox)),
            (Denied, Unknown)
        );
        // Once that is known it is the inbox's.
        assert_eq!(preferences.address_state(&address).await.expect("asked"), Denied);
        assert_eq!(
            (state(&person, &entity), state(&person, &inbox)),
            (Denied, Denied)
        );
        assert_eq!(
            preferences.consent_list().expect("a list"),
            [Consent {
                entity: inbox.clone(),
                state: Denied
            }]
        );
        decide(&person, &inbox, Allowed);
        assert_eq!(state(&person, &entity), Allowed);
        // The list hears what was said of the address as that, with the capitals that V2 peers look it up with.
        publish(&person).await;
        let written = network(&world).await;
        let addresses: Vec<_> = written
            .iter()
            .filter(|(_, action)| action.subject == Subject::Address)
            .flat_map(|(_, action)| &action.values)
            .collect();
        assert_eq!(addresses.len(), 1);
        assert!(addresses[0].eq_ignore_ascii_case(address.as_str()));
        assert_ne!(addresses[0], address.as_str());
    });
}

#[test]
fn xip_42_an_address_of_the_list_is_about_its_inbox_and_one_without_inbox_stays_an_address() {
    story(async {
        let world = World::new().await;
        let (person, bob) = (owner(&world).await, world.person().await);
        let nobody = world.wallet().address();
        let values = [
            bob.wallet.address().as_str().to_uppercase().replace("0X", "0x"),
            nobody.to_string(),
        ];
        for (seconds, value) in [(1, &values[0]), (2, &values[1])] {
            let action = one(Subject::Address, Listed::Denied, value);
            let key = IdentityKey::from_bytes(&KEY).expect("a key");
            let fresh = seal::Freshness {
                salt: [seconds; 32],
                nonce: [seconds; 12],
            };
            let message =
                seal::encrypt(key.public(), key.secret(), &action.encode(), &fresh).expect("encrypts");
            put(&world, key.topic(), now_ns(&world), message).await;
        }
        refresh(&person).await;
        assert_eq!(state(&person, &Entity::Inbox(bob.inbox_id())), Denied);
        assert_eq!(state(&person, &Entity::Address(bob.wallet.address())), Denied);
        assert_eq!(state(&person, &Entity::Address(nobody)), Denied);
    });
}

#[test]
fn xip_42_traps_of_the_list_are_read_as_peers_read_them() {
    story(async {
        let world = World::new().await;
        let person = owner(&world).await;
        let now = now_ns(&world);
        let id = [0xf0; 16];
        // A group id as it is, from early 2024; two members at once; and an action that says nothing.
        let raw_group = [&[0x22, 18, 0x0a, 16][..], &id].concat();
        write(&world, now, &raw_group).await;
        let (allowed, denied) = ("1a".repeat(32), "1b".repeat(32));
        let both = [
            one(Subject::Inbox, Listed::Denied, &denied).encode(),
            one(Subject::Inbox, Listed::Allowed, &allowed).encode(),
        ]
        .concat();
        write(&world, now, &both).await;
        write(&world, now, &[]).await;
        // What is no entry at all, and what names nothing.
        let key = IdentityKey::from_bytes(&KEY).expect("a key");
        put(&world, key.topic(), now, vec![1, 2, 3]).await;
        write(&world, now, &one(Subject::Group, Listed::Denied, "aa").encode()).await;
        write(
            &world,
            u64::MAX,
            &one(Subject::Inbox, Listed::Denied, "2a".repeat(32)).encode(),
        )
        .await;
        refresh(&person).await;
        let inbox = |text: &str| Entity::Inbox(text.parse().expect("an id"));
        assert_eq!(state(&person, &Entity::Conversation(GroupId::new(id))), Denied);
        assert_eq!(state(&person, &inbox(&allowed)), Allowed);
        assert_eq!(state(&person, &inbox(&denied)), Denied);
        assert_eq!(
            person.client.preferences().consent_list().expect("a list").len(),
            3
        );
    });
}

#[test]
fn xip_42_the_list_of_2023_is_read_and_a_newer_entry_counts() {
    story(async {
        let world = World::new().await;
        let person = world.person().await;
        let vector = vectors()["legacy_ecies_2023"]["messages"][0].clone();
        let key = IdentityKey::from_bytes(&bytes(&vector, "private_key")).expect("a key");
        let preferences = person.client.preferences();
        preferences.set_identity_key(key.secret()).expect("a key");
        let entity = Entity::Address(
            "0x1111111111111111111111111111111111111111"
                .parse()
                .expect("an address"),
        );
        put(&world, key.topic_of_2023(), 1, bytes(&vector, "ecies_message")).await;
        refresh(&person).await;
        assert_eq!(state(&person, &entity), Allowed);
        decide(&person, &entity, Denied);
        refresh(&person).await;
        assert_eq!(state(&person, &entity), Denied);
    });
}

#[test]
fn xip_42_a_list_of_many_pages_is_read_to_its_end() {
    story(async {
        let world = World::new().await;
        let person = owner(&world).await;
        let key = IdentityKey::from_bytes(&KEY).expect("a key");
        let envelopes: Vec<_> = (0..1_101u16)
            .map(|number| {
                let value = format!("{number:064x}");
                let action = one(Subject::Inbox, Listed::Denied, value).encode();
                let mut fresh = seal::Freshness {
                    salt: [0; 32],
                    nonce: [0; 12],
                };
                fresh.salt[..2].copy_from_slice(&number.to_be_bytes());
                LegacyEnvelope {
                    content_topic: key.topic(),
                    timestamp_ns: 1_000_000 + u64::from(number / 7),
                    message: seal::encrypt(key.public(), key.secret(), &action, &fresh).expect("encrypts"),
                }
            })
            .collect();
        world.api().legacy_publish(envelopes).await.expect("is stored");
        refresh(&person).await;
        assert_eq!(
            person.client.preferences().consent_list().expect("a list").len(),
            1_101
        );
    });
}

#[test]
fn xip_42_rules_1_and_2_what_the_person_decides_is_written_whatever_the_list_says() {
    story(async {
        let world = World::new().await;
        let person = owner(&world).await;
        let group = Entity::Conversation(GroupId::new([5; 16]));
        for (wanted, listed) in [
            (Denied, Listed::Denied),
            (Allowed, Listed::Allowed),
            (Denied, Listed::Denied),
        ] {
            world.later(Duration::from_secs(1));
            decide(&person, &group, wanted);
            assert_eq!(publish(&person).await, 1);
            let written = network(&world).await;
            assert_eq!(written.last().expect("an entry").1.state, listed);
        }
        // There is no word for a decision that was taken back.
        decide(&person, &group, Unknown);
        assert_eq!(publish(&person).await, 0);
        refresh(&person).await;
        assert_eq!(state(&person, &group), Unknown);
    });
}

#[test]
fn xip_42_rule_3_what_an_app_knew_before_is_written_where_the_list_says_nothing() {
    story(async {
        let world = World::new().await;
        let person = owner(&world).await;
        let (listed, new, decided) = ("1a".repeat(32), "1b".repeat(32), "1c".repeat(32));
        let inbox = |text: &str| Entity::Inbox(text.parse().expect("an id"));
        write(
            &world,
            now_ns(&world),
            &one(Subject::Inbox, Listed::Denied, &listed).encode(),
        )
        .await;
        decide(&person, &inbox(&decided), Denied);
        world.later(Duration::from_secs(1));
        let before = [&listed, &new, &decided].map(|text| Consent {
            entity: inbox(text),
            state: Allowed,
        });
        let preferences = person.client.preferences();
        preferences.import_consent(&before).expect("is taken");
        assert_eq!(state(&person, &inbox(&new)), Allowed);
        assert_eq!(state(&person, &inbox(&decided)), Denied);
        assert_eq!(publish(&person).await, 2);
        let written: Vec<_> = network(&world)
            .await
            .into_iter()
            .map(|(_, action)| action)
            .collect();
        assert!(written.contains(&one(Subject::Inbox, Listed::Allowed, &new)));
        assert!(written.contains(&one(Subject::Inbox, Listed::Denied, &decided)));
        assert!(!written.contains(&one(Subject::Inbox, Listed::Allowed, &listed)));
    });
}

#[test]
fn xip_42_rule_4_an_answer_allows_where_the_list_says_nothing_and_reading_does_not() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, owner(&world).await);
        let answered = alice.group_with(&[&bob]).await.id();
        let denied = alice.group_with(&[&bob]).await.id();
        let read = alice.group_with(&[&bob]).await.id();
        alice.say(read, "hi").await;
        bob.sync().await;
        write(
            &world,
            now_ns(&world),
            &one(Subject::Group, Listed::Denied, denied).encode(),
        )
        .await;
        world.later(Duration::from_secs(1));
        bob.jot(answered, "hello").await;
        bob.jot(denied, "hello").await;
        assert_eq!(publish(&bob).await, 1);
        let written: Vec<_> = network(&world)
            .await
            .into_iter()
            .map(|(_, action)| action)
            .collect();
        assert_eq!(
            written,
            [
                one(Subject::Group, Listed::Denied, denied),
                one(Subject::Group, Listed::Allowed, answered)
            ]
        );
    });
}

#[test]
fn xip_42_where_the_node_takes_no_entries_any_more_local_state_and_the_own_installations_still_work() {
    story(async {
        let world = World::with_v2_closed().await;
        let wallet = world.wallet();
        let device = async || {
            let person = Person::open_with(
                ClientOptions::new(wallet.identifier()),
                &wallet,
                None,
                world.url(),
                &world.machine,
            )
            .await
            .expect("opens");
            person.sign_and_register().await.expect("registers");
            person
        };
        let (laptop, phone) = (device().await, device().await);
        for _ in 0..3 {
            phone.sync().await;
            laptop.sync().await;
        }
        let mut watch = phone.watch().await;
        let entity = Entity::Inbox(world.person().await.inbox_id());
        decide(&laptop, &entity, Denied);
        let preferences = laptop.client.preferences();
        for _ in 0..2 {
            let refused = preferences.publish_consent_list().await.expect_err("refused");
            assert_eq!(refused.code(), ErrorCode::ListClosed);
            assert!(!refused.is_retryable(), "{refused}");
        }
        refresh(&laptop).await;
        assert_eq!(state(&laptop, &entity), Denied);
        told(&mut watch, &entity, Denied).await;
        assert_eq!(state(&phone, &entity), Denied);
        // One attempt each, not a row of them.
        assert_eq!(world.faults().calls("Publish"), 2);
    });
}

async fn told(watch: &mut Watch, entity: &Entity, state: ConsentState) {
    let entity = entity.clone();
    let told = PreferenceUpdate::Consent(Consent { entity, state });
    watch
        .until(|event| matches!(event, Event::Preferences(updates) if updates.contains(&told)))
        .await;
}

#[test]
fn xip_42_who_follows_the_list_hears_of_entries_as_they_are_written() {
    story(async {
        let world = World::new().await;
        let (one_app, other_app) = (owner(&world).await, owner(&world).await);
        let mut watch = other_app.watch().await;
        let preferences = other_app.client.preferences();
        let followed = preferences.follow_consent_list();
        let written = async {
            world.faults().called("Subscribe", 1).await;
            let [first, second] = [[1; 16], [2; 16]].map(|id| Entity::Conversation(GroupId::new(id)));
            decide(&one_app, &first, Denied);
            publish(&one_app).await;
            told(&mut watch, &first, Denied).await;
            decide(&one_app, &second, Allowed);
            publish(&one_app).await;
            told(&mut watch, &second, Allowed).await;
            other_app.client.close();
        };
        let (ended, ()) = futures::join!(followed, written);
        ended.expect("ends when the client is closed");
    });
}

#[test]
fn xip_42_a_follower_whose_stream_breaks_is_told_and_misses_nothing() {
    story(async {
        let world = World::new().await;
        let (one_app, other_app) = (owner(&world).await, owner(&world).await);
        let group = Entity::Conversation(GroupId::new([1; 16]));
        world
            .faults()
            .add(Rule::once("Subscribe", Fault::CutStream { after: 0 }));
        let preferences = other_app.client.preferences();
        let ended = preferences.follow_consent_list().await.expect_err("broke");
        assert!(matches!(ended, ClientError::Transport(_)) && ended.is_retryable());
        decide(&one_app, &group, Denied);
        publish(&one_app).await;
        let mut watch = other_app.watch().await;
        let again = preferences.follow_consent_list();
        let heard = async {
            told(&mut watch, &group, Denied).await;
            other_app.client.close();
        };
        let (ended, ()) = futures::join!(again, heard);
        ended.expect("ends when the client is closed");
    });
}

#[test]
fn xip_42_a_publication_whose_answer_is_lost_is_written_again_and_reads_the_same() {
    story(async {
        let world = World::new().await;
        let (one_app, other_app) = (owner(&world).await, owner(&world).await);
        let group = Entity::Conversation(GroupId::new([1; 16]));
        decide(&one_app, &group, Denied);
        world.faults().add(Rule::times("Publish", Fault::DropAnswer, 9));
        let preferences = one_app.client.preferences();
        preferences.publish_consent_list().await.expect_err("no answer");
        world.faults().clear();
        // The entry is there, so there is nothing to write any more.
        assert_eq!(publish(&one_app).await, 0);
        refresh(&other_app).await;
        assert_eq!(state(&other_app, &group), Denied);
    });
}

#[test]
fn xip_42_without_a_key_of_the_app_an_installation_has_one_that_stays() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice.db").await, world.person().await);
        let key = |person: &Person| {
            *person
                .client
                .preferences()
                .identity_key()
                .expect("a key")
                .secret()
        };
        let own = key(&alice);
        assert_ne!(own, key(&bob));
        // Handed on, both have one list.
        let group = Entity::Conversation(GroupId::new([1; 16]));
        bob.client.preferences().set_identity_key(&own).expect("a key");
        decide(&alice, &group, Denied);
        assert_eq!(publish(&alice).await, 1);
        refresh(&bob).await;
        assert_eq!(state(&bob, &group), Denied);
        let alice = alice.reopened().await;
        assert_eq!(key(&alice), own);
        alice.client.preferences().set_identity_key(&KEY).expect("a key");
        let alice = alice.reopened().await;
        assert_eq!(key(&alice), KEY);
        let refused = alice
            .client
            .preferences()
            .set_identity_key(&[0; 32])
            .expect_err("no key");
        assert_eq!(refused.code(), ErrorCode::InvalidArgument);
    });
}
