//! The plug is pulled at each write of a thing people do: afterwards it has happened or not, on both sides alike.
//!
//! `npm run test:crash` tries each point with a torn write too, and prints how many there were.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::time::Duration;

use support::earlier::{SCHEMAS, database_of};
use support::{Disk, LastWrite, Person, Wallet, World, story_within};
use xmtp_web::client::SendOptions;
use xmtp_web::groups::intent::AdminChange;
use xmtp_web::groups::{NewGroup, field};
use xmtp_web::ids::GroupId;
use xmtp_web::storage::{CursorKind, DeliveryStatus, StorageError, Store, StoreOptions, Transaction};

/// A matrix is some hundred stories.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a point of the matrix was.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// Counts the points.
    round: u64,
    /// The plug was pulled before the action was through.
    was_cut: bool,
}

/// Alice on a disk of her own, and the others.
struct Stage {
    world: World,
    disk: Disk,
    alice: Person,
    bob: Person,
    group: GroupId,
}

impl Stage {
    async fn new() -> Self {
        let (world, disk) = (World::new().await, Disk::new());
        let wallet = world.wallet();
        let alice = Person::open(&wallet, Some(disk.file("alice.db")), world.url(), &world.machine)
            .await
            .expect("the client opens");
        alice.sign_and_register().await.expect("registers");
        let bob = world.person().await;
        let group = alice.group_with(&[&bob]).await.id();
        Self {
            world,
            disk,
            alice,
            bob,
            group,
        }
    }

    /// Does `act` again and again, each time with the plug pulled one write later, until it gets through; each time
    /// the app is opened again, and `check`ed. Answers how many points there were.
    async fn matrix(
        mut self,
        what: &str,
        prepare: impl AsyncFn(&Self, u64),
        act: impl AsyncFn(&Self, u64) -> bool,
        check: impl AsyncFn(&Self, Point),
    ) {
        let mut round = 0;
        for last in last_writes() {
            for writes in 0.. {
                round += 1;
                prepare(&self, round).await;
                self.disk.cut_after(writes, last);
                let succeeded = act(&self, round).await;
                let was_cut = self.disk.is_off();
                assert!(was_cut || succeeded, "{what} failed with all its writes");
                self.disk.restart();
                self.alice = self.alice.reopened().await;
                check(&self, Point { round, was_cut }).await;
                if !was_cut {
                    assert!(writes > 0, "{what} writes nothing");
                    break;
                }
            }
        }
        println!("{what}: {round} points");
    }

    /// Both have read everything and hold the same.
    async fn agree(&self) {
        self.alice.sync().await;
        self.bob.sync().await;
        assert_eq!(self.alice.ids(self.group), self.bob.ids(self.group));
        assert_eq!(self.alice.texts(self.group), self.bob.texts(self.group));
        assert_eq!(self.alice.epoch_of(self.group), self.bob.epoch_of(self.group));
        assert_eq!(self.alice.name_of(self.group), self.bob.name_of(self.group));
        assert_eq!(self.alice.members_of(self.group), self.bob.members_of(self.group));
    }

    /// Both can still speak and be read.
    async fn talk(&self, group: GroupId, round: u64) {
        let words = [format!("{round}: can you read me?"), format!("{round}: yes")];
        self.alice.say(group, &words[0]).await;
        self.bob.say(group, &words[1]).await;
        self.alice.sync().await;
        self.bob.sync().await;
        for person in [&self.alice, &self.bob] {
            let texts = person.texts(group);
            assert_eq!(texts[texts.len() - 2..], words);
        }
    }
}

/// Each point is tried with the write that is cut lost, and with all that was not synced lost; with CRASH_TORN also with a
/// part of that write on the disk.
fn last_writes() -> Vec<LastWrite> {
    let mut last = vec![LastWrite::Lost, LastWrite::Unsynced];
    if std::env::var_os("CRASH_TORN").is_some() {
        last.extend([1, 2, 3].map(LastWrite::Torn));
    }
    last
}

fn crash(told: impl Future<Output = ()>) {
    story_within(PATIENCE, told);
}

fn nothing() -> impl AsyncFn(&Stage, u64) {
    async |_: &Stage, _: u64| {}
}

