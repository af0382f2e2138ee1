//! Who may do what: the policy set of a group.
//!
//! # Source
//! Extension 0xFF02 and its evaluation in libxmtp 1.9 to 1.12-dev; XIP-47.

use std::collections::BTreeMap;

use prost::Message as _;

use super::error::CommitError;
use super::metadata::field;
use crate::proto::xmtp::mls::message_contents as proto;

/// How deep conditions may be nested. libxmtp has no bound of its own; nothing writes more than one level,
/// and protobuf decoding stops at 100 anyway.
const MAX_DEPTH: usize = 32;

/// What an actor is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// In the admin list or the super admin list.
    pub admin: bool,
    /// In the super admin list.
    pub super_admin: bool,
}

/// A rule that an actor passes or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Everybody passes.
    Allow,
    /// Nobody passes.
    Deny,
    /// Admins and super admins pass.
    Admin,
    /// Super admins pass.
    SuperAdmin,
    /// Who passes all of these; never empty.
    All(Vec<Policy>),
    /// Who passes any of these; never empty.
    Any(Vec<Policy>),
}

impl Policy {
    /// Whether an actor in these roles passes.
    #[must_use]
    pub fn allows(&self, roles: Roles) -> bool {
        match self {
            Policy::Allow => true,
            Policy::Deny => false,
            Policy::Admin => roles.admin || roles.super_admin,
            Policy::SuperAdmin => roles.super_admin,
            Policy::All(policies) => policies.iter().all(|policy| policy.allows(roles)),
            Policy::Any(policies) => policies.iter().any(|policy| policy.allows(roles)),
        }
    }
}

/// Extension 0xFF02.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySet {
    /// Who may add inboxes.
    pub add_member: Policy,
    /// Who may remove inboxes.
    pub remove_member: Policy,
    /// Who may change an attribute, by its name; see [`PolicySet::metadata`] for names without an entry.
    pub update_metadata: BTreeMap<String, Policy>,
    /// Who may add to the admin list.
    pub add_admin: Policy,
    /// Who may remove from the admin list.
    pub remove_admin: Policy,
    /// Carried along, but never evaluated: only super admins change permissions.
    pub update_permissions: Policy,
}

/// The policy sets a group can be made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Everybody adds members and edits name, description, image and app data.
    AllMembers,
    /// Only admins do.
    AdminOnly,
}

