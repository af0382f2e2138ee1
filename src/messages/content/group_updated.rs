//! `xmtp.org/group_updated:1.0`: what a commit changed, for people to read.
//!
//! Written locally by each receiver from a validated commit, never sent. An application message that claims
//! this type is forged.

use prost::Message as _;

use super::known::KnownType;
use crate::ids::InboxId;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::{
    GroupUpdated as Proto,
    group_updated::{Inbox, MetadataFieldChange},
};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("group_updated", false);

/// What a commit changed. Lists hold inbox ids as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupUpdated {
    /// Who committed.
    pub initiated_by: String,
    /// Who became a member.
    pub added: Vec<String>,
    /// Who was removed.
    pub removed: Vec<String>,
    /// Who left at their own request.
    pub left: Vec<String>,
    /// Fields that changed: name, value before, value after.
    pub fields: Vec<(String, Option<String>, Option<String>)>,
    /// Who became an admin.
    pub added_admins: Vec<String>,
    /// Who is no longer an admin.
    pub removed_admins: Vec<String>,
    /// Who became a super admin.
    pub added_super_admins: Vec<String>,
    /// Who is no longer a super admin.
    pub removed_super_admins: Vec<String>,
}

impl GroupUpdated {
    /// The entry a new member sees first: that `adder` added them.
    #[must_use]
    pub fn joined(adder: InboxId, member: InboxId) -> Self {
        Self {
            initiated_by: adder.to_string(),
            added: vec![member.to_string()],
            ..Default::default()
        }
    }

    /// Encodes it as content.
    #[must_use]
    pub fn encode(&self) -> EncodedContent {
        let inboxes = |list: &[String]| list.iter().map(|id| Inbox { inbox_id: id.clone() }).collect();
        let body = Proto {
            initiated_by_inbox_id: self.initiated_by.clone(),
            added_inboxes: inboxes(&self.added),
            removed_inboxes: inboxes(&self.removed),
            metadata_field_changes: self
                .fields
                .iter()
                .cloned()
                .map(|(field_name, old_value, new_value)| MetadataFieldChange {
                    field_name,
                    old_value,
                    new_value,
                })
                .collect(),
            left_inboxes: inboxes(&self.left),
            added_admin_inboxes: inboxes(&self.added_admins),
            removed_admin_inboxes: inboxes(&self.removed_admins),
            added_super_admin_inboxes: inboxes(&self.added_super_admins),
            removed_super_admin_inboxes: inboxes(&self.removed_super_admins),
        };
        TYPE.content(body.encode_to_vec(), None)
    }

    /// Decodes the content.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let body = Proto::decode(content.content.as_slice()).map_err(|_| ContentError::Malformed)?;
        let ids = |list: Vec<Inbox>| list.into_iter().map(|inbox| inbox.inbox_id).collect();
        Ok(Self {
            initiated_by: body.initiated_by_inbox_id,
            added: ids(body.added_inboxes),
            removed: ids(body.removed_inboxes),
            left: ids(body.left_inboxes),
            fields: body
                .metadata_field_changes
                .into_iter()
                .map(|change| (change.field_name, change.old_value, change.new_value))
                .collect(),
            added_admins: ids(body.added_admin_inboxes),
            removed_admins: ids(body.removed_admin_inboxes),
            added_super_admins: ids(body.added_super_admin_inboxes),
            removed_super_admins: ids(body.removed_super_admin_inboxes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_survives_a_round_trip() {
        let list = |name: &str| vec![format!("{name}1"), format!("{name}2")];
        let update = GroupUpdated {
            initiated_by: "me".into(),
            added: list("a"),
            removed: list("b"),
            left: list("c"),
            fields: vec![
                ("name".into(), None, Some("new".into())),
                ("x".into(), Some("old".into()), None),
            ],
            added_admins: list("d"),
            removed_admins: list("e"),
            added_super_admins: list("f"),
            removed_super_admins: list("g"),
        };
        assert_eq!(GroupUpdated::decode(&update.encode()), Ok(update));
    }
}
