//! What is refused, and what a refusal leaves behind: the cursor moved on and nothing else.

use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, Extension, KeyPackage, LeafNodeParameters,
    Lifetime, MlsGroup, OpenMlsProvider as _, UnknownExtension,
};
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use prost::Message as _;
use xmtp_web::groups::inbound::{Change, Envelope, Stop};
use xmtp_web::groups::join::Joined;
use xmtp_web::groups::{GroupError, MutableMetadata, field, view};
use xmtp_web::identity::InstallationKey;
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{CommitPlan, ContextChange, KeyPackageFault, MlsError, WelcomeFault, key_package};
use xmtp_web::proto::xmtp::identity::MlsCredential;
use xmtp_web::storage::{CommitResult, CursorKind, IdentityUpdateRow, IntentState, Store, StoreOptions};

use crate::world::{Client, Node, group_of, settle};

/// An installation's key for OpenMLS itself, to do what this library never does.
pub(crate) struct Hand<'a>(pub(crate) &'a InstallationKey);

impl Signer for Hand<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }
    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

pub(crate) fn credential(client: &Client) -> CredentialWithKey {
    let identity = MlsCredential {
        inbox_id: client.inbox_id.to_string(),
    }
    .encode_to_vec();
    CredentialWithKey {
        credential: BasicCredential::new(identity).into(),
        signature_key: client.key.id().as_bytes().to_vec().into(),
    }
}

pub(crate) fn raw(client: &Client, group: GroupId) -> MlsGroup {
    let provider = client.context().provider();
    MlsGroup::load(
        provider.storage(),
        &openmls::group::GroupId::from_slice(group.as_bytes()),
    )
    .expect("readable")
    .expect("stored")
}

fn last_result(client: &Client, group: GroupId) -> Option<CommitResult> {
    client
        .store
        .commit_log(&group, 0)
        .expect("readable")
        .last()
        .map(|(_, row)| row.result)
}

pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

#[test]
fn a_commit_against_the_policy_leaves_no_trace_and_its_author_goes_on_in_the_same_epoch() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let (epoch, authenticator) = (alice.epoch(group), alice.authenticator(group));
    bob.want_field(group, field::DISAPPEAR_IN_NS, "1");
    let refused = bob.build(&node, group).expect_err("forbidden");
    assert_eq!(refused, GroupError::NotPermitted("change this field"));
    bob.give_up(group);
    let forced = bob.force_metadata(group, |metadata| {
        metadata
            .attributes
            .insert(field::DISAPPEAR_IN_NS.into(), "1".into());
    });
    node.post(forced);
    let batch = alice.pull(&node, group);
    assert_eq!((batch.stop, batch.changes.as_slice()), (None, [].as_slice()));
    assert_eq!(
        (alice.epoch(group), alice.authenticator(group)),
        (epoch, authenticator)
    );
    assert_eq!(last_result(&alice, group), Some(CommitResult::Invalid));
    // its author refuses it too
    bob.pull(&node, group);
    assert_eq!(bob.epoch(group), epoch);
    assert_eq!(bob.intents(group)[0].state, IntentState::Error);
    // the next one of this epoch is made with the same key and must decrypt
    bob.want_field(group, field::NAME, "allowed");
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.epoch(group), epoch + 1);
    assert_eq!(alice.metadata(group).get(field::NAME), Some("allowed"));
    assert_eq!(alice.metadata(group).get(field::DISAPPEAR_IN_NS), None);
}

#[test]
fn removing_a_super_admin_or_a_name_too_long_is_refused() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let epoch = alice.epoch(group);
    let forced = bob.force_metadata(group, |metadata| {
        metadata.attributes.insert(field::NAME.into(), "n".repeat(101));
    });
    node.post(forced);
    let mut membership = view::membership(&bob.context(), group).expect("readable");
    membership.members.remove(&alice.inbox_id);
    let change = Some(ContextChange::Membership(membership.encode()));
    let forced = bob.force(
        group,
        CommitPlan {
            remove: vec![alice.key.id()],
            change,
            ..Default::default()
        },
    );
    node.post(forced);
    settle(&node, &[&alice, &bob], group);
    assert_eq!((alice.epoch(group), bob.epoch(group)), (epoch, epoch));
    let log = alice.store.commit_log(&group, 0).expect("readable");
    let refused = log.iter().filter(|(_, row)| row.result == CommitResult::Invalid);
    assert_eq!(refused.count(), 2);
    bob.want_field(group, field::NAME, &"n".repeat(100));
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.epoch(group), epoch + 1);
}