impl PolicySet {
    /// The set of a preset.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let base = match preset {
            Preset::AllMembers => Policy::Allow,
            Preset::AdminOnly => Policy::Admin,
        };
        Self {
            add_member: base.clone(),
            remove_member: Policy::Admin,
            update_metadata: metadata_policies(&base, &Policy::Admin, &Policy::SuperAdmin),
            add_admin: Policy::SuperAdmin,
            remove_admin: Policy::SuperAdmin,
            update_permissions: Policy::SuperAdmin,
        }
    }

    /// The set of direct messages.
    #[must_use]
    pub fn direct_message() -> Self {
        Self {
            add_member: Policy::Deny,
            remove_member: Policy::Deny,
            update_metadata: metadata_policies(&Policy::Allow, &Policy::Allow, &Policy::Allow),
            add_admin: Policy::Deny,
            remove_admin: Policy::Deny,
            update_permissions: Policy::Deny,
        }
    }

    /// The rule for changing an attribute. Names without an entry: `_…` super admins, others admins.
    #[must_use]
    pub fn metadata(&self, field: &str) -> &Policy {
        match self.update_metadata.get(field) {
            Some(policy) => policy,
            None if field.starts_with('_') => &Policy::SuperAdmin,
            None => &Policy::Admin,
        }
    }

    /// The preset this set is. Attributes without an entry and entries of attributes that no preset knows do not
    /// count, nor does the rule for permissions, which is never evaluated. `None`: it is a set of its own.
    ///
    /// # Source
    /// libxmtp, which tells apps so; peers of other versions write other attributes.
    #[must_use]
    pub fn as_preset(&self) -> Option<Preset> {
        [Preset::AllMembers, Preset::AdminOnly]
            .into_iter()
            .find(|preset| {
                let known = Self::preset(*preset);
                let attributes = self.update_metadata.iter().all(|(name, policy)| {
                    known
                        .update_metadata
                        .get(name)
                        .is_none_or(|other| other == policy)
                });
                attributes
                    && self.add_member == known.add_member
                    && self.remove_member == known.remove_member
                    && self.add_admin == known.add_admin
                    && self.remove_admin == known.remove_admin
                    && self.update_permissions == known.update_permissions
            })
    }

    /// Decodes the protobuf body.
    ///
    /// # Errors
    /// [`CommitError::Extension`] when a part is missing, a value is unknown or a condition is empty.
    pub fn decode(bytes: Option<&[u8]>) -> Result<Self, CommitError> {
        Self::parse(bytes).ok_or(CommitError::Extension("permissions"))
    }

    fn parse(bytes: Option<&[u8]>) -> Option<Self> {
        let set = proto::GroupMutablePermissionsV1::decode(bytes?).ok()?.policies?;
        Some(Self {
            add_member: membership(&set.add_member_policy?, 0)?,
            remove_member: membership(&set.remove_member_policy?, 0)?,
            update_metadata: set
                .update_metadata_policy
                .iter()
                .map(|(name, policy)| Some((name.clone(), metadata(policy, 0)?)))
                .collect::<Option<_>>()?,
            add_admin: permissions(&set.add_admin_policy?, 0)?,
            remove_admin: permissions(&set.remove_admin_policy?, 0)?,
            update_permissions: permissions(&set.update_permissions_policy?, 0)?,
        })
    }

    /// Encodes the protobuf body.
    ///
    /// # Errors
    /// [`CommitError::Extension`] when an admin or permissions policy is [`Policy::Allow`], for which the
    /// wire has no value.
    pub fn encode(&self) -> Result<Vec<u8>, CommitError> {
        let fault = || CommitError::Extension("permissions");
        let set = proto::PolicySet {
            add_member_policy: Some(membership_proto(&self.add_member)),
            remove_member_policy: Some(membership_proto(&self.remove_member)),
            update_metadata_policy: self
                .update_metadata
                .iter()
                .map(|(name, policy)| (name.clone(), metadata_proto(policy)))
                .collect(),
            add_admin_policy: Some(permissions_proto(&self.add_admin).ok_or_else(fault)?),
            remove_admin_policy: Some(permissions_proto(&self.remove_admin).ok_or_else(fault)?),
            update_permissions_policy: Some(permissions_proto(&self.update_permissions).ok_or_else(fault)?),
        };
        Ok(proto::GroupMutablePermissionsV1 { policies: Some(set) }.encode_to_vec())
    }
}

fn metadata_policies(plain: &Policy, disappearing: &Policy, version: &Policy) -> BTreeMap<String, Policy> {
    let entries = [
        (field::NAME, plain),
        (field::DESCRIPTION, plain),
        (field::IMAGE_URL, plain),
        (field::APP_DATA, plain),
        (field::DISAPPEAR_FROM_NS, disappearing),
        (field::DISAPPEAR_IN_NS, disappearing),
        (field::MINIMUM_VERSION, version),
    ];
    entries
        .into_iter()
        .map(|(name, policy)| (name.to_owned(), policy.clone()))
        .collect()
}

/// Decodes one of the three policy messages of the wire, which differ in their base values, into [`Policy`].
macro_rules! policy_codec {
    ($decode:ident, $message:ident, $module:ident, $base:ident, {$($value:ident <=> $policy:ident),+}) => {
        fn $decode(policy: &proto::$message, depth: usize) -> Option<Policy> {
            use proto::$module::Kind;
            if depth > MAX_DEPTH {
                return None;
            }
            let list = |policies: &[proto::$message]| -> Option<Vec<Policy>> {
                let list: Vec<_> = policies.iter().map(|policy| $decode(policy, depth + 1)).collect::<Option<_>>()?;
                (!list.is_empty()).then_some(list)
            };
            match policy.kind.as_ref()? {
                Kind::Base(value) => match proto::$module::$base::try_from(*value).ok()? {
                    $(proto::$module::$base::$value => Some(Policy::$policy),)+
                    _ => None,
                },
                Kind::AndCondition(condition) => list(&condition.policies).map(Policy::All),
                Kind::AnyCondition(condition) => list(&condition.policies).map(Policy::Any),
            }
        }
    };
}

