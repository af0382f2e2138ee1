//! Groups that go on without us: after a fork until somebody brings us back, and after we were taken out.

use crate::support::{Person, World, story};
use xmtp_web::groups::{field, originator};
use xmtp_web::ids::GroupId;
use xmtp_web::storage::{CursorKind, Store, StoreOptions};

/// Somebody who passed a commit without having applied it: from the next epoch on nothing can be read.
async fn astray(world: &World, person: Person, file: &str, alice: &Person, group: GroupId) -> Person {
    alice
        .group(group)
        .update_field(field::NAME, "elsewhere")
        .await
        .expect("allowed");
    let newest = world
        .api()
        .newest_group_messages(&[group])
        .await
        .expect("answers");
    let newest = newest.into_iter().flatten().next().expect("there is one").id;
    let store = Store::open(StoreOptions::file(world.file(file))).expect("opens");
    store
        .advance_cursor(
            group.as_bytes(),
            CursorKind::CommitMessage,
            originator::COMMITS,
            newest,
        )
        .expect("moves");
    drop(store);
    person.reopened().await
}

#[test]
fn who_is_brought_back_after_a_fork_reads_what_was_said_since() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person_with_file("bob").await);
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        let bob = astray(&world, bob, "bob", &alice, id).await;
        alice.say(id, "lost").await;
        bob.sync().await;
        assert!(bob.texts(id).is_empty());
        assert!(bob.group(id).view().expect("readable").row.maybe_forked);
        // While Bob is away.
        group.remove_members(&[bob.inbox_id()]).await.expect("removed");
        group.add_members(&[bob.inbox_id()]).await.expect("added");
        alice.say(id, "welcome back").await;
        alice.say(id, "where were you?").await;
        bob.sync().await;
        assert_eq!(bob.epoch_of(id), alice.epoch_of(id));
        assert_eq!(bob.texts(id), ["welcome back", "where were you?"]);
        bob.say(id, "astray").await;
        alice.sync().await;
        assert_eq!(alice.texts(id).last().map(String::as_str), Some("astray"));
    });
}

#[test]
fn a_group_one_was_taken_out_of_is_not_asked_for_any_more() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await;
        let id = group.id();
        group.remove_members(&[bob.inbox_id()]).await.expect("removed");
        bob.sync().await;
        assert!(!bob.is_member_of(id));
        for text in ["one", "two", "three"] {
            alice.say(id, text).await;
        }
        assert_eq!(bob.client.sync_all().await.expect("syncs"), 0);
        let reads = world.faults().calls("QueryGroupMessages");
        let mut watch = bob.watch().await;
        watch.connected(&bob.client).await;
        assert_eq!(world.faults().calls("QueryGroupMessages"), reads);
        // Who is added again meanwhile hears what is said from then on.
        group.add_members(&[bob.inbox_id()]).await.expect("added");
        assert_eq!(watch.conversation().await, id);
        let said = alice.say(id, "again").await;
        watch.message(said).await;
        assert_eq!(bob.texts(id), ["again"]);
        // What waited when one was taken out has failed, and holds nothing up.
        bob.jot(id, "wait").await;
        group.remove_members(&[bob.inbox_id()]).await.expect("removed");
        bob.sync().await;
    });
}
