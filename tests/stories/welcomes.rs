//! Welcomes that a node does not take, and welcomes that come twice.
use crate::support::{Person, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::ClientError;
use xmtp_web::groups::NewGroup;
use xmtp_web::ids::GroupId;

const WELCOMES: &str = "SendWelcomeMessages";
const INVALID_ARGUMENT: i32 = 3;
const PERMISSION_DENIED: i32 = 7;

fn refusal(code: i32) -> Fault {
    Fault::Error {
        code,
        message: "no".into(),
    }
}

/// How many welcomes the node has for somebody.
async fn count(world: &World, person: &Person) -> usize {
    let page = world
        .api()
        .query_welcome_messages(person.client.installation_id(), 0)
        .await;
    page.expect("a page").items.len()
}

async fn counts<const N: usize>(world: &World, people: [&Person; N]) -> [usize; N] {
    let mut counts = [0; N];
    for (person, of_person) in people.into_iter().zip(&mut counts) {
        *of_person = count(world, person).await;
    }
    counts
}

#[test]
fn one_whose_welcome_the_node_refuses_keeps_nobody_else_from_theirs_and_is_given_up() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let (carol, dave) = (world.person().await, world.person().await);
        // All of them, two of them, and one alone.
        let rule = Rule::times(WELCOMES, refusal(INVALID_ARGUMENT), 3);
        world.faults().add(rule);
        let group = alice.group_with(&[&bob, &carol, &dave]).await;
        let mut welcomed = counts(&world, [&bob, &carol, &dave]).await;
        welcomed.sort_unstable();
        assert_eq!(welcomed, [0, 1, 1]);
        let asked = world.faults().calls(WELCOMES);
        alice.say(group.id(), "hello").await;
        alice.sync().await;
        assert_eq!(
            world.faults().calls(WELCOMES),
            asked,
            "what is refused alone is given up"
        );
    });
}

#[test]
fn who_was_welcomed_before_the_app_ended_is_not_welcomed_again_and_the_rest_is() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person_with_file("alice").await, world.person().await);
        let (carol, dave) = (world.person().await, world.person().await);
        let faults = world.faults();
        faults.add(Rule::once(WELCOMES, refusal(INVALID_ARGUMENT)));
        faults.add(Rule::always(WELCOMES, Fault::DropRequest).after(2));
        let made = alice
            .create_group(&[&bob, &carol, &dave], &NewGroup::default())
            .await;
        assert!(matches!(made.map(|_| ()), Err(ClientError::Transport(_))));
        faults.clear();
        let welcomed = counts(&world, [&bob, &carol, &dave]).await;
        assert_eq!(welcomed.iter().sum::<usize>(), 2);
        let alice = alice.reopened().await;
        alice.sync().await;
        assert_eq!(counts(&world, [&bob, &carol, &dave]).await, [1, 1, 1]);
    });
}

#[test]
fn nobody_is_given_up_because_of_who_asks() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        // A proxy says so of everything.
        let faults = world.faults();
        faults.add(Rule::always(WELCOMES, refusal(PERMISSION_DENIED)));
        let made = alice.create_group(&[&bob, &carol], &NewGroup::default()).await;
        assert!(made.is_err(), "which is told");
        alice.sync().await;
        assert_eq!(counts(&world, [&bob, &carol]).await, [0, 0]);
        faults.clear();
        alice.sync().await;
        assert_eq!(counts(&world, [&bob, &carol]).await, [1, 1]);
    });
}

/// Somebody with two welcomes to the same epoch of a group, the second of which nobody has read.
async fn welcomed_twice(world: &World, alice: &Person, others: &[&Person; 2]) -> GroupId {
    let faults = world.faults();
    faults.add(Rule::always(WELCOMES, Fault::DropAnswer));
    let made = alice.create_group(others, &NewGroup::default()).await;
    assert!(matches!(made.map(|_| ()), Err(ClientError::Transport(_))));
    faults.clear();
    for other in others {
        other.sync().await;
    }
    alice.sync().await;
    let all = alice.client.conversations();
    let made = all.list(&Default::default()).expect("lists").pop();
    made.expect("it is there").id()
}

#[test]
fn a_welcome_that_comes_twice_changes_nothing() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = welcomed_twice(&world, &alice, &[&bob, &carol]).await;
        assert!(count(&world, &bob).await > 1 && count(&world, &carol).await > 1);
        alice.say(group, "hello").await;
        bob.say(group, "hi").await;
        for person in [&bob, &carol] {
            person.sync().await;
            assert_eq!(person.texts(group), ["hello", "hi"]);
        }
    });
}

#[test]
fn a_welcome_that_comes_twice_does_not_bring_back_who_was_removed_meanwhile() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let group = welcomed_twice(&world, &alice, &[&bob, &carol]).await;
        let at_alice = alice.group(group);
        at_alice.remove_members(&[bob.inbox_id()]).await.expect("removed");
        bob.group(group).sync().await.expect("syncs");
        assert!(!bob.is_member_of(group));
        bob.sync().await;
        assert!(!bob.is_member_of(group));
        // Who is no super admin brings him back all the same.
        carol.sync().await;
        let at_carol = carol.group(group);
        at_carol.add_members(&[bob.inbox_id()]).await.expect("added");
        bob.sync().await;
        assert!(bob.is_member_of(group));
        carol.say(group, "welcome back").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["welcome back"]);
    });
}
