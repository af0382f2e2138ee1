//! How an installation comes into being, against a node in this process.
use std::rc::Rc;
use std::time::Duration;

use crate::support::{Person, TestMachine, World, story};
use xmtp_devnode::{Fault, LOCAL_CHAIN_ID, Rule};
use xmtp_web::client::{Client, ClientError, ClientOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::identity::{IdentityError, MAX_INSTALLATIONS_PER_INBOX};
use xmtp_web::mls::{Provider, key_package};
use xmtp_web::storage::{Store, StoreOptions};
use xmtp_web::transport::TransportError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many installations the log of somebody's inbox has.
async fn installations(person: &Person) -> usize {
    let state = person.client.inbox_state(person.inbox_id()).await;
    state.expect("a state").installations().len()
}

#[test]
fn a_new_person_registers_with_one_signature() {
    story(async {
        let world = World::new().await;
        let alice = world.visitor(&world.wallet()).await;
        assert!(!alice.client.is_registered());
        assert!(matches!(
            alice.client.sync_all().await,
            Err(ClientError::NotRegistered)
        ));
        alice.sign_and_register().await.expect("registers");
        assert!(alice.client.is_registered());
        assert_eq!(alice.client.signature_text(), None);
        let found = alice.client.inboxes_of(&[alice.wallet.address()]).await;
        assert_eq!(found.expect("known"), [alice.inbox_id()]);
        assert_eq!(installations(&alice).await, 1);
    });
}

#[test]
fn a_second_installation_joins_the_inbox() {
    story(async {
        let world = World::new().await;
        let phone = world.person().await;
        let laptop = world.device_of(&phone.wallet).await;
        assert_eq!(laptop.inbox_id(), phone.inbox_id());
        assert_ne!(laptop.client.installation_id(), phone.client.installation_id());
        assert_eq!(installations(&phone).await, 2);
    });
}

#[test]
fn a_contract_wallet_registers_once_the_node_has_confirmed_it() {
    story(async {
        let world = World::new().await;
        let (owner, stranger) = (world.wallet(), world.wallet());
        let contract = world.wallet();
        let address = contract.address();
        world
            .node()
            .register_contract_wallet(address.as_str(), owner.address().as_str())
            .expect("deployed");
        let person = world.visitor(&contract).await;
        let text = person.client.signature_text().expect("a text to sign");
        let refused = person
            .client
            .add_contract_signature(&address, LOCAL_CHAIN_ID, None, &stranger.sign(&text))
            .await;
        assert!(matches!(
            refused,
            Err(ClientError::Identity(IdentityError::ContractRefused))
        ));
        person
            .client
            .add_contract_signature(&address, LOCAL_CHAIN_ID, None, &owner.sign(&text))
            .await
            .expect("confirmed");
        person.client.register().await.expect("registers");
        // Somebody else asks the node about the signature, and talks to the wallet's owner.
        let bob = world.person().await;
        let group = bob.group_with(&[&person]).await;
        person.say(group.id(), "hello").await;
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), ["hello"]);
    });
}

#[test]
fn registering_twice_changes_nothing() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let calls = world.faults().calls("PublishIdentityUpdate");
        alice.client.register().await.expect("nothing to do");
        assert_eq!(world.faults().calls("PublishIdentityUpdate"), calls);
    });
}

#[test]
fn an_installation_too_many_is_refused_before_anybody_signs() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        for _ in 0..MAX_INSTALLATIONS_PER_INBOX {
            world.device_of(&wallet).await;
        }
        let refused = Person::open(&wallet, None, world.url(), &world.machine).await;
        assert!(matches!(
            refused.map(|_| ()),
            Err(ClientError::Identity(IdentityError::TooManyInstallations { installations, .. }))
                if installations.len() == MAX_INSTALLATIONS_PER_INBOX
        ));
    });
}

#[test]
fn another_wallets_signature_is_refused_and_the_right_one_still_works() {
    story(async {
        let world = World::new().await;
        let alice = world.visitor(&world.wallet()).await;
        let text = alice.client.signature_text().expect("a text to sign");
        let refused = alice.client.add_ecdsa_signature(&world.wallet().sign(&text));
        assert!(matches!(
            refused,
            Err(ClientError::Identity(IdentityError::WrongSigner { .. }))
        ));
        let unsigned = alice.client.register().await;
        assert!(matches!(
            unsigned,
            Err(ClientError::Identity(IdentityError::MissingSigners(_)))
        ));
        alice.sign_and_register().await.expect("registers");
    });
}

