//! What installations of an inbox tell each other, as bytes: the content of messages in their sync group.
//!
//! # Source
//! `xmtp.device_sync` of xmtp/proto; seen with `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly.

use prost::Message as _;

use super::archive::{ArchiveKey, wire as archive};
use super::consent::Entity;
use super::error::PreferenceError;
use super::history::{SyncReply, SyncRequest};
use crate::messages::{ContentType, EncodedContent};
use crate::proto::xmtp::device_sync::consent_backup::ConsentSave;
use crate::proto::xmtp::device_sync::content as proto;
use crate::proto::xmtp::device_sync::content::device_sync_content::Content;
use crate::proto::xmtp::device_sync::content::device_sync_key_type::Key;
use crate::storage::{ConsentEntity, ConsentRow, ConsentState, HmacKey, PreferencesRow};

/// How many updates of one message are looked at. A node takes messages of about a megabyte, which is some ten
/// thousand.
pub const MAX_UPDATES: usize = 16_384;

/// The latest time a record may have: the year 2116. One from the end of time could never be superseded.
const LATEST_NS: i64 = 1 << 62;

/// One preference as another installation stored it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// A record of consent.
    Consent(ConsentRow),
    /// The root key of push notifications.
    HmacKey(PreferencesRow),
}

/// What a message in a sync group is.
#[derive(Debug, PartialEq)]
pub enum SyncMessage {
    /// Preferences; those that are not right by themselves are errors, and do not spoil the others.
    Updates(Vec<Result<Update, PreferenceError>>),
    /// Another installation wants an archive.
    Request(SyncRequest),
    /// There is one.
    Reply(SyncReply),
    /// Something that nothing follows from.
    Other,
}

/// The content type of everything in a sync group.
#[must_use]
pub fn content_type() -> ContentType {
    ContentType::xmtp("application/x-protobuf", 1)
}

/// Encodes preferences as the content of a message.
#[must_use]
pub fn encode(updates: &[Update]) -> Vec<u8> {
    let updates = updates.iter().map(save).collect();
    wrap(Content::PreferenceUpdates(proto::PreferenceUpdates { updates }))
}

/// Encodes a request for an archive likewise.
#[must_use]
pub fn encode_request(request: &SyncRequest) -> Vec<u8> {
    wrap(Content::Request(proto::DeviceSyncRequest {
        pin: request.pin.clone(),
        server_url: request.server_url.clone(),
        options: Some(archive::save_options(&request.options)),
        ..Default::default()
    }))
}

/// Encodes where an archive is likewise.
#[must_use]
pub fn encode_reply(reply: &SyncReply) -> Vec<u8> {
    let key = Key::Aes256Gcm(reply.key.as_bytes().to_vec());
    wrap(Content::Reply(proto::DeviceSyncReply {
        request_id: reply.pin.clone(),
        url: reply.url.clone(),
        encryption_key: Some(proto::DeviceSyncKeyType { key: Some(key) }),
        metadata: reply.metadata.as_ref().map(archive::save_metadata),
        ..Default::default()
    }))
}

fn wrap(content: Content) -> Vec<u8> {
    let content = proto::DeviceSyncContent {
        content: Some(content),
    };
    EncodedContent {
        content_type: Some(content_type()),
        content: content.encode_to_vec(),
        ..Default::default()
    }
    .encode()
}

/// Decodes the content of a message in a sync group.
///
/// # Errors
/// [`PreferenceError::Message`].
pub fn decode(content: &[u8]) -> Result<SyncMessage, PreferenceError> {
    let encoded =
        EncodedContent::decode(content).map_err(|_| PreferenceError::Message("no encoded content"))?;
    if encoded.compression.is_some()
        || !encoded
            .content_type
            .is_some_and(|found| found.is_compatible(&content_type()))
    {
        return Err(PreferenceError::Message("another content type"));
    }
    let message = proto::DeviceSyncContent::decode(encoded.content.as_slice())
        .map_err(|_| PreferenceError::Message("no device-sync content"))?;
    match message.content {
        None => Err(PreferenceError::Message("nothing in it")),
        Some(Content::PreferenceUpdates(updates)) if updates.updates.len() > MAX_UPDATES => {
            Err(PreferenceError::Message("too many updates"))
        }
        Some(Content::PreferenceUpdates(updates)) => {
            Ok(SyncMessage::Updates(updates.updates.iter().map(read).collect()))
        }
        Some(Content::Request(request)) => Ok(read_request(request)),
        Some(Content::Reply(reply)) => read_reply(reply),
        Some(Content::Acknowledge(_)) => Ok(SyncMessage::Other),
    }
}

