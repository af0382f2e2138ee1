//! Permissions as plain objects and numbers.
//!
//! # Source
//! `PermissionUpdateType`, `PermissionPolicy`, `MetadataField`, `PermissionPolicySet` and
//! `GroupPermissionsOptions` of `@xmtp/browser-sdk` 7.1.0.

use serde::{Deserialize, Serialize};

use super::error::EdgeError;
use crate::groups::{ChosenPolicies, Permission, Policy, PolicyOption, PolicySet, Preset, field};

/// Who may do what. The numbers of a policy: 0 everybody, 1 nobody, 2 admins, 3 super admins, 4 no rule of its
/// own, 5 something composed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawPermissions {
    policy_type: u8,
    policy_set: RawPolicySet,
}

/// The nine policies an app sees and, at creation, chooses.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawPolicySet {
    add_member_policy: u32,
    remove_member_policy: u32,
    add_admin_policy: u32,
    remove_admin_policy: u32,
    update_group_name_policy: u32,
    update_group_description_policy: u32,
    update_group_image_url_square_policy: u32,
    update_message_disappearing_policy: u32,
    update_app_data_policy: u32,
}

impl RawPermissions {
    pub(super) fn new(set: &PolicySet) -> Self {
        let attribute = |name: &str| set.update_metadata.get(name).map_or(4, number);
        Self {
            policy_type: match set.as_preset() {
                Some(Preset::AllMembers) => 0,
                Some(Preset::AdminOnly) => 1,
                None => 2,
            },
            policy_set: RawPolicySet {
                add_member_policy: number(&set.add_member),
                remove_member_policy: number(&set.remove_member),
                add_admin_policy: number(&set.add_admin),
                remove_admin_policy: number(&set.remove_admin),
                update_group_name_policy: attribute(field::NAME),
                update_group_description_policy: attribute(field::DESCRIPTION),
                update_group_image_url_square_policy: attribute(field::IMAGE_URL),
                update_message_disappearing_policy: attribute(field::DISAPPEAR_IN_NS),
                update_app_data_policy: attribute(field::APP_DATA),
            },
        }
    }
}

fn number(policy: &Policy) -> u32 {
    match policy {
        Policy::Allow => 0,
        Policy::Deny => 1,
        Policy::Admin => 2,
        Policy::SuperAdmin => 3,
        Policy::All(_) | Policy::Any(_) => 5,
    }
}

/// A policy that can be chosen.
fn option(name: &str, value: u32) -> Result<PolicyOption, EdgeError> {
    usize::try_from(value)
        .ok()
        .and_then(|index| PolicyOption::ALL.get(index).copied())
        .ok_or_else(|| {
            EdgeError::Unsupported(format!(
                "{name} must be Allow (0), Deny (1), Admin (2) or SuperAdmin (3), not {value}"
            ))
        })
}

/// The rules of a new group. A set is given with its preset `CustomPolicy` (2), and only with it.
///
/// # Source
/// libxmtp's bindings, which refuse the same combinations.
pub(super) fn of_new_group(
    preset: Option<u32>,
    custom: Option<RawPolicySet>,
) -> Result<PolicySet, EdgeError> {
    match (preset.unwrap_or_default(), custom) {
        (0, None) => Ok(PolicySet::preset(Preset::AllMembers)),
        (1, None) => Ok(PolicySet::preset(Preset::AdminOnly)),
        (2, Some(raw)) => chosen(&raw),
        (2, None) => Err(EdgeError::Argument(
            "permissions CustomPolicy needs customPermissionPolicySet".into(),
        )),
        (0 | 1, Some(_)) => Err(EdgeError::Argument(
            "customPermissionPolicySet goes with permissions CustomPolicy only".into(),
        )),
        (other, _) => Err(EdgeError::Unsupported(format!(
            "permissions does not have the value {other}"
        ))),
    }
}

fn chosen(raw: &RawPolicySet) -> Result<PolicySet, EdgeError> {
    Ok(PolicySet::chosen(&ChosenPolicies {
        add_member: option("addMemberPolicy", raw.add_member_policy)?,
        remove_member: option("removeMemberPolicy", raw.remove_member_policy)?,
        add_admin: option("addAdminPolicy", raw.add_admin_policy)?,
        remove_admin: option("removeAdminPolicy", raw.remove_admin_policy)?,
        update_name: option("updateGroupNamePolicy", raw.update_group_name_policy)?,
        update_description: option(
            "updateGroupDescriptionPolicy",
            raw.update_group_description_policy,
        )?,
        update_image_url: option(
            "updateGroupImageUrlSquarePolicy",
            raw.update_group_image_url_square_policy,
        )?,
        update_disappearing: option(
            "updateMessageDisappearingPolicy",
            raw.update_message_disappearing_policy,
        )?,
        update_app_data: option("updateAppDataPolicy", raw.update_app_data_policy)?,
    })?)
}

/// Which policy is changed, and to what. `field` is for metadata alone.
pub(super) fn change(
    kind: u32,
    policy: u32,
    field: Option<u32>,
) -> Result<(Permission, PolicyOption), EdgeError> {
    let permission = match (kind, field) {
        (0, None) => Permission::AddMember,
        (1, None) => Permission::RemoveMember,
        (2, None) => Permission::AddAdmin,
        (3, None) => Permission::RemoveAdmin,
        (4, Some(field)) => Permission::Metadata(field_name(field)?.to_owned()),
        (4, None) => {
            return Err(EdgeError::Argument(
                "the permission UpdateMetadata needs a metadata field".into(),
            ));
        }
        (0..4, Some(_)) => {
            return Err(EdgeError::Argument(
                "a metadata field goes with the permission UpdateMetadata only".into(),
            ));
        }
        (other, _) => {
            return Err(EdgeError::Unsupported(format!(
                "permissionType does not have the value {other}"
            )));
        }
    };
    Ok((permission, option("policy", policy)?))
}

/// The wire's name of a metadata field.
fn field_name(number: u32) -> Result<&'static str, EdgeError> {
    const NAMES: [&str; 6] = [
        field::APP_DATA,
        field::DESCRIPTION,
        field::NAME,
        field::IMAGE_URL,
        field::DISAPPEAR_FROM_NS,
        field::DISAPPEAR_IN_NS,
    ];
    usize::try_from(number)
        .ok()
        .and_then(|index| NAMES.get(index).copied())
        .ok_or_else(|| EdgeError::Unsupported(format!("metadataField does not have the value {number}")))
}
