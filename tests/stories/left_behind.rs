//! Groups that go on without us after we were taken out.

use crate::support::{World, story};

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
        // She has read back what she said.
        alice.sync().await;
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
