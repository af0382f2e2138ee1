//! Whom and what people let in: which records there are, and who writes them.
use crate::support::{Person, World, story};
use futures::{FutureExt as _, StreamExt as _};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{Event, EventStream};
use xmtp_web::groups::NewGroup;
use xmtp_web::ids::GroupId;
use xmtp_web::preferences::{Consent, Entity, PreferenceUpdate};
use xmtp_web::storage::ConsentState::{self, Allowed, Denied, Unknown};
use xmtp_web::storage::{Store, StoreOptions};

fn state(person: &Person, entity: Entity) -> ConsentState {
    person
        .client
        .preferences()
        .consent_state(&entity)
        .expect("the database answers")
}

fn of_group(person: &Person, group: GroupId) -> ConsentState {
    state(person, Entity::Conversation(group))
}

fn decide(person: &Person, entity: Entity, state: ConsentState) {
    person
        .client
        .preferences()
        .set_consent_states(&[Consent { entity, state }])
        .expect("the database answers");
}

/// What was told so far of what was decided.
fn told(events: &mut EventStream) -> Vec<Consent> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Event::Preferences(updates) = event {
            told.extend(updates.into_iter().filter_map(|update| match update {
                PreferenceUpdate::Consent(consent) => Some(consent),
                PreferenceUpdate::HmacKey(_) => None,
            }));
        }
    }
    told
}

#[test]
fn who_makes_a_group_wants_it_and_who_is_added_is_asked() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let mut events = alice.client.events().expect("open");
        let group = alice.group_with(&[&bob]).await.id();
        assert_eq!(of_group(&alice, group), Allowed);
        assert_eq!(of_group(&bob, group), Unknown);
        let entity = Entity::Conversation(group);
        assert_eq!(
            told(&mut events),
            [Consent {
                entity,
                state: Allowed
            }]
        );
    });
}

#[test]
fn an_optimistic_group_is_wanted_before_anybody_knows_it() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let group = alice
            .client
            .conversations()
            .create_group_optimistic(&NewGroup::default())
            .expect("a group");
        assert_eq!(of_group(&alice, group.id()), Allowed);
    });
}

#[test]
fn nothing_is_left_of_the_wish_for_a_group_that_could_not_be_made() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice.db").await, world.person().await);
        let refusal = Fault::Error {
            code: 3,
            message: "no".into(),
        };
        world.faults().add(Rule::always("SendGroupMessages", refusal));
        let made = alice.create_group(&[&bob], &NewGroup::default()).await;
        assert!(made.is_err());
        drop(alice);
        let store = Store::open(StoreOptions::file(world.file("alice.db"))).expect("opens");
        assert_eq!(store.consent_records(), Ok(Vec::new()));
        assert_eq!(store.has_unsent_preferences(), Ok(false));
    });
}

#[test]
fn who_answers_wants_the_group_from_then_on() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut events = bob.client.events().expect("open");
        bob.jot(group, "who is this?").await;
        assert_eq!(of_group(&bob, group), Allowed);
        let entity = Entity::Conversation(group);
        assert_eq!(
            told(&mut events),
            [Consent {
                entity,
                state: Allowed
            }]
        );
        // Said once, not with every message.
        bob.jot(group, "hello?").await;
        assert_eq!(told(&mut events), []);
    });
}

#[test]
fn who_reads_has_not_decided() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        alice.say(group, "hi").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["hi"]);
        assert_eq!(of_group(&bob, group), Unknown);
    });
}

#[test]
fn a_conversation_and_the_people_in_it_are_decided_about_apart() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        decide(&bob, Entity::Inbox(alice.inbox_id()), Denied);
        assert_eq!(of_group(&bob, group.id()), Unknown);
        decide(&bob, Entity::Conversation(group.id()), Allowed);
        assert_eq!(state(&bob, Entity::Inbox(alice.inbox_id())), Denied);
        assert_eq!(state(&bob, Entity::Inbox(bob.inbox_id())), Unknown);
        let members = bob.group(group.id()).members().expect("members");
        let of = |person: &Person| {
            let member = members.iter().find(|member| member.inbox_id == person.inbox_id());
            member.expect("a member").consent
        };
        assert_eq!((of(&alice), of(&bob)), (Denied, Unknown));
    });
}

#[test]
fn several_decisions_are_one_event_of_what_they_changed() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let mut watch = bob.watch().await;
        decide(&bob, Entity::Inbox(bob.inbox_id()), Allowed);
        let decisions = [
            Consent {
                entity: Entity::Inbox(alice.inbox_id()),
                state: Denied,
            },
            Consent {
                entity: Entity::Inbox(bob.inbox_id()),
                state: Allowed,
            },
        ];
        bob.client
            .preferences()
            .set_consent_states(&decisions)
            .expect("decides");
        watch
            .until(|event| {
                *event == Event::Preferences(vec![PreferenceUpdate::Consent(decisions[0].clone())])
            })
            .await;
    });
}

#[test]
fn a_decision_can_be_taken_back() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let entity = Entity::Inbox(alice.inbox_id());
        for wanted in [Denied, Allowed, Unknown] {
            decide(&bob, entity.clone(), wanted);
            assert_eq!(state(&bob, entity.clone()), wanted);
        }
    });
}

#[test]
fn both_groups_of_a_direct_message_have_the_newest_decision_about_it() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        // Both at once, neither knowing of the other's.
        let dm = |from: &Person, to: &Person| {
            let (conversations, to) = (from.client.conversations(), to.inbox_id());
            async move {
                conversations
                    .find_or_create_dm(to, None)
                    .await
                    .expect("a dm")
                    .id()
            }
        };
        let (first, second) = (dm(&alice, &bob).await, dm(&bob, &alice).await);
        assert_ne!(first, second);
        decide(&alice, Entity::Conversation(first), Denied);
        alice.sync().await;
        assert_eq!(of_group(&alice, second), Denied);
        // From now on a decision about one is one about both.
        decide(&alice, Entity::Conversation(second), Allowed);
        assert_eq!(of_group(&alice, first), Allowed);
    });
}

#[test]
fn who_closes_the_app_finds_what_was_decided() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob.db").await);
        let entity = Entity::Inbox(alice.inbox_id());
        decide(&bob, entity.clone(), Denied);
        let bob = bob.reopened().await;
        assert_eq!(state(&bob, entity.clone()), Denied);
    });
}
