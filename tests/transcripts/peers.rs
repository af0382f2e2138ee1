//! Access to the recorded peers, and the client of ours that was there when they were recorded.

use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{KeyPackageBundle, OpenMlsProvider as _};
use openmls_traits::storage::StorageProvider as _;
use serde_json::Value;
use std::str::FromStr;
use xmtp_web::groups::Context;
use xmtp_web::groups::join::WelcomeEnvelope;
use xmtp_web::identity::{AssociationState, ContractAnswers, InstallationKey, verify};
use xmtp_web::ids::{GroupId, InboxId, InstallationId};
use xmtp_web::mls::{Provider, welcome};
use xmtp_web::storage::{IdentityUpdateRow, KeyPackageRow, Store, StoreOptions};

use crate::wallet::Wallet;

pub(crate) fn file() -> Value {
    serde_json::from_str(include_str!("../vectors/peers.json")).expect("JSON")
}

/// The recorded peers; there are three.
pub(crate) fn peers() -> Vec<Value> {
    let peers = file()["peers"].as_array().expect("peers").clone();
    assert_eq!(peers.len(), 3);
    peers
}

pub(crate) fn name(peer: &Value) -> &str {
    text(&peer["source"]["package"])
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).expect("hex")
}

pub(crate) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no number"))
}

pub(crate) fn nanoseconds(value: &Value) -> i64 {
    i64::try_from(number(value)).expect("a time")
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(|entry| text(entry).to_owned()).collect()
}

pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    text(value).parse().expect("an id")
}

/// Our client in the group of a peer.
pub(crate) struct Joiner {
    pub(crate) store: Store,
    pub(crate) key: InstallationKey,
    pub(crate) inbox_id: InboxId,
    pub(crate) group_id: GroupId,
}

impl Joiner {
    /// Brings back the key package, which was made by another program on the same library, into a store of
    /// ours.
    pub(crate) fn new(peer: &Value) -> Self {
        let joiner = &peer["group"]["joiner"];
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let provider = Provider::new(&store);
        let json = text(&joiner["openmls_0_9_2_key_package_bundle"]);
        let bundle: KeyPackageBundle = serde_json::from_str(json).expect("a bundle");
        let package = bundle.key_package();
        assert_eq!(
            hex::encode(package.tls_serialize_detached().expect("encodes")),
            text(&joiner["key_package"])
        );
        let hash_ref = package.hash_ref(provider.crypto()).expect("hashes");
        provider
            .storage()
            .write_key_package(&hash_ref, &bundle)
            .expect("stored");
        let hash_ref = hash_ref.as_slice().to_vec();
        let private = welcome::init_private_key(&provider, &hash_ref).expect("stored");
        assert_eq!(hex::encode(&*private), text(&joiner["init_private_key"]));
        // the leaf's private key has no getter
        let leaf_key = format!("{:?}", bytes(&joiner["leaf_encryption_private_key"])).replace(' ', "");
        assert!(
            json.contains(&leaf_key),
            "the bundle holds the leaf's private key"
        );
        store
            .insert_key_package(&KeyPackageRow {
                hash_ref,
                init_key: package.hpke_init_key().as_slice().to_vec(),
                created_at_ns: 1,
                delete_at_ns: None,
            })
            .expect("stored");
        let key =
            InstallationKey::from_seed(&bytes(&joiner["installation_seed"]).try_into().expect("32 bytes"));
        assert_eq!(key.id(), id(&joiner["installation_id"]));
        let inbox_id = id(&joiner["inbox_id"]);
        let group_id = id(&peer["group"]["group_id"]);
        Self {
            store,
            key,
            inbox_id,
            group_id,
        }
    }

    pub(crate) fn context(&self, now_ns: i64) -> Context<'_> {
        Context {
            db: &self.store,
            key: &self.key,
            inbox_id: self.inbox_id,
            now_ns,
            own_version: "1.10.0",
        }
    }

    /// Stores our own identity log, which the recording has.
    pub(crate) fn know_ourselves(&self, peer: &Value, sequence_id: u64) {
        let row = IdentityUpdateRow {
            inbox_id: self.inbox_id,
            sequence_id,
            server_timestamp_ns: 1,
            payload: bytes(&peer["group"]["joiner"]["identity_update"]),
        };
        self.store.insert_identity_updates(&[row]).expect("stored");
    }

    /// Stores what another's identity log comes to. The recording has no logs of the group's other members:
    /// their states are made up, of the one installation that the tree shows.
    pub(crate) fn know(&self, inbox_id: InboxId, sequence_id: u64, installation: InstallationId) {
        let key = InstallationKey::from_seed(&[9; 32]);
        let update = Wallet(9).new_inbox(&key);
        let verified = verify(&update, &ContractAnswers::none()).expect("signatures hold");
        let state = AssociationState::replay([&verified]).expect("a log").to_bytes();
        let state = replace(&state, update.inbox_id.as_bytes(), inbox_id.as_bytes());
        let state = replace(&state, key.id().as_bytes(), installation.as_bytes());
        let read = AssociationState::from_bytes(&state).expect("still a state");
        assert_eq!(
            (read.inbox_id(), read.installations()),
            (inbox_id, vec![installation])
        );
        self.store
            .put_association_state(&inbox_id, sequence_id, &state)
            .expect("stored");
    }
}

fn replace(bytes: &[u8], old: &[u8; 32], new: &[u8; 32]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while at + 32 <= bytes.len() {
        if bytes[at..at + 32] == *old {
            bytes[at..at + 32].copy_from_slice(new);
        }
        at += 1;
    }
    bytes
}

/// The welcome of a recording as the node delivered it.
pub(crate) fn envelope(welcome: &Value, sequence_id: u64, created_ns: i64) -> WelcomeEnvelope {
    WelcomeEnvelope {
        sequence_id,
        created_ns,
        data: bytes(&welcome["data"]),
        hpke_public_key: bytes(&welcome["hpke_public_key"]),
        curve25519: number(&welcome["wrapper_algorithm"]) == 1,
        metadata: bytes(&welcome["welcome_metadata"]),
    }
}
