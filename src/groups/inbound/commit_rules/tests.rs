//! Forged commits: each rule with what it lets through and what it stops.

use super::*;
use crate::groups::permissions::Preset;
use crate::mls::ProposalView;
use crate::storage::ConversationType;
use proptest::prelude::*;

mod model;
mod policies;

pub(super) fn inbox(n: u8) -> InboxId {
    InboxId::new([n; 32])
}

pub(super) fn device(n: u8) -> InstallationId {
    InstallationId::new([n; 32])
}

/// A leaf of installation `n`, which belongs to inbox `n / 10`.
pub(super) fn leaf(n: u8) -> Leaf {
    Leaf {
        index: u32::from(n),
        inbox_id: Some(inbox(n / 10)),
        installation_id: device(n),
    }
}

pub(super) fn new_leaf(n: u8) -> NewLeaf {
    NewLeaf {
        inbox_id: Some(inbox(n / 10)),
        installation_id: Some(device(n)),
    }
}

/// A commit made up at will. As it comes: a key update by inbox 1, the super admin, in a group with inbox 2, an
/// admin, and inbox 3.
#[derive(Debug, Clone)]
pub(super) struct Forged {
    pub(super) before: Context,
    pub(super) after: Context,
    view: CommitView,
    states: IdentityStates,
}

pub(super) fn commit() -> Forged {
    let context = Context {
        dm_members: None,
        metadata: MutableMetadata {
            attributes: [(field::NAME.to_owned(), "old".to_owned())].into(),
            admins: vec![inbox(2).to_string()],
            super_admins: vec![inbox(1).to_string()],
        },
        membership: GroupMembership {
            members: [(inbox(1), 10), (inbox(2), 20), (inbox(3), 30)].into(),
            ..Default::default()
        },
        permissions: PolicySet::preset(Preset::AllMembers),
    };
    let state = |n: u8, position, ids: &[u8]| {
        (
            (inbox(n), LogPosition::of(position)),
            ids.iter().map(|id| device(*id)).collect(),
        )
    };
    Forged {
        before: context.clone(),
        after: context,
        view: CommitView {
            committer: Some(leaf(11)),
            path_leaf: Some(new_leaf(11)),
            proposals: Vec::new(),
            before: ContextExtensions::default(),
            after: ContextExtensions::default(),
            installations: vec![device(11), device(21), device(31)],
            epoch: 5,
            removes_self: false,
        },
        states: [
            state(1, 10, &[11]),
            state(1, 11, &[11]),
            state(1, 0, &[11]),
            state(2, 20, &[21]),
            state(3, 30, &[31]),
            state(3, 31, &[31, 32]),
            state(3, 32, &[32]),
            state(4, 40, &[41, 42]),
        ]
        .into(),
    }
}

fn encode(context: &Context) -> ContextExtensions {
    let immutable = ImmutableMetadata {
        conversation_type: ConversationType::Group,
        creator: inbox(1),
        dm_members: context
            .dm_members
            .map(|people| people.map(|person| person.expect("a person")).into()),
    };
    ContextExtensions {
        immutable_metadata: Some(immutable.encode()),
        mutable_metadata: Some(context.metadata.encode()),
        membership: Some(context.membership.encode()),
        permissions: Some(context.permissions.encode().expect("encodes")),
        has_app_data_dictionary: false,
    }
}

impl Forged {
    /// Made by installation `n`.
    pub(super) fn by(mut self, n: u8) -> Self {
        self.view.committer = Some(leaf(n));
        self.view.path_leaf = Some(new_leaf(n));
        self
    }