#[test]
fn an_outsider_and_a_former_member_commit_in_vain() {
    let mut node = Node::default();
    let (alice, bob, eve) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 9),
    );
    let group = group_of(&mut node, &[&alice, &bob, &eve]);
    eve.want_field(group, field::NAME, "eve was here");
    let late = eve.payload(&node, group);
    assert!(alice.want_members(group, &[], &[eve.inbox_id]));
    alice.flush(&mut node, group);
    bob.pull(&node, group);
    let (epoch, authenticator) = (bob.epoch(group), bob.authenticator(group));
    node.post(late.data);
    bob.pull(&node, group);
    assert_eq!(last_result(&bob, group), Some(CommitResult::WrongEpoch));

    // a group of her own, with the same id and epoch
    let store = Store::open(StoreOptions::memory()).expect("memory");
    let provider = xmtp_web::mls::Provider::new(&store);
    let mut forged = MlsGroup::builder()
        .with_group_id(openmls::group::GroupId::from_slice(group.as_bytes()))
        .ciphersuite(SUITE)
        .build(&provider, &Hand(&eve.key), credential(&eve))
        .expect("made");
    loop {
        let bundle = forged
            .self_update(&provider, &Hand(&eve.key), LeafNodeParameters::default())
            .expect("committed");
        if forged.epoch().as_u64() == epoch {
            node.post(bundle.into_commit().tls_serialize_detached().expect("encodes"));
            break;
        }
        forged.merge_pending_commit(&provider).expect("merged");
    }
    let batch = bob.pull(&node, group);
    assert_eq!((batch.stop, batch.changes.as_slice()), (None, [].as_slice()));
    assert_eq!(last_result(&bob, group), Some(CommitResult::Undecryptable));
    assert_eq!(
        (bob.epoch(group), bob.authenticator(group)),
        (epoch, authenticator)
    );
    settle(&node, &[&alice, &bob], group);
    alice.say(group, "still fine");
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(bob.texts(group), ["still fine"]);
}

#[test]
fn garbage_is_passed_over() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let other = bob.create();
    let bob_elsewhere = {
        bob.want_field(other, field::NAME, "elsewhere");
        bob.payload(&node, other).data
    };
    let valid = {
        bob.say(group, "valid");
        bob.payload(&node, group).data
    };
    let mut truncated = valid.clone();
    truncated.pop();
    let mut changed = valid.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    for data in [vec![], vec![0xff; 50], truncated, changed, bob_elsewhere, valid] {
        node.post(data);
    }
    let batch = alice.pull(&node, group);
    assert_eq!(
        (batch.done, batch.stop, batch.changes.len()),
        (node.messages.len(), None, 1)
    );
    assert_eq!(
        alice.texts(group),
        ["valid"],
        "a spoilt copy does not use up the key of the message"
    );
    let cursor = |kind| alice.store.cursor(group.as_bytes(), kind, 10).expect("readable");
    assert_eq!(cursor(CursorKind::ApplicationMessage), node.last().sequence_id);
}

#[test]
fn a_commit_waits_for_the_identity_logs_it_needs() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let carol = Client::new(&mut node, 3);
    alice.learn(&node);
    assert!(alice.want_members(group, &[carol.inbox_id], &[]));
    alice.flush(&mut node, group);
    alice.say(group, "after");
    alice.flush(&mut node, group);
    let (epoch, done) = (bob.epoch(group), node.messages.len() - 2);
    for _ in 0..2 {
        let batch = bob.pull(&node, group);
        assert_eq!((batch.done, batch.changes.len()), (done, 0));
        let Some(Stop::Missing(states)) = batch.stop else {
            panic!("{:?}", batch.stop)
        };
        assert_eq!(states.missing, [carol.inbox_id].into());
        assert_eq!(bob.epoch(group), epoch, "nothing moved");
    }
    bob.learn(&node);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(bob.texts(group), ["after"]);
    assert_eq!(carol.accept(&node), [Joined::Group(group)]);
}

