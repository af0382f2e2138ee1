//! The life of a group: made, joined, changed, left.

use xmtp_web::groups::inbound::{Change, Stop};
use xmtp_web::groups::intent::{AdminChange, IntentData};
use xmtp_web::groups::join::Joined;
use xmtp_web::groups::{GroupError, create, field, intent, view};
use xmtp_web::identity::{LogPosition, resolve};
use xmtp_web::messages::content::group_updated::GroupUpdated;
use xmtp_web::messages::{ContentType, EncodedContent};
use xmtp_web::mls::{CommitPlan, ContextChange, key_package};
use xmtp_web::storage::{
    CommitResult, ConsentEntity, ConsentState, CursorKind, IntentKind, MembershipState, MessageKind,
};

use crate::world::{Client, Node, group_of, settle};

#[test]
fn the_first_commit_adds_members_and_gives_the_creator_its_place_in_its_log() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob, &carol]);
    let membership = view::membership(&bob.context(), group).expect("readable");
    assert_eq!(membership.members[&alice.inbox_id], 100);
    assert_eq!(
        bob.members(group),
        [alice.inbox_id, bob.inbox_id, carol.inbox_id].into()
    );
    settle(&node, &[&alice, &bob, &carol], group);
    assert!(alice.intents(group).is_empty(), "the welcomes are sent");

    // the welcome named the commit, which is therefore not read again
    let commits = bob
        .store
        .cursor(group.as_bytes(), CursorKind::CommitMessage, 0)
        .expect("readable");
    assert_eq!(commits, 1);
    let row = bob.store.group(&group).expect("readable").expect("stored");
    assert_eq!(
        (row.membership_state, row.added_by_inbox_id),
        (MembershipState::Pending, alice.inbox_id)
    );
    let consent = |client: &Client| {
        client
            .store
            .consent_state(ConsentEntity::Conversation, &group.to_string())
            .expect("readable")
    };
    assert_eq!(
        (consent(&alice), consent(&bob)),
        (ConsentState::Allowed, ConsentState::Unknown)
    );
    let lines = bob.rows(group);
    assert_eq!(lines.len(), 1);
    let update = GroupUpdated::decode(&EncodedContent::decode(&lines[0].content).expect("encoded"));
    assert_eq!(update, Ok(GroupUpdated::joined(alice.inbox_id, bob.inbox_id)));
}

#[test]
fn a_joiner_renews_its_keys_before_its_first_message_and_both_sides_read() {
    let mut node = Node::default();
    let (bob, alice) = (Client::new(&mut node, 2), Client::new(&mut node, 1));
    let group = alice.create();
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    bob.learn(&node);
    assert_eq!(bob.accept(&node), [Joined::Group(group)]);
    let hello = bob.say(group, "hello");
    let kinds: Vec<_> = bob.intents(group).iter().map(|intent| intent.kind).collect();
    assert_eq!(kinds, [IntentKind::KeyUpdate, IntentKind::SendMessage]);
    let before = bob.epoch(group);
    bob.flush(&mut node, group);
    assert_eq!(bob.epoch(group), before + 1);
    let batch = alice.pull(&node, group);
    assert_eq!(
        batch.changes,
        [Change::Message(hello)],
        "a key update is nothing to see"
    );
    alice.say(group, "hello yourself");
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group), ["hello", "hello yourself"]);
    assert_eq!(bob.texts(group), ["hello", "hello yourself"]);
    let next = bob.say(group, "again");
    assert_eq!(bob.intents(group).len(), 1, "the keys are fresh");
    assert!(bob.rows(group).iter().any(|row| row.id == next));
}

#[test]
fn a_removed_member_is_out_and_reads_nothing_more() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob, &carol]);
    assert!(alice.want_members(group, &[], &[bob.inbox_id]));
    alice.flush(&mut node, group);
    alice.say(group, "without bob");
    alice.flush(&mut node, group);
    let batch = bob.pull(&node, group);
    assert!(batch.changes.contains(&Change::Removed));
    assert_eq!(batch.stop, Some(Stop::Inactive));
    assert_eq!(
        batch.done,
        node.messages.len() - 1,
        "what follows the removal is kept for a return"
    );
    assert!(!bob.is_active(group));
    assert!(bob.texts(group).is_empty());
    let refused = intent::queue_message(&bob.context(), group, vec![1], None, true);
    assert_eq!(refused, Err(GroupError::Inactive));
    settle(&node, &[&alice, &carol], group);
    assert_eq!(carol.texts(group), ["without bob"]);
    assert_eq!(carol.members(group), [alice.inbox_id, carol.inbox_id].into());

    // and back again
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    assert_eq!(bob.accept(&node), [Joined::Nothing, Joined::Group(group)]);
    alice.say(group, "welcome back");
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &bob, &carol], group);
    assert_eq!(bob.texts(group), ["welcome back"]);
}

