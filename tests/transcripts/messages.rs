//! Envelopes, message ids, push HMACs and versions as released peers make them.

use prost::Message as _;
use serde_json::Value;
use xmtp_web::groups::{exceeds, push};
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::messages::{ContentType, EncodedContent, Plaintext, message_id};
use xmtp_web::preferences::wire;
use xmtp_web::storage::{ConsentEntity, ConsentState};

use crate::peers::{bytes, file, id, list, name, nanoseconds, number, peers, text};

/// An envelope decodes, encodes to the same bytes and has the recorded key and id.
pub(crate) fn assert_envelope(
    envelope: &[u8],
    group_id: GroupId,
    entry: &Value,
    what: &str,
) -> EncodedContent {
    let plaintext = Plaintext::decode(envelope)
        .expect(what)
        .expect("a current envelope");
    assert_eq!(plaintext.encode(), envelope, "{what}");
    let content = EncodedContent::decode(&plaintext.content).expect(what);
    if let Some(key) = entry["idempotency_key"].as_str() {
        assert_eq!(plaintext.idempotency_key, key, "{what}");
        assert_eq!(
            plaintext.message_id(group_id),
            id::<MessageId>(&entry["message_id"]),
            "{what}"
        );
        assert_eq!(
            message_id(group_id, key, &plaintext.content),
            id(&entry["message_id"]),
            "{what}"
        );
    }
    content
}

fn content_type(content: &EncodedContent) -> String {
    content.content_type.as_ref().expect("a type").to_string()
}

#[test]
fn content_of_peers_has_the_ids_they_gave_it() {
    for peer in peers() {
        let messages = list(&peer["content_messages"]);
        assert_eq!(messages.len(), 11, "{}", name(&peer));
        for entry in messages {
            let what = format!("{}: {}", name(&peer), text(&entry["type"]));
            let envelope = bytes(&entry["envelope"]);
            let content = assert_envelope(&envelope, id(&entry["group_id"]), entry, &what);
            assert_eq!(content_type(&content), text(&entry["type"]), "{what}");
            let plaintext = Plaintext::decode(&envelope).expect("decodes").expect("current");
            assert_eq!(plaintext.content, bytes(&entry["encoded_content"]), "{what}");
            // maps have no order on the wire: only the values survive for certain
            assert_eq!(EncodedContent::decode(&content.encode()), Ok(content), "{what}");
        }
        let message = &peer["dm"]["message"];
        assert_eq!(message["group_id"], peer["dm"]["group_id"]);
        let content = assert_envelope(
            &bytes(&message["envelope"]),
            id(&message["group_id"]),
            message,
            name(&peer),
        );
        assert_eq!(content_type(&content), "xmtp.org/text:1.0");
    }
}

#[test]
fn device_sync_of_peers_decodes() {
    for peer in peers() {
        let messages = list(&peer["device_sync"]["messages"]);
        assert_eq!(messages.len(), 2);
        for entry in messages {
            let content = assert_envelope(
                &bytes(&entry["envelope"]),
                GroupId::new([0; 16]),
                entry,
                name(&peer),
            );
            assert_eq!(
                content.content_type,
                Some(ContentType::xmtp("application/x-protobuf", 1))
            );
            assert_eq!(content.content, bytes(&entry["device_sync_content"]));
            assert_preferences(&content.content, &entry["preference_update"], name(&peer));
        }
    }
}