/// A request without options is of a client that is older than archives.
fn read_request(request: proto::DeviceSyncRequest) -> SyncMessage {
    match request.options {
        Some(options) => SyncMessage::Request(SyncRequest {
            pin: request.pin,
            server_url: request.server_url,
            options: archive::read_options(&options),
        }),
        None => SyncMessage::Other,
    }
}

fn read_reply(reply: proto::DeviceSyncReply) -> Result<SyncMessage, PreferenceError> {
    // A kind is named by clients that are older than archives.
    if reply.kind != 0 {
        return Ok(SyncMessage::Other);
    }
    let Some(Key::Aes256Gcm(key)) = reply.encryption_key.and_then(|given| given.key) else {
        return Err(PreferenceError::Message("an archive without a key"));
    };
    let key = <[u8; 32]>::try_from(key.as_slice())
        .map_err(|_| PreferenceError::Message("an archive's key is 32 bytes"))?;
    Ok(SyncMessage::Reply(SyncReply {
        pin: reply.request_id,
        url: reply.url,
        key: ArchiveKey::new(key),
        // Only the archive itself says of which version it is.
        metadata: reply.metadata.map(|saved| archive::read_metadata(&saved, 0)),
    }))
}

fn save(update: &Update) -> proto::PreferenceUpdate {
    use proto::preference_update::Update as Saved;
    proto::PreferenceUpdate {
        update: Some(match update {
            Update::Consent(row) => Saved::Consent(save_consent(row)),
            Update::HmacKey(row) => Saved::Hmac(proto::HmacKeyUpdate {
                key: row.hmac_key.as_bytes().to_vec(),
                cycled_at_ns: row.hmac_key_cycled_at_ns,
            }),
        }),
    }
}

/// A record of consent as the wire has it: its states count from 1.
pub(super) fn save_consent(row: &ConsentRow) -> ConsentSave {
    ConsentSave {
        entity_type: match row.entity_type {
            ConsentEntity::Conversation => 1,
            ConsentEntity::Inbox => 2,
            // Nobody tells one: it is not marked as unsent, and left out of archives.
            ConsentEntity::Address => 3,
        },
        state: match row.state {
            ConsentState::Unknown => 1,
            ConsentState::Allowed => 2,
            ConsentState::Denied => 3,
        },
        entity: row.entity.clone(),
        consented_at_ns: row.consented_at_ns,
    }
}

fn read(update: &proto::PreferenceUpdate) -> Result<Update, PreferenceError> {
    use proto::preference_update::Update as Saved;
    match &update.update {
        Some(Saved::Consent(saved)) => Ok(Update::Consent(read_consent(saved)?)),
        Some(Saved::Hmac(saved)) => Ok(Update::HmacKey(PreferencesRow {
            hmac_key: HmacKey::from_slice(&saved.key)
                .ok_or(PreferenceError::Message("a push key is 42 bytes"))?,
            hmac_key_cycled_at_ns: time(saved.cycled_at_ns)?,
        })),
        None => Err(PreferenceError::Message("an update of an unknown kind")),
    }
}

/// The same, checked. Type 3, an address, is not used any more.
pub(super) fn read_consent(saved: &ConsentSave) -> Result<ConsentRow, PreferenceError> {
    let entity_type = match saved.entity_type {
        1 => ConsentEntity::Conversation,
        2 => ConsentEntity::Inbox,
        _ => return Err(PreferenceError::Message("consent about an unknown kind of thing")),
    };
    let state = match saved.state {
        1 => ConsentState::Unknown,
        2 => ConsentState::Allowed,
        3 => ConsentState::Denied,
        _ => return Err(PreferenceError::Message("an unknown consent state")),
    };
    Ok(ConsentRow {
        entity_type,
        entity: Entity::parse(entity_type, &saved.entity)?.text(),
        state,
        consented_at_ns: time(saved.consented_at_ns)?,
    })
}

