//! Joining the groups of released peers and following them, first piece by piece, then as a client does.

use openmls::prelude::tls_codec::Serialize as _;
use openmls::prelude::{MlsGroup, OpenMlsProvider as _};
use prost::Message as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use xmtp_web::groups::inbound::{Envelope, receive};
use xmtp_web::groups::join::{Joined, receive_welcome};
use xmtp_web::groups::{GroupError, GroupMembership, NewGroup, create, originator, view};
use xmtp_web::ids::{GroupId, InboxId, InstallationId};
use xmtp_web::messages::content::group_updated::GroupUpdated;
use xmtp_web::messages::{EncodedContent, Plaintext};
use xmtp_web::mls::{
    Group, Invitation, MessageFault, MessageKind, MlsError, Processed, ProposalKind, Provider, WelcomeFault,
    welcome,
};
use xmtp_web::proto::xmtp::identity::MlsCredential;
use xmtp_web::proto::xmtp::mls::message_contents::WelcomeMetadata;
use xmtp_web::storage::{
    CommitResult, CursorKind, MembershipState, MessageKind as RowKind, MessageQuery, Store,
};

use crate::clock;
use crate::context::assert_context;
use crate::messages::assert_envelope;
use crate::peers::{Joiner, bytes, envelope, id, list, name, nanoseconds, number, peers, text, texts};
use crate::tls::{Leaf, Reader};

/// The installations of inboxes at the points of their logs to which the group refers.
type Installations = BTreeMap<(InboxId, u64), BTreeSet<InstallationId>>;

/// The context of a stored group as it stands on the wire: number and body of each extension, in order.
fn raw_context(store: &Store, group_id: GroupId) -> Vec<(String, Vec<u8>)> {
    let provider = Provider::new(store);
    let group = MlsGroup::load(
        provider.storage(),
        &openmls::group::GroupId::from_slice(group_id.as_bytes()),
    )
    .expect("readable")
    .expect("stored");
    Reader(&group.extensions().tls_serialize_detached().expect("encodes")).extensions()
}

fn order(store: &Store, group_id: GroupId) -> Vec<String> {
    raw_context(store, group_id)
        .into_iter()
        .map(|(number, _)| number)
        .collect()
}

/// Opens the welcome with the pieces of the `mls` room and stores the group.
fn open(peer: &Value, joiner: &Joiner) -> Installations {
    let what = name(peer);
    let group = &peer["group"];
    let recorded = &group["welcome"];
    assert_eq!(joiner.key.id(), id(&recorded["installation_key"]), "{what}");
    let private = bytes(&group["joiner"]["init_private_key"]);
    let opened = welcome::unwrap(
        &bytes(&recorded["data"]),
        &bytes(&recorded["welcome_metadata"]),
        &private,
    )
    .expect(what);
    assert_eq!(
        hex::encode(Sha256::digest(&opened.welcome)),
        text(&recorded["plaintext_sha256"]),
        "{what}"
    );
    assert_eq!(
        u64::try_from(opened.welcome.len()),
        Ok(number(&recorded["plaintext_length"])),
        "{what}"
    );
    assert_eq!(opened.metadata, bytes(&recorded["metadata_plaintext"]), "{what}");
    let metadata = WelcomeMetadata::decode(opened.metadata.as_slice()).expect(what);
    assert_eq!(
        metadata.message_cursor,
        number(&recorded["metadata_cursor"]),
        "{what}"
    );

    let provider = Provider::new(&joiner.store);
    let invitation = Invitation::open(&provider, &opened.welcome).expect(what);
    assert_eq!(invitation.group_id(), joiner.group_id, "{what}");
    assert_eq!(invitation.epoch(), number(&recorded["epoch"]), "{what}");
    assert_eq!(invitation.epoch(), number(&group["joined_epoch"]), "{what}");
    assert_eq!(
        invitation.added_by(),
        Ok(id(&recorded["added_by_inbox_id"])),
        "{what}"
    );
    assert_eq!(
        invitation.added_by(),
        Ok(id(&group["creator_inbox_id"])),
        "{what}"
    );
    assert_eq!(
        invitation.sender().installation_id,
        id(&group["creator_installation_id"]),
        "{what}"
    );
    assert_context(&invitation.context(), &group["group_context"], what);

    let membership = GroupMembership::decode(invitation.context().membership.as_deref()).expect(what);
    let mut installations = Installations::new();
    for leaf in invitation.leaves().expect(what) {
        let inbox_id = leaf.inbox_id.expect("a credential");
        installations
            .entry((inbox_id, membership.members[&inbox_id]))
            .or_default()
            .insert(leaf.installation_id);
    }
    let accepted = invitation.judge(|_| Ok::<_, MlsError>(())).expect(what);
    let (joined, ()) = accepted.join(&provider).expect(what);
    assert_eq!(
        hex::encode(joined.epoch_authenticator()),
        text(&recorded["epoch_authenticator"]),
        "{what}"
    );
    assert!(joined.is_active());
    assert_eq!(
        joined.own_leaf().map(|leaf| leaf.installation_id),
        Ok(joiner.key.id()),
        "{what}"
    );
    assert_stored_group(peer, joiner);
    installations
}