const MINUTE: i64 = 60 * 1_000_000_000;

/// Bob in a group in which the newest commit refers to an update that no node knows, and the update.
fn waiting_for_an_update(node: &mut Node) -> (Client, GroupId, Vec<IdentityUpdateRow>) {
    let (alice, bob) = (Client::new(node, 1), Client::new(node, 2));
    let group = group_of(node, &[&alice, &bob]);
    let phone = alice.second_installation(node, 11);
    alice.learn(node);
    assert!(alice.want_members(group, &[], &[]));
    let payload = alice.payload(node, group);
    node.post(payload.data);
    let is_newer = |row: &IdentityUpdateRow| row.inbox_id == phone.inbox_id && row.sequence_id != 100;
    let updates = node
        .identity
        .iter()
        .filter(|row| is_newer(row))
        .cloned()
        .collect();
    node.identity.retain(|row| !is_newer(row));
    (bob, group, updates)
}

fn newest(node: &Node, count: usize) -> Vec<Envelope> {
    node.messages[node.messages.len() - count..].to_vec()
}

/// Looks for what is missing, in vain.
fn waits(bob: &Client, envelopes: &[Envelope], group: GroupId) {
    let batch = bob.pull_of(envelopes, group, true);
    assert!(
        matches!(batch.stop, Some(Stop::Missing(_))) && batch.done == 0,
        "{batch:?}"
    );
}

fn refuses(bob: &Client, envelopes: &[Envelope], group: GroupId) {
    let epoch = bob.epoch(group);
    let batch = bob.pull_of(envelopes, group, true);
    assert_eq!((batch.done, bob.epoch(group)), (1, epoch));
    assert_eq!(last_result(bob, group), Some(CommitResult::Invalid));
}

#[test]
fn an_update_that_never_existed_stops_a_group_for_minutes_at_most() {
    let mut node = Node::default();
    let (mut bob, group, _) = waiting_for_an_update(&mut node);
    let fresh = newest(&node, 1);
    waits(&bob, &fresh, group);
    for _ in 0..2 {
        bob.now_ns += MINUTE;
        waits(&bob, &fresh, group);
    }
    bob.now_ns += MINUTE;
    assert!(
        matches!(bob.pull_of(&fresh, group, false).stop, Some(Stop::Missing(_))),
        "nobody has asked yet"
    );
    refuses(&bob, &fresh, group);
}

#[test]
fn what_waits_for_an_update_is_waited_for_by_differences_of_our_clock_alone() {
    let hours = 5 * 60 * MINUTE;
    for ahead_ns in [-hours, hours] {
        let mut node = Node::default();
        let (mut bob, group, updates) = waiting_for_an_update(&mut node);
        let fresh = newest(&node, 1);
        bob.now_ns += ahead_ns;
        for _ in 0..3 {
            waits(&bob, &fresh, group);
            bob.now_ns += MINUTE;
        }
        refuses(&bob, &fresh, group);
        // And who is waited for long enough is in.
        let mut node = Node::default();
        let (mut bob, group, late) = waiting_for_an_update(&mut node);
        assert_eq!(late.len(), updates.len());
        bob.now_ns += ahead_ns;
        waits(&bob, &newest(&node, 1), group);
        bob.now_ns += MINUTE;
        node.identity.extend(late);
        bob.learn(&node);
        let epoch = bob.epoch(group);
        assert_eq!(bob.pull_of(&newest(&node, 1), group, true).stop, None);
        assert_eq!(bob.epoch(group), epoch + 1);
    }
}

#[test]
fn a_clock_that_is_set_neither_ends_all_patience_nor_makes_it_endless() {
    let day = 24 * 60 * MINUTE;
    for jump in [-day, day] {
        let mut node = Node::default();
        let (mut bob, group, _) = waiting_for_an_update(&mut node);
        let fresh = newest(&node, 1);
        waits(&bob, &fresh, group);
        bob.now_ns += jump;
        for _ in 0..2 {
            waits(&bob, &fresh, group);
            bob.now_ns += MINUTE;
        }
        bob.now_ns += MINUTE;
        if jump < 0 {
            waits(&bob, &fresh, group);
            bob.now_ns += MINUTE;
        }
        refuses(&bob, &fresh, group);
    }
}

