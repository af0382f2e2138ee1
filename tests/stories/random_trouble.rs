//! People who do anything in any order while the node fails at random: in the end they agree.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Chance, Person, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::SendOptions;
use xmtp_web::groups::field;
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::storage::DeliveryStatus;

/// What goes wrong next, if anything.
fn trouble(world: &World, chance: &mut Chance) {
    let methods = [
        "SendGroupMessages",
        "SendGroupMessages",
        "QueryGroupMessages",
        "SendWelcomeMessages",
        "FetchKeyPackages",
        "GetIdentityUpdates",
        "*",
    ];
    let fault = match chance.below(4) {
        0 => Fault::DropRequest,
        1 | 2 => Fault::DropAnswer,
        _ => Fault::Error {
            code: 14,
            message: "busy".into(),
        },
    };
    let method = methods[chance.below(methods.len())];
    // Beyond six attempts a call fails.
    let times = u32::try_from(1 + chance.below(9)).expect("small");
    world
        .faults()
        .add(Rule::times(method, fault, times).after(u32::try_from(chance.below(3)).expect("small")));
}

/// Somebody does something. Failures are what this is about, so they are no failures here.
async fn act(world: &World, person: &Person, guest: &Person, group: GroupId, n: usize, chance: &mut Chance) {
    let Some(handle) = person.find(group) else {
        let _ = person.client.sync_all().await;
        return;
    };
    match chance.below(12) {
        0..=3 => drop(
            handle
                .send_text(&format!("said {n}"), SendOptions::default())
                .await,
        ),
        4 | 5 => drop(person.jot(group, &format!("jotted {n}")).await),
        6 => drop(handle.update_field(field::NAME, &format!("name {n}")).await),
        7 => drop(
            handle
                .update_field(field::DESCRIPTION, &format!("description {n}"))
                .await,
        ),
        8 => drop(handle.add_members(&[guest.inbox_id()]).await),
        9 => drop(handle.remove_members(&[guest.inbox_id()]).await),
        10 => {
            world.later(Duration::from_secs(6));
            drop(handle.publish_messages().await);
        }
        _ => drop(person.client.sync_all().await),
    }
}

/// Everybody reads and sends everything, until nothing moves any more.
async fn calm(people: &[&Person], group: GroupId) {
    for _ in 0..4 {
        for person in people {
            person.sync().await;
        }
        for person in people {
            for message in person.messages(group) {
                if message.delivery_status == DeliveryStatus::Failed {
                    person.group(group).resend(message.id).await.expect("is sent");
                }
            }
        }
    }
}

fn assert_agreement(people: &[&Person], group: GroupId, seed: u64) {
    let first = people[0].group(group).view().expect("readable");
    for person in people {
        let view = person.group(group).view().expect("readable");
        assert!(view.is_active, "seed {seed}");
        assert!(!view.row.maybe_forked, "seed {seed}: {}", view.row.fork_details);
        assert_eq!(view.epoch, first.epoch, "seed {seed}");
        assert_eq!(view.metadata, first.metadata, "seed {seed}");
        assert_eq!(
            person.members_of(group),
            people[0].members_of(group),
            "seed {seed}"
        );
        let ids: Vec<MessageId> = person.ids(group);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        for message in person.messages(group) {
            assert_eq!(message.delivery_status, DeliveryStatus::Published, "seed {seed}");
        }
    }
}

async fn happens(seed: u64) {
    let world = World::new().await;
    let mut chance = Chance(seed);
    let mut alice = world.person_with_file("alice").await;
    let (bob, carol, guest) = (world.person().await, world.person().await, world.person().await);
    let group = alice.group_with(&[&bob, &carol]).await.id();
    for n in 0..40 {
        if chance.below(3) == 0 {
            trouble(&world, &mut chance);
        }
        if chance.below(8) == 0 {
            alice = alice.reopened().await;
        }
        let others = [&alice, &bob, &carol];
        let one = others[chance.below(3)];
        let other = others[chance.below(3)];
        let mut chances = (Chance(seed * 1_000 + n as u64), Chance(seed * 7_777 + n as u64));
        // Two at once, often on the same client; sometimes one of them is dropped half-way.
        let first = act(&world, one, &guest, group, n, &mut chances.0);
        let second = act(&world, other, &guest, group, n + 100, &mut chances.1);
        if chance.below(4) == 0 {
            futures::future::select(std::pin::pin!(first), std::pin::pin!(second)).await;
        } else {
            futures::join!(first, second);
        }
    }
    world.faults().clear();
    world.later(Duration::from_secs(6));
    let people = [&alice, &bob, &carol];
    calm(&people, group).await;
    assert_agreement(&people, group, seed);
    let ids: Vec<BTreeSet<MessageId>> = people
        .iter()
        .map(|person| person.ids(group).into_iter().collect())
        .collect();
    assert!(
        ids[0] == ids[1] && ids[1] == ids[2],
        "seed {seed}: everybody has every message"
    );
    // Whoever is a member in the end is one with all rights.
    guest.sync().await;
    if alice.members_of(group).contains(&guest.inbox_id()) {
        assert_eq!(guest.epoch_of(group), alice.epoch_of(group), "seed {seed}");
        guest.say(group, "I am in").await;
        alice.sync().await;
        assert_eq!(alice.texts(group).last().map(String::as_str), Some("I am in"));
    } else if guest.find(group).is_some() {
        assert!(!guest.is_member_of(group), "seed {seed}");
    }
}

/// `TROUBLE=100..200` runs other seeds.
#[test]
fn random_trouble_ends_in_agreement() {
    let range = std::env::var("TROUBLE").ok();
    let bounds = range.as_deref().and_then(|range| range.split_once(".."));
    let parsed = bounds.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let (from, to) = parsed.unwrap_or((1, 4));
    for seed in from..to {
        story(happens(seed));
    }
}
