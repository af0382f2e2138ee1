//! Wallets and passkeys of one inbox: linked, unlinked, and the one that can revoke.
use crate::support::{Person, Wallet, World, story};
use base64::Engine as _;
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest as _, Sha256};
use xmtp_devnode::LOCAL_CHAIN_ID;
use xmtp_web::client::{ClientError, PendingUpdate};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::identity::{Identifier, IdentityError, Member, Passkey, PasskeySignature};

async fn identifiers(person: &Person) -> Vec<Identifier> {
    let state = person
        .client
        .inbox_state(person.inbox_id())
        .await
        .expect("a state");
    let mut identifiers = state.identifiers();
    identifiers.sort();
    identifiers
}

fn sorted<const N: usize>(mut identifiers: [Identifier; N]) -> [Identifier; N] {
    identifiers.sort();
    identifiers
}

async fn sign_and_apply(person: &Person, update: &PendingUpdate, wallet: &Wallet) -> Result<(), ClientError> {
    update.add_ecdsa(&wallet.sign(&update.text()))?;
    person.client.apply(update).await
}

/// Links a wallet of one's own.
async fn link(person: &Person, wallet: &Wallet) {
    let update = person
        .client
        .link_identifier(wallet.identifier())
        .expect("a change");
    assert_eq!(update.missing_signers(), [Member::from(wallet.identifier())]);
    sign_and_apply(person, &update, wallet).await.expect("accepted");
}

#[test]
fn a_linked_wallet_leads_to_the_inbox_and_lets_installations_in() {
    story(async {
        let world = World::new().await;
        let (alice, second) = (world.person().await, world.wallet());
        link(&alice, &second).await;
        assert_eq!(
            identifiers(&alice).await,
            sorted([alice.wallet.identifier(), second.identifier()])
        );
        let found = alice
            .client
            .inbox_ids(&[second.identifier()])
            .await
            .expect("asked");
        assert_eq!(found, [Some(alice.inbox_id())]);
        // it signs by itself: no other wallet is there
        let tablet = world.device_of(&second).await;
        assert_eq!(tablet.inbox_id(), alice.inbox_id());
        let bob = world.person().await;
        let group = bob.group_with(&[&tablet]).await;
        bob.say(group.id(), "hello").await;
        tablet.sync().await;
        assert_eq!(tablet.texts(group.id()), ["hello"]);
    });
}

#[test]
fn only_the_new_wallet_can_sign_for_itself() {
    story(async {
        let world = World::new().await;
        let (alice, second) = (world.person().await, world.wallet());
        let update = alice
            .client
            .link_identifier(second.identifier())
            .expect("a change");
        let refused = sign_and_apply(&alice, &update, &alice.wallet).await;
        assert_eq!(refused.expect_err("another").code(), ErrorCode::WrongSigner);
        assert_eq!(identifiers(&alice).await, [alice.wallet.identifier()]);
    });
}

#[test]
fn an_unlinked_wallet_takes_the_installations_it_added_with_it() {
    story(async {
        let world = World::new().await;
        let (alice, second) = (world.person().await, world.wallet());
        link(&alice, &second).await;
        let tablet = world.device_of(&second).await;
        tablet.sync().await;
        let update = alice
            .client
            .unlink_identifier(second.identifier())
            .await
            .expect("a change");
        let refused = update.add_ecdsa(&second.sign(&update.text()));
        assert_eq!(refused.expect_err("no recovery").code(), ErrorCode::WrongSigner);
        sign_and_apply(&alice, &update, &alice.wallet)
            .await
            .expect("accepted");
        assert_eq!(identifiers(&alice).await, [alice.wallet.identifier()]);
        let found = alice
            .client
            .inbox_ids(&[second.identifier()])
            .await
            .expect("asked");
        assert_eq!(found, [None]);
        world.later(std::time::Duration::from_secs(3_600));
        let noticed = tablet.client.sync_all().await;
        assert_eq!(
            noticed.expect_err("revoked").code(),
            ErrorCode::InstallationRevoked
        );
        // it can be linked again, also within the same second
        link(&alice, &second).await;
        assert_eq!(identifiers(&alice).await.len(), 2);
    });
}