#[test]
fn a_message_is_sent_once_or_not_at_all() {
    let text = |round: u64| format!("message {round}");
    let times = |person: &Person, group, round| {
        let texts = person.texts(group);
        texts.iter().filter(|said| **said == text(round)).count()
    };
    crash(async {
        let stage = Stage::new().await;
        let act = async |stage: &Stage, round| {
            let group = stage.alice.group(stage.group);
            group
                .send_text(&text(round), SendOptions::default())
                .await
                .is_ok()
        };
        let check = async |stage: &Stage, point: Point| {
            let before = times(&stage.alice, stage.group, point.round);
            stage.agree().await;
            let after = times(&stage.alice, stage.group, point.round);
            assert_eq!(before, after, "what is in the list is sent, what is not is not");
            assert!(after == 1 || point.was_cut && after == 0);
            for message in stage.alice.messages(stage.group) {
                assert_eq!(message.delivery_status, DeliveryStatus::Published);
            }
        };
        stage.matrix("sending a message", nothing(), act, check).await;
    });
}

#[test]
fn what_came_live_and_was_not_on_the_disk_comes_again() {
    crash(async {
        let mut stage = Stage::new().await;
        for round in 0..3 {
            let mut watch = stage.alice.watch().await;
            for n in 0..3 {
                let said = stage.bob.say(stage.group, &format!("{round}.{n}")).await;
                watch.message(said).await;
            }
            let known = stage.alice.texts(stage.group);
            if round == 2 {
                // An answer stands on what it answers.
                stage.alice.say(stage.group, "all read").await;
            }
            stage.disk.cut_after(u64::MAX, LastWrite::Unsynced);
            stage.disk.restart();
            stage.alice = stage.alice.reopened().await;
            let kept = stage.alice.texts(stage.group);
            if round == 2 {
                assert_eq!(kept[..known.len()], known);
            } else {
                assert!(kept.len() < known.len(), "the disk forgets what was not synced");
            }
            stage.agree().await;
            stage.talk(stage.group, round).await;
        }
    });
}

#[test]
fn messages_are_received_once() {
    crash(async {
        let stage = Stage::new().await;
        let prepare = async |stage: &Stage, round| {
            for n in 0..3 {
                stage.bob.say(stage.group, &format!("{round}.{n}")).await;
            }
        };
        let act = async |stage: &Stage, _| stage.alice.group(stage.group).sync().await.is_ok();
        let check = async |stage: &Stage, _| stage.agree().await;
        stage
            .matrix("receiving three messages", prepare, act, check)
            .await;
    });
}

#[test]
fn a_change_is_made_or_not() {
    crash(async {
        let stage = Stage::new().await;
        let act = async |stage: &Stage, round: u64| {
            let group = stage.alice.group(stage.group);
            group.update_field(field::NAME, &round.to_string()).await.is_ok()
        };
        let check = async |stage: &Stage, point: Point| {
            stage.agree().await;
            let name = stage.bob.name_of(stage.group);
            assert!(
                name == point.round.to_string() || point.was_cut && !name.contains(&point.round.to_string())
            );
            stage.talk(stage.group, point.round).await;
        };
        stage.matrix("changing the name", nothing(), act, check).await;
    });
}

#[test]
fn the_change_of_another_is_followed() {
    crash(async {
        let stage = Stage::new().await;
        let bob = stage.bob.inbox_id();
        let group = stage.alice.group(stage.group);
        let change = AdminChange::AddAdmin;
        group.update_admins(change, bob).await.expect("she may");
        stage.bob.sync().await;
        let prepare = async |stage: &Stage, round: u64| {
            let group = stage.bob.group(stage.group);
            let renamed = group.update_field(field::NAME, &round.to_string()).await;
            renamed.expect("an admin may");
            stage.bob.say(stage.group, &format!("it is {round} now")).await;
        };
        let act = async |stage: &Stage, _| stage.alice.group(stage.group).sync().await.is_ok();
        let check = async |stage: &Stage, point: Point| {
            stage.agree().await;
            assert_eq!(stage.alice.name_of(stage.group), point.round.to_string());
            stage.talk(stage.group, point.round).await;
        };
        stage.matrix("receiving a commit", prepare, act, check).await;
    });
}