    pub(super) fn propose(mut self, n: u8, kind: ProposalKind) -> Self {
        self.view.proposals.push(ProposalView {
            proposer: Some(leaf(n)),
            kind,
        });
        self
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Context)) -> Self {
        change(&mut self.after);
        self
    }

    /// The group was another before; what the commit leaves alone stays the same.
    pub(super) fn given(mut self, change: impl FnOnce(&mut Context)) -> Self {
        change(&mut self.before);
        self.after = self.before.clone();
        self
    }

    /// Installation 41 of inbox 4 comes in, 42 has failed.
    pub(super) fn adding_four(self, by: u8) -> Self {
        self.propose(by, ProposalKind::Add(new_leaf(41)))
            .change(|context| {
                context.membership.members.insert(inbox(4), 40);
                context.membership.failed_installations.insert(device(42));
            })
    }

    /// Inbox `n` goes with its one installation.
    pub(super) fn removing(self, n: u8, by: u8) -> Self {
        self.propose(by, ProposalKind::Remove(Some(leaf(n * 10 + 1))))
            .change(|context| {
                context.membership.members.remove(&inbox(n));
            })
    }

    pub(super) fn setting(self, name: &str, value: &str) -> Self {
        self.change(|context| {
            context.metadata.attributes.insert(name.into(), value.into());
        })
    }

    fn view(&self) -> CommitView {
        CommitView {
            before: encode(&self.before),
            after: encode(&self.after),
            ..self.view.clone()
        }
    }

    /// The verdict with what was asked for, and no more.
    pub(super) fn verdict(&self) -> Result<ValidatedCommit, CommitError> {
        judge(&self.view(), &self.states)
    }

    fn accepted(&self) -> ValidatedCommit {
        self.verdict().unwrap_or_else(|error| panic!("refused: {error}"))
    }

    fn refused(&self) -> CommitError {
        self.verdict().map(|_| ()).expect_err("accepted")
    }
}

fn judge(view: &CommitView, states: &IdentityStates) -> Result<ValidatedCommit, CommitError> {
    let case = Case::of(view)?;
    let needed = case.needed_states()?;
    let known = states
        .iter()
        .filter(|(at, _)| needed.contains(at))
        .map(|(at, ids)| (*at, ids.clone()))
        .collect();
    case.validate(&known, "1.10.0")
}

#[test]
fn a_key_update_is_accepted_and_changes_nothing() {
    let commit = commit().accepted();
    assert_eq!(commit.committer, (inbox(1), device(11)));
    assert!(!commit.is_visible() && !commit.permissions_changed);
}

#[test]
fn rule_2_every_extension_decodes_before_and_after() {
    let good = commit().view();
    assert!(judge(&good, &commit().states).is_ok());
    for after in [false, true] {
        for part in 0..4 {
            for bad in [None, Some(vec![0xff])] {
                let mut view = good.clone();
                let context = if after { &mut view.after } else { &mut view.before };
                *match part {
                    0 => &mut context.immutable_metadata,
                    1 => &mut context.mutable_metadata,
                    2 => &mut context.membership,
                    _ => &mut context.permissions,
                } = bad;
                assert!(matches!(
                    judge(&view, &commit().states),
                    Err(CommitError::Extension(_))
                ));
            }
        }
        let mut view = good.clone();
        if after {
            view.after.has_app_data_dictionary = true;
        } else {
            view.before.has_app_data_dictionary = true;
        }
        assert_eq!(judge(&view, &commit().states), Err(CommitError::Migrated));
    }
}

#[test]
fn rule_2_takes_immutable_metadata_with_any_names_as_peers_do() {
    // Inbox 1, who made it, is named by what is no inbox id.
    let rename = |context: &mut ContextExtensions| {
        let name = inbox(1).to_string();
        let bytes = context.immutable_metadata.as_mut().expect("there");
        while let Some(at) = bytes.windows(64).position(|part| part == name.as_bytes()) {
            bytes[at..at + 64].fill(b'x');
        }
    };
    // one who may come in because the other name is theirs does so all the same
    let partner_comes = policies::direct_message(4).adding_four(11);
    for forged in [commit(), partner_comes] {
        let mut view = forged.view();
        rename(&mut view.after);
        assert!(judge(&view, &forged.states).is_ok());
        rename(&mut view.before);
        assert!(judge(&view, &forged.states).is_ok());
    }
}

#[test]
fn rule_3_changed_fields_keep_their_limits_in_bytes() {
    let limits = [
        (field::NAME, 100),
        (field::DESCRIPTION, 1000),
        (field::IMAGE_URL, 2048),
        (field::APP_DATA, 8192),
    ];
    for (name, limit) in limits {
        commit().setting(name, &"x".repeat(limit)).accepted();
        let refused = CommitError::TooLong {
            field: name.into(),
            limit,
        };
        assert_eq!(commit().setting(name, &"x".repeat(limit + 1)).refused(), refused);
        assert_eq!(
            commit().setting(name, &"ü".repeat(limit / 2 + 1)).refused(),
            refused
        );
        // one that was too long before does not stop other changes
        let long = commit().given(|context| {
            context
                .metadata
                .attributes
                .insert(name.into(), "x".repeat(limit + 1));
        });
        long.setting("x-other", "y").accepted();
    }
    commit().setting("x-unknown", &"x".repeat(100_000)).accepted();
}