/// Order and bytes of the context, and every leaf with what it says it supports.
fn assert_stored_group(peer: &Value, joiner: &Joiner) {
    let what = name(peer);
    let group = &peer["group"];
    let context = &group["group_context"];
    let plain = |number: &Value| text(number).trim_start_matches("0x").to_owned();
    let expected: Vec<_> = list(&context["order"]).iter().map(plain).collect();
    assert_eq!(order(&joiner.store, joiner.group_id), expected, "{what}");
    let raw: BTreeMap<_, _> = raw_context(&joiner.store, joiner.group_id).into_iter().collect();
    for entry in list(&context["extensions"]) {
        assert_eq!(
            raw[&plain(&entry["type"])],
            bytes(&entry["data"]),
            "{what}: {}",
            entry["type"]
        );
    }
    // what peers demand of leaves is what we demand
    let ours = create::create_group(&joiner.context(1), &NewGroup::default()).expect("made");
    let our_context: BTreeMap<_, _> = raw_context(&joiner.store, ours.id).into_iter().collect();
    assert_eq!(our_context["0003"], raw["0003"], "{what}");

    let provider = Provider::new(&joiner.store);
    let id = openmls::group::GroupId::from_slice(joiner.group_id.as_bytes());
    let stored = MlsGroup::load(provider.storage(), &id)
        .expect("readable")
        .expect("stored");
    assert_eq!(
        format!("0x{:04x}", u16::from(stored.ciphersuite())),
        text(&group["ciphersuite"]),
        "{what}"
    );
    let leaves = Leaf::of_tree(
        &stored
            .export_ratchet_tree()
            .tls_serialize_detached()
            .expect("encodes"),
    );
    let expected = list(&group["leaves_after_join"]);
    assert_eq!(leaves.len(), expected.len(), "{what}");
    for (leaf, expected) in leaves.iter().zip(expected) {
        let credential = MlsCredential::decode(leaf.identity.as_slice()).expect(what);
        assert_eq!(credential.inbox_id, text(&expected["inbox_id"]), "{what}");
        assert_eq!(leaf.source, text(&expected["leaf_source"]), "{what}");
        let same = |found: &[String], expected: &Value| {
            let sorted = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
            assert_eq!(sorted(found), sorted(&texts(expected)), "{what}");
        };
        same(&leaf.ciphersuites, &expected["ciphersuites"]);
        same(&leaf.extensions, &expected["extensions"]);
        same(&leaf.proposals, &expected["proposals"]);
        same(&leaf.credentials, &expected["credentials"]);
        let numbers: Vec<_> = leaf
            .leaf_extensions
            .iter()
            .map(|(number, _)| number.clone())
            .collect();
        same(&numbers, &expected["leaf_extensions"]);
    }
}

