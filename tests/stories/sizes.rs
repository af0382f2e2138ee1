//! Groups of one to four hundred. Most members are simulated: an inbox and a key package, no client.
use crate::support::{World, story};
use xmtp_web::client::{ClientError, ListOptions};
use xmtp_web::groups::{GroupError, MAX_MEMBERS, NewGroup, field};

/// A group of `size` with three clients in it (or as many as fit): everybody is in it, and what is said and
/// changed reaches those who listen.
async fn lives_with(size: usize) {
    let world = World::new().await;
    let (alice, bob) = (world.person().await, world.person().await);
    let crowd = world.crowd(size - 2).await;
    let members: Vec<_> = crowd.iter().copied().chain([bob.inbox_id()]).collect();
    let conversations = alice.client.conversations();
    let made = conversations.create_group(&members, &NewGroup::default()).await;
    let group = made.expect("a group").id();
    bob.sync().await;
    for person in [&alice, &bob] {
        assert_eq!(person.members_of(group).len(), size);
    }
    alice.say(group, "hello, all of you").await;
    bob.sync().await;
    bob.say(group, "hello yourself").await;
    alice
        .group(group)
        .update_field(field::NAME, "many")
        .await
        .expect("allowed");
    for person in [&alice, &bob] {
        person.sync().await;
        assert_eq!(person.texts(group), ["hello, all of you", "hello yourself"]);
        assert_eq!(person.name_of(group), "many");
    }
    assert_eq!(alice.epoch_of(group), bob.epoch_of(group));
}

#[test]
fn a_group_of_one_reaches_the_other_installations_of_its_only_member() {
    story(async {
        let world = World::new().await;
        let wallet = world.wallet();
        let (phone, laptop) = (world.device_of(&wallet).await, world.device_of(&wallet).await);
        let made = phone
            .client
            .conversations()
            .create_group(&[], &NewGroup::default())
            .await;
        let group = made.expect("a group").id();
        phone.say(group, "a note to myself").await;
        laptop.sync().await;
        assert_eq!(laptop.texts(group), ["a note to myself"]);
        laptop.say(group, "seen").await;
        phone.sync().await;
        for device in [&phone, &laptop] {
            assert_eq!(device.texts(group), ["a note to myself", "seen"]);
            assert_eq!(device.members_of(group), [phone.inbox_id()]);
            assert_eq!(device.devices_in(group, phone.inbox_id()), 2);
        }
    });
}

#[test]
fn a_group_of_two_lives() {
    story(lives_with(2));
}

#[test]
fn a_group_of_fifty_lives() {
    story(lives_with(50));
}

#[test]
fn a_group_of_four_hundred_lives_and_takes_nobody_else_in() {
    story(async {
        let world = World::new().await;
        let (alice, bob, carol) = (world.person().await, world.person().await, world.person().await);
        let crowd = world.crowd(MAX_MEMBERS - 2).await;
        let all: Vec<_> = crowd.iter().copied().chain([bob.inbox_id()]).collect();
        let too_many: Vec<_> = all.iter().copied().chain([carol.inbox_id()]).collect();
        let refused = |error: ClientError| {
            matches!(
                error,
                ClientError::Group(GroupError::TooLarge { limit: MAX_MEMBERS })
            )
        };
        let conversations = alice.client.conversations();
        let new = NewGroup::default();
        let error = conversations.create_group(&too_many, &new).await.map(|_| ());
        assert!(refused(error.expect_err("one too many")));
        assert!(
            conversations
                .list(&ListOptions::default())
                .expect("reads")
                .is_empty()
        );

        let group = conversations
            .create_group(&all, &new)
            .await
            .expect("a group")
            .id();
        bob.sync().await;
        alice.say(group, "is everybody here?").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["is everybody here?"]);
        assert_eq!(bob.members_of(group).len(), MAX_MEMBERS);
        let epoch = alice.epoch_of(group);
        let error = alice.group(group).add_members(&[carol.inbox_id()]).await;
        assert!(refused(error.expect_err("one too many")));
        assert_eq!(alice.epoch_of(group), epoch);

        // where one goes another may come
        let gone = crowd[0];
        alice.group(group).remove_members(&[gone]).await.expect("allowed");
        alice
            .group(group)
            .add_members(&[carol.inbox_id()])
            .await
            .expect("there is room");
        for person in [&bob, &carol] {
            person.sync().await;
            let members = person.members_of(group);
            assert_eq!(members.len(), MAX_MEMBERS);
            assert!(members.contains(&carol.inbox_id()) && !members.contains(&gone));
        }
        carol.say(group, "I am").await;
        bob.sync().await;
        assert_eq!(bob.texts(group), ["is everybody here?", "I am"]);
    });
}
