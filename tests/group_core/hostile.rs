//! Bytes that nobody meant well: errors, never panics.

use proptest::prelude::*;
use std::sync::OnceLock;
use xmtp_web::groups::{GroupMembership, ImmutableMetadata, MutableMetadata, PolicySet};
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{Group, Invitation, Provider, key_package, welcome};
use xmtp_web::storage::{Store, StoreOptions};

use crate::world::{Client, Node};

/// Real objects, to be spoilt.
struct Samples {
    package: Vec<u8>,
    message: Vec<u8>,
    wrapped: Vec<u8>,
    metadata: Vec<u8>,
    welcome: Vec<u8>,
    context: [Vec<u8>; 4],
}

fn samples() -> &'static Samples {
    static SAMPLES: OnceLock<Samples> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let mut node = Node::default();
        let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
        alice.learn(&node);
        let group: GroupId = alice.create();
        assert!(alice.want_members(group, &[bob.inbox_id], &[]));
        alice.flush(&mut node, group);
        let (_, wrapped) = node.welcomes[0].clone();
        let row = bob
            .store
            .key_package_by_init_key(&wrapped.hpke_public_key)
            .expect("readable")
            .expect("stored");
        let private = welcome::init_private_key(&bob.context().provider(), &row.hash_ref).expect("stored");
        let opened = welcome::unwrap(&wrapped.data, &wrapped.metadata, &private).expect("opens");
        let context = alice.context().load(group).expect("stored").context();
        Samples {
            package: node.packages[&bob.key.id()].clone(),
            message: node.last().data.clone(),
            wrapped: wrapped.data,
            metadata: wrapped.metadata,
            welcome: opened.welcome,
            context: [
                context.immutable_metadata,
                context.mutable_metadata,
                context.membership,
                context.permissions,
            ]
            .map(|body| body.expect("present")),
        }
    })
}

fn decode_everything(bytes: &[u8]) {
    let _ = Group::header(bytes);
    let _ = key_package::verify_standalone(bytes);
    let _ = welcome::unwrap(bytes, bytes, &[7; 32]);
    let _ = welcome::unwrap(bytes, &[], bytes);
    let _ = welcome::wrap(bytes, bytes, bytes);
    let store = Store::open(StoreOptions::memory()).expect("memory");
    assert!(Invitation::open(&Provider::new(&store), bytes).is_err());
    let _ = ImmutableMetadata::decode(Some(bytes));
    let _ = MutableMetadata::decode(Some(bytes));
    let _ = GroupMembership::decode(Some(bytes));
    let _ = PolicySet::decode(Some(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        decode_everything(&bytes);
    }

    #[test]
    fn spoilt_objects_never_panic(
        which in 0..9_usize, at: prop::sample::Index, value: u8, cut: prop::sample::Index, shorten: bool,
    ) {
        let samples = samples();
        let [one, two, three, four] = &samples.context;
        let list =
            [&samples.package, &samples.message, &samples.wrapped, &samples.metadata, &samples.welcome, one, two, three, four];
        let mut bytes = list[which].clone();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if shorten {
            bytes.truncate(cut.index(bytes.len()));
        }
        decode_everything(&bytes);
    }

    #[test]
    fn lengths_that_promise_too_much_are_errors(tail: [u8; 8], prefix in 0..6_usize) {
        // a length of up to 2^30 bytes behind the headers of each object
        let heads: [&[u8]; 6] = [
            &[0, 1, 0, 2], &[0, 1, 0, 3], &[0, 1, 0, 3, 0, 3], &[0, 1, 0, 5], &[], &[0x20],
        ];
        let bytes = [heads[prefix], &[0xbf, 0xff, 0xff, 0xff], &tail].concat();
        decode_everything(&bytes);
    }
}