policy_codec!(membership, MembershipPolicy, membership_policy, BasePolicy, {
    Allow <=> Allow, Deny <=> Deny, AllowIfAdminOrSuperAdmin <=> Admin, AllowIfSuperAdmin <=> SuperAdmin
});
policy_codec!(metadata, MetadataPolicy, metadata_policy, MetadataBasePolicy, {
    Allow <=> Allow, Deny <=> Deny, AllowIfAdmin <=> Admin, AllowIfSuperAdmin <=> SuperAdmin
});
policy_codec!(permissions, PermissionsUpdatePolicy, permissions_update_policy, PermissionsBasePolicy, {
    Deny <=> Deny, AllowIfAdmin <=> Admin, AllowIfSuperAdmin <=> SuperAdmin
});

fn membership_proto(policy: &Policy) -> proto::MembershipPolicy {
    use proto::membership_policy::{AndCondition, AnyCondition, BasePolicy, Kind};
    let list = |policies: &[Policy]| policies.iter().map(membership_proto).collect();
    let kind = match policy {
        Policy::Allow => Kind::Base(BasePolicy::Allow.into()),
        Policy::Deny => Kind::Base(BasePolicy::Deny.into()),
        Policy::Admin => Kind::Base(BasePolicy::AllowIfAdminOrSuperAdmin.into()),
        Policy::SuperAdmin => Kind::Base(BasePolicy::AllowIfSuperAdmin.into()),
        Policy::All(policies) => Kind::AndCondition(AndCondition {
            policies: list(policies),
        }),
        Policy::Any(policies) => Kind::AnyCondition(AnyCondition {
            policies: list(policies),
        }),
    };
    proto::MembershipPolicy { kind: Some(kind) }
}

fn metadata_proto(policy: &Policy) -> proto::MetadataPolicy {
    use proto::metadata_policy::{AndCondition, AnyCondition, Kind, MetadataBasePolicy};
    let list = |policies: &[Policy]| policies.iter().map(metadata_proto).collect();
    let kind = match policy {
        Policy::Allow => Kind::Base(MetadataBasePolicy::Allow.into()),
        Policy::Deny => Kind::Base(MetadataBasePolicy::Deny.into()),
        Policy::Admin => Kind::Base(MetadataBasePolicy::AllowIfAdmin.into()),
        Policy::SuperAdmin => Kind::Base(MetadataBasePolicy::AllowIfSuperAdmin.into()),
        Policy::All(policies) => Kind::AndCondition(AndCondition {
            policies: list(policies),
        }),
        Policy::Any(policies) => Kind::AnyCondition(AnyCondition {
            policies: list(policies),
        }),
    };
    proto::MetadataPolicy { kind: Some(kind) }
}

