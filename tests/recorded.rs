//! What a run against released clients recorded, read again without them: `vectors/interop.json`, written by
//! `npm run test:interop -- --record`. A break of the wire shows here before any peer or browser is started.
#![cfg(not(target_arch = "wasm32"))]

use std::str::FromStr;

use openmls::prelude::{KeyPackageBundle, MlsGroup, OpenMlsProvider as _};
use openmls_traits::storage::StorageProvider as _;
use serde_json::Value;
use xmtp_web::groups::inbound::{Envelope, receive};
use xmtp_web::groups::join::{Joined, WelcomeEnvelope, receive_welcome};
use xmtp_web::groups::{Context, ImmutableMetadata, MutableMetadata, PolicySet, push};
use xmtp_web::identity::{Address, Identifier, IdentityUpdate, InstallationKey, derive_inbox_id};
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::messages::EncodedContent;
use xmtp_web::messages::content::text as text_content;
use xmtp_web::mls::Provider;
use xmtp_web::storage::{
    ConversationType, IdentityUpdateRow, KeyPackageRow, MessageKind, MessageQuery, Store, StoreOptions,
};

fn peers() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/interop.json")).expect("JSON");
    let peers = file["peers"].as_array().expect("peers").clone();
    assert_eq!(peers.len(), 3, "three released clients");
    peers
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).expect("hex")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn time(value: &Value) -> i64 {
    text(value).parse().expect("nanoseconds")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn id<T: FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    text(value).parse().expect("an id")
}

/// The client of ours that was there, as it was before it joined.
struct Joiner {
    store: Store,
    key: InstallationKey,
    inbox_id: InboxId,
    group_id: GroupId,
}

impl Joiner {
    fn new(peer: &Value) -> Self {
        let recorded = &peer["joiner"];
        let store = Store::open(StoreOptions::memory()).expect("memory");
        for package in list(&recorded["key_packages"]) {
            let bundle: KeyPackageBundle =
                serde_json::from_str(text(&package["openmls_0_9_2_key_package_bundle"])).expect("a bundle");
            let provider = Provider::new(&store);
            let hash_ref = bundle.key_package().hash_ref(provider.crypto()).expect("hashes");
            assert_eq!(hash_ref.as_slice(), bytes(&package["hash_ref"]));
            provider
                .storage()
                .write_key_package(&hash_ref, &bundle)
                .expect("stored");
            let row = KeyPackageRow {
                hash_ref: bytes(&package["hash_ref"]),
                init_key: bytes(&package["init_key"]),
                created_at_ns: 1,
                delete_at_ns: None,
            };
            store.insert_key_package(&row).expect("stored");
        }
        let updates: Vec<_> = list(&peer["identity_updates"])
            .iter()
            .map(|update| IdentityUpdateRow {
                inbox_id: id(&update["inbox_id"]),
                sequence_id: number(&update["sequence_id"]),
                server_timestamp_ns: time(&update["server_timestamp_ns"]),
                payload: bytes(&update["payload"]),
            })
            .collect();
        store.insert_identity_updates(&updates).expect("stored");
        let seed = bytes(&recorded["installation_seed"])
            .try_into()
            .expect("32 bytes");
        let key = InstallationKey::from_seed(&seed);
        assert_eq!(key.id(), id(&recorded["installation_id"]));
        Self {
            store,
            key,
            inbox_id: id(&recorded["inbox_id"]),
            group_id: id(&peer["group_id"]),
        }
    }

    fn context(&self, now_ns: i64) -> Context<'_> {
        Context {
            db: &self.store,
            key: &self.key,
            inbox_id: self.inbox_id,
            now_ns,
            own_version: "1.10.0",
        }
    }

    /// Opens the welcome, which the joiner got before anything else was said.
    fn join(&self, peer: &Value) {
        let what = text(&peer["source"]);
        let [welcome] = list(&peer["welcomes"]) else {
            panic!("{what}: one welcome")
        };
        let envelope = WelcomeEnvelope {
            sequence_id: number(&welcome["id"]),
            created_ns: time(&welcome["created_ns"]),
            data: bytes(&welcome["data"]),
            hpke_public_key: bytes(&welcome["hpke_public_key"]),
            curve25519: number(&welcome["wrapper_algorithm"]) == 1,
            metadata: bytes(&welcome["welcome_metadata"]),
        };
        let joined = self.store.transaction(|tx| {
            receive_welcome(
                tx,
                &self.context(envelope.created_ns),
                &envelope,
                Default::default(),
            )
        });
        assert_eq!(joined, Ok(Joined::Group(self.group_id)), "{what}");
    }

    /// Reads everything that was sent, from the first message on.
    fn follow(&self, peer: &Value) {
        let what = text(&peer["source"]);
        let envelopes: Vec<_> = list(&peer["messages"])
            .iter()
            .map(|message| Envelope {
                sequence_id: number(&message["id"]),
                created_ns: time(&message["created_ns"]),
                data: bytes(&message["data"]),
            })
            .collect();
        let now_ns = envelopes.last().expect("messages").created_ns + 1;
        let batch = self
            .store
            .transaction(|tx| receive(tx, &self.context(now_ns), self.group_id, &envelopes, false))
            .expect(what);
        assert_eq!((batch.done, &batch.stop), (envelopes.len(), &None), "{what}");
    }

    fn assert_state(&self, expected: &Value, what: &str) {
        let provider = Provider::new(&self.store);
        let group = MlsGroup::load(
            provider.storage(),
            &openmls::group::GroupId::from_slice(self.group_id.as_bytes()),
        )
        .expect("readable")
        .expect("stored");
        assert_eq!(group.epoch().as_u64(), number(&expected["epoch"]), "{what}");
        assert_eq!(
            hex::encode(group.epoch_authenticator().as_slice()),
            text(&expected["epoch_authenticator"]),
            "{what}"
        );
        for (number, body) in expected["context"].as_object().expect("extensions") {
            let id = u16::from_str_radix(number.trim_start_matches("0x"), 16).expect("a number");
            let found = group.extensions().unknown(id).expect(what);
            assert_eq!(hex::encode(&found.0), text(body), "{what}: {number}");
        }
    }
}

