//! The rules for commits on the wire: for each a commit that OpenMLS made and accepts, and that breaks exactly this rule.
//! The same rules on made-up commits, with all their cases, are beside the code.

use openmls::messages::proposals::{PreSharedKeyProposal, Proposal};
use openmls::prelude::OpenMlsProvider as _;
use openmls::prelude::tls_codec::Serialize as _;
use openmls::schedule::PreSharedKeyId;
use xmtp_web::groups::{CommitError, GroupMembership, Policy, PolicySet, Preset, field, view};
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{CommitPlan, ContextChange, Invitation, MlsError, VerifiedKeyPackage, key_package};
use xmtp_web::storage::CommitResult;

use crate::refusals::{Hand, raw};
use crate::world::{Client, Node, group_of, settle};

/// Alice, the super admin, reads; bob, an ordinary member, forges; carol is in it, dave is not.
struct Scene {
    node: Node,
    alice: Client,
    bob: Client,
    carol: Client,
    dave: Client,
    group: GroupId,
}

impl Scene {
    fn new() -> Self {
        let mut node = Node::default();
        let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
        let (carol, dave) = (Client::new(&mut node, 3), Client::new(&mut node, 4));
        let group = group_of(&mut node, &[&alice, &bob, &carol]);
        for client in [&alice, &bob, &carol] {
            client.learn(&node);
        }
        Self {
            node,
            alice,
            bob,
            carol,
            dave,
            group,
        }
    }

    fn package(&self, of: &Client) -> VerifiedKeyPackage {
        key_package::verify_standalone(&self.node.packages[&of.key.id()]).expect("valid")
    }

    fn membership(&self, change: impl FnOnce(&mut GroupMembership)) -> Option<ContextChange> {
        let mut membership = view::membership(&self.bob.context(), self.group).expect("readable");
        change(&mut membership);
        Some(ContextChange::Membership(membership.encode()))
    }

    /// Publishes a commit; alice refuses it for this reason and nothing else is different afterwards.
    fn refuses(&mut self, commit: Vec<u8>, why: &CommitError) {
        let before = (self.alice.epoch(self.group), self.alice.authenticator(self.group));
        self.node.post(commit);
        let batch = self.alice.pull(&self.node, self.group);
        assert_eq!(
            (batch.stop, batch.changes.as_slice()),
            (None, [].as_slice()),
            "{why}"
        );
        let log = self.alice.store.commit_log(&self.group, 0).expect("readable");
        let (_, row) = log.last().expect("it is noted");
        assert_eq!(
            (row.result, row.error.clone()),
            (CommitResult::Invalid, Some(why.to_string()))
        );
        let after = (self.alice.epoch(self.group), self.alice.authenticator(self.group));
        assert_eq!(before, after, "{why}");
    }

    /// Bob forges a commit, which alice and bob himself refuse for this reason.
    fn forged(&mut self, plan: CommitPlan, why: &CommitError) {
        let commit = self.bob.force(self.group, plan);
        self.refuses(commit, why);
        self.bob.pull(&self.node, self.group);
        assert_eq!(self.bob.epoch(self.group), self.alice.epoch(self.group), "{why}");
    }

    fn forged_change(&mut self, change: ContextChange, why: &CommitError) {
        let plan = CommitPlan {
            change: Some(change),
            ..Default::default()
        };
        self.forged(plan, why);
    }

    fn forged_field(&mut self, name: &str, value: &str, why: &CommitError) {
        let mut metadata = self.bob.metadata(self.group);
        metadata.attributes.insert(name.into(), value.into());
        self.forged_change(ContextChange::MutableMetadata(metadata.encode()), why);
    }

    /// Everybody is where they were, and it goes on.
    fn goes_on(mut self) {
        self.carol.say(self.group, "undisturbed");
        self.carol.flush(&mut self.node, self.group);
        settle(&self.node, &[&self.alice, &self.bob, &self.carol], self.group);
        assert_eq!(self.alice.texts(self.group), ["undisturbed"]);
    }
}

#[test]
fn on_the_wire_rule_2_extensions_that_do_not_decode() {
    let mut scene = Scene::new();
    let garbage = || vec![0xff; 9];
    for (change, what) in [
        (ContextChange::MutableMetadata(garbage()), "mutable metadata"),
        (ContextChange::Membership(garbage()), "group membership"),
        (ContextChange::Permissions(garbage()), "permissions"),
    ] {
        scene.forged_change(change, &CommitError::Extension(what));
    }
    scene.goes_on();
}

