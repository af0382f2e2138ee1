//! Every option of every policy, for every role: what may leave a client and what its receivers accept, against a
//! table written down here.

use xmtp_web::groups::inbound::{Envelope, receive};
use xmtp_web::groups::intent::{AdminChange, Build, IntentData};
use xmtp_web::groups::{
    ChosenPolicies, GroupError, NewGroup, Permission, Policy, PolicyOption, PolicySet, create, field, view,
};
use xmtp_web::ids::{GroupId, InboxId};
use xmtp_web::mls::{CommitPlan, ContextChange, VerifiedKeyPackage, key_package};
use xmtp_web::storage::{IntentState, StorageError};

use crate::world::{Client, Node, group_of, settle};

/// A value that each attribute takes, other than the one it has.
const FIELDS: [(&str, &str); 8] = [
    (field::NAME, "renamed"),
    (field::DESCRIPTION, "described"),
    (field::IMAGE_URL, "https://example.org/image.png"),
    (field::APP_DATA, "{}"),
    (field::DISAPPEAR_FROM_NS, "1"),
    (field::DISAPPEAR_IN_NS, "1"),
    (field::MINIMUM_VERSION, "1.9.0"),
    ("x-colour", "green"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    SuperAdmin,
    Admin,
    Member,
}

/// The rule table.
fn may(option: PolicyOption, role: Role) -> bool {
    match option {
        PolicyOption::Allow => true,
        PolicyOption::Deny => false,
        PolicyOption::Admin => role != Role::Member,
        PolicyOption::SuperAdmin => role == Role::SuperAdmin,
    }
}

fn every_permission() -> Vec<Permission> {
    [
        Permission::AddMember,
        Permission::RemoveMember,
        Permission::AddAdmin,
        Permission::RemoveAdmin,
    ]
    .into_iter()
    .chain(FIELDS.map(|(name, _)| Permission::Metadata(name.into())))
    .collect()
}

/// A group with somebody of each role, a member to act upon, and somebody outside.
struct Cast {
    node: Node,
    people: Vec<(Role, Client)>,
    target: Client,
    outsider: Client,
    group: GroupId,
}

impl Cast {
    fn new() -> Self {
        let mut node = Node::default();
        let [owner, admin, member, target, outsider] = [1, 2, 3, 4, 5].map(|n| Client::new(&mut node, n));
        let group = group_of(&mut node, &[&owner, &admin, &member, &target]);
        outsider.learn(&node);
        for client in [&owner, &admin, &member, &target] {
            client.learn(&node);
        }
        owner.want(
            group,
            &IntentData::UpdateAdmins {
                change: AdminChange::AddAdmin,
                inbox_id: admin.inbox_id,
            },
        );
        owner.flush(&mut node, group);
        let people = vec![
            (Role::SuperAdmin, owner),
            (Role::Admin, admin),
            (Role::Member, member),
        ];
        let cast = Self {
            node,
            people,
            target,
            outsider,
            group,
        };
        cast.settle();
        cast
    }

    fn settle(&self) {
        let mut everybody: Vec<&Client> = self.people.iter().map(|(_, client)| client).collect();
        everybody.push(&self.target);
        settle(&self.node, &everybody, self.group);
    }

    fn inbox_of(&self, wanted: Role) -> InboxId {
        let found = self.people.iter().find(|(role, _)| *role == wanted);
        found.expect("is there").1.inbox_id
    }

    /// What a permission is about, done by somebody through an intent.
    fn want(&self, client: &Client, permission: &Permission) {
        let admins =
            |change, inbox_id| client.want(self.group, &IntentData::UpdateAdmins { change, inbox_id });
        match permission {
            Permission::AddMember => {
                assert!(client.want_members(self.group, &[self.outsider.inbox_id], &[]));
            }
            Permission::RemoveMember => {
                assert!(client.want_members(self.group, &[], &[self.target.inbox_id]));
            }
            Permission::AddAdmin => _ = admins(AdminChange::AddAdmin, self.target.inbox_id),
            Permission::RemoveAdmin => _ = admins(AdminChange::RemoveAdmin, self.inbox_of(Role::Admin)),
            Permission::Metadata(name) => _ = client.want_field(self.group, name, value_of(name)),
        }
    }

    /// The same without being judged, as a hostile client does it.
    fn force(&self, client: &Client, permission: &Permission) -> Vec<u8> {
        let membership = || view::membership(&client.context(), self.group).expect("readable");
        match permission {
            Permission::AddMember => {
                let mut after = membership();
                let newest = self.node.newest_update(self.outsider.inbox_id);
                after.members.insert(self.outsider.inbox_id, newest);
                let tls = self
                    .node
                    .packages
                    .get(&self.outsider.key.id())
                    .expect("published");
                let package: VerifiedKeyPackage = key_package::verify_standalone(tls).expect("valid");
                client.force(
                    self.group,
                    CommitPlan {
                        add: vec![package],
                        change: Some(ContextChange::Membership(after.encode())),
                        ..Default::default()
                    },
                )
            }
            Permission::RemoveMember => {
                let mut after = membership();
                after.members.remove(&self.target.inbox_id);
                client.force(
                    self.group,
                    CommitPlan {
                        remove: vec![self.target.key.id()],
                        change: Some(ContextChange::Membership(after.encode())),
                        ..Default::default()
                    },
                )
            }
            Permission::AddAdmin => client.force_metadata(self.group, |metadata| {
                metadata.admins.push(self.target.inbox_id.to_string());
            }),
            Permission::RemoveAdmin => client.force_metadata(self.group, |metadata| metadata.admins.clear()),
            Permission::Metadata(name) => client.force_metadata(self.group, |metadata| {
                metadata.attributes.insert(name.clone(), value_of(name).into());
            }),
        }
    }

    /// How many of the others would follow a commit. Nothing changes.
    fn followers(&self, author: &Client, payload: Vec<u8>) -> usize {
        let envelope = Envelope {
            sequence_id: self.node.messages.len() as u64 + 1,
            created_ns: author.now_ns,
            data: payload,
        };
        let others = self.people.iter().map(|(_, client)| client).chain([&self.target]);
        others
            .filter(|other| other.key.id() != author.key.id())
            .filter(|other| {
                let mut followed = false;
                let undone = other.store.transaction(|tx| -> Result<(), StorageError> {
                    let before = other.context().with(tx).load(self.group).expect("stored").epoch();
                    let envelopes = std::slice::from_ref(&envelope);
                    let batch =
                        receive(tx, &other.context(), self.group, envelopes, false).expect("no failure");
                    assert_eq!((batch.done, batch.stop), (1, None));
                    let after = other.context().with(tx).load(self.group).expect("stored").epoch();
                    followed = after == before + 1;
                    Err(StorageError::Full)
                });
                assert_eq!(undone, Err(StorageError::Full));
                followed
            })
            .count()
    }

    fn policies(&self) -> PolicySet {
        let (_, owner) = &self.people[0];
        view::group(&owner.context(), self.group)
            .expect("readable")
            .permissions
    }
}

fn value_of(name: &str) -> &'static str {
    FIELDS.iter().find(|(field, _)| *field == name).expect("listed").1
}

