//! Whose requests for history, and whose answers, count.

use xmtp_web::groups::inbound::Change;
use xmtp_web::groups::intent::{self, Build};
use xmtp_web::groups::join::Joined;
use xmtp_web::groups::{GroupError, create, view};
use xmtp_web::ids::GroupId;
use xmtp_web::mls::{CommitPlan, ContextChange, key_package};
use xmtp_web::preferences::archive::ArchiveKey;
use xmtp_web::preferences::history::{self, SyncReply, SyncRequest, Task};
use xmtp_web::preferences::sync;

use crate::world::{Client, Node, group_of};

fn request(pin: &str) -> SyncRequest {
    SyncRequest {
        pin: pin.into(),
        server_url: "https://history.example".into(),
        options: Default::default(),
    }
}

fn reply(pin: &str) -> SyncReply {
    SyncReply {
        pin: pin.into(),
        url: "https://history.example/files/1".into(),
        key: ArchiveKey::new([7; 32]),
        metadata: None,
    }
}

/// Reads what is new. Answers whether something is to be done about history.
fn hear(client: &Client, node: &Node, group: GroupId) -> bool {
    let changes = client.pull(node, group).changes;
    process(client, group, &changes)
}

fn process(client: &Client, group: GroupId, changes: &[Change]) -> bool {
    let (updates, is_asked) = sync::process(&client.context(), group, changes).expect("reads");
    assert_eq!(updates, []);
    is_asked
}

fn tasks(client: &Client) -> Vec<Task> {
    let tasks = history::tasks(&client.context()).expect("reads");
    assert!(tasks.iter().all(|(_, attempts, _)| *attempts == 3));
    tasks.into_iter().map(|(_, _, task)| task).collect()
}

fn known(client: &Client) -> usize {
    history::available(&client.context()).expect("reads").len()
}

/// Two installations of one person, and somebody whom one of them brought in.
fn family(node: &mut Node) -> (Client, Client, Client, GroupId) {
    let laptop = Client::new(node, 1);
    let phone = laptop.second_installation(node, 2);
    let stranger = Client::new(node, 3);
    phone.learn(node);
    let group = group_of(node, &[&laptop, &stranger]);
    phone.accept(node);
    phone
        .store
        .set_group_rotated(&group, phone.now_ns)
        .expect("stored");
    (laptop, phone, stranger, group)
}

#[test]
fn a_stranger_among_the_own_installations_is_neither_answered_nor_believed() {
    let mut node = Node::default();
    let (laptop, phone, stranger, group) = family(&mut node);
    history::queue_request(&phone.context(), group, &request("abcde")).expect("queued");
    history::queue_request(&stranger.context(), group, &request("fghij")).expect("queued");
    history::queue_reply(&stranger.context(), group, &reply("abcde")).expect("queued");
    stranger.flush(&mut node, group);
    for client in [&laptop, &phone] {
        assert!(!hear(client, &node, group));
        assert_eq!((tasks(client), known(client)), (vec![], 0));
    }
}

#[test]
fn an_own_installation_is_answered_once_and_what_it_answers_is_fetched_if_it_was_asked() {
    let mut node = Node::default();
    let (laptop, phone, _stranger, group) = family(&mut node);
    history::queue_request(&phone.context(), group, &request("abcde")).expect("queued");
    phone.flush(&mut node, group);
    let changes = laptop.pull(&node, group).changes;
    assert!(process(&laptop, group, &changes));
    process(&laptop, group, &changes);
    assert_eq!(
        tasks(&laptop),
        [Task::Answer(request("abcde"))],
        "read twice, once to be done"
    );
    let (id, ..) = history::tasks(&laptop.context()).expect("reads").remove(0);
    laptop.store.set_history_attempts(&id, 0).expect("stored");
    process(&laptop, group, &changes);
    assert_eq!(tasks(&laptop), [], "and not again when it was done");

    for pin in ["abcde", "mine"] {
        history::queue_reply(&laptop.context(), group, &reply(pin)).expect("queued");
    }
    laptop.flush(&mut node, group);
    assert!(hear(&phone, &node, group));
    assert_eq!(
        tasks(&phone),
        [Task::Fetch(reply("abcde"))],
        "the other was not asked for"
    );
    assert_eq!(known(&phone), 2, "but may be fetched");
    assert_eq!(tasks(&laptop), [], "one's own is not");
}