#[test]
fn on_the_wire_rule_3_a_name_too_long() {
    let mut scene = Scene::new();
    let why = CommitError::TooLong {
        field: field::NAME.into(),
        limit: 100,
    };
    scene.forged_field(field::NAME, &"é".repeat(51), &why);
    scene.goes_on();
}

#[test]
fn on_the_wire_rule_5_a_pre_shared_key_that_we_do_not_have() {
    let mut scene = Scene::new();
    let mut theirs = raw(&scene.bob, scene.group);
    let provider = scene.bob.context().provider();
    let psk = PreSharedKeyId::external(vec![7; 8], vec![9; 32]);
    psk.store(&provider, &[5; 32]).expect("stored");
    let bundle = theirs
        .commit_builder()
        .add_proposal(Proposal::PreSharedKey(Box::new(PreSharedKeyProposal::new(psk))))
        .load_psks(provider.storage())
        .expect("loaded")
        .build(provider.rand(), provider.crypto(), &Hand(&scene.bob.key), |_| {
            true
        })
        .expect("built")
        .stage_commit(&provider)
        .expect("staged");
    let before = scene.alice.authenticator(scene.group);
    scene
        .node
        .post(bundle.into_commit().tls_serialize_detached().expect("encodes"));
    let batch = scene.alice.pull(&scene.node, scene.group);
    assert_eq!((batch.stop, batch.changes.as_slice()), (None, [].as_slice()));
    assert_eq!(scene.alice.authenticator(scene.group), before);
}

#[test]
fn on_the_wire_rule_7_a_member_taken_back_to_an_earlier_identity() {
    let mut scene = Scene::new();
    let inbox = scene.carol.inbox_id;
    let change = scene.membership(|membership| *membership.members.get_mut(&inbox).expect("a member") -= 1);
    // whether or not there was such a state
    scene.forged_change(
        change.expect("changed"),
        &CommitError::SequenceIdDecreased { inbox },
    );
    scene.goes_on();
}

#[test]
fn on_the_wire_rule_8_an_installation_of_nobody_we_know() {
    let mut scene = Scene::new();
    let plan = CommitPlan {
        add: vec![scene.package(&scene.dave)],
        ..Default::default()
    };
    scene.forged(plan, &CommitError::UnexpectedInstallationAdded);
    scene.goes_on();
}

#[test]
fn on_the_wire_rule_9_a_leaf_without_its_member_and_a_member_without_its_leaf() {
    let mut scene = Scene::new();
    let plan = CommitPlan {
        remove: vec![scene.carol.key.id()],
        ..Default::default()
    };
    scene.forged(plan, &CommitError::UnexpectedInstallationsRemoved);
    let inbox = scene.carol.inbox_id;
    let change = scene.membership(|membership| {
        membership.members.remove(&inbox);
    });
    scene.forged_change(
        change.expect("changed"),
        &CommitError::UnexpectedInstallationsRemoved,
    );
    scene.goes_on();
}

#[test]
fn on_the_wire_rule_10_only_a_super_admin_adds_an_installation_again() {
    let mut scene = Scene::new();
    let again = |scene: &Scene| CommitPlan {
        remove: vec![scene.carol.key.id()],
        add: vec![scene.package(&scene.carol)],
        change: None,
    };
    let plan = again(&scene);
    scene.forged(plan, &CommitError::UnexpectedInstallationsRemoved);
    let epoch = scene.bob.epoch(scene.group);
    let plan = again(&scene);
    let commit = scene.alice.force(scene.group, plan);
    scene.node.post(commit);
    for reader in [&scene.alice, &scene.bob] {
        reader.pull(&scene.node, scene.group);
        assert_eq!(reader.epoch(scene.group), epoch + 1);
        assert_eq!(
            reader.authenticator(scene.group),
            scene.alice.authenticator(scene.group)
        );
    }
}

