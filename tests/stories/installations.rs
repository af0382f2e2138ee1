//! Installations of one inbox: their limit, revocation, and what becomes of a revoked one.
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Person, World, story};
use futures::StreamExt as _;
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{Client, ClientError, ConnectionState, Directory, Event, PendingUpdate, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::identity::{IdentityError, MAX_INSTALLATIONS_PER_INBOX};
use xmtp_web::ids::InstallationId;

/// More than the age up to which the last look at members' logs is new enough to send.
const A_WHILE: Duration = Duration::from_secs(6);
/// More than the age up to which it is new enough to sync.
const AN_HOUR: Duration = Duration::from_secs(3_600);

async fn installations(person: &Person) -> Vec<InstallationId> {
    let state = person.client.inbox_state(person.inbox_id()).await;
    state.expect("a state").installations()
}

fn id(person: &Person) -> InstallationId {
    person.client.installation_id()
}

/// Signs with the person's wallet and publishes.
async fn sign_and_apply(person: &Person, update: &PendingUpdate) -> Result<(), ClientError> {
    update.add_ecdsa(&person.wallet.sign(&update.text()))?;
    person.client.apply(update).await
}

async fn revoke(person: &Person, devices: &[InstallationId]) {
    let update = person
        .client
        .revoke_installations(devices)
        .await
        .expect("a change");
    sign_and_apply(person, &update).await.expect("accepted");
}

fn is_revoked<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> bool {
    let error = outcome.expect_err("a revoked installation can do nothing");
    assert!(!error.is_retryable());
    error.code() == ErrorCode::InstallationRevoked
}

#[test]
fn one_installation_revokes_another_and_all_others() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let laptop = world.device_of(&phone.wallet).await;
        let tablet = world.device_of(&phone.wallet).await;
        revoke(&phone, &[id(&laptop)]).await;
        assert_eq!(installations(&phone).await, [id(&phone), id(&tablet)]);

        let television = world.device_of(&phone.wallet).await;
        let update = phone.client.revoke_all_other_installations().await;
        let update = update.expect("a change").expect("there are others");
        for other in [&tablet, &television] {
            assert!(update.text().contains(&id(other).to_string()));
        }
        assert!(!update.text().contains(&id(&phone).to_string()));
        sign_and_apply(&phone, &update).await.expect("accepted");
        assert_eq!(installations(&phone).await, [id(&phone)]);
        let nobody = phone.client.revoke_all_other_installations().await;
        assert!(nobody.expect("asked").is_none());
    });
}

#[test]
fn only_the_recovery_identifier_can_sign_a_revocation() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let laptop = world.device_of(&phone.wallet).await;
        let update = phone
            .client
            .revoke_installations(&[id(&laptop)])
            .await
            .expect("a change");
        let refused = update.add_ecdsa(&world.wallet().sign(&update.text()));
        assert_eq!(refused.expect_err("a stranger").code(), ErrorCode::WrongSigner);
        let unsigned = phone.client.apply(&update).await;
        assert!(matches!(
            unsigned,
            Err(ClientError::Identity(IdentityError::MissingSigners(_)))
        ));
        assert_eq!(installations(&phone).await.len(), 2);
        let nothing = phone.client.revoke_installations(&[]).await;
        assert_eq!(nothing.expect_err("nobody").code(), ErrorCode::InvalidArgument);
    });
}

#[test]
fn a_revocation_whose_answer_was_lost_is_done_once() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let laptop = world.device_of(&phone.wallet).await;
        world
            .faults()
            .add(Rule::once("PublishIdentityUpdate", Fault::DropAnswer));
        revoke(&phone, &[id(&laptop)]).await;
        assert_eq!(installations(&phone).await, [id(&phone)]);
        let counts = phone.client.fetch_updates_counts(&[phone.inbox_id()]).await;
        assert_eq!(counts.expect("counted")[&phone.inbox_id()], 3);
    });
}

