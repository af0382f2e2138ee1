//! Elements of an archive as rows, and back.
//!
//! # Source
//! `xmtp.device_sync` of xmtp/proto.

use prost::Message as _;

use super::{ArchiveElement, ArchiveError, ArchiveMetadata, ArchiveOptions};
use crate::groups::{GroupView, MutableMetadata, dm_id};
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};
use crate::preferences::wire as preferences;
use crate::proto::xmtp::device_sync as proto;
use crate::proto::xmtp::device_sync::backup_element::Element as Saved;
use crate::proto::xmtp::device_sync::group_backup::{GroupSave, ImmutableMetadataSave, MutableMetadataSave};
use crate::proto::xmtp::device_sync::message_backup::GroupMessageSave;
use crate::storage::{
    ConsentRow, ConversationType, DeliveryStatus, GroupRow, MembershipState, MessageKind, MessageRow,
};

/// The status of a message that is on the network.
const PUBLISHED: i32 = 2;

/// What a file holds, checked.
#[derive(Debug, PartialEq)]
pub(super) enum Element {
    Metadata(ArchiveMetadata),
    Conversation(Box<Conversation>),
    Message(Box<MessageRow>),
    Consent(ConsentRow),
    /// Of a kind that this version does not know.
    Other,
}

/// A conversation as an archive has it.
#[derive(Debug, PartialEq)]
pub(super) struct Conversation {
    pub(super) row: GroupRow,
    pub(super) dm_members: Option<(InboxId, InboxId)>,
    pub(super) metadata: MutableMetadata,
}

fn encode(element: Saved) -> Vec<u8> {
    proto::BackupElement {
        element: Some(element),
    }
    .encode_to_vec()
}

pub(super) fn metadata(metadata: &ArchiveMetadata) -> Vec<u8> {
    encode(Saved::Metadata(save_metadata(metadata)))
}

pub(in crate::preferences) fn save_metadata(metadata: &ArchiveMetadata) -> proto::BackupMetadataSave {
    proto::BackupMetadataSave {
        elements: numbers(&metadata.elements),
        exported_at_ns: metadata.exported_at_ns,
        start_ns: metadata.start_ns,
        end_ns: metadata.end_ns,
    }
}

/// What an archive of `version` says of itself.
pub(in crate::preferences) fn read_metadata(
    saved: &proto::BackupMetadataSave,
    version: u16,
) -> ArchiveMetadata {
    ArchiveMetadata {
        version,
        elements: elements(&saved.elements),
        exported_at_ns: saved.exported_at_ns,
        start_ns: saved.start_ns,
        end_ns: saved.end_ns,
    }
}

pub(in crate::preferences) fn save_options(options: &ArchiveOptions) -> proto::ArchiveOptions {
    proto::ArchiveOptions {
        elements: numbers(&options.elements),
        start_ns: options.start_ns,
        end_ns: options.end_ns,
        exclude_disappearing_messages: options.exclude_disappearing_messages,
    }
}

pub(in crate::preferences) fn read_options(saved: &proto::ArchiveOptions) -> ArchiveOptions {
    ArchiveOptions {
        elements: elements(&saved.elements),
        start_ns: saved.start_ns,
        end_ns: saved.end_ns,
        exclude_disappearing_messages: saved.exclude_disappearing_messages,
    }
}

fn numbers(elements: &[ArchiveElement]) -> Vec<i32> {
    elements.iter().map(|element| number(*element)).collect()
}

/// Kinds that this version does not know are left out.
fn elements(numbers: &[i32]) -> Vec<ArchiveElement> {
    numbers
        .iter()
        .filter_map(|kind| match kind {
            1 => Some(ArchiveElement::Messages),
            2 => Some(ArchiveElement::Consent),
            _ => None,
        })
        .collect()
}

const fn number(element: ArchiveElement) -> i32 {
    match element {
        ArchiveElement::Messages => 1,
        ArchiveElement::Consent => 2,
    }
}

pub(super) fn consent(row: &ConsentRow) -> Vec<u8> {
    encode(Saved::Consent(preferences::save_consent(row)))
}