#[test]
fn a_crash_between_key_package_and_log_continues_with_the_same_installation() {
    story(async {
        let world = World::new().await;
        let alice = world.visitor_with_file(&world.wallet(), "alice").await;
        let id = alice.client.installation_id();
        world
            .faults()
            .add(Rule::always("PublishIdentityUpdate", Fault::DropRequest));
        assert!(matches!(
            alice.sign_and_register().await,
            Err(ClientError::Transport(_))
        ));
        world.faults().clear();
        let alice = alice.reopened().await;
        assert!(!alice.client.is_registered());
        assert_eq!(alice.client.signature_text(), None, "nothing is signed twice");
        alice.client.register().await.expect("registers");
        assert_eq!(alice.client.installation_id(), id);
        assert_eq!(installations(&alice).await, 1);
        assert_eq!(world.faults().calls("UploadKeyPackage"), 1);
        assert!(world.person().await.group_with(&[&alice]).await.view().is_ok());
    });
}

#[test]
fn a_signature_counts_also_for_whoever_opens_the_database_while_the_wallet_is_asked() {
    story(async {
        let world = World::new().await;
        for again in [false, true] {
            let wallet = world.wallet();
            if again {
                world.device_of(&wallet).await;
            }
            let file = format!("alice {again}");
            let alice = world.visitor_with_file(&wallet, &file).await;
            let id = alice.client.installation_id();
            let text = alice.client.signature_text().expect("a text to sign");
            world.later(Duration::from_secs(300));
            let alice = alice.reopened().await;
            assert_eq!(alice.client.installation_id(), id);
            assert_eq!(alice.client.signature_text().as_ref(), Some(&text));
            let signature = wallet.sign(&text);
            alice.client.add_ecdsa_signature(&signature).expect("counts");
            // What was signed need not be signed again either.
            let alice = alice.reopened().await;
            assert!(!alice.client.is_registered());
            assert_eq!(alice.client.signature_text(), None);
            alice.client.register().await.expect("registers");
            assert_eq!(alice.client.installation_id(), id);
            assert_eq!(installations(&alice).await, 1 + usize::from(again));
        }
    });
}

#[test]
fn a_text_that_nobody_has_signed_for_a_day_is_followed_by_one_of_the_same_installation() {
    story(async {
        let world = World::new().await;
        let alice = world.visitor_with_file(&world.wallet(), "alice").await;
        let (id, text) = (alice.client.installation_id(), alice.client.signature_text());
        world.later(DAY);
        let alice = alice.reopened().await;
        assert_eq!(alice.client.installation_id(), id);
        assert_ne!(alice.client.signature_text(), text);
        alice.sign_and_register().await.expect("registers");
        assert_eq!(installations(&alice).await, 1);
    });
}

#[test]
fn a_database_in_which_nobody_has_signed_belongs_to_nobody() {
    story(async {
        let world = World::new().await;
        let (alices, bobs) = (world.wallet(), world.wallet());
        let alice = world.visitor_with_file(&alices, "shared").await;
        let id = alice.client.installation_id();
        alice.client.close();
        let bob = world.visitor_with_file(&bobs, "shared").await;
        assert_ne!(bob.client.installation_id(), id);
        bob.sign_and_register().await.expect("registers");
        let found = Client::inbox_id_for(&world.api(), &bobs.identifier(), 1).await;
        assert_eq!(found.expect("found"), bob.inbox_id());
        let bob = bob.reopened().await;
        assert!(bob.client.is_registered());
        let file = Some(world.file("shared"));
        let late = Person::open(&alices, file, world.url(), &world.machine).await;
        assert_eq!(
            late.map(|_| ()).expect_err("it is Bob's").code(),
            ErrorCode::InboxMismatch
        );
    });
}