/// As much of `DeviceSyncContent` of xmtp/proto as the recording has.
mod sync {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Content {
        #[prost(message, optional, tag = "4")]
        pub(super) preference_updates: Option<Updates>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Updates {
        #[prost(message, repeated, tag = "1")]
        pub(super) updates: Vec<Update>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Update {
        #[prost(message, optional, tag = "1")]
        pub(super) consent: Option<Consent>,
        #[prost(message, optional, tag = "2")]
        pub(super) hmac: Option<Hmac>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Consent {
        #[prost(uint64, tag = "1")]
        pub(super) entity_type: u64,
        #[prost(uint64, tag = "2")]
        pub(super) state: u64,
        #[prost(string, tag = "3")]
        pub(super) entity: String,
        #[prost(int64, tag = "4")]
        pub(super) consented_at_ns: i64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Hmac {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) key: Vec<u8>,
        #[prost(int64, tag = "2")]
        pub(super) cycled_at_ns: i64,
    }
}

fn assert_preferences(content: &[u8], expected: &Value, what: &str) {
    let decoded = sync::Content::decode(content).expect(what);
    let updates = decoded.preference_updates.expect(what).updates;
    assert_eq!(updates.len(), 1, "{what}");
    match (&updates[0].hmac, &updates[0].consent) {
        (Some(hmac), None) => {
            let expected = &expected["hmac"];
            assert_eq!(hmac.key, bytes(&expected["key"]), "{what}");
            assert_eq!(
                hmac.cycled_at_ns,
                nanoseconds(&expected["cycled_at_ns"]),
                "{what}"
            );
            assert!(
                xmtp_web::storage::HmacKey::from_slice(&hmac.key).is_some(),
                "{what}: 42 bytes"
            );
        }
        (None, Some(consent)) => {
            let expected = &expected["consent"];
            assert_eq!(consent.entity_type, number(&expected["entity_type"]), "{what}");
            assert_eq!(consent.state, number(&expected["state"]), "{what}");
            assert_eq!(consent.entity, text(&expected["entity"]), "{what}");
            assert_eq!(
                consent.consented_at_ns,
                nanoseconds(&expected["consented_at_ns"]),
                "{what}"
            );
        }
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn the_push_hmac_of_every_payload_comes_out_with_the_peers_keys() {
    for peer in peers() {
        let group = &peer["group"];
        let hmac = &group["hmac"];
        let current = number(&hmac["epoch_of_messages"]);
        let keys = list(&hmac["keys"]);
        let epochs: Vec<_> = keys.iter().map(|key| number(&key["epoch"])).collect();
        assert_eq!(epochs, [current - 1, current, current + 1]);
        let key: [u8; 42] = bytes(&keys[1]["key"]).try_into().expect("42 bytes");
        let mut checked = 0;
        for message in list(&group["messages"]) {
            let created_ns = nanoseconds(&message["created_ns"]);
            assert_eq!(u64::try_from(push::epoch(created_ns)), Ok(current));
            let made = push::authenticate(&key, &bytes(&message["data"])).expect("a key");
            // others have root keys of their own
            let own = message["sender_inbox_id"] == hmac["inbox_id"];
            assert_eq!(
                hex::encode(made) == text(&message["sender_hmac"]),
                own,
                "{}",
                text(&message["step"])
            );
            checked += u32::from(own);
        }
        assert_eq!(checked, 14, "{}", name(&peer));
    }
}

#[test]
fn a_minimum_version_pauses_us_where_it_pauses_the_peers() {
    for (peer, results) in file()["min_version_results"]["values"]
        .as_object()
        .expect("peers")
    {
        let own = text(&results["own_version"]);
        for (key, paused) in [("accepted", false), ("paused", true)] {
            for version in list(&results[key]) {
                assert_eq!(exceeds(text(version), own), Some(paused), "{peer}: {version}");
            }
        }
    }
}

#[test]
fn preferences_of_peers_are_read_and_written_as_they_write_them() {
    for peer in peers() {
        let messages = list(&peer["device_sync"]["messages"]);
        assert_eq!(messages.len(), 2, "{}", name(&peer));
        for entry in messages {
            let plaintext = Plaintext::decode(&bytes(&entry["envelope"]))
                .expect("decodes")
                .expect("current");
            let content = EncodedContent::decode(&plaintext.content).expect("decodes");
            assert_eq!(content.content, bytes(&entry["device_sync_content"]));
            let Ok(wire::SyncMessage::Updates(updates)) = wire::decode(&plaintext.content) else {
                panic!("{}: preferences", name(&peer))
            };
            let updates: Vec<_> = updates.into_iter().map(|update| update.expect("right")).collect();
            match (&updates[..], &entry["preference_update"]) {
                ([wire::Update::HmacKey(row)], saved) if saved["hmac"].is_object() => {
                    assert_eq!(row.hmac_key.as_bytes().as_slice(), bytes(&saved["hmac"]["key"]));
                    assert_eq!(
                        row.hmac_key_cycled_at_ns.to_string(),
                        text(&saved["hmac"]["cycled_at_ns"])
                    );
                }
                ([wire::Update::Consent(row)], saved) => {
                    let saved = &saved["consent"];
                    assert_eq!(row.entity, text(&saved["entity"]));
                    assert_eq!(row.entity_type, ConsentEntity::Inbox);
                    assert_eq!(
                        (saved["state"].as_i64(), row.state),
                        (Some(3), ConsentState::Denied)
                    );
                    assert_eq!(row.consented_at_ns.to_string(), text(&saved["consented_at_ns"]));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(wire::encode(&updates), plaintext.content, "{}", name(&peer));
        }
    }
}