#[test]
fn rule_4_committer_and_proposers_are_members() {
    commit().by(31).setting(field::NAME, "new").accepted();
    let nobody = |leaf: Option<Leaf>| {
        let mut forged = commit();
        forged.view.committer = leaf;
        forged.refused()
    };
    assert_eq!(nobody(None), CommitError::ActorNotMember);
    assert_eq!(
        nobody(Some(Leaf {
            inbox_id: None,
            ..leaf(11)
        })),
        CommitError::ActorNotMember
    );
    let proposed_by = |proposer| {
        let mut forged = commit().adding_four(11);
        forged.view.proposals[0].proposer = proposer;
        forged.verdict().map(|_| ())
    };
    assert_eq!(proposed_by(Some(leaf(31))), Ok(()));
    assert_eq!(proposed_by(None), Err(CommitError::ActorNotMember));
    assert_eq!(
        proposed_by(Some(Leaf {
            inbox_id: None,
            ..leaf(31)
        })),
        Err(CommitError::ActorNotMember)
    );
}

#[test]
fn rule_5_no_pre_shared_keys() {
    commit().accepted();
    assert_eq!(
        commit().propose(11, ProposalKind::PreSharedKey).refused(),
        CommitError::PreSharedKey
    );
}

#[test]
fn rule_6_only_known_kinds_of_proposals() {
    let context = ProposalKind::GroupContextExtensions(Box::default());
    commit().propose(11, context).accepted();
    assert_eq!(
        commit().propose(11, ProposalKind::Other).refused(),
        CommitError::ProposalNotAllowed
    );
    assert_eq!(
        commit().propose(11, ProposalKind::Remove(None)).refused(),
        CommitError::SubjectUnknown
    );
    let nameless = NewLeaf {
        inbox_id: None,
        ..new_leaf(41)
    };
    assert_eq!(
        commit().propose(11, ProposalKind::Add(nameless)).refused(),
        CommitError::SubjectUnknown
    );
    let keyless = NewLeaf {
        installation_id: None,
        ..new_leaf(41)
    };
    assert_eq!(
        commit().propose(11, ProposalKind::Add(keyless)).refused(),
        CommitError::SubjectUnknown
    );
}

#[test]
fn rule_7_sequence_ids_only_grow() {
    let moved = |to| commit().change(|context| _ = context.membership.members.insert(inbox(3), to));
    moved(31).propose(11, ProposalKind::Add(new_leaf(32))).accepted();
    moved(30).accepted();
    assert_eq!(
        moved(29).refused(),
        CommitError::SequenceIdDecreased { inbox: inbox(3) }
    );
    assert_eq!(
        moved(0).refused(),
        CommitError::SequenceIdDecreased { inbox: inbox(3) }
    );
    let added_at_nothing = commit().change(|context| _ = context.membership.members.insert(inbox(4), 0));
    assert_eq!(
        added_at_nothing.refused(),
        CommitError::UnknownUpdate { inbox: inbox(4) }
    );
}

#[test]
fn rule_8_added_installations_are_those_of_the_logs() {
    let added = commit().adding_four(11).accepted();
    assert_eq!(added.added, [inbox(4)]);
    assert_eq!(added.membership.failed_installations, [device(42)].into());
    // an expected one may be missing; a joiner will see whether it is listed as failed
    commit()
        .change(|context| _ = context.membership.members.insert(inbox(4), 40))
        .accepted();
    // a member's own leaf may be added a second time as far as this rule goes: MLS itself refuses doubles
    commit().propose(11, ProposalKind::Add(new_leaf(31))).accepted();
    let foreign = commit()
        .adding_four(11)
        .propose(11, ProposalKind::Add(new_leaf(49)));
    assert_eq!(foreign.refused(), CommitError::UnexpectedInstallationAdded);
    // without a change of the membership nobody new comes in
    let alone = commit().propose(11, ProposalKind::Add(new_leaf(41)));
    assert_eq!(alone.refused(), CommitError::UnexpectedInstallationAdded);
}

