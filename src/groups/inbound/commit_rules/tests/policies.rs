//! Rule 12 and the rules that no policy changes.

use super::*;

#[test]
fn rule_12_members_are_added_and_removed_by_policy() {
    let policy = |add: Policy, remove: Policy| {
        commit().given(|context| {
            context.permissions.add_member = add;
            context.permissions.remove_member = remove;
        })
    };
    let cases = [
        (Policy::Allow, [true, true, true]),
        (Policy::Admin, [true, true, false]),
        (Policy::SuperAdmin, [true, false, false]),
        (Policy::Deny, [false, false, false]),
    ];
    for (rule, allowed) in cases {
        for (by, allowed) in [11, 21, 31].into_iter().zip(allowed) {
            let add = policy(rule.clone(), Policy::Deny).by(by).adding_four(by);
            assert_eq!(add.verdict().is_ok(), allowed, "{rule:?} by {by}");
            let gone = if by == 31 { 2 } else { 3 };
            let remove = policy(Policy::Deny, rule.clone()).by(by).removing(gone, by);
            assert_eq!(remove.verdict().is_ok(), allowed, "{rule:?} by {by}");
        }
    }
    let refused = policy(Policy::Deny, Policy::Deny).adding_four(11).refused();
    assert_eq!(refused, CommitError::NotPermitted("add members"));
}

#[test]
fn rule_12_who_proposed_a_change_of_members_is_judged_for_it() {
    let admins_only = |by| {
        commit()
            .given(|context| context.permissions.add_member = Policy::Admin)
            .by(by)
    };
    admins_only(31).adding_four(21).accepted();
    assert_eq!(
        admins_only(21).adding_four(31).refused(),
        CommitError::NotPermitted("add members")
    );
    // without an Add, whoever proposed the context answers for it
    let by_context = |proposer| {
        admins_only(31)
            .propose(proposer, ProposalKind::GroupContextExtensions(Box::default()))
            .change(|context| _ = context.membership.members.insert(inbox(4), 40))
    };
    by_context(21).accepted();
    assert_eq!(by_context(31).refused(), CommitError::NotPermitted("add members"));
}

#[test]
fn rule_12_fields_change_by_policy_judged_by_the_committer() {
    commit().by(31).setting(field::NAME, "new").accepted();
    let deny = commit().given(|context| {
        context
            .permissions
            .update_metadata
            .insert(field::NAME.into(), Policy::Deny);
    });
    assert_eq!(
        deny.setting(field::NAME, "new").refused(),
        CommitError::NotPermitted("change this field")
    );
    commit().by(21).setting(field::DISAPPEAR_IN_NS, "1").accepted();
    let plain = commit().by(31).setting(field::DISAPPEAR_IN_NS, "1");
    assert_eq!(plain.refused(), CommitError::NotPermitted("change this field"));
    let borrowed = plain.propose(11, ProposalKind::GroupContextExtensions(Box::default()));
    assert_eq!(
        borrowed.refused(),
        CommitError::NotPermitted("change this field"),
        "a proposer lends no rights"
    );
    let removed = commit()
        .by(31)
        .change(|context| _ = context.metadata.attributes.remove(field::NAME));
    assert_eq!(removed.accepted().fields[0].new, None);
}

#[test]
fn fixed_rule_fields_without_a_policy_need_an_admin_or_with_an_underscore_a_super_admin() {
    let set = |by, name: &str| commit().by(by).setting(name, "x").verdict().is_ok();
    assert_eq!([11, 21, 31].map(|by| set(by, "x-colour")), [true, true, false]);
    assert_eq!(
        [11, 21, 31].map(|by| set(by, field::COMMIT_LOG_SIGNER)),
        [true, false, false]
    );
}

#[test]
fn fixed_rule_only_super_admins_change_permissions_whatever_the_policy_says() {
    let change = |by, policy: Policy| {
        commit()
            .given(|context| context.permissions.update_permissions = policy)
            .by(by)
            .change(|context| context.permissions.add_member = Policy::Deny)
            .verdict()
            .map(|commit| commit.permissions_changed)
    };
    assert_eq!(change(11, Policy::Deny), Ok(true));
    for by in [21, 31] {
        assert_eq!(
            change(by, Policy::Admin),
            Err(CommitError::NotPermitted("change permissions"))
        );
    }
}