#[test]
fn on_the_wire_rule_11_a_leaf_under_anothers_name_commits_in_vain() {
    let mut scene = Scene::new();
    let laptop = scene.bob.second_installation(&mut scene.node, 12);
    for client in [&scene.alice, &scene.bob, &scene.carol] {
        client.learn(&scene.node);
    }
    let provider = laptop.context().provider();
    let package = key_package::generate(&provider, &laptop.key, scene.carol.inbox_id).expect("made");
    let newest = scene.node.newest_update(scene.bob.inbox_id);
    let inbox = scene.bob.inbox_id;
    let plan = CommitPlan {
        add: vec![key_package::verify_standalone(&package.tls).expect("valid")],
        change: scene.membership(|membership| {
            membership.members.insert(inbox, newest);
        }),
        ..Default::default()
    };
    let (commit, mls_welcome) = scene.bob.force_with_welcome(scene.group, plan);
    scene.node.post(commit);
    settle(
        &scene.node,
        &[&scene.alice, &scene.bob, &scene.carol],
        scene.group,
    );
    let (mut inside, ()) = Invitation::open(&provider, &mls_welcome.expect("somebody was added"))
        .and_then(|invitation| invitation.judge(|_| Ok::<_, MlsError>(())))
        .and_then(|accepted| accepted.join(&provider))
        .expect("joined by hand");
    let made = inside
        .stage_commit(provider, &laptop.key, CommitPlan::default())
        .expect("staged");
    let why = CommitError::NotAnInstallation {
        inbox: scene.carol.inbox_id,
    };
    scene.refuses(made.payload, &why);
    settle(
        &scene.node,
        &[&scene.alice, &scene.bob, &scene.carol],
        scene.group,
    );
}

#[test]
fn on_the_wire_rule_12_what_the_policies_do_not_allow() {
    let mut scene = Scene::new();
    let denied = CommitError::NotPermitted;
    scene.forged_field(field::DISAPPEAR_IN_NS, "1", &denied("change this field"));
    scene.forged_field("_secret", "1", &denied("change this field"));

    let mut lists = scene.bob.metadata(scene.group);
    lists.admins.push(scene.bob.inbox_id.to_string());
    scene.forged_change(
        ContextChange::MutableMetadata(lists.encode()),
        &denied("add admins"),
    );
    let mut lists = scene.bob.metadata(scene.group);
    lists.super_admins.push(scene.bob.inbox_id.to_string());
    let change = ContextChange::MutableMetadata(lists.encode());
    scene.forged_change(change, &denied("change super admins"));
    let mut lists = scene.bob.metadata(scene.group);
    lists.super_admins.clear();
    let change = ContextChange::MutableMetadata(lists.encode());
    scene.forged_change(change, &denied("change super admins"));

    let policies = PolicySet {
        remove_member: Policy::Allow,
        ..PolicySet::preset(Preset::AllMembers)
    };
    let change = ContextChange::Permissions(policies.encode().expect("encodes"));
    scene.forged_change(change, &denied("change permissions"));

    for (gone, why) in [
        (scene.carol.inbox_id, "remove members"),
        (scene.alice.inbox_id, "remove a super admin"),
    ] {
        let device = if gone == scene.carol.inbox_id {
            scene.carol.key.id()
        } else {
            scene.alice.key.id()
        };
        let plan = CommitPlan {
            remove: vec![device],
            change: scene.membership(|membership| {
                membership.members.remove(&gone);
            }),
            ..Default::default()
        };
        scene.forged(plan, &denied(why));
    }
    // and in a group of admins only
    let mut policies = PolicySet::preset(Preset::AdminOnly);
    policies.remove_member = Policy::Admin;
    let change = Some(ContextChange::Permissions(policies.encode().expect("encodes")));
    let commit = scene.alice.force(
        scene.group,
        CommitPlan {
            change,
            ..Default::default()
        },
    );
    scene.node.post(commit);
    settle(
        &scene.node,
        &[&scene.alice, &scene.bob, &scene.carol],
        scene.group,
    );
    scene.forged_field(field::NAME, "mine", &denied("change this field"));
    let (inbox, newest) = (scene.dave.inbox_id, scene.node.newest_update(scene.dave.inbox_id));
    let plan = CommitPlan {
        add: vec![scene.package(&scene.dave)],
        change: scene.membership(|membership| {
            membership.members.insert(inbox, newest);
        }),
        ..Default::default()
    };
    scene.forged(plan, &denied("add members"));
    scene.goes_on();
}

#[test]
fn on_the_wire_rule_13_a_minimum_version_that_is_none() {
    let mut scene = Scene::new();
    let mut metadata = scene.alice.metadata(scene.group);
    metadata
        .attributes
        .insert(field::MINIMUM_VERSION.into(), "newest".into());
    let change = Some(ContextChange::MutableMetadata(metadata.encode()));
    let plan = CommitPlan {
        change,
        ..Default::default()
    };
    let commit = scene.alice.force(scene.group, plan);
    scene.refuses(commit, &CommitError::InvalidVersion);
    scene.goes_on();
}