#[test]
fn many_that_wait_for_updates_that_never_existed_take_no_longer_than_one() {
    let mut node = Node::default();
    let (mut bob, group, _) = waiting_for_an_update(&mut node);
    let forged = node.last().data.clone();
    for _ in 0..9 {
        node.post(forged.clone());
    }
    let flood = newest(&node, 10);
    for _ in 0..3 {
        waits(&bob, &flood, group);
        bob.now_ns += MINUTE / 6 * 5;
    }
    for done in 0..10 {
        refuses(&bob, &flood[done..], group);
    }
}

#[test]
fn what_much_later_things_follow_is_too_old_to_wait_for() {
    let mut node = Node::default();
    let (bob, group, _) = waiting_for_an_update(&mut node);
    node.post(vec![1]);
    let mut old = newest(&node, 2);
    old[1].created_ns += 2 * MINUTE;
    let batch = bob.pull_of(&old, group, true);
    assert_eq!((batch.done, batch.stop), (2, None));
}

#[test]
fn a_welcome_that_does_not_open_moves_the_cursor_alone() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    alice.learn(&node);
    let group = alice.create();
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    let (_, good) = node.welcomes[0].clone();
    let mut number = good.sequence_id;
    let mut refused = |change: &dyn Fn(&mut xmtp_web::groups::join::WelcomeEnvelope)| {
        let mut envelope = good.clone();
        envelope.sequence_id = number;
        number += 1;
        change(&mut envelope);
        let joined = bob.welcome(&envelope);
        assert_eq!(
            bob.store.cursor(bob.key.id().as_bytes(), CursorKind::Welcome, 11),
            Ok(envelope.sequence_id)
        );
        assert_eq!(bob.store.group(&group), Ok(None));
        assert_eq!(bob.welcome(&envelope), Joined::Nothing);
        match joined {
            Joined::Refused(GroupError::Mls(MlsError::Welcome(fault))) => fault,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        refused(&|w| *w.data.last_mut().expect("bytes") ^= 1),
        WelcomeFault::Seal
    );
    assert_eq!(refused(&|w| w.metadata[0] ^= 1), WelcomeFault::Seal);
    assert_eq!(refused(&|w| w.data = vec![0; 20]), WelcomeFault::Malformed);
    assert_eq!(
        refused(&|w| w.hpke_public_key[0] ^= 1),
        WelcomeFault::UnknownKeyPackage
    );
    assert_eq!(refused(&|w| w.curve25519 = false), WelcomeFault::Algorithm);
    let mut again = good.clone();
    again.sequence_id = number;
    assert_eq!(
        bob.welcome(&again),
        Joined::Group(group),
        "the true one still works"
    );
}

#[test]
fn a_joiner_without_the_identity_logs_asks_for_them_first() {
    let mut node = Node::default();
    let (bob, alice) = (Client::new(&mut node, 2), Client::new(&mut node, 1));
    alice.learn(&node);
    let group = alice.create();
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    let joined = bob.accept(&node);
    let [Joined::Missing(states)] = joined.as_slice() else {
        panic!("{joined:?}")
    };
    assert!(states.missing.contains(&alice.inbox_id));
    assert_eq!(
        bob.store.cursor(bob.key.id().as_bytes(), CursorKind::Welcome, 11),
        Ok(0)
    );
    bob.learn(&node);
    assert_eq!(bob.accept(&node), [Joined::Group(group)]);
}

#[test]
fn an_expired_key_package_is_refused() {
    let mut node = Node::default();
    let alice = Client::new(&mut node, 1);
    let store = Store::open(StoreOptions::memory()).expect("memory");
    let provider = xmtp_web::mls::Provider::new(&store);
    let made = |lifetime: Lifetime| {
        let bundle = KeyPackage::builder()
            .key_package_lifetime(lifetime)
            .leaf_node_capabilities(Capabilities::default())
            .build(SUITE, &provider, &Hand(&alice.key), credential(&alice))
            .expect("made");
        key_package::verify_standalone(&bundle.key_package().tls_serialize_detached().expect("encodes"))
            .map(|package| package.installation_id())
    };
    let expired = Err(MlsError::KeyPackage(KeyPackageFault::OutOfLifetime));
    assert_eq!(made(Lifetime::new(1000)), Ok(alice.key.id()));
    assert_eq!(made(Lifetime::init(1_000_000_000, 1_007_257_600)), expired);
    assert_eq!(
        made(Lifetime::init(5_000_000_000, 5_007_257_600)),
        expired,
        "not valid yet"
    );
}