#[test]
fn each_option_of_each_policy_lets_through_whom_the_table_says_and_nobody_else() {
    let mut cast = Cast::new();
    for permission in every_permission() {
        for option in PolicyOption::ALL {
            if option == PolicyOption::Allow && permission.is_of_admins() {
                continue;
            }
            let (_, owner) = &cast.people[0];
            owner.want(
                cast.group,
                &IntentData::UpdatePermission {
                    permission: permission.clone(),
                    option,
                },
            );
            owner.flush(&mut cast.node, cast.group);
            cast.settle();
            for (role, client) in &cast.people {
                let case = format!("{permission:?} {option:?} by {role:?}");
                cast.want(client, &permission);
                let built = client.build(&cast.node, cast.group);
                if may(option, *role) {
                    let Ok(Some((_, Build::Send(payload)))) = built else {
                        panic!("{case}: {built:?}")
                    };
                    assert_eq!(cast.followers(client, payload.data), 3, "{case}");
                } else {
                    assert!(
                        matches!(built, Err(GroupError::NotPermitted(_))),
                        "{case}: {built:?}"
                    );
                    client.give_up(cast.group);
                    let forced = cast.force(client, &permission);
                    assert_eq!(cast.followers(client, forced), 0, "{case}");
                }
                client.give_up(cast.group);
            }
        }
    }
}

