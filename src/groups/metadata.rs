//! What a group says of itself: the immutable part set at creation and the part that may change.
//!
//! # Source
//! Extensions 0xF000 and 0xFF00 of libxmtp 1.9 to 1.12-dev.

use std::collections::BTreeMap;

use prost::Message as _;

use super::error::CommitError;
use crate::ids::InboxId;
use crate::proto::xmtp::mls::message_contents as proto;
use crate::storage::ConversationType;

/// Names of the attributes of [`MutableMetadata`].
pub mod field {
    /// Display name, at most 100 bytes.
    pub const NAME: &str = "group_name";
    /// Description, at most 1000 bytes.
    pub const DESCRIPTION: &str = "description";
    /// URL of a square image, at most 2048 bytes.
    pub const IMAGE_URL: &str = "group_image_url_square";
    /// Text for the app's own use, at most 8192 bytes.
    pub const APP_DATA: &str = "app_data";
    /// From when messages disappear, decimal nanoseconds since the Unix epoch.
    pub const DISAPPEAR_FROM_NS: &str = "message_disappear_from_ns";
    /// After how long messages disappear, decimal nanoseconds.
    pub const DISAPPEAR_IN_NS: &str = "message_disappear_in_ns";
    /// The lowest protocol version that may take part (XIP-72).
    pub const MINIMUM_VERSION: &str = "minimum_supported_protocol_version";
    /// Hex of the Ed25519 secret that signs the commit log.
    pub const COMMIT_LOG_SIGNER: &str = "_commit_log_signer";
}

/// The greatest length of an attribute in bytes; `None`: unlimited.
///
/// # Source
/// libxmtp; enforced by every receiver (a 101-byte name is refused by `@xmtp/node-sdk` 5.5.0 to 6.1.0-nightly).
#[must_use]
pub(super) fn limit(field: &str) -> Option<usize> {
    match field {
        field::NAME => Some(100),
        field::DESCRIPTION => Some(1000),
        field::IMAGE_URL => Some(2048),
        field::APP_DATA => Some(8192),
        _ => None,
    }
}

/// Extension 0xF000: set at creation, read once when the group is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImmutableMetadata {
    /// What kind of conversation it is.
    pub conversation_type: ConversationType,
    /// Who made it.
    pub creator: InboxId,
    /// The two people of a direct message: who made it, and whom it is with.
    pub dm_members: Option<(InboxId, InboxId)>,
}

const FAULT: CommitError = CommitError::Extension("immutable metadata");

/// The people that a group says to be between; `None`: a name that is none.
pub(super) type DmMembersNow = [Option<InboxId>; 2];

fn people(dm: &proto::DmMembers) -> Result<DmMembersNow, CommitError> {
    let named =
        |inbox: &Option<proto::Inbox>| inbox.as_ref().map(|inbox| inbox_id(&inbox.inbox_id)).ok_or(FAULT);
    Ok([named(&dm.dm_member_one)?, named(&dm.dm_member_two)?])
}

impl ImmutableMetadata {
    /// Decodes the protobuf body.
    ///
    /// # Errors
    /// [`CommitError::Extension`] when it does not decode or an inbox id in it is not one.
    pub fn decode(bytes: Option<&[u8]>) -> Result<Self, CommitError> {
        let (body, conversation_type) = Self::read(bytes)?;
        let dm_members = match &body.dm_members {
            Some(dm) => match people(dm)? {
                [Some(one), Some(two)] => Some((one, two)),
                _ => return Err(FAULT),
            },
            None => None,
        };
        Ok(Self {
            conversation_type,
            creator: inbox_id(&body.creator_inbox_id).ok_or(FAULT)?,
            dm_members,
        })
    }

    /// The two people of a direct message, of what a group says of itself now: a name that is none is that of nobody, as
    /// for peers, who take any text. What it said when it was made or joined is what counts otherwise.
    ///
    /// # Errors
    /// [`CommitError::Extension`] when it does not decode, or names one person.
    pub(super) fn dm_members_now(bytes: Option<&[u8]>) -> Result<Option<DmMembersNow>, CommitError> {
        let (body, _) = Self::read(bytes)?;
        body.dm_members.as_ref().map(people).transpose()
    }

    fn read(bytes: Option<&[u8]>) -> Result<(proto::GroupMetadataV1, ConversationType), CommitError> {
        let body = proto::GroupMetadataV1::decode(bytes.ok_or(FAULT)?).map_err(|_| FAULT)?;
        let conversation_type = match proto::ConversationType::try_from(body.conversation_type) {
            Ok(proto::ConversationType::Group) => ConversationType::Group,
            Ok(proto::ConversationType::Dm) => ConversationType::Dm,
            Ok(proto::ConversationType::Sync) => ConversationType::Sync,
            Ok(proto::ConversationType::Oneshot) => ConversationType::Oneshot,
            _ => return Err(FAULT),
        };
        Ok((body, conversation_type))
    }

    /// Encodes the protobuf body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let conversation_type = match self.conversation_type {
            ConversationType::Group => proto::ConversationType::Group,
            ConversationType::Dm => proto::ConversationType::Dm,
            ConversationType::Sync => proto::ConversationType::Sync,
            ConversationType::Oneshot => proto::ConversationType::Oneshot,
        };
        let inbox = |id: InboxId| {
            Some(proto::Inbox {
                inbox_id: id.to_string(),
            })
        };
        proto::GroupMetadataV1 {
            conversation_type: conversation_type.into(),
            creator_account_address: String::new(),
            creator_inbox_id: self.creator.to_string(),
            dm_members: self.dm_members.map(|(one, two)| proto::DmMembers {
                dm_member_one: inbox(one),
                dm_member_two: inbox(two),
            }),
            oneshot_message: None,
        }
        .encode_to_vec()
    }
}