#[test]
fn rule_9_removed_installations_are_exactly_those_that_must_go() {
    assert_eq!(commit().removing(3, 11).accepted().removed, [inbox(3)]);
    let kept = commit().change(|context| _ = context.membership.members.remove(&inbox(3)));
    assert_eq!(kept.refused(), CommitError::UnexpectedInstallationsRemoved);
    let more = commit()
        .removing(3, 11)
        .propose(11, ProposalKind::Remove(Some(leaf(21))));
    assert_eq!(more.refused(), CommitError::UnexpectedInstallationsRemoved);
    let unasked = commit().propose(11, ProposalKind::Remove(Some(leaf(31))));
    assert_eq!(unasked.refused(), CommitError::UnexpectedInstallationsRemoved);
    // one that never had a leaf is explained by the list of failed ones
    let explained = kept.change(|context| _ = context.membership.failed_installations.insert(device(31)));
    explained.accepted();
    // a revoked installation goes, a new one comes
    let replaced = |remove| {
        let forged = commit()
            .given(|context| _ = context.membership.members.insert(inbox(3), 31))
            .change(|context| _ = context.membership.members.insert(inbox(3), 32));
        if remove {
            forged.propose(11, ProposalKind::Remove(Some(leaf(31))))
        } else {
            forged
        }
    };
    replaced(true).accepted();
    assert_eq!(
        replaced(false).refused(),
        CommitError::UnexpectedInstallationsRemoved
    );
}

#[test]
fn rule_10_a_super_admin_may_add_an_installation_again() {
    let again = |by| {
        commit()
            .by(by)
            .propose(by, ProposalKind::Remove(Some(leaf(31))))
            .propose(by, ProposalKind::Add(new_leaf(31)))
    };
    assert_eq!(again(11).accepted().readded, [device(31)].into());
    assert_eq!(
        again(21).refused(),
        CommitError::UnexpectedInstallationsRemoved,
        "an admin may not"
    );
    // removed and then failed to be added
    let lost = |by| {
        commit()
            .by(by)
            .propose(by, ProposalKind::Remove(Some(leaf(31))))
            .change(|context| _ = context.membership.failed_installations.insert(device(31)))
    };
    assert_eq!(lost(11).accepted().readded, [device(31)].into());
    assert_eq!(lost(21).refused(), CommitError::UnexpectedInstallationsRemoved);
}

#[test]
fn rule_11_leaves_belong_to_the_inboxes_they_claim() {
    let path = |leaf| {
        let mut forged = commit().by(31);
        forged.view.path_leaf = leaf;
        forged.verdict().map(|_| ())
    };
    assert_eq!(path(Some(new_leaf(31))), Ok(()));
    assert_eq!(path(None), Ok(()), "a commit without a path");
    let stolen = NewLeaf {
        inbox_id: Some(inbox(1)),
        ..new_leaf(31)
    };
    assert_eq!(path(Some(stolen)), Err(CommitError::InboxChanged));
    let other_key = NewLeaf {
        installation_id: Some(device(39)),
        ..new_leaf(31)
    };
    assert_eq!(
        path(Some(other_key)),
        Err(CommitError::NotAnInstallation { inbox: inbox(3) })
    );
    let keyless = NewLeaf {
        installation_id: None,
        ..new_leaf(31)
    };
    assert_eq!(path(Some(keyless)), Err(CommitError::SubjectUnknown));
    assert_eq!(
        commit().by(39).refused(),
        CommitError::NotAnInstallation { inbox: inbox(3) }
    );
    // judged by the state after the commit: a revoked installation cannot commit its own revocation
    let revoked = commit()
        .given(|context| _ = context.membership.members.insert(inbox(3), 31))
        .change(|context| _ = context.membership.members.insert(inbox(3), 32))
        .propose(31, ProposalKind::Remove(Some(leaf(31))));
    revoked.clone().by(32).accepted();
    assert_eq!(
        revoked.by(31).refused(),
        CommitError::NotAnInstallation { inbox: inbox(3) }
    );
    // who goes with the commit has no state to be judged by
    assert_eq!(
        commit().by(31).removing(3, 31).refused(),
        CommitError::SubjectUnknown
    );
    // updates of leaves, too
    commit()
        .propose(31, ProposalKind::Update(new_leaf(31)))
        .accepted();
    let update = commit().propose(31, ProposalKind::Update(new_leaf(21)));
    assert_eq!(update.refused(), CommitError::InboxChanged);
}

#[test]
fn rule_11_a_creator_at_zero_is_judged_by_its_newest_update_until_it_moves() {
    let zero = commit().given(|context| _ = context.membership.members.insert(inbox(1), 0));
    zero.accepted();
    zero.change(|context| _ = context.membership.members.insert(inbox(1), 11))
        .accepted();
    let back = commit().change(|context| _ = context.membership.members.insert(inbox(1), 0));
    assert_eq!(
        back.refused(),
        CommitError::SequenceIdDecreased { inbox: inbox(1) },
        "nobody may choose the newest"
    );
}