#[test]
fn a_signature_that_is_worth_nothing_any_more_leaves_another_text() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let laptop = world.visitor_with_file(&wallet, "laptop").await;
        let text = laptop.client.signature_text().expect("a text to sign");
        let signature = wallet.sign(&text);
        laptop.client.add_ecdsa_signature(&signature).expect("counts");
        // It would make an inbox that exists by now.
        let phone = world.device_of(&wallet).await;
        let laptop = laptop.reopened().await;
        assert_eq!(laptop.client.signature_text(), None);
        let refused = laptop.client.register().await.expect_err("refused for good");
        assert!(!refused.is_retryable());
        laptop.sign_and_register().await.expect("registers");
        assert_eq!(laptop.inbox_id(), phone.inbox_id());
        assert_eq!(installations(&phone).await, 2);
    });
}

#[test]
fn a_registration_is_done_although_its_answer_was_lost() {
    story(async {
        let world = World::new().await;
        let alice = world.visitor(&world.wallet()).await;
        world
            .faults()
            .add(Rule::once("PublishIdentityUpdate", Fault::DropAnswer));
        alice.sign_and_register().await.expect("registers");
        assert_eq!(installations(&alice).await, 1);
        // All answers lost: the log says that it is in.
        let bob = world.visitor(&world.wallet()).await;
        world
            .faults()
            .add(Rule::always("PublishIdentityUpdate", Fault::DropAnswer));
        bob.sign_and_register().await.expect("registers");
        assert_eq!(installations(&bob).await, 1);
    });
}

#[test]
fn a_crash_after_the_log_took_it_needs_no_second_update() {
    story(async {
        let world = World::new().await;
        let alice = world.visitor_with_file(&world.wallet(), "alice").await;
        world
            .faults()
            .add(Rule::always("GetIdentityUpdates", Fault::DropRequest));
        assert!(alice.sign_and_register().await.is_err(), "the log cannot be read");
        world.faults().clear();
        let alice = alice.reopened().await;
        assert!(alice.client.is_registered());
        assert_eq!(installations(&alice).await, 1);
    });
}

#[test]
fn two_first_installations_at_once_both_get_in() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (phone, laptop) = (world.visitor(&wallet).await, world.visitor(&wallet).await);
        phone.sign_and_register().await.expect("registers");
        // The laptop's update makes an inbox that exists by now.
        let refused = laptop.sign_and_register().await.expect_err("refused for good");
        assert!(!refused.is_retryable());
        assert!(
            laptop.client.signature_text().is_some(),
            "there is another text to sign"
        );
        laptop.sign_and_register().await.expect("registers");
        assert_eq!(laptop.inbox_id(), phone.inbox_id());
        assert_eq!(installations(&phone).await, 2);
    });
}

#[test]
fn a_reopened_client_is_registered_and_needs_neither_signature_nor_node() {
    story(async {
        let mut world = World::on_disk().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        alice.say(group.id(), "before").await;
        let (inbox, installation) = (alice.inbox_id(), alice.client.installation_id());
        world.kill_node().await;
        let alice = alice.reopened().await;
        assert!(alice.client.is_registered());
        assert_eq!(alice.client.signature_text(), None);
        assert_eq!(
            (alice.inbox_id(), alice.client.installation_id()),
            (inbox, installation)
        );
        assert_eq!(alice.texts(group.id()), ["before"]);
        alice.jot(group.id(), "queued without a node").await;
        world.restart_node().await;
        alice.sync().await;
        bob.sync().await;
        assert_eq!(bob.texts(group.id()), ["before", "queued without a node"]);
    });
}

#[test]
fn a_database_opens_only_for_its_own_inbox() {
    story(async {
        let world = World::new().await;
        let alice = world.person_with_file("alice").await;
        let bob = world.person().await;
        let (inbox, file) = (alice.inbox_id(), world.file("alice"));
        drop(alice.client);
        let options = ClientOptions {
            inbox_id: Some(bob.inbox_id()),
            ..ClientOptions::new(alice.wallet.identifier())
        };
        let other_inbox = Person::open_with(
            options,
            &alice.wallet,
            Some(file.clone()),
            world.url(),
            &world.machine,
        )
        .await;
        assert!(matches!(
            other_inbox.map(|_| ()),
            Err(ClientError::InboxMismatch { found, .. }) if found == inbox
        ));
        let other_wallet = Person::open(&bob.wallet, Some(file), world.url(), &world.machine).await;
        assert!(matches!(
            other_wallet.map(|_| ()),
            Err(ClientError::InboxMismatch { expected, .. }) if expected == inbox
        ));
        let options = ClientOptions {
            inbox_id: Some(inbox),
            ..ClientOptions::new(bob.wallet.identifier())
        };
        let fresh = Person::open_with(options, &bob.wallet, None, world.url(), &world.machine).await;
        assert_eq!(
            fresh.map(|_| ()).expect_err("refused").code(),
            ErrorCode::InboxMismatch
        );
    });
}