#[test]
fn a_recorded_group_is_joined_and_followed_to_the_epoch_in_which_it_was_left() {
    for peer in peers() {
        let what = text(&peer["source"]);
        let joiner = Joiner::new(&peer);
        joiner.join(&peer);
        joiner.assert_state(&peer["joined"], what);
        joiner.follow(&peer);
        joiner.assert_state(&peer["end"], what);
    }
}

#[test]
fn recorded_messages_get_the_ids_and_texts_that_their_sender_gave_them() {
    for peer in peers() {
        let what = text(&peer["source"]);
        let joiner = Joiner::new(&peer);
        joiner.join(&peer);
        joiner.follow(&peer);
        let last = list(&peer["messages"]).last().expect("messages");
        let rows = joiner
            .store
            .messages(
                &MessageQuery::group(joiner.group_id),
                time(&last["created_ns"]) + 1,
            )
            .expect("readable");
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| row.kind == MessageKind::Application)
            .collect();
        let said = list(&peer["said"]);
        assert_eq!(rows.len(), said.len(), "{what}");
        assert!(said.len() >= 4, "{what}");
        for (row, expected) in rows.into_iter().zip(said) {
            let content = EncodedContent::decode(&row.content).expect(what);
            assert_eq!(row.id.to_string(), text(&expected["id"]), "{what}");
            assert_eq!(
                row.sender_inbox_id.to_string(),
                text(&expected["sender"]),
                "{what}"
            );
            assert_eq!(
                text_content::decode(&content).expect(what),
                text(&expected["text"]),
                "{what}"
            );
            let kind = content.content_type.expect(what).to_string();
            assert_eq!(kind, text(&expected["type"]), "{what}");
        }
    }
}

#[test]
fn recorded_context_extensions_decode_and_come_out_again_as_what_they_say() {
    for peer in peers() {
        let what = text(&peer["source"]);
        let creator: InboxId = id(&peer["identity"]["inbox_id"]);
        let context = &peer["joined"]["context"];
        // A body below 64 bytes would have one byte of length before it, this one has two.
        let immutable = &bytes(&context["0xF000"])[2..];
        let decoded = ImmutableMetadata::decode(Some(immutable)).expect(what);
        assert_eq!(
            (decoded.conversation_type, decoded.creator, decoded.dm_members),
            (ConversationType::Group, creator, None)
        );
        assert_eq!(decoded.encode(), immutable, "{what}");
        let metadata = MutableMetadata::decode(Some(&bytes(&context["0xFF00"]))).expect(what);
        assert_eq!(metadata.attributes["group_name"], "Recorded");
        assert_eq!(metadata.super_admins, [creator.to_string()]);
        // Peers write their maps in any order: what counts is that nothing is lost.
        let again = MutableMetadata::decode(Some(&metadata.encode())).expect(what);
        assert_eq!(again, metadata, "{what}");
        let before = PolicySet::decode(Some(&bytes(&context["0xFF02"]))).expect(what);
        let after = PolicySet::decode(Some(&bytes(&peer["end"]["context"]["0xFF02"]))).expect(what);
        assert_ne!(before.add_member, after.add_member, "{what}");
        for policies in [before, after] {
            let encoded = policies.encode().expect(what);
            assert_eq!(PolicySet::decode(Some(&encoded)), Ok(policies), "{what}");
        }
    }
}

#[test]
fn recorded_wallets_were_asked_to_sign_the_texts_that_we_make_of_their_updates() {
    for peer in peers() {
        let what = text(&peer["source"]);
        let identity = &peer["identity"];
        let inbox_id: InboxId = id(&identity["inbox_id"]);
        let address = Address::parse(text(&identity["address"])).expect(what);
        let derived = derive_inbox_id(&Identifier::Ethereum(address), number(&identity["nonce"]));
        assert_eq!(derived, Ok(inbox_id), "{what}");
        let texts: Vec<_> = list(&peer["identity_updates"])
            .iter()
            .filter(|update| update["inbox_id"] == identity["inbox_id"])
            .map(|update| {
                let update = IdentityUpdate::from_bytes(&bytes(&update["payload"])).expect(what);
                update.signature_text()
            })
            .collect();
        let asked: Vec<_> = list(&identity["signature_texts"]).iter().map(text).collect();
        assert_eq!(texts, asked, "{what}");
        assert_eq!(
            texts.len(),
            3,
            "{what}: an inbox, one more installation, and its revocation"
        );
    }
}

#[test]
fn recorded_payloads_are_authenticated_by_the_key_of_their_month() {
    for peer in peers() {
        let what = text(&peer["source"]);
        let mut authenticated = 0;
        for message in list(&peer["messages"]) {
            let epoch = push::epoch(time(&message["created_ns"]));
            let keys = list(&peer["hmac_keys"]);
            let key = keys
                .iter()
                .find(|key| i64::try_from(number(&key["epoch"])) == Ok(epoch))
                .expect(what);
            let key: [u8; 42] = bytes(&key["key"]).try_into().expect("42 bytes");
            let made = push::authenticate(&key, &bytes(&message["data"])).expect(what);
            authenticated += usize::from(made == bytes(&message["sender_hmac"]));
        }
        assert_eq!(
            authenticated,
            list(&peer["messages"]).len(),
            "{what}: all are the peer's own"
        );
    }
}
