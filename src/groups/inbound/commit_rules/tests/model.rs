//! The policies once more, slow and obvious: for each change, who of the three members could make it.

use super::*;
use std::collections::BTreeSet;

/// What a commit does, beyond renewing keys.
#[derive(Debug, Clone)]
struct Changes {
    /// Name, an unknown field, one with an underscore, the disappearing time.
    fields: [bool; 4],
    add_four: bool,
    /// Removes this inbox, unless it is the committer.
    remove: Option<u8>,
    admins: BTreeSet<u8>,
    super_admins: BTreeSet<u8>,
    permissions: bool,
}

const FIELDS: [&str; 4] = [field::NAME, "x-colour", "_secret", field::DISAPPEAR_IN_NS];

#[derive(Debug, Clone)]
struct World {
    admins: BTreeSet<u8>,
    super_admins: BTreeSet<u8>,
    policies: PolicySet,
}

impl World {
    /// The members that pass a policy.
    fn passers(&self, policy: &Policy) -> BTreeSet<u8> {
        match policy {
            Policy::Allow => [1, 2, 3].into(),
            Policy::Deny => [].into(),
            Policy::Admin => self.admins.union(&self.super_admins).copied().collect(),
            Policy::SuperAdmin => self.super_admins.clone(),
            Policy::All(list) => {
                let everybody = [1, 2, 3].into();
                list.iter()
                    .map(|policy| self.passers(policy))
                    .fold(everybody, |all, some| &all & &some)
            }
            Policy::Any(list) => list
                .iter()
                .map(|policy| self.passers(policy))
                .fold([].into(), |all, some| &all | &some),
        }
    }

    /// Who could make all of these changes.
    fn able(&self, changes: &Changes) -> BTreeSet<u8> {
        let mut able: BTreeSet<u8> = [1, 2, 3].into();
        let mut need = |who: BTreeSet<u8>| able = &able & &who;
        let named = |name: &str| self.policies.update_metadata.get(name);
        for (name, changed) in FIELDS.iter().zip(changes.fields) {
            if changed {
                need(match (*name, named(name)) {
                    (_, Some(policy)) => self.passers(policy),
                    ("_secret", None) => self.super_admins.clone(),
                    (_, None) => &self.admins | &self.super_admins,
                });
            }
        }
        if changes.add_four {
            need(self.passers(&self.policies.add_member));
        }
        if let Some(gone) = changes.remove {
            need(self.passers(&self.policies.remove_member));
            if self.super_admins.contains(&gone) {
                need([].into());
            }
        }
        if changes.admins.difference(&self.admins).next().is_some() {
            need(self.passers(&self.policies.add_admin));
        }
        if self.admins.difference(&changes.admins).next().is_some() {
            need(self.passers(&self.policies.remove_admin));
        }
        if changes.super_admins != self.super_admins {
            need(self.super_admins.clone());
            if changes.super_admins.is_empty() {
                need([].into());
            }
        }
        if changes.permissions {
            need(self.super_admins.clone());
        }
        able
    }
}

fn policy(allow: bool) -> impl Strategy<Value = Policy> {
    let base = prop_oneof![
        3 => Just(if allow { Policy::Allow } else { Policy::Admin }),
        1 => Just(Policy::Deny),
        2 => Just(Policy::Admin),
        2 => Just(Policy::SuperAdmin)
    ];
    base.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Policy::All),
            prop::collection::vec(inner, 1..3).prop_map(Policy::Any),
        ]
    })
}

fn some() -> impl Strategy<Value = BTreeSet<u8>> {
    prop::collection::btree_set(1..4_u8, 0..3)
}

fn world() -> impl Strategy<Value = World> {
    let policies = (
        policy(true),
        policy(true),
        policy(true),
        policy(false),
        policy(false),
        policy(false),
        any::<bool>(),
    );
    (some(), some(), policies).prop_map(|(admins, super_admins, policies)| {
        let (add_member, remove_member, name, add_admin, remove_admin, update_permissions, named) = policies;
        let mut update_metadata: BTreeMap<String, Policy> = [(field::NAME.to_owned(), name.clone())].into();
        if named {
            update_metadata.insert(FIELDS[2].to_owned(), name);
        }
        let policies = PolicySet {
            add_member,
            remove_member,
            update_metadata,
            add_admin,
            remove_admin,
            update_permissions,
        };
        World {
            admins,
            super_admins,
            policies,
        }
    })
}

/// Mostly small changes, or nearly every commit would be refused.
fn changes(world: World) -> impl Strategy<Value = (World, Changes)> {
    let rarely = || prop::bool::weighted(0.2);
    let keep_or = |now: BTreeSet<u8>| prop_oneof![3 => Just(now), 1 => some()];
    let parts = (
        [rarely(), rarely(), rarely(), rarely()],
        rarely(),
        prop::option::weighted(0.2, 1..4_u8),
        keep_or(world.admins.clone()),
        keep_or(world.super_admins.clone()),
        rarely(),
    );
    parts.prop_map(
        move |(fields, add_four, remove, admins, super_admins, permissions)| {
            (
                world.clone(),
                Changes {
                    fields,
                    add_four,
                    remove,
                    admins,
                    super_admins,
                    permissions,
                },
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rule_12_agrees_with_the_obvious_model(
        (world, mut changes) in world().prop_flat_map(changes), committer in 1..4_u8,
    ) {
        changes.remove = changes.remove.filter(|gone| *gone != committer);
        let ids = |list: &BTreeSet<u8>| list.iter().map(|n| inbox(*n).to_string()).collect::<Vec<_>>();
        let by = committer * 10 + 1;
        let mut forged = commit()
            .given(|context| {
                context.metadata.admins = ids(&world.admins);
                context.metadata.super_admins = ids(&world.super_admins);
                context.permissions = world.policies.clone();
            })
            .by(by)
            .change(|context| {
                context.metadata.admins = ids(&changes.admins);
                context.metadata.super_admins = ids(&changes.super_admins);
            });
        for (name, changed) in FIELDS.iter().zip(changes.fields) {
            if changed {
                forged = forged.setting(name, "changed");
            }
        }
        if changes.add_four {
            forged = forged.adding_four(by);
        }
        if let Some(gone) = changes.remove {
            forged = forged.removing(gone, by);
        }
        if changes.permissions {
            forged = forged.change(|context| {
                context.permissions.update_metadata.insert("x-new".into(), Policy::Allow);
            });
        }
        let able = world.able(&changes).contains(&committer);
        let verdict = forged.verdict();
        match verdict {
            Ok(_) => prop_assert!(able),
            Err(CommitError::NotPermitted(_)) => prop_assert!(!able),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