#[test]
fn nobody_registers_while_the_node_is_away() {
    story(async {
        let mut world = World::on_disk().await;
        let alice = world.visitor(&world.wallet()).await;
        world.kill_node().await;
        let unreachable = alice.sign_and_register().await;
        assert!(matches!(
            unreachable,
            Err(ClientError::Transport(TransportError::Unreachable))
        ));
        let cannot_open = Person::open(&world.wallet(), None, world.url(), &world.machine).await;
        assert_eq!(
            cannot_open.map(|_| ()).expect_err("no node").code(),
            ErrorCode::NetworkUnavailable
        );
        world.restart_node().await;
        alice.client.register().await.expect("registers");
    });
}

#[test]
fn a_key_package_is_replaced_after_a_welcome_and_its_keys_go_a_day_later() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let packages = || {
            let store = Store::open(StoreOptions::file(world.file("bob"))).expect("opens");
            store.key_packages().expect("the database answers")
        };
        let first = packages().pop().expect("the first package");
        alice.group_with(&[&bob]).await;
        assert_eq!(packages().len(), 1, "several welcomes at once cause one rotation");
        world.later(Duration::from_secs(6));
        bob.sync().await;
        let both = packages();
        assert_eq!(both.len(), 2);
        assert!(
            both.iter()
                .any(|row| row.hash_ref == first.hash_ref && row.delete_at_ns.is_some())
        );
        // A welcome in flight still finds the old keys, the next one finds the new.
        alice.group_with(&[&bob]).await;
        assert_eq!(
            bob.client
                .conversations()
                .list(&Default::default())
                .expect("lists")
                .len(),
            2
        );
        world.later(DAY + Duration::from_secs(1));
        bob.sync().await;
        let left = packages();
        assert!(left.iter().all(|row| row.hash_ref != first.hash_ref));
        let store = Store::open(StoreOptions::file(world.file("bob"))).expect("opens");
        let provider = Provider::new(&store);
        assert!(xmtp_web::mls::welcome::init_private_key(&provider, &first.hash_ref).is_err());
        key_package::delete(&provider, &first.hash_ref).expect("deleting what is gone is nothing");
    });
}

#[test]
fn a_failed_rotation_leaves_the_old_key_package_in_use() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        world
            .faults()
            .add(Rule::always("UploadKeyPackage", Fault::DropRequest));
        assert!(bob.client.rotate_key_package().await.is_err());
        let group = alice.group_with(&[&bob]).await;
        world.later(Duration::from_secs(6));
        bob.sync().await;
        assert!(bob.is_member_of(group.id()));
        world.faults().clear();
        bob.client.rotate_key_package().await.expect("rotates");
        let second = alice.group_with(&[&bob]).await;
        assert!(bob.is_member_of(second.id()));
    });
}

#[test]
fn a_closed_client_refuses_everything() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let clone = alice.client.clone();
        alice.client.close();
        assert!(matches!(clone.sync_all().await, Err(ClientError::Closed)));
        assert!(matches!(clone.events(), Err(ClientError::Closed)));
        assert!(matches!(
            clone.conversations().list(&Default::default()),
            Err(ClientError::Closed)
        ));
    });
}

#[test]
fn an_inbox_is_derived_before_anybody_registers() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let derived = Client::inbox_id_for(&world.api(), &wallet.identifier(), 1).await;
        let derived = derived.expect("derived");
        let alice = world.device_of(&wallet).await;
        assert_eq!(alice.inbox_id(), derived);
        let found = Client::inbox_id_for(&world.api(), &wallet.identifier(), 7).await;
        assert_eq!(found.expect("found"), derived, "the nonce is of no use any more");
    });
}

#[test]
fn the_machine_of_these_stories_can_stop_its_clock() {
    use xmtp_web::platform::Platform as _;
    let machine = Rc::new(TestMachine::default());
    machine.freeze();
    assert_eq!(machine.now_ns(), machine.now_ns());
}
