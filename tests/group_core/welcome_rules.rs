//! The rules for welcomes, each with a welcome that opens, that OpenMLS accepts, and that breaks exactly this rule.

use openmls::messages::proposals::{PreSharedKeyProposal, Proposal};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    BasicCredential, CredentialWithKey, Extension, KeyPackageIn, MlsGroup, OpenMlsProvider as _,
    ProtocolVersion, UnknownExtension,
};
use openmls::schedule::PreSharedKeyId;
use xmtp_web::groups::join::Joined;
use xmtp_web::groups::{
    GroupError, GroupMembership, ImmutableMetadata, MutableMetadata, PolicySet, Preset, WelcomeError, create,
};
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{MlsError, Provider, WelcomeFault};
use xmtp_web::storage::{ConversationType, CursorKind, Store, StoreOptions};

use crate::forged::{Forgery, immutable, last_welcome, members, refused, sealed};
use crate::refusals::{Hand, SUITE, raw};
use crate::world::{Client, Node};

const ID: GroupId = GroupId::new([7; 16]);

/// Bob is invited, eve invites; each has read what the node has.
fn two(node: &mut Node) -> (Client, Client) {
    let (bob, eve) = (Client::new(node, 2), Client::new(node, 9));
    bob.learn(node);
    eve.learn(node);
    (bob, eve)
}

/// A group of eve's, and the context it would have with these changes.
fn invited(node: &mut Node, (bob, eve): (&Client, &Client), changes: Vec<Extension>) -> Joined {
    let own = eve.create();
    invited_like(node, (bob, eve), &raw(eve, own), changes)
}

fn invited_like(
    node: &mut Node,
    (bob, eve): (&Client, &Client),
    like: &MlsGroup,
    changes: Vec<Extension>,
) -> Joined {
    let changes = [vec![members(node, &[eve, bob])], changes].concat();
    let mls_welcome = Forgery::new(eve, ID, like, changes).invite(node, &[bob]);
    let envelope = sealed(node, bob, &mls_welcome, 1);
    let joined = bob.welcome(&envelope);
    let cursor = bob.store.cursor(bob.key.id().as_bytes(), CursorKind::Welcome, 11);
    assert_eq!(cursor, Ok(envelope.sequence_id), "it is done with");
    if joined != Joined::Group(ID) {
        assert_eq!(bob.store.group(&ID), Ok(None), "and nothing is left of it");
    }
    joined
}

fn bytes(number: u16, bytes: Vec<u8>) -> Extension {
    Extension::Unknown(number, UnknownExtension(bytes))
}

fn membership(entries: &[(&Client, u64)]) -> Extension {
    let membership = GroupMembership {
        members: entries
            .iter()
            .map(|(client, update)| (client.inbox_id, *update))
            .collect(),
        ..Default::default()
    };
    bytes(0xFF01, membership.encode())
}

#[test]
fn a_welcome_as_it_should_be_is_joined() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    assert_eq!(invited(&mut node, (&bob, &eve), vec![]), Joined::Group(ID));
}

#[test]
fn welcome_rule_4_no_pre_shared_keys() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    let own = eve.create();
    let changes = vec![members(&node, &[&eve, &bob])];
    let mut forgery = Forgery::new(&eve, ID, &raw(&eve, own), changes);
    let provider = Provider::new(&forgery.store);
    let psk = PreSharedKeyId::external(vec![7; 8], vec![9; 32]);
    psk.store(&provider, &[5; 32]).expect("stored");
    // bob even has the key
    psk.store(&bob.context().provider(), &[5; 32]).expect("stored");
    let package = KeyPackageIn::tls_deserialize_exact(&node.packages[&bob.key.id()])
        .expect("a key package")
        .validate(provider.crypto(), ProtocolVersion::Mls10)
        .expect("valid");
    let bundle = forgery
        .group
        .commit_builder()
        .propose_adds([package])
        .add_proposal(Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(psk))))
        .load_psks(provider.storage())
        .expect("loaded")
        .build(provider.rand(), provider.crypto(), &Hand(&eve.key), |_| true)
        .expect("built")
        .stage_commit(&provider)
        .expect("staged");
    let mls_welcome = bundle.into_welcome_msg().expect("somebody was added");
    let mls_welcome = mls_welcome.tls_serialize_detached().expect("encodes");
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    let fault = MlsError::from(WelcomeFault::PreSharedKey);
    assert_eq!(bob.welcome(&envelope), Joined::Refused(GroupError::Mls(fault)));
    assert_eq!(bob.store.group(&ID), Ok(None));
}

#[test]
fn welcome_rule_5_whoever_adds_has_a_name() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    let own = eve.create();
    let like = raw(&eve, own);
    let nobody = CredentialWithKey {
        credential: BasicCredential::new(b"nobody".to_vec()).into(),
        signature_key: eve.key.id().as_bytes().to_vec().into(),
    };
    let store = Store::open(StoreOptions::memory()).expect("memory");
    let mut context = like.extensions().clone();
    context
        .add_or_replace(members(&node, &[&eve, &bob]))
        .expect("allowed there");
    let capabilities = like.own_leaf_node().expect("a member").capabilities().clone();
    let group = MlsGroup::builder()
        .with_group_id(openmls::group::GroupId::from_slice(ID.as_bytes()))
        .ciphersuite(SUITE)
        .with_capabilities(capabilities)
        .use_ratchet_tree_extension(true)
        .with_group_context_extensions(context)
        .build(&Provider::new(&store), &Hand(&eve.key), nobody)
        .expect("made");
    let mut forgery = Forgery {
        by: &eve,
        store,
        group,
    };
    let mls_welcome = forgery.invite(&node, &[&bob]);
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    let fault = MlsError::from(WelcomeFault::Sender);
    assert_eq!(bob.welcome(&envelope), Joined::Refused(GroupError::Mls(fault)));
    assert_eq!(bob.store.group(&ID), Ok(None));
}