#[test]
fn rule_12_and_fixed_rules_admin_lists() {
    let (two, three) = (inbox(2).to_string(), inbox(3).to_string());
    let lists = |by, change: &dyn Fn(&mut MutableMetadata)| {
        commit()
            .by(by)
            .change(|context| change(&mut context.metadata))
            .verdict()
            .map(|commit| {
                [
                    commit.added_admins,
                    commit.removed_admins,
                    commit.added_super_admins,
                    commit.removed_super_admins,
                ]
            })
    };
    let no = |action| Err(CommitError::NotPermitted(action));
    let add = |metadata: &mut MutableMetadata| metadata.admins.push(three.clone());
    assert_eq!(lists(11, &add), Ok([vec![three.clone()], vec![], vec![], vec![]]));
    assert_eq!(lists(21, &add), no("add admins"));
    let remove = |metadata: &mut MutableMetadata| metadata.admins.clear();
    assert_eq!(
        lists(11, &remove),
        Ok([vec![], vec![two.clone()], vec![], vec![]])
    );
    assert_eq!(lists(21, &remove), no("remove admins"));
    let add_super = |metadata: &mut MutableMetadata| metadata.super_admins.push(two.clone());
    assert_eq!(
        lists(11, &add_super),
        Ok([vec![], vec![], vec![two.clone()], vec![]])
    );
    assert_eq!(lists(21, &add_super), no("change super admins"));
    let remove_super = |metadata: &mut MutableMetadata| metadata.super_admins.clear();
    assert_eq!(lists(11, &remove_super), no("remove the last super admin"));
    assert_eq!(lists(31, &remove_super), no("change super admins"));
    let hand_over = |metadata: &mut MutableMetadata| metadata.super_admins = vec![three.clone()];
    let one = inbox(1).to_string();
    assert_eq!(
        lists(11, &hand_over),
        Ok([vec![], vec![], vec![three.clone()], vec![one]])
    );
    // the policy may let admins do it
    let by_admin = commit()
        .given(|context| context.permissions.add_admin = Policy::Admin)
        .by(21)
        .change(|context| context.metadata.admins.push(three.clone()));
    by_admin.accepted();
    // order and doubles mean nothing
    let doubled = commit()
        .by(31)
        .change(|context| context.metadata.admins.push(two.clone()));
    assert!(!doubled.accepted().is_visible());
}

#[test]
fn fixed_rule_a_super_admin_is_never_removed_from_the_group() {
    let of = |n: u8| {
        commit()
            .given(|context| {
                context.metadata.super_admins.push(inbox(2).to_string());
                context.permissions.remove_member = Policy::Allow;
            })
            .removing(n, 11)
    };
    of(3).accepted();
    assert_eq!(of(2).refused(), CommitError::NotPermitted("remove a super admin"));
    // not even when the same commit takes the role
    let both = of(2).change(|context| context.metadata.super_admins.truncate(1));
    assert_eq!(both.refused(), CommitError::NotPermitted("remove a super admin"));
}

/// In the direct message that inbox 1 has made for it and another.
pub(super) fn direct_message(partner: u8) -> Forged {
    commit().given(|context| {
        context.dm_members = Some([Some(inbox(1)), Some(inbox(partner))]);
        context.metadata.super_admins.clear();
        context.metadata.admins.clear();
        context.permissions = PolicySet::direct_message();
        context.membership.members = [(inbox(1), 10)].into();
    })
}

#[test]
fn fixed_rule_in_a_direct_message_the_other_person_comes_in_although_nobody_may_add() {
    let dm = direct_message;
    dm(4).adding_four(11).accepted();
    assert_eq!(
        dm(2).adding_four(11).refused(),
        CommitError::NotPermitted("add members"),
        "a third person"
    );
    let two_at_once = dm(4)
        .adding_four(11)
        .change(|context| _ = context.membership.members.insert(inbox(3), 30));
    assert_eq!(two_at_once.refused(), CommitError::NotPermitted("add members"));
    dm(4).setting(field::DISAPPEAR_IN_NS, "1").accepted();
    let out = dm(4)
        .given(|context| _ = context.membership.members.insert(inbox(3), 30))
        .removing(3, 11);
    assert_eq!(out.refused(), CommitError::NotPermitted("remove members"));
}

#[test]
fn fixed_rule_anybody_brings_installations_of_members_up_to_date() {
    let forged = commit()
        .given(|context| {
            context.permissions.add_member = Policy::Deny;
            context.permissions.remove_member = Policy::Deny;
        })
        .by(31)
        .propose(31, ProposalKind::Add(new_leaf(32)))
        .change(|context| _ = context.membership.members.insert(inbox(3), 31));
    let commit = forged.accepted();
    assert!(commit.added.is_empty() && !commit.is_visible());
}
