//! Groups that strangers make by hand, under any id and with any context: none of them replaces, blocks or speaks
//! for an honest one.

use openmls::group::GroupContext;
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _, VLBytes};
use openmls::prelude::{
    Extension, Extensions, KeyPackage, KeyPackageIn, LeafNodeParameters, MlsGroup, OpenMlsProvider as _,
    ProtocolVersion, UnknownExtension,
};
use openmls_traits::storage::StorageProvider as _;
use xmtp_web::groups::join::{Joined, WelcomeEnvelope};
use xmtp_web::groups::{GroupError, GroupMembership, ImmutableMetadata, WelcomeError, create};
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::mls::{MlsError, Provider, WelcomeFault, key_package, welcome};
use xmtp_web::storage::{
    ConsentEntity, ConsentRow, ConsentState, ConversationType, CursorKind, Store, StoreOptions,
};

use crate::refusals::{Hand, SUITE, credential, raw};
use crate::world::{Client, NOW, Node, group_of, settle};

/// A group of somebody's own, made to deceive.
pub(crate) struct Forgery<'a> {
    pub(crate) by: &'a Client,
    pub(crate) store: Store,
    pub(crate) group: MlsGroup,
}

impl<'a> Forgery<'a> {
    /// Under any id, with the context of another group except for what is changed.
    pub(crate) fn new(by: &'a Client, id: GroupId, like: &MlsGroup, changes: Vec<Extension>) -> Self {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let mut context: Extensions<GroupContext> = like.extensions().clone();
        for change in changes {
            context.add_or_replace(change).expect("allowed there");
        }
        let capabilities = like.own_leaf_node().expect("a member").capabilities().clone();
        let group = MlsGroup::builder()
            .with_group_id(openmls::group::GroupId::from_slice(id.as_bytes()))
            .ciphersuite(SUITE)
            .with_capabilities(capabilities)
            .use_ratchet_tree_extension(true)
            .with_group_context_extensions(context)
            .build(&Provider::new(&store), &Hand(&by.key), credential(by))
            .expect("made");
        Self { by, store, group }
    }

    /// Commits until this epoch.
    fn aged(mut self, epoch: u64) -> Self {
        let provider = Provider::new(&self.store);
        while self.group.epoch().as_u64() < epoch {
            self.group
                .self_update(&provider, &Hand(&self.by.key), LeafNodeParameters::default())
                .expect("committed");
            self.group.merge_pending_commit(&provider).expect("merged");
        }
        self
    }

    /// Says it is in this epoch.
    fn claiming(mut self, epoch: u64) -> Self {
        let provider = Provider::new(&self.store);
        let id = self.group.group_id().clone();
        let mut context = self
            .group
            .public_group()
            .group_context()
            .tls_serialize_detached()
            .expect("encodes");
        // version, ciphersuite, the id behind its length, the epoch
        let at = 4 + 1 + id.as_slice().len();
        context[at..at + 8].copy_from_slice(&epoch.to_be_bytes());
        let context = GroupContext::tls_deserialize_exact(context).expect("a context");
        provider.storage().write_context(&id, &context).expect("stored");
        self.group = MlsGroup::load(provider.storage(), &id)
            .expect("readable")
            .expect("stored");
        assert_eq!(self.group.epoch().as_u64(), epoch);
        self
    }

    /// Adds people and answers the MLS welcome for them.
    pub(crate) fn invite(&mut self, node: &Node, guests: &[&Client]) -> Vec<u8> {
        let provider = Provider::new(&self.store);
        let packages: Vec<KeyPackage> = guests
            .iter()
            .map(|guest| {
                KeyPackageIn::tls_deserialize_exact(&node.packages[&guest.key.id()])
                    .expect("a key package")
                    .validate(provider.crypto(), ProtocolVersion::Mls10)
                    .expect("valid")
            })
            .collect();
        let (_, welcome, _) = self
            .group
            .add_members(&provider, &Hand(&self.by.key), &packages)
            .expect("committed");
        welcome.tls_serialize_detached().expect("encodes")
    }
}

/// A welcome on its way to somebody, after all others.
pub(crate) fn sealed(node: &mut Node, to: &Client, mls_welcome: &[u8], cursor: u64) -> WelcomeEnvelope {
    let package = key_package::verify_standalone(&node.packages[&to.key.id()]).expect("valid");
    let metadata = welcome::encode_metadata(cursor);
    let wrapped = welcome::wrap(mls_welcome, &metadata, package.init_key()).expect("sealed");
    let envelope = WelcomeEnvelope {
        sequence_id: node.welcomes.len() as u64 + 1,
        created_ns: NOW,
        data: wrapped.data,
        hpke_public_key: package.init_key().to_vec(),
        curve25519: true,
        metadata: wrapped.metadata,
    };
    node.welcomes.push((to.key.id(), envelope.clone()));
    envelope
}