/// Extension 0xFF00. Unknown attributes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MutableMetadata {
    /// Attributes by name, see [`field`].
    pub attributes: BTreeMap<String, String>,
    /// Inbox ids as text: a list may hold text that is no inbox id, which then never matches anybody.
    pub admins: Vec<String>,
    /// As `admins`. Super admins need not be in both lists.
    pub super_admins: Vec<String>,
}

impl MutableMetadata {
    /// Decodes the protobuf body. Both lists must be present, if only empty.
    ///
    /// # Errors
    /// [`CommitError::Extension`].
    pub fn decode(bytes: Option<&[u8]>) -> Result<Self, CommitError> {
        let fault = || CommitError::Extension("mutable metadata");
        let body = proto::GroupMutableMetadataV1::decode(bytes.ok_or_else(fault)?).map_err(|_| fault())?;
        Ok(Self {
            attributes: body.attributes.into_iter().collect(),
            admins: body.admin_list.ok_or_else(fault)?.inbox_ids,
            super_admins: body.super_admin_list.ok_or_else(fault)?.inbox_ids,
        })
    }

    /// Encodes the protobuf body. The order of attributes is that of the map, which no peer relies on.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        proto::GroupMutableMetadataV1 {
            attributes: self.attributes.clone().into_iter().collect(),
            admin_list: Some(proto::Inboxes {
                inbox_ids: self.admins.clone(),
            }),
            super_admin_list: Some(proto::Inboxes {
                inbox_ids: self.super_admins.clone(),
            }),
        }
        .encode_to_vec()
    }

    /// An attribute's value.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.attributes.get(field).map(String::as_str)
    }

    /// An attribute that holds decimal nanoseconds. Text that is no number counts as absent.
    #[must_use]
    pub fn get_ns(&self, field: &str) -> Option<i64> {
        self.get(field)?.parse().ok()
    }

    /// Whether an inbox is in the admin list or the super admin list.
    #[must_use]
    pub fn is_admin(&self, inbox_id: InboxId) -> bool {
        let text = inbox_id.to_string();
        self.admins.contains(&text) || self.super_admins.contains(&text)
    }

    /// Whether an inbox is in the super admin list.
    #[must_use]
    pub fn is_super_admin(&self, inbox_id: InboxId) -> bool {
        self.super_admins.contains(&inbox_id.to_string())
    }

    /// The attributes that differ, with their values before and after, sorted by name.
    #[must_use]
    pub fn changes(&self, after: &Self) -> Vec<FieldChange> {
        let mut names: Vec<&String> = self.attributes.keys().chain(after.attributes.keys()).collect();
        names.sort();
        names.dedup();
        names
            .into_iter()
            .filter(|name| self.attributes.get(*name) != after.attributes.get(*name))
            .map(|name| FieldChange {
                field: name.clone(),
                old: self.attributes.get(name).cloned(),
                new: after.attributes.get(name).cloned(),
            })
            .collect()
    }
}

/// One attribute that a commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The attribute's name.
    pub field: String,
    /// Its value before; `None`: absent.
    pub old: Option<String>,
    /// Its value after; `None`: removed.
    pub new: Option<String>,
}

/// An inbox id in its one canonical spelling.
pub(super) fn inbox_id(text: &str) -> Option<InboxId> {
    let is_canonical = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    text.parse().ok().filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_must_be_present() {
        let body = proto::GroupMutableMetadataV1 {
            admin_list: Some(proto::Inboxes::default()),
            ..Default::default()
        };
        assert_eq!(
            MutableMetadata::decode(Some(&body.encode_to_vec())),
            Err(CommitError::Extension("mutable metadata"))
        );
        assert_eq!(
            MutableMetadata::decode(None),
            Err(CommitError::Extension("mutable metadata"))
        );
    }

    #[test]
    fn unknown_attributes_survive_a_round_trip() {
        let mut metadata = MutableMetadata::default();
        metadata.attributes.insert("x-colour".into(), "green".into());
        assert_eq!(MutableMetadata::decode(Some(&metadata.encode())), Ok(metadata));
    }

    #[test]
    fn changes_name_added_changed_and_removed_fields() {
        let of = |pairs: &[(&str, &str)]| MutableMetadata {
            attributes: pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            ..Default::default()
        };
        let changes =
            of(&[("a", "1"), ("b", "1"), ("c", "1")]).changes(&of(&[("b", "2"), ("c", "1"), ("d", "1")]));
        let names: Vec<_> = changes
            .iter()
            .map(|c| (c.field.as_str(), c.old.as_deref(), c.new.as_deref()))
            .collect();
        assert_eq!(
            names,
            [
                ("a", Some("1"), None),
                ("b", Some("1"), Some("2")),
                ("d", None, Some("1"))
            ]
        );
    }

    #[test]
    fn an_inbox_id_in_capitals_is_not_one() {
        let metadata = proto::GroupMetadataV1 {
            conversation_type: 1,
            creator_inbox_id: "AB".repeat(32),
            ..Default::default()
        };
        assert!(ImmutableMetadata::decode(Some(&metadata.encode_to_vec())).is_err());
    }
}