#[test]
fn metadata_and_admin_changes_are_followed() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    bob.want_field(group, field::NAME, "tea");
    bob.flush(&mut node, group);
    alice.want(
        group,
        &IntentData::UpdateAdmins {
            change: AdminChange::AddAdmin,
            inbox_id: bob.inbox_id,
        },
    );
    alice.want(
        group,
        &IntentData::UpdateAdmins {
            change: AdminChange::AddSuperAdmin,
            inbox_id: bob.inbox_id,
        },
    );
    alice.want_field(group, field::DISAPPEAR_FROM_NS, "5");
    alice.want_field(group, field::DISAPPEAR_IN_NS, "1000");
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    for client in [&alice, &bob] {
        let metadata = client.metadata(group);
        assert_eq!(metadata.get(field::NAME), Some("tea"));
        assert!(metadata.admins.contains(&bob.inbox_id.to_string()) && metadata.is_super_admin(bob.inbox_id));
        let row = client.store.group(&group).expect("readable").expect("stored");
        assert_eq!(
            (row.message_disappear_from_ns, row.message_disappear_in_ns),
            (Some(5), Some(1000))
        );
        assert!(row.should_publish_commit_log);
    }
    let id = alice.say(group, "fleeting");
    alice.flush(&mut node, group);
    bob.pull(&node, group);
    for client in [&alice, &bob] {
        let row = client
            .store
            .message(&id, client.now_ns)
            .expect("readable")
            .expect("still there");
        assert_eq!(row.expire_at_ns, Some(client.now_ns + 1000));
    }
    // the last super admin stays one
    bob.want(
        group,
        &IntentData::UpdateAdmins {
            change: AdminChange::RemoveSuperAdmin,
            inbox_id: alice.inbox_id,
        },
    );
    bob.want(
        group,
        &IntentData::UpdateAdmins {
            change: AdminChange::RemoveSuperAdmin,
            inbox_id: bob.inbox_id,
        },
    );
    bob.pull(&node, group);
    node.post(bob.payload(&node, group).data);
    bob.pull(&node, group);
    let refused = bob.build(&node, group).expect_err("forbidden");
    assert_eq!(refused, GroupError::NotPermitted("remove the last super admin"));
    bob.give_up(group);
    node.post(bob.force_metadata(group, |metadata| metadata.super_admins.clear()));
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.metadata(group).super_admins, [bob.inbox_id.to_string()]);
    let log = alice.store.commit_log(&group, 0).expect("readable");
    assert_eq!(log.last().map(|(_, row)| row.result), Some(CommitResult::Invalid));
}

#[test]
fn installations_come_and_go_with_their_inbox() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let phone = bob.second_installation(&mut node, 22);
    alice.learn(&node);
    bob.learn(&node);
    assert!(bob.want_members(group, &[], &[]), "the log has grown");
    bob.flush(&mut node, group);
    assert!(!bob.want_members(group, &[], &[]));
    assert_eq!(phone.accept(&node), [Joined::Group(group)]);
    settle(&node, &[&alice, &bob, &phone], group);
    assert!(
        alice
            .rows(group)
            .iter()
            .all(|row| row.kind == MessageKind::Application || row.sequence_id == Some(1))
    );
    phone
        .store
        .set_group_rotated(&group, phone.now_ns)
        .expect("stored");
    phone.say(group, "from the phone");
    phone.flush(&mut node, group);
    settle(&node, &[&alice, &bob, &phone], group);
    assert_eq!(
        bob.texts(group),
        ["from the phone"],
        "own other installations are read like anybody"
    );

    bob.revoke(&mut node, phone.key.id());
    alice.learn(&node);
    bob.learn(&node);
    phone.learn(&node);
    assert!(
        alice.want_members(group, &[], &[]),
        "any member may bring the tree up to date"
    );
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    phone.pull(&node, group);
    assert!(!phone.is_active(group) && bob.is_active(group));
    assert_eq!(alice.members(group), [alice.inbox_id, bob.inbox_id].into());
}