#[test]
fn a_member_is_added_and_removed_or_not_and_no_welcome_is_forgotten() {
    crash(async {
        let stage = Stage::new().await;
        let carol = stage.world.person().await;
        let act = async |stage: &Stage, _| {
            let (group, inbox) = (stage.alice.group(stage.group), [carol.inbox_id()]);
            if stage.alice.members_of(stage.group).contains(&inbox[0]) {
                group.remove_members(&inbox).await.is_ok()
            } else {
                group.add_members(&inbox).await.is_ok()
            }
        };
        let check = async |stage: &Stage, point: Point| {
            stage.agree().await;
            carol.sync().await;
            let is_member = stage.bob.members_of(stage.group).contains(&carol.inbox_id());
            let knows = carol.find(stage.group).is_some() && carol.is_member_of(stage.group);
            assert_eq!(is_member, knows);
            stage.talk(stage.group, point.round).await;
            if is_member {
                carol.sync().await;
                assert_eq!(
                    carol.texts(stage.group).last(),
                    stage.bob.texts(stage.group).last()
                );
            }
        };
        stage
            .matrix("adding or removing a member", nothing(), act, check)
            .await;
    });
}

#[test]
fn a_welcome_is_not_lost() {
    crash(async {
        let stage = Stage::new().await;
        let made = std::cell::Cell::new(None);
        let prepare = async |stage: &Stage, _| {
            let (conversations, alice) = (stage.bob.client.conversations(), [stage.alice.inbox_id()]);
            let group = conversations.create_group(&alice, &NewGroup::default()).await;
            made.set(Some(group.expect("a group").id()));
        };
        let act = async |stage: &Stage, _| stage.alice.client.sync_all().await.is_ok();
        let check = async |stage: &Stage, point: Point| {
            let group = made.get().expect("prepared");
            stage.alice.sync().await;
            assert!(stage.alice.is_member_of(group));
            stage.talk(group, point.round).await;
        };
        stage.matrix("joining by a welcome", prepare, act, check).await;
    });
}

#[test]
fn a_registration_that_was_cut_takes_one_installation() {
    crash(async {
        let (world, disk) = (World::new().await, Disk::new());
        let bob = world.person().await;
        let mut points = 0_u16;
        for last in last_writes() {
            for writes in 0.. {
                points += 1;
                let (wallet, file) = (Wallet::of_crowd(points), disk.file(&format!("{points}.db")));
                let open = || Person::open(&wallet, Some(file.clone()), world.url(), &world.machine);
                disk.cut_after(writes, last);
                if let Ok(person) = open().await {
                    let _ = person.sign_and_register().await;
                    person.client.close();
                }
                let was_cut = disk.is_off();
                disk.restart();
                let person = open().await.expect("opens");
                person.sign_and_register().await.expect("registers");
                let group = bob.group_with(&[&person]).await.id();
                assert_eq!(bob.devices_in(group, person.inbox_id()), 1);
                person.client.close();
                if !was_cut {
                    assert!(writes > 0, "a registration writes nothing");
                    break;
                }
            }
        }
        println!("registering: {points} points");
    });
}

#[test]
fn a_database_is_migrated_or_not() {
    let disk = Disk::new();
    let mut points = 0;
    for (schema, last) in
        (1..SCHEMAS).flat_map(|schema| last_writes().into_iter().map(move |last| (schema, last)))
    {
        for writes in 0.. {
            points += 1;
            let file = disk.file(&format!("{points}.db"));
            database_of(schema, &file);
            disk.cut_after(writes, last);
            let opened = Store::open(StoreOptions::file(&file));
            let was_cut = disk.is_off();
            assert!(was_cut || opened.is_ok());
            drop(opened);
            disk.restart();
            let store = Store::open(StoreOptions::file(&file)).expect("opens");
            let group = GroupId::try_from(hex::decode(format!("{:032}", 41)).expect("hex").as_slice())
                .expect("an id");
            assert_eq!(
                store.cursor(group.as_bytes(), CursorKind::ApplicationMessage, 10),
                Ok(9)
            );
            store.close().expect("closes");
            if !was_cut {
                assert!(writes > 0, "a migration writes nothing");
                break;
            }
        }
    }
    println!("migrating from each earlier schema: {points} points");
}

#[test]
fn what_a_transaction_changes_is_written_at_once() {
    let disk = Disk::new();
    let store = Store::open(StoreOptions::file(disk.file("gathered.db"))).expect("opens");
    let change = |tx: &Transaction<'_>| -> Result<(), StorageError> {
        for entity in 0..20_u8 {
            tx.advance_cursor(&[entity; 16], CursorKind::CommitMessage, 0, disk.writes() + 1)?;
        }
        tx.put_mls_value(1, b"large", &[7; 60_000])
    };
    store.transaction(change).expect("room");
    let before = disk.writes();
    store.repeatable_transaction(change).expect("room");
    assert_eq!(disk.writes(), before + 1);
    // What is synced is not followed by anything that fills up its sector.
    store.transaction(change).expect("room");
    assert_eq!(disk.writes(), before + 2);
}

