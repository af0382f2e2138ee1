//! What an app can choose of a group's policies: one at a time, or a whole set at creation.
//!
//! # Source
//! `PermissionUpdateType`, `PermissionPolicy` and `PermissionPolicySet` of `@xmtp/browser-sdk` 7.1.0; libxmtp's
//! `UpdatePermission` intent.

use serde::{Deserialize, Serialize};

use super::error::GroupError;
use super::metadata::field;
use super::permissions::{Policy, PolicySet, Preset};

/// What a policy is about. The order of the variants is part of the stored format: append only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// Adding inboxes.
    AddMember,
    /// Removing inboxes.
    RemoveMember,
    /// Adding to the admin list.
    AddAdmin,
    /// Removing from the admin list.
    RemoveAdmin,
    /// Changing an attribute of the metadata, by its name (see [`field`]).
    Metadata(String),
}

impl Permission {
    /// Whether it is about the admin lists, for which the network has no [`PolicyOption::Allow`].
    #[must_use]
    pub fn is_of_admins(&self) -> bool {
        matches!(self, Permission::AddAdmin | Permission::RemoveAdmin)
    }
}

/// Who may. The order of the variants is part of the stored format: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyOption {
    /// Every member. Not for the admin lists: the network has no such value.
    Allow,
    /// Nobody.
    Deny,
    /// Admins and super admins.
    Admin,
    /// Super admins.
    SuperAdmin,
}

impl PolicyOption {
    /// Every option, in the order of the numbers that apps use.
    pub const ALL: [PolicyOption; 4] = [Self::Allow, Self::Deny, Self::Admin, Self::SuperAdmin];

    fn policy(self) -> Policy {
        match self {
            PolicyOption::Allow => Policy::Allow,
            PolicyOption::Deny => Policy::Deny,
            PolicyOption::Admin => Policy::Admin,
            PolicyOption::SuperAdmin => Policy::SuperAdmin,
        }
    }

    /// The same for the admin lists.
    fn of_admins(self) -> Result<Policy, GroupError> {
        match self {
            PolicyOption::Allow => Err(GroupError::PolicyUnavailable),
            option => Ok(option.policy()),
        }
    }
}

/// A whole set, as far as an app can choose one. Only super admins change permissions and the minimum version,
/// whatever is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenPolicies {
    /// Who may add inboxes.
    pub add_member: PolicyOption,
    /// Who may remove inboxes.
    pub remove_member: PolicyOption,
    /// Who may add to the admin list.
    pub add_admin: PolicyOption,
    /// Who may remove from the admin list.
    pub remove_admin: PolicyOption,
    /// Who may change the name.
    pub update_name: PolicyOption,
    /// Who may change the description.
    pub update_description: PolicyOption,
    /// Who may change the image.
    pub update_image_url: PolicyOption,
    /// Who may change after how long messages disappear.
    pub update_disappearing: PolicyOption,
    /// Who may change the app's text.
    pub update_app_data: PolicyOption,
}

impl PolicySet {
    /// The set an app chose.
    ///
    /// # Errors
    /// [`GroupError::PolicyUnavailable`].
    pub fn chosen(choice: &ChosenPolicies) -> Result<Self, GroupError> {
        let mut set = Self::preset(Preset::AllMembers);
        let plain = [
            (Permission::AddMember, choice.add_member),
            (Permission::RemoveMember, choice.remove_member),
            (Permission::AddAdmin, choice.add_admin),
            (Permission::RemoveAdmin, choice.remove_admin),
        ];
        let attributes = [
            (field::NAME, choice.update_name),
            (field::DESCRIPTION, choice.update_description),
            (field::IMAGE_URL, choice.update_image_url),
            (field::DISAPPEAR_FROM_NS, choice.update_disappearing),
            (field::DISAPPEAR_IN_NS, choice.update_disappearing),
            (field::APP_DATA, choice.update_app_data),
        ]
        .map(|(name, option)| (Permission::Metadata(name.to_owned()), option));
        for (permission, option) in plain.into_iter().chain(attributes) {
            set.set(&permission, option)?;
        }
        Ok(set)
    }