#[test]
fn only_super_admins_change_any_policy_to_anything() {
    let cast = Cast::new();
    let before = cast.policies();
    for permission in every_permission() {
        for option in PolicyOption::ALL {
            let data = IntentData::UpdatePermission {
                permission: permission.clone(),
                option,
            };
            let mut wanted = before.clone();
            let is_available = wanted.set(&permission, option).is_ok();
            for (role, client) in &cast.people {
                let case = format!("{permission:?} {option:?} by {role:?}");
                client.want(cast.group, &data);
                let built = client.build(&cast.node, cast.group);
                match role {
                    Role::SuperAdmin if !is_available => {
                        assert_eq!(built.map(|_| ()), Err(GroupError::PolicyUnavailable), "{case}");
                    }
                    Role::SuperAdmin if wanted == before => {
                        assert!(matches!(built, Ok(Some((_, Build::Done)))), "{case}: {built:?}");
                    }
                    Role::SuperAdmin => {
                        let Ok(Some((_, Build::Send(payload)))) = built else {
                            panic!("{case}: {built:?}")
                        };
                        assert_eq!(cast.followers(client, payload.data), 3, "{case}");
                    }
                    Role::Admin | Role::Member => {
                        let refused = Err(GroupError::NotPermitted("change permissions"));
                        assert_eq!(built.map(|_| ()), refused, "{case}");
                        if wanted != before {
                            let change = ContextChange::Permissions(wanted.encode().expect("encodes"));
                            let plan = CommitPlan {
                                change: Some(change),
                                ..Default::default()
                            };
                            client.give_up(cast.group);
                            let forced = client.force(cast.group, plan);
                            assert_eq!(cast.followers(client, forced), 0, "{case}");
                        }
                    }
                }
                client.give_up(cast.group);
            }
        }
    }
    assert_eq!(cast.policies(), before);
}

#[test]
fn a_group_made_with_a_set_of_its_own_keeps_it_for_everybody() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    alice.learn(&node);
    let permissions = PolicySet::chosen(&ChosenPolicies {
        add_member: PolicyOption::Deny,
        remove_member: PolicyOption::SuperAdmin,
        add_admin: PolicyOption::Admin,
        remove_admin: PolicyOption::Deny,
        update_name: PolicyOption::Admin,
        update_description: PolicyOption::SuperAdmin,
        update_image_url: PolicyOption::Deny,
        update_disappearing: PolicyOption::Allow,
        update_app_data: PolicyOption::Allow,
    })
    .expect("available");
    let new = NewGroup {
        permissions: permissions.clone(),
        ..Default::default()
    };
    let group = create::create_group(&alice.context(), &new).expect("made").id;
    // Nobody adds members, the creator neither, from the first commit on.
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    let refused = alice.build(&node, group).map(|_| ());
    assert_eq!(refused, Err(GroupError::NotPermitted("add members")));
    alice.give_up(group);
    alice.want(
        group,
        &IntentData::UpdatePermission {
            permission: Permission::AddMember,
            option: PolicyOption::Allow,
        },
    );
    alice.flush(&mut node, group);
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    bob.learn(&node);
    bob.accept(&node);
    let expected = PolicySet {
        add_member: Policy::Allow,
        ..permissions
    };
    for client in [&alice, &bob] {
        let view = view::group(&client.context(), group).expect("readable");
        assert_eq!(view.permissions, expected);
        assert_eq!(view.permissions.as_preset(), None);
    }
    // What it says holds: bob, a plain member, may set when messages disappear and nothing else.
    bob.want_field(group, field::DISAPPEAR_IN_NS, "5");
    assert!(matches!(bob.build(&node, group), Ok(Some((_, Build::Send(_))))));
    bob.give_up(group);
    bob.want_field(group, field::NAME, "bob's");
    assert!(matches!(
        bob.build(&node, group),
        Err(GroupError::NotPermitted(_))
    ));
    assert_eq!(bob.intents(group)[0].state, IntentState::ToPublish);
}