#[test]
fn a_member_without_a_usable_key_package_is_listed_as_failed_or_not_added() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let phone = bob.second_installation(&mut node, 22);
    node.packages.insert(phone.key.id(), vec![1, 2, 3]);
    let group = group_of(&mut node, &[&alice, &bob]);
    let membership = view::membership(&bob.context(), group).expect("readable");
    assert_eq!(membership.failed_installations, [phone.key.id()].into());
    let members = view::members(&alice.context(), group).expect("readable");
    let of_bob = members.iter().find(|member| member.inbox_id == bob.inbox_id);
    let mut listed = of_bob.expect("a member").installations.clone();
    let mut both = vec![bob.key.id(), phone.key.id()];
    listed.sort_unstable();
    both.sort_unstable();
    assert_eq!(listed, both, "as released peers list them");

    let carol = Client::new(&mut node, 3);
    node.packages.remove(&carol.key.id());
    alice.learn(&node);
    assert!(alice.want_members(group, &[carol.inbox_id], &[]));
    assert_eq!(
        alice.build(&node, group).expect_err("nobody to add"),
        GroupError::NoUsableKeyPackage
    );
    let intent = alice.intents(group).pop().expect("still wanted");
    intent::complete(&alice.context(), intent.id).expect("forgotten");

    // who was never added goes without a removal of leaves
    assert!(alice.want_members(group, &[], &[bob.inbox_id]));
    alice.flush(&mut node, group);
    bob.pull(&node, group);
    assert!(!bob.is_active(group));
    assert_eq!(alice.members(group), [alice.inbox_id].into());
}

#[test]
fn a_direct_message_is_between_two() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    for client in [&alice, &bob, &carol] {
        client.learn(&node);
    }
    let row = create::create_dm(&alice.context(), bob.inbox_id, None).expect("made");
    let group = row.id;
    assert!(alice.want_members(group, &[bob.inbox_id], &[]));
    alice.flush(&mut node, group);
    assert_eq!(bob.accept(&node), [Joined::Group(group)]);
    let joined = bob.store.group(&group).expect("readable").expect("stored");
    assert_eq!(joined.dm_id, row.dm_id);
    let epoch = alice.epoch(group);
    // nobody else comes in
    assert!(bob.want_members(group, &[carol.inbox_id], &[]));
    let refused = bob.build(&node, group).expect_err("forbidden");
    assert_eq!(refused, GroupError::NotPermitted("add members"));
    bob.give_up(group);
    let mut membership = view::membership(&bob.context(), group).expect("readable");
    membership.members.insert(carol.inbox_id, 102);
    let package = key_package::verify_standalone(&node.packages[&carol.key.id()]).expect("valid");
    let change = Some(ContextChange::Membership(membership.encode()));
    let forced = bob.force(
        group,
        CommitPlan {
            add: vec![package],
            change,
            ..Default::default()
        },
    );
    node.post(forced);
    settle(&node, &[&alice, &bob], group);
    assert_eq!((alice.epoch(group), bob.epoch(group)), (epoch, epoch));
    assert_eq!(alice.members(group), [alice.inbox_id, bob.inbox_id].into());
    bob.store.set_group_rotated(&group, bob.now_ns).expect("stored");
    bob.say(group, "hi");
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob], group);
    assert_eq!(alice.texts(group), ["hi"]);
    assert!(matches!(
        create::create_dm(&alice.context(), alice.inbox_id, None),
        Err(GroupError::NotInDm(_))
    ));
}

#[test]
fn a_wish_to_leave_is_kept_until_the_removal() {
    let mut node = Node::default();
    let (alice, bob, carol) = (
        Client::new(&mut node, 1),
        Client::new(&mut node, 2),
        Client::new(&mut node, 3),
    );
    let group = group_of(&mut node, &[&alice, &bob, &carol]);
    let content = EncodedContent {
        content_type: Some(ContentType::xmtp("leave_request", 1)),
        ..Default::default()
    };
    intent::queue_message(&bob.context(), group, content.encode(), None, false).expect("queued");
    bob.flush(&mut node, group);
    settle(&node, &[&alice, &bob, &carol], group);
    for client in [&alice, &bob, &carol] {
        let waiting = client.store.pending_removes(&group).expect("readable");
        assert_eq!(
            waiting.iter().map(|row| row.inbox_id).collect::<Vec<_>>(),
            [bob.inbox_id]
        );
    }
    let row = |client: &Client| client.store.group(&group).expect("readable").expect("stored");
    assert_eq!(row(&bob).membership_state, MembershipState::PendingRemove);
    assert!(
        row(&alice).has_pending_leave_request,
        "a super admin has something to do"
    );
    assert!(!row(&carol).has_pending_leave_request);

    assert!(alice.want_members(group, &[], &[bob.inbox_id]));
    alice.flush(&mut node, group);
    settle(&node, &[&alice, &carol], group);
    for client in [&alice, &carol] {
        assert!(client.store.pending_removes(&group).expect("readable").is_empty());
        assert!(!row(client).has_pending_leave_request);
        let line = client
            .rows(group)
            .into_iter()
            .rfind(|row| row.kind == MessageKind::MembershipChange);
        let content = EncodedContent::decode(&line.expect("a line").content).expect("encoded");
        let update = GroupUpdated::decode(&content).expect("an update");
        assert_eq!(
            (update.left, update.removed),
            (vec![bob.inbox_id.to_string()], vec![])
        );
    }
}