#[test]
fn a_wallet_of_another_inbox_changes_over_when_it_signs() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        link(&alice, &bob.wallet).await;
        let found = alice
            .client
            .inbox_ids(&[bob.wallet.identifier()])
            .await
            .expect("asked");
        assert_eq!(found, [Some(alice.inbox_id())]);
        // Bob's inbox still is one; only its wallet is not found by the network any more
        let state = bob.client.inbox_state(bob.inbox_id()).await.expect("a state");
        assert_eq!(state.identifiers(), [bob.wallet.identifier()]);
    });
}

#[test]
fn the_recovery_identifier_can_be_handed_over() {
    story(async {
        let world = World::new().await;
        let (alice, safe) = (world.person().await, world.wallet());
        let laptop = world.device_of(&alice.wallet).await;
        let update = alice
            .client
            .change_recovery(safe.identifier())
            .await
            .expect("a change");
        assert!(update.text().contains("Change inbox recovery address"));
        sign_and_apply(&alice, &update, &alice.wallet)
            .await
            .expect("accepted");
        let state = alice.client.inbox_state(alice.inbox_id()).await.expect("a state");
        assert_eq!(*state.recovery_identifier(), safe.identifier());
        assert_eq!(
            state.identifiers(),
            [alice.wallet.identifier()],
            "it is no member"
        );

        let update = alice
            .client
            .revoke_installations(&[laptop.client.installation_id()])
            .await
            .expect("a change");
        let refused = update.add_ecdsa(&alice.wallet.sign(&update.text()));
        assert_eq!(refused.expect_err("not any more").code(), ErrorCode::WrongSigner);
        sign_and_apply(&alice, &update, &safe).await.expect("accepted");
        let state = alice.client.inbox_state(alice.inbox_id()).await.expect("a state");
        assert_eq!(state.installations(), [alice.client.installation_id()]);
    });
}

#[test]
fn a_contract_wallet_is_linked_and_revokes_as_any_other() {
    story(async {
        let world = World::new().await;
        let (alice, owner, contract) = (world.person().await, world.wallet(), world.wallet());
        world
            .node()
            .register_contract_wallet(contract.address().as_str(), owner.address().as_str())
            .expect("deployed");
        let update = alice
            .client
            .link_identifier(contract.identifier())
            .expect("a change");
        let (address, stranger) = (contract.address(), world.wallet());
        let forged = stranger.sign(&update.text());
        let refused = update.add_contract(&address, LOCAL_CHAIN_ID, None, &forged).await;
        assert_eq!(
            refused.expect_err("another owner").code(),
            ErrorCode::InvalidSignature
        );
        world.machine.chain_is_away.set(true);
        let signature = owner.sign(&update.text());
        let unasked = update
            .add_contract(&address, LOCAL_CHAIN_ID, None, &signature)
            .await;
        assert!(unasked.expect_err("nobody was asked").is_retryable());
        world.machine.chain_is_away.set(false);
        update
            .add_contract(&address, LOCAL_CHAIN_ID, None, &signature)
            .await
            .expect("confirmed");
        alice.client.apply(&update).await.expect("accepted");
        assert_eq!(
            identifiers(&alice).await,
            sorted([alice.wallet.identifier(), contract.identifier()])
        );

        let update = alice
            .client
            .change_recovery(contract.identifier())
            .await
            .expect("a change");
        sign_and_apply(&alice, &update, &alice.wallet)
            .await
            .expect("accepted");
        let laptop = world.device_of(&alice.wallet).await;
        let update = alice.client.revoke_all_other_installations().await;
        let update = update.expect("a change").expect("there is one");
        let signature = owner.sign(&update.text());
        update
            .add_contract(&address, LOCAL_CHAIN_ID, None, &signature)
            .await
            .expect("confirmed");
        alice.client.apply(&update).await.expect("accepted");
        world.later(std::time::Duration::from_secs(3_600));
        let noticed = laptop.client.sync_all().await;
        assert_eq!(
            noticed.expect_err("revoked").code(),
            ErrorCode::InstallationRevoked
        );
        // somebody else resolves all of it through the node
        let bob = world.person().await;
        let state = bob.client.inbox_state(alice.inbox_id()).await.expect("resolves");
        assert_eq!(*state.recovery_identifier(), contract.identifier());
    });
}

/// An authenticator with one passkey.
struct Authenticator(p256::ecdsa::SigningKey);

impl Authenticator {
    fn identifier(&self) -> Identifier {
        Identifier::Passkey(Passkey {
            key: self.public_key(),
            relying_party: None,
        })
    }