pub(super) fn conversation(view: &GroupView) -> Vec<u8> {
    let row = &view.row;
    let MutableMetadata {
        attributes,
        admins,
        super_admins,
    } = &view.metadata;
    encode(Saved::Group(GroupSave {
        id: row.id.to_vec(),
        created_at_ns: row.created_at_ns,
        membership_state: match row.membership_state {
            MembershipState::Allowed => 1,
            MembershipState::Rejected => 2,
            MembershipState::Pending => 3,
            MembershipState::Restored => 4,
            MembershipState::PendingRemove => 5,
        },
        installations_last_checked: row.installations_last_checked_ns,
        added_by_inbox_id: row.added_by_inbox_id.to_string(),
        welcome_id: row.welcome_sequence_id.and_then(|id| i64::try_from(id).ok()),
        rotated_at_ns: row.rotated_at_ns,
        conversation_type: if row.conversation_type == ConversationType::Dm {
            2
        } else {
            1
        },
        dm_id: row.dm_id.clone(),
        last_message_ns: row.last_message_ns,
        message_disappear_from_ns: row.message_disappear_from_ns,
        message_disappear_in_ns: row.message_disappear_in_ns,
        metadata: Some(ImmutableMetadataSave {
            creator_inbox_id: row.creator_inbox_id.to_string(),
        }),
        mutable_metadata: Some(MutableMetadataSave {
            attributes: attributes.clone().into_iter().collect(),
            admin_list: admins.clone(),
            super_admin_list: super_admins.clone(),
        }),
        paused_for_version: row.paused_for_version.clone(),
    }))
}

pub(super) fn message(row: &MessageRow) -> Vec<u8> {
    let signed = |number: u64| i64::try_from(number).ok();
    encode(Saved::GroupMessage(GroupMessageSave {
        id: row.id.to_vec(),
        group_id: row.group_id.to_vec(),
        decrypted_message_bytes: row.content.clone(),
        sent_at_ns: row.sent_at_ns,
        kind: match row.kind {
            MessageKind::Application => 1,
            MessageKind::MembershipChange => 2,
        },
        sender_installation_id: row.sender_installation_id.to_vec(),
        sender_inbox_id: row.sender_inbox_id.to_string(),
        // No others are put into one.
        delivery_status: PUBLISHED,
        content_type_save: 0,
        version_major: i32::try_from(row.version_major).unwrap_or(i32::MAX),
        version_minor: i32::try_from(row.version_minor).unwrap_or(i32::MAX),
        authority_id: row.authority_id.clone(),
        reference_id: row.reference_id.map(MessageId::to_vec),
        sequence_id: row.sequence_id.and_then(signed),
        originator_id: row.originator_id.map(i64::from),
        content_type: row.type_id.clone(),
    }))
}

/// Reads an element; `version` is the container's.
///
/// # Errors
/// [`ArchiveError::Element`].
pub(super) fn decode(bytes: &[u8], version: u16, now_ns: i64) -> Result<Element, ArchiveError> {
    let element = proto::BackupElement::decode(bytes).map_err(|_| ArchiveError::Element("no element"))?;
    Ok(match element.element {
        Some(Saved::Metadata(saved)) => Element::Metadata(read_metadata(&saved, version)),
        // Also others tell of what is passed over here, such as addresses of old.
        Some(Saved::Consent(saved)) => {
            preferences::read_consent(&saved).map_or(Element::Other, Element::Consent)
        }
        Some(Saved::Group(saved)) => read_conversation(saved, now_ns)?,
        // What is on its way is its installation's own business.
        Some(Saved::GroupMessage(saved)) if saved.delivery_status != PUBLISHED => Element::Other,
        Some(Saved::GroupMessage(saved)) => Element::Message(Box::new(read_message(saved, now_ns)?)),
        None => Element::Other,
    })
}