fn permissions_proto(policy: &Policy) -> Option<proto::PermissionsUpdatePolicy> {
    use proto::permissions_update_policy::{AndCondition, AnyCondition, Kind, PermissionsBasePolicy};
    let list = |policies: &[Policy]| policies.iter().map(permissions_proto).collect::<Option<_>>();
    let kind = match policy {
        Policy::Allow => return None,
        Policy::Deny => Kind::Base(PermissionsBasePolicy::Deny.into()),
        Policy::Admin => Kind::Base(PermissionsBasePolicy::AllowIfAdmin.into()),
        Policy::SuperAdmin => Kind::Base(PermissionsBasePolicy::AllowIfSuperAdmin.into()),
        Policy::All(policies) => Kind::AndCondition(AndCondition {
            policies: list(policies)?,
        }),
        Policy::Any(policies) => Kind::AnyCondition(AnyCondition {
            policies: list(policies)?,
        }),
    };
    Some(proto::PermissionsUpdatePolicy { kind: Some(kind) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOBODY: Roles = Roles {
        admin: false,
        super_admin: false,
    };
    const ADMIN: Roles = Roles {
        admin: true,
        super_admin: false,
    };
    const SUPER: Roles = Roles {
        admin: true,
        super_admin: true,
    };

    fn policy(allow: bool) -> impl Strategy<Value = Policy> {
        let base = prop_oneof![
            Just(if allow { Policy::Allow } else { Policy::Deny }),
            Just(Policy::Deny),
            Just(Policy::Admin),
            Just(Policy::SuperAdmin)
        ];
        base.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Policy::All),
                prop::collection::vec(inner, 1..4).prop_map(Policy::Any),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_policy_set_survives_a_round_trip(
            add_member in policy(true), remove_member in policy(true), name in policy(true),
            add_admin in policy(false), remove_admin in policy(false), update_permissions in policy(false),
        ) {
            let set = PolicySet {
                add_member, remove_member, add_admin, remove_admin, update_permissions,
                update_metadata: [(field::NAME.to_owned(), name)].into(),
            };
            let bytes = set.encode().expect("no allow among admin policies");
            prop_assert_eq!(PolicySet::decode(Some(&bytes)), Ok(set));
        }

        #[test]
        fn more_roles_never_pass_fewer_policies(policy in policy(true)) {
            prop_assert!(policy.allows(SUPER) || !policy.allows(ADMIN));
            prop_assert!(policy.allows(ADMIN) || !policy.allows(NOBODY));
        }
    }

    #[test]
    fn unspecified_and_empty_policies_are_refused() {
        let set = |add_member| {
            let good = PolicySet::preset(Preset::AllMembers).encode().expect("encodes");
            let mut body = proto::GroupMutablePermissionsV1::decode(good.as_slice()).expect("decodes");
            body.policies.as_mut().expect("present").add_member_policy = add_member;
            PolicySet::decode(Some(&body.encode_to_vec()))
        };
        use proto::membership_policy::{AnyCondition, Kind};
        let refused = Err(CommitError::Extension("permissions"));
        assert_eq!(set(None), refused);
        for kind in [
            Kind::Base(0),
            Kind::Base(9),
            Kind::AnyCondition(AnyCondition { policies: vec![] }),
        ] {
            assert_eq!(set(Some(proto::MembershipPolicy { kind: Some(kind) })), refused);
        }
    }

    #[test]
    fn a_preset_is_known_again_whatever_attributes_a_peer_adds_or_leaves_out() {
        for preset in [Preset::AllMembers, Preset::AdminOnly] {
            let mut set = PolicySet::preset(preset);
            assert_eq!(set.as_preset(), Some(preset));
            set.update_metadata.remove(field::MINIMUM_VERSION);
            set.update_metadata.insert("x-colour".into(), Policy::Deny);
            assert_eq!(set.as_preset(), Some(preset));
            set.update_metadata.insert(field::NAME.into(), Policy::SuperAdmin);
            assert_eq!(set.as_preset(), None);
        }
        let denied = PolicySet {
            add_member: Policy::Deny,
            ..PolicySet::preset(Preset::AllMembers)
        };
        assert_eq!(denied.as_preset(), None);
        assert_eq!(PolicySet::direct_message().as_preset(), None);
    }

    #[test]
    fn fields_without_a_policy_need_an_admin_or_with_an_underscore_a_super_admin() {
        let set = PolicySet::preset(Preset::AllMembers);
        assert_eq!(set.metadata("x-colour"), &Policy::Admin);
        assert_eq!(set.metadata(field::COMMIT_LOG_SIGNER), &Policy::SuperAdmin);
        assert_eq!(set.metadata(field::NAME), &Policy::Allow);
    }
}