#[test]
fn a_group_that_needs_a_newer_version_is_paused_before_the_commit() {
    let mut node = Node::default();
    let (mut alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let epoch = bob.epoch(group);
    alice.version = "1.10.1";
    alice.want_field(group, field::MINIMUM_VERSION, "1.10.1");
    node.post(alice.payload(&node, group).data);
    let batch = bob.pull(&node, group);
    assert_eq!(batch.stop, Some(Stop::Paused("1.10.1".into())));
    assert_eq!(batch.changes, [Change::Paused("1.10.1".into())]);
    assert_eq!((batch.done, bob.epoch(group)), (node.messages.len() - 1, epoch));
    let refused = intent::queue_message(&bob.context(), group, vec![1], None, true);
    assert_eq!(
        refused,
        Err(GroupError::Paused {
            required: "1.10.1".into()
        })
    );
    assert_eq!(bob.pull(&node, group).stop, Some(Stop::Paused("1.10.1".into())));
    // a newer version of us goes on where it stopped
    bob.store.set_paused_for_version(&group, None).expect("stored");
    let context = xmtp_web::groups::Context {
        own_version: "1.10.1",
        ..bob.context()
    };
    let batch = bob
        .store
        .transaction(|tx| xmtp_web::groups::inbound::receive(tx, &context, group, &node.messages, false))
        .expect("no failure of our own");
    assert_eq!((batch.stop, bob.epoch(group)), (None, epoch + 1));
}

#[test]
fn what_a_group_says_is_decoded_again_when_it_has_changed_and_not_before() {
    let mut node = Node::default();
    let (alice, bob) = (Client::new(&mut node, 1), Client::new(&mut node, 2));
    let group = group_of(&mut node, &[&alice, &bob]);
    let read = |known: Option<view::KnownView>| {
        let row = alice.store.group(&group).expect("readable").expect("stored");
        let mut known = known;
        let mut views = view::groups(&alice.context(), vec![row], |_| known.take()).expect("readable");
        views.pop().expect("the group")
    };
    let name = |known: &view::KnownView| known.view.metadata.attributes.get(field::NAME).cloned();
    let mut first = read(None);
    assert_ne!(name(&first).as_deref(), Some("not stored anywhere"));
    first
        .view
        .metadata
        .attributes
        .insert(field::NAME.into(), "not stored anywhere".into());
    // Its row is another, and what the group says of itself the same.
    alice.store.set_group_rotated(&group, 77).expect("stored");
    let second = read(Some(first));
    assert_eq!(name(&second).as_deref(), Some("not stored anywhere"));
    assert_eq!(second.view.row.rotated_at_ns, 77);

    alice.want_field(group, field::NAME, "lunch");
    alice.flush(&mut node, group);
    let third = read(Some(second));
    assert_eq!(name(&third).as_deref(), Some("lunch"));
    assert_eq!(third.view.epoch, alice.epoch(group));
}

#[test]
fn who_the_members_are_is_read_by_the_same_statements_for_any_number_of_them() {
    let mut node = Node::default();
    let alice = Client::new(&mut node, 1);
    let others: Vec<_> = (2..9).map(|number| Client::new(&mut node, number)).collect();
    let zoe = Client::new(&mut node, 9);
    let (first, rest) = others.split_first().expect("some");
    let many: Vec<_> = [&alice].into_iter().chain(rest).collect();
    let groups = [&[&alice, first][..], &many].map(|members| group_of(&mut node, members));
    for reader in [&alice, &zoe] {
        reader.learn(&node);
        // Logs are verified once in the life of a database.
        for client in others.iter().chain([&alice, &zoe]) {
            resolve(&reader.store, client.inbox_id, LogPosition::Newest).expect("readable");
        }
    }
    let listing = groups.map(|group| {
        // none is at hand
        drop(alice.context().load(group));
        let before = alice.store.statements_run();
        let members = view::members(&alice.context(), group).expect("readable");
        (members.len(), alice.store.statements_run() - before)
    });
    assert_eq!(listing, [(2, listing[0].1), (7, listing[0].1)]);
    let joining = groups.map(|group| {
        assert!(alice.want_members(group, &[zoe.inbox_id], &[]));
        alice.flush(&mut node, group);
        let (_, welcome) = node.welcomes.last().expect("welcomed");
        let before = zoe.store.statements_run();
        assert_eq!(zoe.welcome(welcome), Joined::Group(group));
        zoe.store.statements_run() - before
    });
    assert_eq!(joining[0], joining[1]);
}