/// Processes one message with the pieces of the `mls` room. Answers false when the transcript ends.
fn step(joiner: &Joiner, message: &Value, installations: &mut Installations, what: &str) -> bool {
    let data = bytes(&message["data"]);
    let is_commit = message["is_commit"] == true;
    let header = Group::header(&data).expect(what);
    assert_eq!(header.group_id, joiner.group_id, "{what}");
    assert_eq!(header.epoch, number(&message["mls_epoch"]), "{what}");
    assert_eq!(
        header.kind,
        if is_commit {
            MessageKind::Commit
        } else {
            MessageKind::Application
        },
        "{what}"
    );
    let provider = Provider::new(&joiner.store);
    let mut group = Group::load(&provider, joiner.group_id).expect(what);
    if message.get("expected").is_some() {
        let refused = joiner.store.transaction(|tx| -> Result<(), MlsError> {
            group.process(&Provider::new(tx), &data).map(|_| ())
        });
        let fault = MessageFault::WrongEpoch {
            message: header.epoch,
            group: group.epoch(),
        };
        assert_eq!(refused, Err(MlsError::Message(fault)), "{what}");
        return true;
    }
    let sender: InboxId = id(&message["sender_inbox_id"]);
    match group.process(&provider, &data) {
        Ok(Processed::Application {
            sender: leaf,
            plaintext,
        }) => {
            assert_eq!(leaf.inbox_id, Some(sender), "{what}");
            assert_eq!(hex::encode(&plaintext), text(&message["envelope"]), "{what}");
            let content = assert_envelope(&plaintext, joiner.group_id, message, what);
            let content_type = content.content_type.as_ref().expect("a type").to_string();
            assert_eq!(content_type, text(&message["content_type"]), "{what}");
        }
        Ok(Processed::Commit(commit)) => {
            let view = commit.view().clone();
            assert_eq!(
                view.committer.and_then(|leaf| leaf.inbox_id),
                Some(sender),
                "{what}"
            );
            assert_eq!(view.path_leaf.is_some(), message["path"] == true, "{what}");
            // The transcript has no standalone proposals: what a commit covers is inline.
            let kinds: BTreeSet<String> = view
                .proposals
                .iter()
                .map(|proposal| match &proposal.kind {
                    ProposalKind::Add(_) => "Add/inline".into(),
                    ProposalKind::Remove(Some(_)) => "Remove/inline".into(),
                    ProposalKind::GroupContextExtensions(_) => "GroupContextExtensions/inline".into(),
                    other => format!("{other:?}"),
                })
                .collect();
            assert_eq!(view.proposals.len(), kinds.len(), "{what}");
            assert_eq!(
                kinds,
                texts(&message["proposals"]).into_iter().collect(),
                "{what}"
            );
            let membership = GroupMembership::decode(view.after.membership.as_deref()).expect(what);
            for proposal in &view.proposals {
                if let ProposalKind::Add(leaf) = &proposal.kind {
                    let inbox_id = leaf.inbox_id.expect("a credential");
                    let installation = leaf.installation_id.expect("a key");
                    let position = (inbox_id, membership.members[&inbox_id]);
                    installations.entry(position).or_default().insert(installation);
                }
            }
            let staged = commit.judge(|_| Ok::<_, MlsError>(())).expect(what);
            group.merge(&provider, staged).expect(what);
            assert_eq!(group.epoch(), number(&message["epoch_after"]), "{what}");
            assert_eq!(
                hex::encode(group.epoch_authenticator()),
                text(&message["epoch_authenticator"]),
                "{what}"
            );
            assert_eq!(
                order(&joiner.store, joiner.group_id),
                texts(&message["context_extension_order"]),
                "{what}"
            );
        }
        Err(MlsError::Message(MessageFault::OutOfLifetime { .. })) if !clock::STANDS => return false,
        other => panic!("{what}: {other:?}"),
    }
    true
}

#[test]
fn every_transcript_replays_piece_by_piece() {
    for peer in peers() {
        let joiner = Joiner::new(&peer);
        let mut installations = open(&peer, &joiner);
        let messages = list(&peer["group"]["messages"]);
        assert_eq!(messages.len(), 17);
        for (index, message) in messages.iter().enumerate() {
            let what = format!("{}, message {index}: {}", name(&peer), text(&message["step"]));
            if !step(&joiner, message, &mut installations, &what) {
                break;
            }
        }
    }
}

