//! `xmtp.org/group_membership_change:1.0`: the transcript of old clients. Read, never written; like
//! [`group_updated`](super::group_updated) it means something only on a line that was made here.

use prost::Message as _;
use serde::Serialize;

use super::known::KnownType;
use crate::messages::{ContentError, EncodedContent};
use crate::proto::xmtp::mls::message_contents::{GroupMembershipChanges as Proto, group_membership_changes};

/// The content type.
pub const TYPE: KnownType = KnownType::xmtp("group_membership_change", false);

/// Who came and went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMembershipChange {
    /// Members who were added.
    pub members_added: Vec<MembershipChange>,
    /// Members who were removed.
    pub members_removed: Vec<MembershipChange>,
    /// Installations of members that were added.
    pub installations_added: Vec<MembershipChange>,
    /// Installations of members that were removed.
    pub installations_removed: Vec<MembershipChange>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MembershipChange {
    /// Hex.
    pub installation_ids: Vec<String>,
    /// Whose.
    pub account_address: String,
    /// Who did it.
    pub initiated_by_account_address: String,
}

impl GroupMembershipChange {
    /// Decodes the transcript line.
    ///
    /// # Errors
    /// [`ContentError::OtherType`], [`ContentError::Malformed`].
    pub fn decode(content: &EncodedContent) -> Result<Self, ContentError> {
        let content = TYPE.open(content)?;
        let body = Proto::decode(content.content.as_slice()).map_err(|_| ContentError::Malformed)?;
        let changes = |list: Vec<group_membership_changes::MembershipChange>| {
            let change = |change: group_membership_changes::MembershipChange| MembershipChange {
                installation_ids: change.installation_ids.iter().map(hex::encode).collect(),
                account_address: change.account_address,
                initiated_by_account_address: change.initiated_by_account_address,
            };
            list.into_iter().map(change).collect()
        };
        Ok(Self {
            members_added: changes(body.members_added),
            members_removed: changes(body.members_removed),
            installations_added: changes(body.installations_added),
            installations_removed: changes(body.installations_removed),
        })
    }
}