pub(crate) fn immutable(metadata: &ImmutableMetadata) -> Extension {
    let bytes = VLBytes::new(metadata.encode()).tls_serialize_detached();
    Extension::Unknown(0xF000, UnknownExtension(bytes.expect("encodes")))
}

pub(crate) fn members(node: &Node, members: &[&Client]) -> Extension {
    let membership = GroupMembership {
        members: members
            .iter()
            .map(|member| (member.inbox_id, node.newest_update(member.inbox_id)))
            .collect(),
        ..Default::default()
    };
    Extension::Unknown(0xFF01, UnknownExtension(membership.encode()))
}

/// The welcome to a group that somebody made under an id, in an epoch, with what is changed.
fn lure(
    node: &mut Node,
    (by, like): (&Client, &MlsGroup),
    (id, epoch): (GroupId, u64),
    changes: Vec<Extension>,
    to: &Client,
) -> WelcomeEnvelope {
    let changes = [vec![members(node, &[by, to])], changes].concat();
    let mls_welcome = Forgery::new(by, id, like, changes)
        .aged(epoch - 1)
        .invite(node, &[to]);
    sealed(node, to, &mls_welcome, 1)
}

pub(crate) fn last_welcome(node: &Node, to: &Client) -> WelcomeEnvelope {
    let (recipient, envelope) = node.welcomes.last().expect("sent");
    assert_eq!(*recipient, to.key.id());
    envelope.clone()
}

pub(crate) fn refused(error: WelcomeError) -> Joined {
    Joined::Refused(GroupError::Welcome(error))
}

fn consent_of(client: &Client, group: GroupId) -> ConsentState {
    client
        .store
        .consent_state(ConsentEntity::Conversation, &group.to_string())
        .expect("readable")
}

fn want_it(client: &Client, group: GroupId) {
    client
        .store
        .set_consent(&ConsentRow {
            entity_type: ConsentEntity::Conversation,
            entity: group.to_string(),
            state: ConsentState::Allowed,
            consented_at_ns: NOW,
        })
        .expect("stored");
}

#[test]
fn a_stranger_cannot_replace_a_group_we_are_in() {
    let mut node = Node::default();
    let (alice, bob, eve) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 9),
    );
    let group = group_of(&mut node, &[&alice, &bob]);
    bob.learn(&node);
    let (row, authenticator) = (bob.store.group(&group), bob.authenticator(group));
    let untouched = || {
        assert_eq!(bob.authenticator(group), authenticator);
        assert_eq!(bob.store.group(&group), row);
    };
    let epoch = bob.epoch(group) + 7;

    // with the very bytes that say what the group is
    let same = lure(
        &mut node,
        (&eve, &raw(&alice, group)),
        (group, epoch),
        vec![],
        &bob,
    );
    assert_eq!(
        bob.welcome(&same),
        Joined::Behind(group),
        "what it has is read first"
    );
    untouched();
    assert_eq!(
        bob.welcome_after_reading(&same),
        refused(WelcomeError::OtherGroup)
    );
    untouched();
    // with others
    let own = eve.create();
    let other = lure(&mut node, (&eve, &raw(&eve, own)), (group, epoch), vec![], &bob);
    assert_eq!(bob.welcome(&other), refused(WelcomeError::OtherGroup));
    untouched();

    alice.say(group, "still here");
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(bob.texts(group), ["still here"]);
}