#[test]
fn a_client_joins_and_follows_every_transcript() {
    for peer in peers() {
        let what = name(&peer);
        // the first pass finds out which installations the inboxes had
        let first = Joiner::new(&peer);
        let mut installations = open(&peer, &first);
        let messages: Vec<&Value> = list(&peer["group"]["messages"])
            .iter()
            .take_while(|message| step(&first, message, &mut installations, what))
            .collect();

        let joiner = Joiner::new(&peer);
        for ((inbox_id, sequence_id), installations) in &installations {
            if *inbox_id == joiner.inbox_id {
                joiner.know_ourselves(&peer, *sequence_id);
            } else {
                let mut ids = installations.iter();
                let (Some(installation), None) = (ids.next(), ids.next()) else {
                    panic!("{what}: one each")
                };
                joiner.know(*inbox_id, *sequence_id, *installation);
            }
        }
        join(&peer, &joiner);
        follow(&joiner, &messages, what);
    }
}

fn join(peer: &Value, joiner: &Joiner) {
    let what = name(peer);
    let group = &peer["group"];
    let created_ns = nanoseconds(&group["messages"][0]["created_ns"]) - 1;
    let sequence_id = number(&group["welcome"]["sequence_id"]);
    let welcome = envelope(&group["welcome"], sequence_id, created_ns);
    let receive = |welcome| {
        joiner
            .store
            .transaction(|tx| receive_welcome(tx, &joiner.context(created_ns), welcome, Default::default()))
            .expect(what)
    };
    assert_eq!(receive(&welcome), Joined::Group(joiner.group_id), "{what}");
    assert_eq!(receive(&welcome), Joined::Nothing, "{what}: once is enough");
    let row = joiner
        .store
        .group(&joiner.group_id)
        .expect("readable")
        .expect("stored");
    assert_eq!(row.membership_state, MembershipState::Pending);
    assert_eq!(row.added_by_inbox_id, id(&group["welcome"]["added_by_inbox_id"]));
    assert_eq!(row.creator_inbox_id, id(&group["creator_inbox_id"]));
    assert_eq!(row.welcome_sequence_id, Some(sequence_id));
    let cursor = joiner
        .store
        .cursor(
            joiner.group_id.as_bytes(),
            CursorKind::CommitMessage,
            originator::COMMITS,
        )
        .expect("readable");
    assert_eq!(cursor, number(&group["welcome"]["metadata_cursor"]), "{what}");
    // The same welcome sealed to an X-Wing key, which our key packages do not offer: refused by its
    // algorithm, with the cursor moved on.
    let other = envelope(&group["welcome_xwing"], sequence_id + 1, created_ns);
    assert_eq!(
        group["welcome_xwing"]["plaintext_sha256"],
        group["welcome"]["plaintext_sha256"]
    );
    let refused = GroupError::Mls(MlsError::Welcome(WelcomeFault::Algorithm));
    assert_eq!(receive(&other), Joined::Refused(refused), "{what}");
    assert_eq!(receive(&other), Joined::Nothing, "{what}");
}

