//! Groups and members as plain objects.

use std::collections::BTreeMap;

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::convert;
use super::error::EdgeError;
use crate::groups::{GroupView, MemberView, Policy, PolicySet, Preset, field};
use crate::identity::Identifier;
use crate::storage::{ConsentState, ConversationType};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawGroupState {
    name: String,
    description: String,
    image_url: String,
    app_data: String,
    admins: Vec<String>,
    super_admins: Vec<String>,
    creator_inbox_id: String,
    conversation_type: u8,
    paused_for_version: Option<String>,
    epoch: u64,
    permissions: RawPermissions,
}

/// A group as it is now.
pub(super) fn group(view: GroupView) -> Result<JsValue, EdgeError> {
    let attribute = |name: &str| view.metadata.attributes.get(name).cloned().unwrap_or_default();
    convert::object(&RawGroupState {
        name: attribute(field::NAME),
        description: attribute(field::DESCRIPTION),
        image_url: attribute(field::IMAGE_URL),
        app_data: attribute(field::APP_DATA),
        creator_inbox_id: view.row.creator_inbox_id.to_string(),
        conversation_type: match view.row.conversation_type {
            ConversationType::Dm => 0,
            ConversationType::Group => 1,
            ConversationType::Sync => 2,
            ConversationType::Oneshot => 3,
        },
        paused_for_version: view.row.paused_for_version.clone(),
        epoch: view.epoch,
        permissions: RawPermissions::new(&view.permissions),
        admins: view.metadata.admins,
        super_admins: view.metadata.super_admins,
    })
}

/// Who may do what. The numbers of a policy: 0 everybody, 1 nobody, 2 admins, 3 super admins, 4 no rule of its
/// own, 5 something composed.
///
/// # Source
/// `PermissionPolicy` and `GroupPermissionsOptions` of `@xmtp/node-sdk`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawPermissions {
    policy_type: u8,
    policy_set: BTreeMap<&'static str, u8>,
}

impl RawPermissions {
    fn new(set: &PolicySet) -> Self {
        let policy_type = if *set == PolicySet::preset(Preset::AllMembers) {
            0
        } else if *set == PolicySet::preset(Preset::AdminOnly) {
            1
        } else {
            2
        };
        let attribute = |name: &str| set.update_metadata.get(name).map_or(4, policy);
        Self {
            policy_type,
            policy_set: [
                ("addMemberPolicy", policy(&set.add_member)),
                ("removeMemberPolicy", policy(&set.remove_member)),
                ("addAdminPolicy", policy(&set.add_admin)),
                ("removeAdminPolicy", policy(&set.remove_admin)),
                ("updateGroupNamePolicy", attribute(field::NAME)),
                ("updateGroupDescriptionPolicy", attribute(field::DESCRIPTION)),
                ("updateGroupImageUrlSquarePolicy", attribute(field::IMAGE_URL)),
                (
                    "updateMessageDisappearingPolicy",
                    attribute(field::DISAPPEAR_IN_NS),
                ),
                ("updateAppDataPolicy", attribute(field::APP_DATA)),
            ]
            .into(),
        }
    }
}

fn policy(policy: &Policy) -> u8 {
    match policy {
        Policy::Allow => 0,
        Policy::Deny => 1,
        Policy::Admin => 2,
        Policy::SuperAdmin => 3,
        Policy::All(_) | Policy::Any(_) => 5,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawIdentifier {
    identifier: String,
    identifier_kind: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawMember {
    inbox_id: String,
    account_identifiers: Vec<RawIdentifier>,
    installation_ids: Vec<String>,
    permission_level: u8,
    consent_state: u8,
}

/// Members.
pub(super) fn members(members: Vec<MemberView>) -> Result<JsValue, EdgeError> {
    let raw: Vec<RawMember> = members
        .into_iter()
        .map(|member| RawMember {
            inbox_id: member.inbox_id.to_string(),
            account_identifiers: member
                .identifiers
                .iter()
                .map(|identifier| RawIdentifier {
                    identifier: identifier.to_string(),
                    identifier_kind: match identifier {
                        Identifier::Ethereum(_) => 0,
                        Identifier::Passkey(_) => 1,
                    },
                })
                .collect(),
            installation_ids: member.installations.iter().map(ToString::to_string).collect(),
            permission_level: match (member.is_super_admin, member.is_admin) {
                (true, _) => 2,
                (false, true) => 1,
                (false, false) => 0,
            },
            consent_state: consent(member.consent),
        })
        .collect();
    convert::object(&raw)
}

/// The number of a decision.
pub(super) fn consent(state: ConsentState) -> u8 {
    match state {
        ConsentState::Unknown => 0,
        ConsentState::Allowed => 1,
        ConsentState::Denied => 2,
    }
}
