//! Joining many conversations at once, and what goes wrong with some of them.

use std::time::Duration;

use crate::support::{Person, World, story};
use rusqlite::Connection;
use xmtp_devnode::{Fault, Rule};
use xmtp_web::groups::NewGroup;
use xmtp_web::ids::GroupId;

const LOOK: &str = "GetIdentityUpdates";
/// How long a look for many is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

async fn invite(from: &Person, to: &Person) -> GroupId {
    let made = from.create_group(&[to], &NewGroup::default()).await;
    made.expect("a group").id()
}

#[test]
fn a_welcome_that_cannot_be_stored_keeps_none_before_it_from_being_joined() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob.db").await);
        let mut groups = Vec::new();
        for _ in 0..4 {
            groups.push(invite(&alice, &bob).await);
        }
        let raw = Connection::open(world.file("bob.db")).expect("opens");
        let refuse = format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON groups WHEN NEW.id = x'{}' BEGIN SELECT RAISE(ABORT, 'no'); END",
            groups[2]
        );
        raw.execute_batch(&refuse).expect("a trigger");
        for _ in 0..2 {
            assert!(bob.client.sync_welcomes().await.is_err());
            let is_known = groups.iter().map(|group| bob.find(*group).is_some());
            assert_eq!(is_known.collect::<Vec<_>>(), [true, true, false, false]);
        }
        raw.execute_batch("DROP TRIGGER refuse").expect("goes");
        let joined = bob.client.sync_welcomes().await.expect("syncs");
        assert_eq!(joined, groups[2..]);
    });
}

/// Somebody who has joined conversations with different people, all of which have said something since.
async fn among_many(world: &World) -> (Person, Vec<GroupId>) {
    let bob = world.person().await;
    world.machine.freeze();
    let mut groups = Vec::new();
    for _ in 0..12 {
        let other = world.person().await;
        let group = invite(&other, &bob).await;
        other.say(group, "hello").await;
        groups.push(group);
    }
    bob.client.sync_welcomes().await.expect("syncs");
    world.later(Duration::from_secs(60));
    (bob, groups)
}

/// The one behind that for the own log.
fn the_look_for_many(fault: Fault) -> Rule {
    Rule {
        skip: 1,
        ..Rule::once(LOOK, fault)
    }
}

#[test]
fn where_many_cannot_be_looked_for_together_each_conversation_looks_by_itself() {
    story(async {
        let world = World::new().await;
        let (bob, groups) = among_many(&world).await;
        let refusal = Fault::Error {
            code: 3,
            message: "too many".into(),
        };
        world.faults().add(the_look_for_many(refusal));
        // Waited for until it fails.
        world.machine.paused_by_clock.set(Some(PATIENCE));
        let before = world.faults().calls(LOOK);
        bob.sync().await;
        assert_eq!(world.faults().calls(LOOK) - before, 2 + 12);
        for group in groups {
            assert_eq!(bob.texts(group), ["hello"]);
        }
    });
}

#[test]
fn a_look_for_many_that_takes_long_holds_nothing_up() {
    story(async {
        let world = World::new().await;
        let (bob, groups) = among_many(&world).await;
        world
            .faults()
            .add(the_look_for_many(Fault::Delay { ms: 600_000 }));
        bob.sync().await;
        for group in groups {
            assert_eq!(bob.texts(group), ["hello"]);
        }
    });
}
