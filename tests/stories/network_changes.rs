//! A page that tells what it knows of the network, and a node that wants fewer requests.
use std::time::Duration;

use crate::support::{Person, Watch, World, story};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ConnectionState, Event, Network};

const GONE: Event = Event::Connection(ConnectionState::Reconnecting);

/// Waits until some pause was asked for that is as long as this.
async fn paused(world: &World, at_least: Duration) {
    while !world
        .machine
        .asked
        .borrow()
        .iter()
        .any(|asked| *asked >= at_least)
    {
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn reconnects_soon(watch: &mut Watch, person: &Person) {
    let connected = watch.connected(&person.client);
    tokio::time::timeout(Duration::from_secs(8), connected)
        .await
        .expect("connected long before the pause was over");
}

fn told(person: &Person, online: bool, visible: bool) {
    person
        .client
        .set_network(Network { online, visible })
        .expect("open");
}

#[test]
fn a_network_that_comes_back_ends_the_pause_and_nothing_is_missing() {
    story(async {
        let mut world = World::on_disk().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        told(&bob, false, true);
        watch.until(|event| *event == GONE).await;
        world.kill_node().await;
        paused(&world, Duration::from_secs(12)).await;
        // from now on pauses are as long as they are: at least fifteen seconds
        world.machine.pause.set(Some(Duration::from_secs(60)));
        world.machine.asked.borrow_mut().clear();
        paused(&world, Duration::from_secs(15)).await;
        world.restart_node().await;
        let mut ids = Vec::new();
        for n in 0..20 {
            ids.push(alice.say(group, &format!("meanwhile {n}")).await);
        }
        assert_eq!(bob.client.connection_state(), ConnectionState::Reconnecting);
        told(&bob, true, true);
        reconnects_soon(&mut watch, &bob).await;
        for id in ids {
            watch.message(id).await;
            assert_eq!(watch.count(id), 1);
        }
    });
}

#[test]
fn a_window_that_comes_into_sight_ends_the_pause() {
    story(async {
        let mut world = World::on_disk().await;
        let bob = world.person().await;
        let mut watch = bob.watch().await;
        told(&bob, true, false);
        world.machine.asked.borrow_mut().clear();
        world.machine.pause.set(Some(Duration::from_secs(60)));
        world.kill_node().await;
        watch.until(|event| *event == GONE).await;
        paused(&world, Duration::from_secs(15)).await;
        // The database's log is emptied when nothing was written for a second.
        let asked = world.machine.asked.borrow().clone();
        let pauses = asked.iter().filter(|pause| **pause != Duration::from_secs(1));
        assert_eq!(pauses.count(), 1, "nobody looks: the longest pause at once");
        world.restart_node().await;
        told(&bob, true, true);
        reconnects_soon(&mut watch, &bob).await;
    });
}

#[test]
fn a_connection_long_out_of_sight_is_made_anew_and_a_short_look_away_changes_nothing() {
    story(async {
        let world = World::new().await;
        let bob = world.person().await;
        let mut watch = bob.watch().await;
        let opened = || world.faults().calls("SubscribeWelcomeMessages");
        let before = opened();
        told(&bob, true, false);
        told(&bob, true, true);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(
            (opened(), bob.client.connection_state()),
            (before, ConnectionState::Connected)
        );
        told(&bob, true, false);
        world.later(Duration::from_secs(61));
        told(&bob, true, true);
        watch.until(|event| *event == GONE).await;
        watch.connected(&bob.client).await;
        assert_eq!(opened(), before + 1);
    });
}

#[test]
fn a_browser_that_wrongly_says_there_is_no_network_still_connects() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        told(&bob, false, true);
        let mut watch = bob.watch().await;
        let id = alice.say(group, "on this machine").await;
        watch.message(id).await;
    });
}

#[test]
fn a_node_that_wants_fewer_requests_is_not_hammered_by_streams() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let slower = Fault::Error {
            code: 8,
            message: "slower".into(),
        };
        world.machine.asked.borrow_mut().clear();
        world.faults().add(Rule::times("Subscribe*", slower, 3));
        let mut watch = Watch::new(bob.client.events().expect("open"));
        // the page's good news hurry nobody
        for online in [false, true, false, true] {
            told(&bob, online, true);
        }
        watch.connected(&bob.client).await;
        let asked = world.machine.asked.borrow().clone();
        let long: Vec<_> = asked
            .iter()
            .filter(|pause| **pause >= Duration::from_secs(1))
            .collect();
        assert!(long.len() >= 3, "{asked:?}");
        assert!(
            asked.iter().any(|pause| *pause >= Duration::from_secs(16)),
            "{asked:?}"
        );
        let id = alice.say(group, "at last").await;
        watch.message(id).await;
        assert_eq!(watch.count(id), 1);
    });
}

#[test]
fn a_node_that_wants_fewer_requests_is_not_hammered_by_calls() {
    story(async {
        let world = World::new().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let slower = Fault::Error {
            code: 8,
            message: "slower".into(),
        };
        world.faults().add(Rule::times("SendGroupMessages", slower, 3));
        world.machine.asked.borrow_mut().clear();
        let before = world.faults().calls("SendGroupMessages");
        let id = alice.say(group, "slowly").await;
        assert_eq!(world.faults().calls("SendGroupMessages"), before + 4);
        let asked = world.machine.asked.borrow().clone();
        let waited: Duration = asked.iter().sum();
        assert!(waited >= Duration::from_secs(1 + 3 + 9), "{asked:?}");
        bob.sync().await;
        assert_eq!(bob.ids(group).last(), Some(&id));
    });
}

#[test]
fn two_hundred_messages_over_a_connection_that_keeps_breaking_arrive_once_each() {
    story(async {
        let mut world = World::on_disk().await;
        let (alice, bob) = (world.person().await, world.person().await);
        let group = alice.group_with(&[&bob]).await.id();
        let mut watch = bob.watch().await;
        let mut ids = Vec::new();
        for n in 0..200 {
            match n {
                50 | 150 => {
                    world.kill_node().await;
                    world.restart_node().await;
                }
                100 => told(&bob, false, true),
                120 => told(&bob, true, true),
                _ if n % 25 == 0 => {
                    let cut = Fault::CutStream { after: 3 };
                    world.faults().add(Rule::times("SubscribeGroupMessages", cut, 1));
                }
                _ => {}
            }
            ids.push(alice.say(group, &format!("number {n}")).await);
        }
        for id in &ids {
            watch.message(*id).await;
        }
        watch.drain();
        for id in &ids {
            assert_eq!(watch.count(*id), 1);
        }
        let told: Vec<_> = watch
            .messages()
            .into_iter()
            .filter(|id| ids.contains(id))
            .collect();
        assert_eq!(told, ids, "in order");
    });
}