#[test]
fn proposals_without_a_commit_are_refused_unless_they_change_the_context() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let epoch = alice.epoch(group);
    // bob asks for his own removal: refused
    let mut theirs = raw(&bob, group);
    let provider = bob.context().provider();
    let leave = theirs.leave_group(&provider, &Hand(&bob.key)).expect("proposed");
    theirs
        .clear_pending_proposals(provider.storage())
        .expect("cleared");
    node.post(leave.tls_serialize_detached().expect("encodes"));
    let batch = alice.pull(&node, group);
    assert_eq!((batch.stop, batch.changes.len()), (None, 0));
    assert!(
        !alice
            .context()
            .load(group)
            .expect("stored")
            .has_pending_proposals()
    );

    // and for another name: kept
    let mut metadata: MutableMetadata = bob.metadata(group);
    metadata.attributes.insert(field::NAME.into(), "proposed".into());
    let mut context = theirs.extensions().clone();
    context
        .add_or_replace(Extension::Unknown(0xFF00, UnknownExtension(metadata.encode())))
        .expect("allowed there");
    let (proposal, _) = theirs
        .propose_group_context_extensions(&provider, context, &Hand(&bob.key))
        .expect("proposed");
    node.post(proposal.tls_serialize_detached().expect("encodes"));
    alice.pull(&node, group);
    assert!(
        alice
            .context()
            .load(group)
            .expect("stored")
            .has_pending_proposals()
    );

    // which silences nobody
    let id = alice.say(group, "still talking");
    node.post(alice.payload(&node, group).data);
    assert_eq!(alice.pull(&node, group).changes, [Change::Published(id)]);
    assert!(
        alice
            .context()
            .load(group)
            .expect("stored")
            .has_pending_proposals()
    );

    // a commit that refers to it is followed
    let (commit, _, _) = theirs
        .commit_to_pending_proposals(&provider, &Hand(&bob.key))
        .expect("committed");
    node.post(commit.tls_serialize_detached().expect("encodes"));
    let batch = alice.pull(&node, group);
    assert!(batch.changes.contains(&Change::Group), "{batch:?}");
    assert_eq!(
        (alice.epoch(group), alice.metadata(group).get(field::NAME)),
        (epoch + 1, Some("proposed"))
    );
    assert!(
        !alice
            .context()
            .load(group)
            .expect("stored")
            .has_pending_proposals()
    );
    assert_eq!(
        view::group(&alice.context(), group).expect("readable").epoch,
        epoch + 1
    );
}

#[test]
fn an_own_commit_leaves_others_proposals_aside() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let mut theirs = raw(&alice, group);
    let provider = alice.context().provider();
    let mut metadata = alice.metadata(group);
    metadata
        .attributes
        .insert(field::DISAPPEAR_IN_NS.into(), "7".into());
    let mut context = theirs.extensions().clone();
    context
        .add_or_replace(Extension::Unknown(0xFF00, UnknownExtension(metadata.encode())))
        .expect("allowed there");
    let (proposal, _) = theirs
        .propose_group_context_extensions(&provider, context, &Hand(&alice.key))
        .expect("proposed");
    theirs
        .clear_pending_proposals(provider.storage())
        .expect("cleared");
    node.post(proposal.tls_serialize_detached().expect("encodes"));
    bob.pull(&node, group);
    assert!(bob.context().load(group).expect("stored").has_pending_proposals());
    // bob may rename the group, but not commit what alice proposed
    bob.want_field(group, field::NAME, "mine");
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.metadata(group).get(field::NAME), Some("mine"));
    assert_eq!(alice.metadata(group).get(field::DISAPPEAR_IN_NS), None);
    assert!(!bob.context().load(group).expect("stored").has_pending_proposals());
}