    /// Replaces one policy.
    ///
    /// # Errors
    /// [`GroupError::PolicyUnavailable`]: the set is as it was. libxmtp silently takes super admins instead.
    pub fn set(&mut self, permission: &Permission, option: PolicyOption) -> Result<(), GroupError> {
        match permission {
            Permission::AddMember => self.add_member = option.policy(),
            Permission::RemoveMember => self.remove_member = option.policy(),
            Permission::AddAdmin => self.add_admin = option.of_admins()?,
            Permission::RemoveAdmin => self.remove_admin = option.of_admins()?,
            Permission::Metadata(name) => {
                self.update_metadata.insert(name.clone(), option.policy());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICE: ChosenPolicies = ChosenPolicies {
        add_member: PolicyOption::Allow,
        remove_member: PolicyOption::Deny,
        add_admin: PolicyOption::Admin,
        remove_admin: PolicyOption::SuperAdmin,
        update_name: PolicyOption::Allow,
        update_description: PolicyOption::Deny,
        update_image_url: PolicyOption::Admin,
        update_disappearing: PolicyOption::SuperAdmin,
        update_app_data: PolicyOption::Deny,
    };

    #[test]
    fn a_chosen_set_holds_what_was_chosen_and_what_nobody_may_choose() {
        let set = PolicySet::chosen(&CHOICE).expect("available");
        assert_eq!(
            [
                &set.add_member,
                &set.remove_member,
                &set.add_admin,
                &set.remove_admin
            ],
            [&Policy::Allow, &Policy::Deny, &Policy::Admin, &Policy::SuperAdmin]
        );
        let attributes = [
            (field::NAME, Policy::Allow),
            (field::DESCRIPTION, Policy::Deny),
            (field::IMAGE_URL, Policy::Admin),
            (field::DISAPPEAR_FROM_NS, Policy::SuperAdmin),
            (field::DISAPPEAR_IN_NS, Policy::SuperAdmin),
            (field::APP_DATA, Policy::Deny),
            (field::MINIMUM_VERSION, Policy::SuperAdmin),
        ];
        assert_eq!(set.update_metadata.len(), attributes.len());
        for (name, policy) in attributes {
            assert_eq!(set.update_metadata.get(name), Some(&policy), "{name}");
        }
        assert_eq!(set.update_permissions, Policy::SuperAdmin);
        assert_eq!(PolicySet::decode(Some(&set.encode().expect("encodes"))), Ok(set));
    }

    #[test]
    fn admin_lists_cannot_be_everybodys() {
        let refused = Err(GroupError::PolicyUnavailable);
        for choice in [
            ChosenPolicies {
                add_admin: PolicyOption::Allow,
                ..CHOICE
            },
            ChosenPolicies {
                remove_admin: PolicyOption::Allow,
                ..CHOICE
            },
        ] {
            assert_eq!(PolicySet::chosen(&choice).map(|_| ()), refused);
        }
        let before = PolicySet::preset(Preset::AllMembers);
        for permission in [Permission::AddAdmin, Permission::RemoveAdmin] {
            let mut set = before.clone();
            assert_eq!(set.set(&permission, PolicyOption::Allow), refused);
            assert_eq!(set, before);
        }
    }

    #[test]
    fn the_presets_can_be_chosen_too() {
        let all_members = ChosenPolicies {
            add_member: PolicyOption::Allow,
            remove_member: PolicyOption::Admin,
            add_admin: PolicyOption::SuperAdmin,
            remove_admin: PolicyOption::SuperAdmin,
            update_name: PolicyOption::Allow,
            update_description: PolicyOption::Allow,
            update_image_url: PolicyOption::Allow,
            update_disappearing: PolicyOption::Admin,
            update_app_data: PolicyOption::Allow,
        };
        assert_eq!(
            PolicySet::chosen(&all_members),
            Ok(PolicySet::preset(Preset::AllMembers))
        );
        let admin_only = ChosenPolicies {
            add_member: PolicyOption::Admin,
            update_name: PolicyOption::Admin,
            update_description: PolicyOption::Admin,
            update_image_url: PolicyOption::Admin,
            update_app_data: PolicyOption::Admin,
            ..all_members
        };
        assert_eq!(
            PolicySet::chosen(&admin_only),
            Ok(PolicySet::preset(Preset::AdminOnly))
        );
    }
}