#[test]
fn an_answer_counts_although_the_request_has_not_come_back() {
    let mut node = Node::default();
    let (laptop, phone, _stranger, group) = family(&mut node);
    history::queue_request(&phone.context(), group, &request("abcde")).expect("queued");
    history::queue_reply(&laptop.context(), group, &reply("abcde")).expect("queued");
    laptop.flush(&mut node, group);
    assert!(hear(&phone, &node, group));
    assert_eq!(tasks(&phone), [Task::Fetch(reply("abcde"))]);
}

#[test]
fn nothing_is_said_among_the_own_installations_where_a_leaf_of_somebody_else_is_left() {
    let mut node = Node::default();
    let laptop = Client::new(&mut node, 1);
    let phone = laptop.second_installation(&mut node, 2);
    let stranger = Client::new(&mut node, 3);
    for client in [&laptop, &phone] {
        client.learn(&node);
    }
    let group = create::create_sync_group(&phone.context()).expect("made").id;
    assert!(phone.want_members(group, &[], &[]));
    phone.flush(&mut node, group);
    assert_eq!(laptop.accept(&node), [Joined::Group(group)]);
    assert_eq!(sync::primary(&laptop.context()), Ok(Some(group)));

    // The stranger comes in and goes, and keeps its leaf: peers let that pass.
    let own = view::membership(&phone.context(), group).expect("readable");
    let at = node.newest_update(stranger.inbox_id);
    let mut with = own.clone();
    with.members.insert(stranger.inbox_id, at);
    let package = key_package::verify_standalone(&node.packages[&stranger.key.id()]).expect("valid");
    let mut without = own;
    without.failed_installations.insert(stranger.key.id());
    for (add, membership) in [(vec![package], with), (vec![], without)] {
        let plan = CommitPlan {
            add,
            change: Some(ContextChange::Membership(membership.encode())),
            ..Default::default()
        };
        let commit = phone.force(group, plan);
        node.post(commit);
        for client in [&phone, &laptop] {
            assert_eq!(client.pull(&node, group).stop, None);
        }
    }
    assert!(
        view::membership(&laptop.context(), group)
            .expect("readable")
            .is_only(laptop.inbox_id)
    );

    assert_eq!(sync::primary(&laptop.context()), Ok(None));
    // also of what was to be said before
    laptop
        .store
        .set_group_rotated(&group, laptop.now_ns)
        .expect("stored");
    history::queue_request(&laptop.context(), group, &request("abcde")).expect("queued");
    assert!(matches!(
        laptop.build(&node, group),
        Err(GroupError::NotPermitted(_))
    ));
}

#[test]
fn what_is_for_the_own_installations_waits_until_a_revoked_one_is_out() {
    let mut node = Node::default();
    let laptop = Client::new(&mut node, 1);
    let phone = laptop.second_installation(&mut node, 2);
    laptop.learn(&node);
    let tablet = laptop.second_installation(&mut node, 3);
    for client in [&laptop, &phone, &tablet] {
        client.learn(&node);
    }
    let group = create::create_sync_group(&laptop.context()).expect("made").id;
    assert!(laptop.want_members(group, &[], &[]));
    laptop.flush(&mut node, group);
    for client in [&phone, &tablet] {
        assert_eq!(client.accept(&node), [Joined::Group(group)]);
        client
            .store
            .set_group_rotated(&group, client.now_ns)
            .expect("stored");
    }
    // one that is paused is not spoken in: a revoked one may have done that, too
    for (version, expected) in [(Some("99.0.0"), None), (None, Some(group))] {
        tablet
            .store
            .set_paused_for_version(&group, version)
            .expect("stored");
        assert_eq!(sync::primary(&tablet.context()), Ok(expected));
    }
    history::queue_request(&tablet.context(), group, &request("abcde")).expect("queued");
    // built, and not sent before the phone is revoked
    let built = tablet.payload(&node, group);
    laptop.revoke(&mut node, phone.key.id());
    for client in [&laptop, &tablet] {
        client.learn(&node);
    }
    assert_eq!(sync::primary(&tablet.context()), Ok(Some(group)));
    intent::return_unseen(&tablet.context(), group).expect("returned");
    for _ in 0..2 {
        let again = tablet.build(&node, group);
        assert!(matches!(again, Ok(Some((_, Build::Missing(_))))), "{again:?}");
    }
    assert!(laptop.want_members(group, &[], &[]));
    laptop.flush(&mut node, group);
    tablet.pull(&node, group);
    assert_ne!(tablet.payload(&node, group).data, built.data);
}