#[test]
fn a_full_inbox_says_what_it_has_and_is_helped_without_an_installation() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let mut devices = Vec::new();
        for _ in 0..MAX_INSTALLATIONS_PER_INBOX {
            devices.push(world.device_of(&wallet).await);
        }
        let refused = Person::open(&wallet, None, world.url(), &world.machine).await;
        let Err(ClientError::Identity(IdentityError::TooManyInstallations {
            inbox_id,
            installations,
        })) = refused.map(|_| ())
        else {
            panic!("there is no room");
        };
        assert_eq!(inbox_id, devices[0].inbox_id());
        let expected: Vec<_> = devices.iter().map(id).collect();
        assert_eq!(
            installations.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            expected
        );
        for (_, details) in &installations {
            assert!(details.client_timestamp_ns.is_some());
            assert_eq!(details.added_by, Some(wallet.identifier().into()));
        }

        let directory = Directory::new(world.api(), Rc::new(world.machine.clone())).expect("memory");
        let update = directory
            .revoke_installations(inbox_id, wallet.identifier(), &expected[..2])
            .expect("a change");
        update
            .add_ecdsa(&wallet.sign(&update.text()))
            .expect("the wallet may");
        directory.apply(&update).await.expect("accepted");
        let states = directory.inbox_states(&[inbox_id]).await.expect("known");
        assert_eq!(states[0].installations(), expected[2..]);
        let newcomer = world.device_of(&wallet).await;
        assert_eq!(newcomer.inbox_id(), inbox_id);
        // the same change again is known to be done
        directory.apply(&update).await.expect("done");
    });
}

#[test]
fn a_directory_judges_before_it_publishes() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let mallory = world.wallet();
        let directory = Directory::new(world.api(), Rc::new(world.machine.clone())).expect("memory");
        let update = directory
            .revoke_installations(alice.inbox_id(), mallory.identifier(), &[id(&alice)])
            .expect("a change");
        update
            .add_ecdsa(&mallory.sign(&update.text()))
            .expect("it waits for this one");
        let published = world.faults().calls("PublishIdentityUpdate");
        let refused = directory
            .apply(&update)
            .await
            .expect_err("not the recovery identifier");
        assert_eq!(refused.code(), ErrorCode::InvalidIdentityUpdate);
        assert_eq!(world.faults().calls("PublishIdentityUpdate"), published);
        let unknown = directory
            .inbox_states(&[xmtp_web::ids::InboxId::new([7; 32])])
            .await;
        assert_eq!(unknown.expect_err("nobody").code(), ErrorCode::UnknownInbox);
    });
}

#[test]
fn the_next_active_member_removes_a_revoked_installation() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let lost = world.device_of(&phone.wallet).await;
        let group = alice.group_with(&[&phone, &lost]).await;
        assert_eq!(alice.devices_in(group.id(), phone.inbox_id()), 2);
        revoke(&phone, &[id(&lost)]).await;
        world.later(A_WHILE);
        alice.say(group.id(), "not for everybody").await;
        assert_eq!(alice.devices_in(group.id(), phone.inbox_id()), 1);
        phone.sync().await;
        assert_eq!(phone.texts(group.id()), ["not for everybody"]);
        assert!(is_revoked(lost.client.sync_all().await));
        assert!(lost.texts(group.id()).is_empty());
    });
}

#[test]
fn a_revoked_installation_notices_when_it_sends() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let lost = world.device_of(&phone.wallet).await;
        let group = alice.group_with(&[&phone, &lost]).await;
        lost.sync().await;
        alice.say(group.id(), "hello").await;
        lost.sync().await;
        revoke(&phone, &[id(&lost)]).await;
        world.later(A_WHILE);
        assert!(!lost.client.is_revoked());
        let sent = lost
            .group(group.id())
            .send_text("still me?", SendOptions::default())
            .await;
        assert!(is_revoked(sent));
        assert!(lost.client.is_revoked() && !lost.client.is_registered());
        // nothing more leaves it, and what it has can be read
        let calls = world.faults().calls("SendGroupMessages");
        assert!(is_revoked(lost.client.sync_all().await));
        assert!(is_revoked(lost.client.sync_welcomes().await));
        assert!(is_revoked(lost.client.register().await));
        assert!(is_revoked(lost.client.rotate_key_package().await));
        assert!(is_revoked(lost.client.events().map(|_| ())));
        assert_eq!(world.faults().calls("SendGroupMessages"), calls);
        assert_eq!(lost.texts(group.id()), ["hello", "still me?"]);
        alice.sync().await;
        assert_eq!(alice.texts(group.id()), ["hello"]);
    });
}

#[test]
fn a_revoked_installation_that_changes_who_is_in_a_group_is_told_so_and_nothing_happens() {
    story(async {
        let world = World::new().await;
        let (alice, phone, bob) = (world.person().await, world.person().await, world.person().await);
        let lost = world.device_of(&phone.wallet).await;
        let others = world.device_of(&phone.wallet).await;
        let group = alice.group_with(&[&phone, &lost, &others]).await.id();
        lost.sync().await;
        others.sync().await;
        let sent = world.faults().calls("SendGroupMessages");
        revoke(&phone, &[id(&lost), id(&others)]).await;
        // It was looked just now who has which installations.
        let lost_group = lost.group(group);
        assert!(is_revoked(lost_group.add_members(&[bob.inbox_id()]).await));
        assert!(is_revoked(lost_group.remove_members(&[alice.inbox_id()]).await));
        let removed = others.group(group).remove_members(&[alice.inbox_id()]).await;
        assert!(is_revoked(removed));
        assert_eq!(world.faults().calls("SendGroupMessages"), sent);
        assert_eq!(alice.members_of(group).len(), 2);
    });
}