/// So many values of 100,000 bytes are more than SQLite's cache of 2 MB, and less than makes it empty the WAL.
const BLOBS: u8 = 28;

/// A transaction that is larger than the cache: pages of it are in the WAL before it ends, and are changed again there.
fn change_much(tx: &Transaction<'_>, value: u8) -> Result<(), StorageError> {
    tx.put_mls_value(1, b"first", &[value; 100])?;
    for n in 0..BLOBS {
        tx.put_mls_value(2, &[n], &[value; 100_000])?;
    }
    tx.put_mls_value(1, b"first", &[value + 1; 100])?;
    tx.put_mls_value(3, b"last", &[value; 100_000])
}

#[test]
fn a_large_transaction_is_there_once_it_has_ended() {
    let disk = Disk::new();
    let file = disk.file("large.db");
    let store = Store::open(StoreOptions::file(&file)).expect("opens");
    store
        .repeatable_transaction(|tx| change_much(tx, 1))
        .expect("room");
    // The process ends: what it has written stays.
    disk.cut_after(0, LastWrite::Lost);
    drop(store);
    disk.restart();
    let store = Store::open(StoreOptions::file(&file)).expect("opens");
    assert_eq!(store.mls_value(1, b"first"), Ok(Some(vec![2; 100])));
    assert_eq!(store.mls_value(3, b"last"), Ok(Some(vec![1; 100_000])));
}

#[test]
fn a_large_transaction_that_found_no_room_changes_nothing() {
    let disk = Disk::new();
    let store = Store::open(StoreOptions::file(disk.file("large.db"))).expect("opens");
    store.transaction(|tx| change_much(tx, 1)).expect("room");
    let mut refused = 0;
    for pages in (0..).step_by(53) {
        disk.full_after(pages);
        let outcome = store.transaction(|tx| {
            change_much(tx, 7)?;
            // What is in the WAL by now is read again.
            assert_eq!(tx.mls_value(2, &[0])?, Some(vec![7; 100_000]));
            Ok::<_, StorageError>(())
        });
        if !disk.make_room() {
            assert_eq!(outcome, Ok(()));
            break;
        }
        store.checkpoint().expect("room");
        refused += 1;
        assert_eq!(outcome, Err(StorageError::Full));
        assert_eq!(store.mls_value(1, b"first"), Ok(Some(vec![2; 100])));
        for n in 0..BLOBS {
            assert_eq!(store.mls_value(2, &[n]), Ok(Some(vec![1; 100_000])));
        }
    }
    assert!(refused > 10, "refused {refused} times");
    assert_eq!(store.mls_value(1, b"first"), Ok(Some(vec![8; 100])));
}

#[test]
fn what_follows_a_large_transaction_that_was_taken_back_is_there() {
    let disk = Disk::new();
    let file = disk.file("taken-back.db");
    let store = Store::open(StoreOptions::file(&file)).expect("opens");
    let taken_back = |tx: &Transaction<'_>| {
        change_much(tx, 1)?;
        Err::<(), _>(StorageError::TransactionLost)
    };
    let whole = store.repeatable_transaction(taken_back);
    assert_eq!(whole, Err(StorageError::TransactionLost));
    let note = |tx: &Transaction<'_>, n| tx.advance_cursor(b"x", CursorKind::CommitMessage, 0, n);
    store.repeatable_transaction(|tx| note(tx, 1)).expect("room");
    let part = store.repeatable_transaction(|tx| {
        note(tx, 2)?;
        assert_eq!(tx.savepoint(taken_back), Err(StorageError::TransactionLost));
        note(tx, 3)
    });
    part.expect("room");
    disk.cut_after(0, LastWrite::Lost);
    drop(store);
    disk.restart();
    let store = Store::open(StoreOptions::file(&file)).expect("opens");
    assert_eq!(store.cursor(b"x", CursorKind::CommitMessage, 0), Ok(3));
    assert_eq!(store.mls_value(1, b"first"), Ok(None));
}