    fn public_key(&self) -> Vec<u8> {
        self.0.verifying_key().to_encoded_point(true).as_bytes().to_vec()
    }

    fn assert(&self, text: &str) -> PasskeySignature {
        let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let client_data_json =
            format!(r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://example.org"}}"#)
                .into_bytes();
        let authenticator_data = vec![7; 37];
        let signed = [authenticator_data.as_slice(), &Sha256::digest(&client_data_json)].concat();
        let signature: p256::ecdsa::Signature = self.0.sign(&signed);
        PasskeySignature {
            public_key: self.public_key(),
            signature: signature.to_der().as_bytes().to_vec(),
            authenticator_data,
            client_data_json,
        }
    }
}

#[test]
fn a_passkey_is_linked_revokes_and_is_unlinked() {
    story(async {
        let world = World::new().await;
        let alice = world.person().await;
        let passkey = Authenticator(p256::ecdsa::SigningKey::from_slice(&[5; 32]).expect("a scalar"));
        let update = alice
            .client
            .link_identifier(passkey.identifier())
            .expect("a change");
        let refused = update.add_passkey(passkey.assert("another text"));
        assert_eq!(
            refused.expect_err("another text").code(),
            ErrorCode::InvalidSignature
        );
        update
            .add_passkey(passkey.assert(&update.text()))
            .expect("it waits for it");
        alice.client.apply(&update).await.expect("accepted");
        assert_eq!(
            identifiers(&alice).await,
            sorted([alice.wallet.identifier(), passkey.identifier()])
        );

        let update = alice
            .client
            .change_recovery(passkey.identifier())
            .await
            .expect("a change");
        sign_and_apply(&alice, &update, &alice.wallet)
            .await
            .expect("accepted");
        let update = alice
            .client
            .unlink_identifier(passkey.identifier())
            .await
            .expect("a change");
        update
            .add_passkey(passkey.assert(&update.text()))
            .expect("it may");
        alice.client.apply(&update).await.expect("accepted");
        assert_eq!(identifiers(&alice).await, [alice.wallet.identifier()]);
        // it is no member any more, and can still revoke
        let state = alice.client.inbox_state(alice.inbox_id()).await.expect("a state");
        assert_eq!(*state.recovery_identifier(), passkey.identifier());
    });
}

#[test]
fn a_passkey_registers_an_inbox_of_its_own() {
    story(async {
        let world = World::new().await;
        let passkey = Authenticator(p256::ecdsa::SigningKey::from_slice(&[6; 32]).expect("a scalar"));
        let options = xmtp_web::client::ClientOptions::new(passkey.identifier());
        let opened = Person::open_with(options, &world.wallet(), None, world.url(), &world.machine).await;
        let client = opened.expect("opens").client;
        let text = client.signature_text().expect("a text to sign");
        client
            .add_passkey_signature(passkey.assert(&text))
            .expect("it waits for it");
        client.register().await.expect("registers");
        let bob = world.person().await;
        let state = bob.client.inbox_state(client.inbox_id()).await.expect("resolves");
        assert_eq!(state.identifiers(), [passkey.identifier()]);
    });
}

#[test]
fn a_change_that_breaks_a_rule_is_refused_before_it_is_published() {
    story(async {
        let world = World::new().await;
        let (alice, owner, contract) = (world.person().await, world.wallet(), world.wallet());
        world
            .node()
            .register_contract_wallet(contract.address().as_str(), owner.address().as_str())
            .expect("deployed");
        // the wallet came in as a key: it cannot act as a contract on a chain
        world
            .node()
            .register_contract_wallet(alice.wallet.address().as_str(), owner.address().as_str())
            .expect("deployed");
        let update = alice
            .client
            .change_recovery(contract.identifier())
            .await
            .expect("a change");
        let signature = owner.sign(&update.text());
        update
            .add_contract(&alice.wallet.address(), LOCAL_CHAIN_ID, None, &signature)
            .await
            .expect("the chain says so");
        let published = world.faults().calls("PublishIdentityUpdate");
        let refused = alice.client.apply(&update).await;
        assert!(matches!(
            refused,
            Err(ClientError::Identity(IdentityError::ChainMismatch { .. }))
        ));
        assert_eq!(world.faults().calls("PublishIdentityUpdate"), published);
    });
}