fn read_conversation(saved: GroupSave, now_ns: i64) -> Result<Element, ArchiveError> {
    let wrong = |what| move |_| ArchiveError::Element(what);
    let conversation_type = match saved.conversation_type {
        1 => ConversationType::Group,
        2 => ConversationType::Dm,
        // The own installations among themselves and what later versions know are nobody else's business.
        _ => return Ok(Element::Other),
    };
    let dm_members = match (conversation_type, saved.dm_id.as_deref()) {
        (ConversationType::Dm, Some(text)) => Some(read_dm_id(text)?),
        (ConversationType::Dm, None) => return Err(ArchiveError::Element("a direct message of nobody")),
        _ => None,
    };
    let creator = saved.metadata.unwrap_or_default().creator_inbox_id;
    let mutable = saved.mutable_metadata.unwrap_or_default();
    Ok(Element::Conversation(Box::new(Conversation {
        row: GroupRow {
            id: id(&saved.id)?,
            conversation_type,
            // Whatever it is to the installation that made the archive.
            membership_state: MembershipState::Restored,
            created_at_ns: saved.created_at_ns.clamp(0, now_ns.max(0)),
            creator_inbox_id: creator.parse().map_err(wrong("a creator"))?,
            added_by_inbox_id: saved.added_by_inbox_id.parse().map_err(wrong("an adder"))?,
            dm_id: dm_members.map(|(one, two)| dm_id(one, two)),
            welcome_sequence_id: None,
            rotated_at_ns: 0,
            installations_last_checked_ns: 0,
            // A time to come would keep it in front for ever.
            last_message_ns: saved.last_message_ns.map(|at_ns| at_ns.min(now_ns)),
            message_disappear_from_ns: saved.message_disappear_from_ns,
            message_disappear_in_ns: saved.message_disappear_in_ns,
            paused_for_version: None,
            maybe_forked: false,
            fork_details: String::new(),
            should_publish_commit_log: false,
            has_pending_leave_request: false,
        },
        dm_members,
        metadata: MutableMetadata {
            attributes: mutable.attributes.into_iter().collect(),
            admins: mutable.admin_list,
            super_admins: mutable.super_admin_list,
        },
    })))
}

/// The two people of a direct message.
fn read_dm_id(text: &str) -> Result<(InboxId, InboxId), ArchiveError> {
    let pair = text.strip_prefix("dm:").and_then(|pair| pair.split_once(':'));
    pair.and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)))
        .ok_or(ArchiveError::Element("the people of a direct message"))
}

fn read_message(saved: GroupMessageSave, now_ns: i64) -> Result<MessageRow, ArchiveError> {
    let wrong = |what| move |_| ArchiveError::Element(what);
    Ok(MessageRow {
        id: id::<MessageId>(&saved.id)?,
        group_id: id::<GroupId>(&saved.group_id)?,
        // What the id was made from is not in an archive.
        idempotency_key: String::new(),
        sent_at_ns: saved.sent_at_ns,
        inserted_at_ns: now_ns,
        kind: match saved.kind {
            1 => MessageKind::Application,
            2 => MessageKind::MembershipChange,
            _ => return Err(ArchiveError::Element("a message of an unknown kind")),
        },
        sender_inbox_id: saved
            .sender_inbox_id
            .parse::<InboxId>()
            .map_err(wrong("a sender"))?,
        sender_installation_id: id::<InstallationId>(&saved.sender_installation_id)?,
        delivery_status: DeliveryStatus::Published,
        authority_id: saved.authority_id,
        type_id: saved.content_type,
        // What people wrote into their messages is no reason to refuse an archive.
        version_major: saved.version_major.cast_unsigned(),
        version_minor: saved.version_minor.cast_unsigned(),
        reference_id: saved.reference_id.and_then(|bytes| id(&bytes).ok()),
        sequence_id: saved.sequence_id.and_then(|id| u64::try_from(id).ok()),
        originator_id: saved.originator_id.and_then(|id| u32::try_from(id).ok()),
        expire_at_ns: None,
        should_push: false,
        content: saved.decrypted_message_bytes,
    })
}

fn id<'a, T: TryFrom<&'a [u8]>>(bytes: &'a [u8]) -> Result<T, ArchiveError> {
    T::try_from(bytes).map_err(|_| ArchiveError::Element("an id of the wrong length"))
}