#[test]
fn while_our_leaf_is_there_only_a_super_admin_brings_it_back() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob, &carol]);
    let replaced = |node: &mut Node, by: &Client| {
        assert!(alice.want_members(group, &[], &[bob.inbox_id]));
        alice.flush(node, group);
        by.pull(node, group);
        assert!(by.want_members(group, &[bob.inbox_id], &[]));
        by.flush(node, group);
        alice.pull(node, group);
        carol.pull(node, group);
        last_welcome(node, &bob)
    };
    let heard = |node: &mut Node, words: &str| {
        alice.say(group, words);
        alice.flush(node, group);
        settle(node, &[&alice, &bob, &carol], group);
        assert_eq!(bob.texts(group).last().map(String::as_str), Some(words));
    };

    // removed and added by an ordinary member while away: what was read says that the leaf is gone
    let welcome = replaced(&mut node, &carol);
    assert!(bob.is_active(group));
    assert_eq!(bob.welcome(&welcome), Joined::Behind(group));
    bob.pull(&node, group);
    assert!(!bob.is_active(group));
    assert_eq!(bob.welcome_after_reading(&welcome), Joined::Group(group));
    heard(&mut node, "welcome back");

    // by a super admin, though nothing could be read
    let welcome = replaced(&mut node, &alice);
    assert_eq!(bob.welcome(&welcome), Joined::Behind(group));
    assert!(bob.is_active(group));
    assert_eq!(bob.welcome_after_reading(&welcome), Joined::Group(group));
    heard(&mut node, "and again");

    // by an ordinary member, though nothing could be read
    let (epoch, welcome) = (bob.epoch(group), replaced(&mut node, &carol));
    assert_eq!(bob.welcome(&welcome), Joined::Behind(group));
    assert_eq!(
        bob.welcome_after_reading(&welcome),
        refused(WelcomeError::OtherGroup)
    );
    assert_eq!(bob.epoch(group), epoch);
}

#[test]
fn a_strangers_group_under_the_id_of_one_we_left_is_not_wanted_unasked() {
    let mut node = Node::default();
    let (alice, bob, eve) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 9),
    );
    let group = group_of(&mut node, &[&alice, &bob]);
    bob.learn(&node);
    want_it(&bob, group);
    let leave = |node: &mut Node| {
        assert!(alice.want_members(group, &[], &[bob.inbox_id]));
        alice.flush(node, group);
        bob.pull(node, group);
        assert!(!bob.is_active(group));
    };
    // a member who adds us again needs no new consent
    leave(&mut node);
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    assert_eq!(bob.welcome(&last_welcome(&node, &bob)), Joined::Group(group));
    assert_eq!(consent_of(&bob, group), ConsentState::Allowed);

    leave(&mut node);
    let like = raw(&alice, group);
    let epoch = alice.epoch(group) + 3;
    let forged = lure(&mut node, (&eve, &like), (group, epoch), vec![], &bob);
    assert_eq!(bob.welcome(&forged), Joined::Group(group));
    assert_eq!(consent_of(&bob, group), ConsentState::Unknown);
}

#[test]
fn a_welcome_with_numbers_that_no_node_gives_is_refused_and_the_next_one_joined() {
    let mut node = Node::default();
    let (alice, bob, eve) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 9),
    );
    bob.learn(&node);
    let own = eve.create();
    let like = raw(&eve, own);
    let forgery = |id: u8, node: &Node| {
        Forgery::new(
            &eve,
            GroupId::new([id; 16]),
            &like,
            vec![members(node, &[&eve, &bob])],
        )
    };
    let malformed = Joined::Refused(MlsError::from(WelcomeFault::Malformed).into());
    for cursor in [u64::MAX, 1 << 63] {
        let mls_welcome = forgery(1, &node).invite(&node, &[&bob]);
        let envelope = sealed(&mut node, &bob, &mls_welcome, cursor);
        assert_eq!(bob.welcome(&envelope), malformed, "{cursor}");
        assert_eq!(
            bob.store.cursor(bob.key.id().as_bytes(), CursorKind::Welcome, 11),
            Ok(envelope.sequence_id)
        );
    }
    let mls_welcome = forgery(2, &node).claiming(1 << 63).invite(&node, &[&bob]);
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    assert_eq!(bob.welcome(&envelope), malformed);
    for id in [1, 2] {
        assert_eq!(bob.store.group(&GroupId::new([id; 16])), Ok(None));
    }
    alice.learn(&node);
    let group = alice.create();
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    assert_eq!(bob.welcome(&last_welcome(&node, &bob)), Joined::Group(group));
}

#[test]
fn a_sync_group_of_a_stranger_is_refused() {
    let mut node = Node::default();
    let (bob, eve) = (Client::new(&mut node, 2), Client::new(&mut node, 9));
    let laptop = bob.second_installation(&mut node, 12);
    bob.learn(&node);
    let sync_of = |creator: &Client| {
        immutable(&ImmutableMetadata {
            conversation_type: ConversationType::Sync,
            creator: creator.inbox_id,
            dm_members: None,
        })
    };
    // whoever it names, and however it lists our installations
    for (number, creator) in [(1, &eve), (2, &bob)] {
        let id = GroupId::new([number; 16]);
        let own = eve.create();
        let changes = vec![members(&node, &[&eve, &bob]), sync_of(creator)];
        let mls_welcome = Forgery::new(&eve, id, &raw(&eve, own), changes).invite(&node, &[&bob, &laptop]);
        let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
        assert_eq!(bob.welcome(&envelope), refused(WelcomeError::Membership));
        assert_eq!(bob.store.group(&id), Ok(None));
    }
    // of another installation of ours it is taken
    let id = GroupId::new([3; 16]);
    let own = laptop.create();
    let changes = vec![members(&node, &[&bob]), sync_of(&bob)];
    let mls_welcome = Forgery::new(&laptop, id, &raw(&laptop, own), changes).invite(&node, &[&bob]);
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    assert_eq!(bob.welcome(&envelope), Joined::Group(id));
}