#[test]
fn welcome_rule_6_extensions_decode() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    for (number, what) in [
        (0xF000, "immutable metadata"),
        (0xFF00, "mutable metadata"),
        (0xFF01, "group membership"),
        (0xFF02, "permissions"),
    ] {
        let joined = invited(&mut node, (&bob, &eve), vec![bytes(number, vec![0xff; 9])]);
        assert_eq!(joined, refused(WelcomeError::Extension(what)));
    }
}

#[test]
fn welcome_rule_6_members_match_their_identities() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    let carol = Client::new(&mut node, 3);
    let tablet = bob.second_installation(&mut node, 12);
    for client in [&bob, &eve] {
        client.learn(&node);
    }
    let newest = |of: &Client| node.newest_update(of.inbox_id);
    let (of_bob, of_eve, of_carol) = (newest(&bob), newest(&eve), newest(&carol));
    let of_bob_before = 100;
    let wrong = [
        // a leaf of nobody listed
        ("eve is missing", membership(&[(&bob, of_bob_before)])),
        ("bob is missing", membership(&[(&eve, of_eve)])),
        // somebody listed without a leaf, and an installation of somebody without one
        (
            "carol has no leaf",
            membership(&[(&bob, of_bob_before), (&eve, of_eve), (&carol, of_carol)]),
        ),
        (
            "the tablet has no leaf",
            membership(&[(&bob, of_bob), (&eve, of_eve)]),
        ),
        // a place in no log
        ("eve is at zero", membership(&[(&bob, of_bob_before), (&eve, 0)])),
    ];
    for (what, listed) in wrong {
        let joined = invited(&mut node, (&bob, &eve), vec![listed]);
        assert_eq!(joined, refused(WelcomeError::Membership), "{what}");
    }
    // what is missing may be excused
    let excused = GroupMembership {
        members: [(bob.inbox_id, of_bob), (eve.inbox_id, of_eve)].into(),
        failed_installations: [tablet.key.id()].into(),
    };
    let joined = invited(&mut node, (&bob, &eve), vec![bytes(0xFF01, excused.encode())]);
    assert_eq!(joined, Joined::Group(ID));
}

#[test]
fn welcome_rule_7_one_that_is_not_ahead_changes_nothing() {
    let mut node = Node::default();
    let (bob, alice) = two(&mut node);
    let group = alice.create();
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    let welcome = last_welcome(&node, &bob);
    assert_eq!(bob.welcome(&welcome), Joined::Group(group));
    let before = (
        bob.epoch(group),
        bob.authenticator(group),
        bob.store.group(&group),
    );
    let again = xmtp_web::groups::join::WelcomeEnvelope {
        sequence_id: welcome.sequence_id + 1,
        ..welcome
    };
    assert_eq!(bob.welcome(&again), refused(WelcomeError::AlreadyJoined));
    assert_eq!(
        before,
        (
            bob.epoch(group),
            bob.authenticator(group),
            bob.store.group(&group)
        )
    );
}

#[test]
fn welcome_rule_8_a_oneshot_group_never_surfaces() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    let oneshot = immutable(&ImmutableMetadata {
        conversation_type: ConversationType::Oneshot,
        creator: eve.inbox_id,
        dm_members: None,
    });
    assert_eq!(invited(&mut node, (&bob, &eve), vec![oneshot]), Joined::Nothing);
    assert!(matches!(
        bob.context().load(ID),
        Err(GroupError::Mls(MlsError::UnknownGroup))
    ));
}

#[test]
fn welcome_rule_9_a_direct_message_is_one() {
    let mut node = Node::default();
    let (bob, eve) = two(&mut node);
    let carol = Client::new(&mut node, 3);
    let dm = create::create_dm(&eve.context(), bob.inbox_id, None)
        .expect("made")
        .id;
    let like = raw(&eve, dm);
    let between = |members| {
        immutable(&ImmutableMetadata {
            conversation_type: ConversationType::Dm,
            creator: eve.inbox_id,
            dm_members: members,
        })
    };
    let metadata = |admins: &[&Client], super_admins: &[&Client]| {
        let ids = |list: &[&Client]| list.iter().map(|client| client.inbox_id.to_string()).collect();
        let metadata = MutableMetadata {
            admins: ids(admins),
            super_admins: ids(super_admins),
            ..Default::default()
        };
        bytes(0xFF00, metadata.encode())
    };
    let policies = PolicySet::preset(Preset::AllMembers).encode().expect("encodes");
    let wrong = [
        ("of nobody", between(None)),
        ("of somebody else", between(Some((eve.inbox_id, carol.inbox_id)))),
        ("of us and a third", between(Some((carol.inbox_id, bob.inbox_id)))),
        ("with an admin", metadata(&[&eve], &[])),
        ("with a super admin", metadata(&[], &[&eve])),
        ("with the policies of a group", bytes(0xFF02, policies)),
    ];
    for (what, change) in wrong {
        let joined = invited_like(&mut node, (&bob, &eve), &like, vec![change]);
        assert_eq!(joined, refused(WelcomeError::DirectMessage), "{what}");
    }
    let joined = invited_like(&mut node, (&bob, &eve), &like, vec![]);
    assert_eq!(joined, Joined::Group(ID));
}