#[test]
fn a_revoked_installation_notices_when_it_syncs_a_group() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let lost = world.device_of(&phone.wallet).await;
        let group = alice.group_with(&[&phone, &lost]).await.id();
        lost.sync().await;
        revoke(&phone, &[id(&lost)]).await;
        world.later(AN_HOUR);
        assert!(is_revoked(lost.group(group).sync().await));
    });
}

#[test]
fn a_revoked_installation_that_watches_is_told_once_and_stops() {
    story(async {
        let world = World::new().await;
        let (alice, phone) = (world.person().await, world.person().await);
        let lost = world.device_of(&phone.wallet).await;
        let group = alice.group_with(&[&phone, &lost]).await;
        lost.sync().await;
        let mut watch = lost.watch().await;
        revoke(&phone, &[id(&lost)]).await;
        world.later(A_WHILE);
        alice.say(group.id(), "bye").await;
        watch.until(|event| *event == Event::Revoked).await;
        assert_eq!(watch.next().await, None, "nothing follows");
        let mut states = watch
            .seen
            .iter()
            .filter(|event| matches!(event, Event::Connection(_)));
        assert_eq!(
            states.next_back(),
            Some(&Event::Connection(ConnectionState::Idle))
        );
        assert!(!lost.is_member_of(group.id()));
        until_idle(&lost.client).await;
        let calls = world.faults().calls("SubscribeGroupMessages");
        world.later(AN_HOUR);
        tokio::task::yield_now().await;
        assert_eq!(world.faults().calls("SubscribeGroupMessages"), calls);
    });
}

/// Waits until the live connection has ended.
async fn until_idle(client: &Client) {
    while client.connection_state() != ConnectionState::Idle {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_revoked_installation_in_no_group_notices_by_a_sync() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let lost = world.device_of(&phone.wallet).await;
        lost.sync().await;
        revoke(&phone, &[id(&lost)]).await;
        lost.sync().await;
        world.later(AN_HOUR);
        assert!(is_revoked(lost.client.sync_all().await));
    });
}

#[test]
fn what_was_noticed_outlives_the_client() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let lost = world.visitor_with_file(&phone.wallet, "lost").await;
        lost.sign_and_register().await.expect("registers");
        revoke(&phone, &[id(&lost)]).await;
        assert!(is_revoked(lost.client.sync_all().await));
        let lost = lost.reopened().await;
        assert!(lost.client.is_revoked());
        assert!(is_revoked(lost.client.register().await));
        // states can still be looked at
        assert_eq!(installations(&lost).await, [id(&phone)]);
    });
}

#[test]
fn an_installation_may_revoke_itself() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let mut events = phone.client.events().expect("open");
        revoke(&phone, &[id(&phone)]).await;
        assert!(phone.client.is_revoked());
        while let Some(event) = events.next().await {
            assert!(matches!(event, Event::Connection(_) | Event::Revoked));
        }
    });
}

#[test]
fn states_are_read_from_the_database_or_from_the_node() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let unknown = alice.client.stored_inbox_states(&[bob.inbox_id()]).await;
        assert_eq!(
            unknown.expect_err("never fetched").code(),
            ErrorCode::UnknownInbox
        );
        let both = [bob.inbox_id(), alice.inbox_id()];
        let fetched = alice.client.fetch_inbox_states(&both).await.expect("known");
        assert_eq!(
            fetched.iter().map(|state| state.inbox_id()).collect::<Vec<_>>(),
            both
        );
        assert_eq!(*fetched[0].recovery_identifier(), bob.wallet.identifier());
        assert_eq!(fetched[0].identifiers(), [bob.wallet.identifier()]);
        let laptop = world.device_of(&bob.wallet).await;
        let calls = world.faults().calls("GetIdentityUpdates");
        let stored = alice.client.stored_inbox_states(&both).await.expect("stored");
        assert_eq!(stored, fetched);
        assert_eq!(world.faults().calls("GetIdentityUpdates"), calls);
        let fetched = alice.client.fetch_inbox_states(&both).await.expect("known");
        assert_eq!(fetched[0].installations(), [id(&bob), id(&laptop)]);
        let counts = alice.client.fetch_updates_counts(&both).await.expect("counted");
        assert_eq!((counts[&both[0]], counts[&both[1]]), (2, 1));
    });
}
