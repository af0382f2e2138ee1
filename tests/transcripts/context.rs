//! What groups of the peers say of themselves.

use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _, VLBytes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use xmtp_web::groups::{GroupMembership, ImmutableMetadata, MutableMetadata, Policy, PolicySet, Preset};
use xmtp_web::ids::InboxId;
use xmtp_web::mls::ContextExtensions;
use xmtp_web::storage::ConversationType;

use crate::peers::{bytes, id, list, name, number, peers, text, texts};

/// A context made of recorded extensions.
fn recorded(context: &Value) -> ContextExtensions {
    let body = |number: &str| {
        let found = list(&context["extensions"])
            .iter()
            .find(|entry| text(&entry["type"]) == number);
        bytes(&found.expect("the context has it")["data"])
    };
    let immutable = VLBytes::tls_deserialize_exact(body("0xf000")).expect("a prefix of its own");
    ContextExtensions {
        immutable_metadata: Some(immutable.into()),
        mutable_metadata: Some(body("0xff00")),
        membership: Some(body("0xff01")),
        permissions: Some(body("0xff02")),
        has_app_data_dictionary: false,
    }
}

/// Every recorded extension has the bytes of `read` and decodes to the recorded values.
pub(crate) fn assert_context(read: &ContextExtensions, context: &Value, what: &str) {
    assert_eq!(*read, recorded(context), "{what}");
    assert_eq!(list(&context["extensions"]).len(), 5, "{what}");
    for entry in list(&context["extensions"]) {
        let decoded = &entry["decoded"];
        match text(&entry["type"]) {
            "0xf000" => assert_immutable(read, &bytes(&entry["data"]), decoded, what),
            "0xff00" => {
                let metadata = MutableMetadata::decode(read.mutable_metadata.as_deref()).expect(what);
                let attributes: BTreeMap<String, String> =
                    serde_json::from_value(decoded["attributes"].clone()).expect("texts");
                assert_eq!(metadata.attributes, attributes, "{what}");
                assert_eq!(metadata.admins, texts(&decoded["admin_list"]), "{what}");
                assert_eq!(
                    metadata.super_admins,
                    texts(&decoded["super_admin_list"]),
                    "{what}"
                );
                assert_eq!(
                    MutableMetadata::decode(Some(&metadata.encode())),
                    Ok(metadata),
                    "{what}"
                );
            }
            "0xff01" => {
                let membership = GroupMembership::decode(read.membership.as_deref()).expect(what);
                let members: BTreeMap<InboxId, u64> = decoded["members"]
                    .as_object()
                    .expect("members")
                    .iter()
                    .map(|(inbox, sequence_id)| (inbox.parse().expect("an inbox id"), number(sequence_id)))
                    .collect();
                assert_eq!(membership.members, members, "{what}");
                let failed: BTreeSet<_> = list(&decoded["failed_installations"]).iter().map(id).collect();
                assert_eq!(membership.failed_installations, failed, "{what}");
            }
            "0xff02" => {
                let set = PolicySet::decode(read.permissions.as_deref()).expect(what);
                assert_policies(&set, decoded, what);
            }
            // required capabilities: read off the group itself, by `joining.rs`
            "0x0003" => {}
            other => panic!("{what}: extension {other}"),
        }
    }
}

fn assert_immutable(read: &ContextExtensions, data: &[u8], decoded: &Value, what: &str) {
    let body = read.immutable_metadata.as_deref();
    let metadata = ImmutableMetadata::decode(body).expect(what);
    let expected = match metadata.conversation_type {
        ConversationType::Group => 1,
        ConversationType::Dm => 2,
        ConversationType::Sync => 3,
        ConversationType::Oneshot => 4,
    };
    assert_eq!(number(&decoded["conversation_type"]), expected, "{what}");
    assert_eq!(text(&decoded["creator_account_address"]), "", "{what}");
    assert_eq!(metadata.creator, id(&decoded["creator_inbox_id"]), "{what}");
    let members = decoded["dm_members"]
        .as_array()
        .map(|members| (id(&members[0]), id(&members[1])));
    assert_eq!(metadata.dm_members, members, "{what}");
    assert_eq!(
        Some(metadata.encode().as_slice()),
        body,
        "{what}: our encoding is theirs"
    );
    assert_eq!(decoded["reencodes"], true);
    let framed = VLBytes::new(metadata.encode())
        .tls_serialize_detached()
        .expect("encodes");
    assert_eq!(framed, data, "{what}");
    assert_eq!(
        framed.len() - metadata.encode().len(),
        usize::try_from(number(&decoded["inner_prefix"])).expect("small")
    );
    assert_eq!(number(&decoded["rest"]), 0);
}

fn assert_policies(set: &PolicySet, decoded: &Value, what: &str) {
    let member = |policy: &Policy| match policy {
        Policy::Allow => 1,
        Policy::Deny => 2,
        Policy::Admin => 3,
        Policy::SuperAdmin => 4,
        _ => 0,
    };
    let permissions = |policy: &Policy| match policy {
        Policy::Deny => 1,
        Policy::Admin => 2,
        Policy::SuperAdmin => 3,
        _ => 0,
    };
    assert_eq!(member(&set.add_member), number(&decoded["add_member"]), "{what}");
    assert_eq!(
        member(&set.remove_member),
        number(&decoded["remove_member"]),
        "{what}"
    );
    assert_eq!(
        permissions(&set.add_admin),
        number(&decoded["add_admin"]),
        "{what}"
    );
    assert_eq!(
        permissions(&set.remove_admin),
        number(&decoded["remove_admin"]),
        "{what}"
    );
    assert_eq!(
        permissions(&set.update_permissions),
        number(&decoded["update_permissions"]),
        "{what}"
    );
    let fields: BTreeMap<String, u64> = set
        .update_metadata
        .iter()
        .map(|(field, policy)| (field.clone(), member(policy)))
        .collect();
    let expected: BTreeMap<String, u64> =
        serde_json::from_value(decoded["metadata"].clone()).expect("numbers");
    assert_eq!(fields, expected, "{what}");
}

#[test]
fn groups_of_peers_have_our_policies_for_all_members() {
    for peer in peers() {
        let read = recorded(&peer["group"]["group_context"]);
        let set = PolicySet::decode(read.permissions.as_deref()).expect("decodes");
        assert_eq!(set, PolicySet::preset(Preset::AllMembers), "{}", name(&peer));
        assert_context(&read, &peer["group"]["group_context"], name(&peer));
    }
}

#[test]
fn direct_messages_of_peers_have_our_policies_and_id() {
    for peer in peers() {
        let dm = &peer["dm"];
        let read = recorded(&dm["group_context"]);
        assert_context(&read, &dm["group_context"], name(&peer));
        let set = PolicySet::decode(read.permissions.as_deref()).expect("decodes");
        assert_eq!(set, PolicySet::direct_message(), "{}", name(&peer));
        let metadata = ImmutableMetadata::decode(read.immutable_metadata.as_deref()).expect("decodes");
        let (creator, target): (InboxId, InboxId) = (id(&dm["creator_inbox_id"]), id(&dm["target_inbox_id"]));
        assert_eq!(metadata.dm_members, Some((creator, target)));
        let mut sorted = [text(&dm["creator_inbox_id"]), text(&dm["target_inbox_id"])];
        sorted.sort_unstable();
        assert_eq!(
            xmtp_web::groups::dm_id(creator, target),
            format!("dm:{}:{}", sorted[0], sorted[1])
        );
    }
}