fn time(ns: i64) -> Result<i64, PreferenceError> {
    if (0..=LATEST_NS).contains(&ns) {
        Ok(ns)
    } else {
        Err(PreferenceError::Message("a time that cannot be"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preferences::archive::{ArchiveMetadata, ArchiveOptions};
    use proptest::prelude::*;

    fn consent() -> Update {
        Update::Consent(ConsentRow {
            entity_type: ConsentEntity::Conversation,
            entity: "ab".repeat(16),
            state: ConsentState::Denied,
            consented_at_ns: 7,
        })
    }

    fn key() -> Update {
        Update::HmacKey(PreferencesRow {
            hmac_key: HmacKey::new([3; 42]),
            hmac_key_cycled_at_ns: 9,
        })
    }

    /// A message with updates made by hand.
    fn forged(updates: Vec<proto::PreferenceUpdate>) -> Result<SyncMessage, PreferenceError> {
        let content = proto::DeviceSyncContent {
            content: Some(proto::device_sync_content::Content::PreferenceUpdates(
                proto::PreferenceUpdates { updates },
            )),
        };
        let encoded = EncodedContent {
            content_type: Some(content_type()),
            content: content.encode_to_vec(),
            ..Default::default()
        };
        decode(&encoded.encode())
    }

    #[test]
    fn updates_survive_a_round_trip() {
        let updates = [consent(), key()];
        let expected = updates.iter().cloned().map(Ok).collect();
        assert_eq!(decode(&encode(&updates)), Ok(SyncMessage::Updates(expected)));
    }

    #[test]
    fn what_is_said_about_history_survives_a_round_trip() {
        let options = ArchiveOptions {
            start_ns: Some(3),
            exclude_disappearing_messages: true,
            ..Default::default()
        };
        let request = SyncRequest {
            pin: "ab3de".into(),
            server_url: "http://localhost:5558".into(),
            options: options.clone(),
        };
        assert_eq!(
            decode(&encode_request(&request)),
            Ok(SyncMessage::Request(request))
        );
        let reply = SyncReply {
            pin: "ab3de".into(),
            url: "http://localhost:5558/files/1".into(),
            key: ArchiveKey::new([7; 32]),
            metadata: Some(ArchiveMetadata::of(&options, 9)),
        };
        assert_eq!(decode(&encode_reply(&reply)), Ok(SyncMessage::Reply(reply)));
    }

    #[test]
    fn a_reply_whose_key_is_none_is_refused_and_one_of_older_clients_passed_over() {
        let said = |reply| decode(&wrap(Content::Reply(reply)));
        let key = |bytes: Vec<u8>| {
            Some(proto::DeviceSyncKeyType {
                key: Some(Key::Aes256Gcm(bytes)),
            })
        };
        for encryption_key in [None, key(vec![1; 31]), key(vec![1; 33])] {
            let reply = proto::DeviceSyncReply {
                encryption_key,
                ..Default::default()
            };
            assert!(matches!(said(reply), Err(PreferenceError::Message(_))));
        }
        let older = proto::DeviceSyncReply {
            kind: 1,
            ..Default::default()
        };
        assert_eq!(said(older), Ok(SyncMessage::Other));
    }

    #[test]
    fn one_bad_update_does_not_spoil_the_others() {
        use proto::preference_update::Update as Saved;
        let good = save(&consent());
        let change = |change: &dyn Fn(&mut ConsentSave)| {
            let mut update = good.clone();
            if let Some(Saved::Consent(consent)) = &mut update.update {
                change(consent);
            }
            update
        };
        let short = proto::HmacKeyUpdate {
            key: vec![1; 41],
            cycled_at_ns: 1,
        };
        let updates = vec![
            proto::PreferenceUpdate { update: None },
            change(&|consent| consent.entity_type = 3),
            change(&|consent| consent.state = 0),
            change(&|consent| consent.state = 9),
            change(&|consent| consent.entity = "me".into()),
            change(&|consent| consent.consented_at_ns = -1),
            change(&|consent| consent.consented_at_ns = i64::MAX),
            proto::PreferenceUpdate {
                update: Some(Saved::Hmac(short)),
            },
            good.clone(),
        ];
        let Ok(SyncMessage::Updates(read)) = forged(updates) else {
            panic!("the message itself is right")
        };
        let (last, bad) = read.split_last().expect("nine");
        assert!(bad.iter().all(Result::is_err), "{bad:?}");
        assert_eq!(*last, Ok(consent()));
    }

    #[test]
    fn a_message_is_bounded_and_typed() {
        let many = vec![proto::PreferenceUpdate { update: None }; MAX_UPDATES + 1];
        assert_eq!(forged(many), Err(PreferenceError::Message("too many updates")));
        let nothing = EncodedContent {
            content_type: Some(content_type()),
            ..Default::default()
        };
        assert_eq!(
            decode(&nothing.encode()),
            Err(PreferenceError::Message("nothing in it"))
        );
        let text = crate::messages::content::text::encode("hello").encode();
        assert_eq!(
            decode(&text),
            Err(PreferenceError::Message("another content type"))
        );
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let encoded = EncodedContent {
                content_type: Some(content_type()),
                content: bytes,
                ..Default::default()
            };
            let _ = decode(&encoded.encode());
        }
    }
}