#[test]
fn whom_a_stranger_names_as_creator_proves_nothing() {
    let mut node = Node::default();
    let (bob, eve) = (Client::new(&mut node, 2), Client::new(&mut node, 9));
    bob.learn(&node);
    let own = eve.create();
    let made_by_bob = immutable(&ImmutableMetadata {
        conversation_type: ConversationType::Group,
        creator: bob.inbox_id,
        dm_members: None,
    });
    let id = GroupId::new([1; 16]);
    let envelope = lure(
        &mut node,
        (&eve, &raw(&eve, own)),
        (id, 1),
        vec![made_by_bob],
        &bob,
    );
    assert_eq!(bob.welcome(&envelope), Joined::Group(id));
    assert_eq!(consent_of(&bob, id), ConsentState::Unknown);
}

#[test]
fn a_direct_message_with_a_third_inbox_is_refused() {
    let mut node = Node::default();
    let (bob, carol, eve) = (
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
        Client::new(&mut node, 9),
    );
    for client in [&bob, &eve] {
        client.learn(&node);
    }
    let dm = create::create_dm(&eve.context(), bob.inbox_id, None)
        .expect("made")
        .id;
    let like = raw(&eve, dm);
    let id = GroupId::new([1; 16]);
    let changes = vec![members(&node, &[&eve, &bob, &carol])];
    let mls_welcome = Forgery::new(&eve, id, &like, changes).invite(&node, &[&bob, &carol]);
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    assert_eq!(bob.welcome(&envelope), refused(WelcomeError::DirectMessage));
    assert_eq!(bob.store.group(&id), Ok(None));
    let honest = lure(&mut node, (&eve, &like), (id, 1), vec![], &bob);
    assert_eq!(bob.welcome(&honest), Joined::Group(id));
}

#[test]
fn an_installation_that_was_revoked_cannot_take_a_group_back_to_before_that() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let stolen = alice.second_installation(&mut node, 12);
    let group = group_of(&mut node, &[&alice, &bob]);
    let before = node.newest_update(alice.inbox_id);
    alice.revoke(&mut node, stolen.key.id());
    for client in [&alice, &bob, &stolen] {
        client.learn(&node);
    }
    assert!(alice.want_members(group, &[], &[]), "the revoked one is to go");
    alice.flush(&mut node, group);
    bob.pull(&node, group);
    let authenticator = bob.authenticator(group);

    // Where it still spoke for Alice, who may bring people back; she herself could not be added.
    let membership = GroupMembership {
        members: [
            (alice.inbox_id, before),
            (bob.inbox_id, node.newest_update(bob.inbox_id)),
        ]
        .into(),
        failed_installations: [alice.key.id()].into(),
    };
    let membership = Extension::Unknown(0xFF01, UnknownExtension(membership.encode()));
    let mls_welcome = Forgery::new(&stolen, group, &raw(&alice, group), vec![membership])
        .aged(bob.epoch(group) + 6)
        .invite(&node, &[&bob]);
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    assert_eq!(
        bob.welcome_after_reading(&envelope),
        refused(WelcomeError::OtherGroup)
    );
    assert_eq!(bob.authenticator(group), authenticator);
}

#[test]
fn a_welcome_that_names_a_crowd_asks_for_nobodys_log() {
    let mut node = Node::default();
    let (bob, eve) = (Client::new(&mut node, 2), Client::new(&mut node, 9));
    let named = (0..2_000_u32).map(|number| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        (InboxId::new(id), 1)
    });
    let membership = GroupMembership {
        members: named.collect(),
        ..Default::default()
    };
    let crowd = Extension::Unknown(0xFF01, UnknownExtension(membership.encode()));
    let own = eve.create();
    let mls_welcome =
        Forgery::new(&eve, GroupId::new([1; 16]), &raw(&eve, own), vec![crowd]).invite(&node, &[&bob]);
    let envelope = sealed(&mut node, &bob, &mls_welcome, 1);
    assert_eq!(bob.welcome(&envelope), refused(WelcomeError::Membership));
}
