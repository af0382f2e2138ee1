//! What dishonest members and careless installations bring into a group: leaves under another's name, key packages
//! that verify and cannot be added.

use std::collections::BTreeSet;

use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{Capabilities, ExtensionType, KeyPackage, ProposalType};
use xmtp_web::groups::inbound::Change;
use xmtp_web::groups::join::Joined;
use xmtp_web::groups::view;
use xmtp_web::messages::Plaintext;
use xmtp_web::messages::content::text;
use xmtp_web::mls::{CommitPlan, ContextChange, Invitation, key_package};

use crate::refusals::{Hand, SUITE, credential};
use crate::world::{Client, Node, group_of, settle};

#[test]
fn a_leaf_that_claims_another_inbox_is_in_and_is_not_heard() {
    let mut node = Node::default();
    let (alice, bob, mallory) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 9),
    );
    let group = group_of(&mut node, &[&alice, &bob, &mallory]);
    let laptop = mallory.second_installation(&mut node, 19);
    for client in [&alice, &bob, &mallory] {
        client.learn(&node);
    }
    let epoch = alice.epoch(group);
    let provider = laptop.context().provider();
    let package = key_package::generate(&provider, &laptop.key, alice.inbox_id).expect("made");
    let mut membership = view::membership(&mallory.context(), group).expect("readable");
    let newest = node.newest_update(mallory.inbox_id);
    membership.members.insert(mallory.inbox_id, newest);
    let plan = CommitPlan {
        add: vec![key_package::verify_standalone(&package.tls).expect("valid")],
        change: Some(ContextChange::Membership(membership.encode())),
        ..Default::default()
    };
    let (commit, mls_welcome) = mallory.force_with_welcome(group, plan);
    node.post(commit);
    // released peers accept it, and so do we: nobody is left behind in another epoch
    settle(&node, &[&alice, &bob, &mallory], group);
    assert_eq!(alice.epoch(group), epoch + 1);

    let welcome = mls_welcome.expect("somebody was added");
    let mut inside = Invitation::open(&provider, &welcome)
        .and_then(|invitation| invitation.judge(|_| Ok(())))
        .and_then(|accepted| accepted.join(&provider))
        .expect("joined by hand")
        .0;
    let words = Plaintext {
        content: text::encode("this is alice").encode(),
        idempotency_key: "this is alice".into(),
    };
    let forged = inside
        .encrypt(&provider, &laptop.key, &words.encode())
        .expect("encrypted");
    node.post(forged);
    for reader in [&alice, &bob] {
        let batch = reader.pull(&node, group);
        assert_eq!((batch.stop, batch.changes.as_slice()), (None, [].as_slice()));
        assert!(reader.texts(group).is_empty());
    }
    let id = alice.say(group, "this is really alice");
    node.post(alice.payload(&node, group).data);
    assert_eq!(alice.pull(&node, group).changes, [Change::Published(id)]);
    settle(&node, &[&alice, &bob, &mallory], group);
    assert_eq!(bob.texts(group), ["this is really alice"]);
    assert_eq!(bob.epoch(group), epoch + 1);
}

/// A key package whose leaf lacks what every group asks for: the membership extension.
fn without_membership(client: &Client) -> Vec<u8> {
    let extensions = [0xFF00, 0xFF02, 0xF000, 0x000A, 0x0001].map(ExtensionType::from);
    let proposals = [ProposalType::GroupContextExtensions];
    let provider = client.context().provider();
    let bundle = KeyPackage::builder()
        .leaf_node_capabilities(Capabilities::new(
            None,
            None,
            Some(&extensions),
            Some(&proposals),
            None,
        ))
        .build(SUITE, &provider, &Hand(&client.key), credential(client))
        .expect("made");
    bundle.key_package().tls_serialize_detached().expect("encodes")
}

/// The key package with an init key of zeros, signed as it is.
fn with_zero_init_key(client: &Client, package: &[u8]) -> Vec<u8> {
    // version, ciphersuite, the key behind its length; at the end 64 bytes behind a length of two
    let mut signed = package[..package.len() - 66].to_vec();
    assert_eq!(signed[4], 32);
    signed[5..37].fill(0);
    let length = u16::try_from(signed.len()).expect("short") | 0x4000;
    let label = b"MLS 1.0 KeyPackageTBS";
    let to_sign = [&[21], &label[..], &length.to_be_bytes(), &signed].concat();
    let signature = client.key.sign(&to_sign);
    [&signed[..], &[0x40, 0x40], &signature].concat()
}

#[test]
fn a_key_package_that_cannot_be_added_keeps_nobody_else_out() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let (dave, erin, frank) = (
        Client::new(&mut node, 4),
        Client::new(&mut node, 5),
        Client::new(&mut node, 6),
    );
    let (dave_too, erin_too) = (
        dave.second_installation(&mut node, 14),
        erin.second_installation(&mut node, 15),
    );
    let zeros = with_zero_init_key(&erin_too, &node.packages[&erin_too.key.id()]);
    node.packages.insert(erin_too.key.id(), zeros);
    for lacking in [&dave_too, &frank] {
        node.packages
            .insert(lacking.key.id(), without_membership(lacking));
    }
    for bad in [&dave_too, &erin_too, &frank] {
        let package = key_package::verify_standalone(&node.packages[&bad.key.id()]).expect("verifies");
        assert_eq!(package.installation_id(), bad.key.id());
    }
    alice.learn(&node);
    bob.learn(&node);
    let group = alice.create();
    let everybody = [&bob, &dave, &erin, &frank].map(|client| client.inbox_id);
    assert!(alice.want_members(group, &everybody, &[]));
    alice.flush(&mut node, group);
    let membership = view::membership(&alice.context(), group).expect("readable");
    assert_eq!(
        membership.members.into_keys().collect::<BTreeSet<_>>(),
        [&alice, &bob, &dave, &erin].map(|client| client.inbox_id).into(),
        "somebody without a single leaf is no member"
    );
    assert_eq!(
        membership.failed_installations,
        [dave_too.key.id(), erin_too.key.id()].into()
    );
    assert_eq!(bob.accept(&node), [Joined::Group(group)]);
    settle(&node, &[&alice, &bob], group);
}