fn follow(joiner: &Joiner, messages: &[&Value], what: &str) {
    let envelopes: Vec<Envelope> = messages
        .iter()
        .map(|message| Envelope {
            sequence_id: number(&message["sequence_id"]),
            created_ns: nanoseconds(&message["created_ns"]),
            data: bytes(&message["data"]),
        })
        .collect();
    let now_ns = envelopes.last().expect("messages").created_ns + 1;
    let context = joiner.context(now_ns);
    let batch = || {
        joiner
            .store
            .transaction(|tx| receive(tx, &context, joiner.group_id, &envelopes, false))
            .expect(what)
    };
    let first = batch();
    assert_eq!(
        (first.done, &first.stop),
        (envelopes.len(), &None),
        "{what}: {first:?}"
    );
    let again = batch();
    assert_eq!((again.done, again.changes.len()), (envelopes.len(), 0), "{what}");

    let log = joiner.store.commit_log(&joiner.group_id, 0).expect("readable");
    let mut log = log.iter().map(|(_, row)| row).filter(|row| row.sequence_id != 0);
    let rows = joiner
        .store
        .messages(&MessageQuery::group(joiner.group_id), now_ns)
        .expect("readable");
    let mut transcript = rows
        .iter()
        .filter(|row| row.kind == RowKind::MembershipChange)
        .skip(1);
    let mut last_authenticator = String::new();
    for message in messages {
        let sequence_id = number(&message["sequence_id"]);
        if message["is_commit"] == false {
            let row = rows
                .iter()
                .find(|row| row.id == id(&message["message_id"]))
                .expect(what);
            assert_eq!(row.sender_inbox_id, id(&message["sender_inbox_id"]));
            assert_eq!(row.sent_at_ns, nanoseconds(&message["created_ns"]));
            assert_eq!(row.sequence_id, Some(sequence_id));
            assert_eq!(row.idempotency_key, text(&message["idempotency_key"]));
            let plaintext = Plaintext {
                content: row.content.clone(),
                idempotency_key: row.idempotency_key.clone(),
            };
            assert_eq!(hex::encode(plaintext.encode()), text(&message["envelope"]));
            let content_type = format!(
                "{}/{}:{}.{}",
                row.authority_id, row.type_id, row.version_major, row.version_minor
            );
            assert_eq!(content_type, text(&message["content_type"]));
            continue;
        }
        let logged = log.next().expect("a line for every commit");
        assert_eq!(logged.sequence_id, sequence_id, "{what}");
        if message.get("expected").is_some() {
            assert_eq!(logged.result, CommitResult::WrongEpoch, "{what}");
            continue;
        }
        assert_eq!(logged.result, CommitResult::Applied, "{what}: {:?}", logged.error);
        assert_eq!(logged.applied_epoch, Some(number(&message["epoch_after"])));
        last_authenticator = text(&message["epoch_authenticator"]).to_owned();
        assert_eq!(
            logged.applied_epoch_authenticator.as_ref().map(hex::encode),
            Some(last_authenticator.clone())
        );
        assert_eq!(logged.sender_inbox_id, Some(id(&message["sender_inbox_id"])));
        let is_shown = |update: &GroupUpdated| match text(&message["step"]) {
            "update name" => update.fields.iter().any(|(field, ..)| field == "group_name"),
            "update description" => update.fields.iter().any(|(field, ..)| field == "description"),
            "add member" => update.added.len() == 1,
            "remove member" => update.removed.len() == 1,
            "add admin" => update.added_admins.len() == 1,
            "add super admin" => update.added_super_admins.len() == 1,
            "remove super admin" => update.removed_super_admins.len() == 1,
            _ => false,
        };
        let silent =
            text(&message["step"]).starts_with("update permission") || list(&message["proposals"]).is_empty();
        if !silent {
            let row = transcript.next().expect("a line for what people see");
            assert_eq!(row.sequence_id, Some(sequence_id), "{what}");
            let content = EncodedContent::decode(&row.content).expect("encoded");
            let update = GroupUpdated::decode(&content).expect("an update");
            assert_eq!(update.initiated_by, text(&message["sender_inbox_id"]));
            assert!(
                is_shown(&update),
                "{what}: {}: {update:?}",
                text(&message["step"])
            );
        }
    }
    assert!(
        log.next().is_none() && transcript.next().is_none(),
        "{what}: nothing else"
    );
    assert_eq!(
        rows.iter().filter(|row| row.kind == RowKind::Application).count(),
        messages
            .iter()
            .filter(|message| message["is_commit"] == false)
            .count(),
        "{what}"
    );
    let group = context.load(joiner.group_id).expect(what);
    assert_eq!(
        hex::encode(group.epoch_authenticator()),
        last_authenticator,
        "{what}"
    );
    let members = view::members(&context, joiner.group_id).expect(what);
    let leaves: BTreeSet<_> = group.leaves().map(|leaf| leaf.installation_id).collect();
    assert_eq!(
        members
            .iter()
            .flat_map(|member| member.installations.clone())
            .collect::<BTreeSet<_>>(),
        leaves
    );
    assert!(messages.len() == 17 || messages.len() == 7, "{what}");
}