#[test]
fn a_state_that_is_not_known_is_a_question() {
    let forged = commit().adding_four(11);
    let missing = |n| {
        let mut states = forged.states.clone();
        states.retain(|(id, _), _| *id != inbox(n));
        judge(&forged.view(), &states)
    };
    for n in [1, 4] {
        assert_eq!(missing(n), Err(CommitError::UnknownIdentity { inbox: inbox(n) }));
    }
    assert!(missing(2).is_ok(), "who is not touched is not asked for");
}

#[test]
fn rule_13_a_newer_minimum_version_pauses_after_every_other_rule_was_kept() {
    let version = |text: &str| commit().setting(field::MINIMUM_VERSION, text);
    version("1.10.0").accepted();
    version("1.9.1").accepted();
    assert_eq!(
        version("1.10.1").refused(),
        CommitError::VersionTooLow {
            required: "1.10.1".into()
        }
    );
    assert_eq!(
        version("1.11.0-dev").refused(),
        CommitError::VersionTooLow {
            required: "1.11.0-dev".into()
        }
    );
    assert_eq!(version("one").refused(), CommitError::InvalidVersion);
    assert_eq!(
        version("1.10.1").by(21).refused(),
        CommitError::NotPermitted("change this field"),
        "who may not set it pauses nobody"
    );
    let unchanged = commit().given(|context| {
        _ = context
            .metadata
            .attributes
            .insert(field::MINIMUM_VERSION.into(), "2.0.0".into())
    });
    assert_eq!(
        unchanged.refused(),
        CommitError::VersionTooLow {
            required: "2.0.0".into()
        }
    );
}

#[test]
fn standalone_proposals_may_only_change_the_context_as_their_proposer_could() {
    let propose = |by: u8, forged: &Forged| {
        let kind = ProposalKind::GroupContextExtensions(Box::new(encode(&forged.after)));
        validate_proposal(Some(&leaf(by)), &kind, &encode(&forged.before))
    };
    assert_eq!(propose(31, &commit().setting(field::NAME, "new")), Ok(()));
    let no = |action| Err(CommitError::NotPermitted(action));
    assert_eq!(
        propose(31, &commit().setting("x-colour", "red")),
        no("change this field")
    );
    let admin = commit().change(|context| context.metadata.admins.clear());
    assert_eq!(
        (propose(11, &admin), propose(21, &admin)),
        (Ok(()), no("remove admins"))
    );
    let permissions = commit().change(|context| context.permissions.add_member = Policy::Deny);
    assert_eq!(
        (propose(11, &permissions), propose(21, &permissions)),
        (Ok(()), no("change permissions"))
    );
    assert!(matches!(
        propose(11, &commit().setting(field::NAME, &"x".repeat(101))),
        Err(CommitError::TooLong { .. })
    ));
    let current = encode(&commit().before);
    let mut without = current.clone();
    without.mutable_metadata = None;
    let gone = ProposalKind::GroupContextExtensions(Box::new(without));
    assert!(matches!(
        validate_proposal(Some(&leaf(11)), &gone, &current),
        Err(CommitError::Extension("mutable metadata"))
    ));
    for kind in [
        ProposalKind::Add(new_leaf(41)),
        ProposalKind::Remove(Some(leaf(31))),
        ProposalKind::Update(new_leaf(11)),
        ProposalKind::PreSharedKey,
        ProposalKind::Other,
    ] {
        assert_eq!(
            validate_proposal(Some(&leaf(11)), &kind, &current),
            Err(CommitError::ProposalNotAllowed)
        );
    }
    let kind = ProposalKind::GroupContextExtensions(Box::new(current.clone()));
    assert_eq!(
        validate_proposal(None, &kind, &current),
        Err(CommitError::ActorNotMember)
    );
}

proptest! {
    #[test]
    fn forged_bytes_never_panic(parts: [Option<Vec<u8>>; 4], after: bool) {
        let mut view = commit().view();
        let [immutable_metadata, mutable_metadata, membership, permissions] = parts;
        let forged = ContextExtensions {
            immutable_metadata, mutable_metadata, membership, permissions, has_app_data_dictionary: false,
        };
        if after { view.after = forged } else { view.before = forged }
        let _ = judge(&view, &commit().states);
    }
}
