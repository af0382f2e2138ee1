//! History that one installation asks another for.
use std::rc::Rc;

use crate::support::{Person, Shelf, Wallet, World, story};
use xmtp_web::client::{ClientOptions, Event};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::ids::GroupId;
use xmtp_web::preferences::archive::{ArchiveElement, ArchiveOptions};
use xmtp_web::preferences::{Consent, Entity};
use xmtp_web::storage::ConsentState::{Denied, Unknown};
use xmtp_web::transport::files::MAX_FILE;

const SERVER: &str = "http://history.example";

/// An installation that reaches the history server; in memory or in a file.
async fn open(world: &World, wallet: &Wallet, shelf: &Rc<Shelf>, file: Option<&str>) -> Person {
    let options = ClientOptions {
        files: Some(Rc::clone(shelf) as Rc<_>),
        ..ClientOptions::new(wallet.identifier())
    };
    let file = file.map(|name| world.file(name));
    Person::open_with(options, wallet, file, world.url(), &world.machine)
        .await
        .expect("the client opens")
}

async fn device(world: &World, wallet: &Wallet, shelf: &Rc<Shelf>) -> Person {
    let person = open(world, wallet, shelf, None).await;
    person.sign_and_register().await.expect("registers");
    person
}

/// A laptop that has said hi to Bob, and a phone that came later.
struct Stage {
    world: World,
    shelf: Rc<Shelf>,
    laptop: Person,
    phone: Person,
    group: GroupId,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let (wallet, shelf) = (world.wallet(), Rc::new(Shelf::default()));
        let (laptop, bob) = (device(&world, &wallet, &shelf).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await.id();
        laptop.say(group, "hi").await;
        let phone = device(&world, &wallet, &shelf).await;
        settle(&[&laptop, &phone]).await;
        Self {
            world,
            shelf,
            laptop,
            phone,
            group,
        }
    }
}

/// Decides that somebody is not to be heard of.
fn deny(person: &Person, entity: &Entity) {
    let denied = Consent {
        entity: entity.clone(),
        state: Denied,
    };
    let preferences = person.client.preferences();
    preferences.set_consent_states(&[denied]).expect("decides");
}

/// Everybody reads and says what there is.
async fn settle(devices: &[&Person]) {
    for _ in 0..3 {
        for device in devices.iter().rev() {
            device.sync().await;
            hand_over(device).await;
        }
    }
}

/// Does what was asked, and takes in what was answered.
async fn hand_over(device: &Person) {
    device.client.sync_all_device_sync_groups().await.expect("syncs");
}

/// The whole of it.
async fn ask(person: &Person) {
    person
        .client
        .send_sync_request(&ArchiveOptions::default(), SERVER)
        .await
        .expect("is sent");
}

#[test]
fn what_was_said_before_is_asked_for_and_appears_by_itself() {
    story(async {
        let world = World::new().await;
        let (wallet, shelf) = (world.wallet(), Rc::new(Shelf::default()));
        let (laptop, bob) = (device(&world, &wallet, &shelf).await, world.person().await);
        let group = laptop.group_with(&[&bob]).await.id();
        for number in 0..20 {
            laptop.say(group, &format!("line {number}")).await;
        }
        let entity = Entity::Inbox(bob.inbox_id());
        deny(&laptop, &entity);
        let phone = device(&world, &wallet, &shelf).await;
        settle(&[&laptop, &phone]).await;
        assert_eq!(phone.texts(group), Vec::<String>::new(), "nobody asked");

        ask(&phone).await;
        settle(&[&laptop, &phone]).await;
        assert_eq!(phone.texts(group).len(), 20);
        assert_eq!(phone.texts(group).first().map(String::as_str), Some("line 0"));
        let state = phone.client.preferences().consent_state(&entity);
        assert_eq!(state.expect("reads"), Denied);
        let asked = shelf.asked.get();
        assert_eq!(asked, 2, "put there once, fetched once");
        settle(&[&laptop, &phone]).await;
        assert_eq!(shelf.asked.get(), asked, "and never again");

        let found = phone.client.available_archives(1).expect("reads");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sent_by, laptop.client.installation_id());
        let metadata = found[0].reply.metadata.as_ref().expect("says what it is");
        assert_eq!(metadata.elements, ArchiveOptions::default().elements);
        assert!(shelf.files.borrow().keys().all(|url| url.starts_with(SERVER)));
    });
}

#[test]
fn who_watches_gets_it_without_a_sync() {
    story(async {
        let Stage {
            world: _world,
            shelf: _shelf,
            laptop,
            phone,
            group,
        } = Stage::new().await;
        let (_hers, mut watch) = (laptop.watch().await, phone.watch().await);
        ask(&phone).await;
        watch.until(|event| *event == Event::Group(group)).await;
        assert_eq!(phone.texts(group), ["hi"]);
    });
}

#[test]
fn an_archive_that_nobody_asked_for_is_taken_in_when_the_person_says_so() {
    story(async {
        let Stage {
            world,
            laptop,
            phone,
            group,
            ..
        } = Stage::new().await;
        let decisions = ArchiveOptions {
            elements: vec![ArchiveElement::Consent],
            ..Default::default()
        };
        for (pin, options) in [("all", &ArchiveOptions::default()), ("decisions", &decisions)] {
            world.later(std::time::Duration::from_secs(1));
            let sent = laptop.client.send_sync_archive(pin, options, SERVER).await;
            sent.expect("is sent");
        }
        settle(&[&laptop, &phone]).await;
        assert_eq!(phone.texts(group), Vec::<String>::new());
        let found = phone.client.available_archives(1).expect("reads");
        let pins: Vec<_> = found.iter().map(|archive| archive.reply.pin.as_str()).collect();
        assert_eq!(pins, ["decisions", "all"], "the newest first");
        world.later(std::time::Duration::from_secs(48 * 60 * 60));
        assert_eq!(phone.client.available_archives(1).expect("reads"), []);

        let newest = phone
            .client
            .process_sync_archive(None)
            .await
            .expect("is taken in");
        assert_eq!(newest.messages, 0, "decisions alone");
        let chosen = phone.client.process_sync_archive(Some("all")).await;
        assert!(chosen.expect("is taken in").messages > 0);
        assert_eq!(phone.texts(group), ["hi"]);
        let none = phone.client.process_sync_archive(Some("other")).await;
        assert_eq!(
            none.expect_err("nobody told of it").code(),
            ErrorCode::UnknownArchive
        );
    });
}

#[test]
fn who_cannot_be_answered_is_told() {
    story(async {
        let world = World::new().await;
        let (wallet, shelf) = (world.wallet(), Rc::new(Shelf::default()));
        let alone = device(&world, &wallet, &shelf).await;
        let everything = ArchiveOptions::default();
        let asked = alone.client.send_sync_request(&everything, SERVER).await;
        assert_eq!(
            asked.expect_err("there is nobody").code(),
            ErrorCode::NoOtherInstallation
        );
        let asked = alone.client.send_sync_request(&everything, "ftp://here").await;
        assert_eq!(asked.expect_err("no address").code(), ErrorCode::InvalidArgument);
        let silent = world.person().await;
        let asked = silent.client.send_sync_request(&everything, SERVER).await;
        assert_eq!(
            asked.expect_err("device sync is off").code(),
            ErrorCode::UnsupportedOption
        );
        assert_eq!(shelf.asked.get(), 0);
    });
}

#[test]
fn a_server_that_is_away_is_tried_again_a_few_times() {
    story(async {
        let Stage {
            world: _world,
            shelf,
            laptop,
            phone,
            group,
        } = Stage::new().await;
        shelf.is_away.set(true);
        ask(&phone).await;
        hand_over(&laptop).await;
        assert_eq!(shelf.asked.get(), 1);
        shelf.is_away.set(false);
        settle(&[&laptop, &phone]).await;
        assert_eq!(phone.texts(group), ["hi"]);

        shelf.is_away.set(true);
        ask(&phone).await;
        let before = shelf.asked.get();
        for _ in 0..10 {
            hand_over(&laptop).await;
        }
        assert_eq!(shelf.asked.get(), before + 3, "then it is given up");
    });
}

#[test]
fn a_server_that_never_answers_holds_nothing_up_and_what_was_asked_outlives_the_app() {
    story(async {
        let world = World::new().await;
        let (wallet, shelf) = (world.wallet(), Rc::new(Shelf::default()));
        let laptop = open(&world, &wallet, &shelf, Some("laptop.db")).await;
        laptop.sign_and_register().await.expect("registers");
        let bob = world.person().await;
        let group = laptop.group_with(&[&bob]).await.id();
        laptop.say(group, "hi").await;
        let phone = device(&world, &wallet, &shelf).await;
        settle(&[&laptop, &phone]).await;
        shelf.is_silent.set(true);
        ask(&phone).await;
        laptop.sync().await;
        shelf.until_asked(1).await;
        // While the server is waited for, everything else goes on, what is told to the other installations too.
        bob.say(group, "and?").await;
        let entity = Entity::Inbox(bob.inbox_id());
        deny(&laptop, &entity);
        laptop.sync().await;
        assert_eq!(laptop.texts(group), ["hi", "and?"]);
        phone.sync().await;
        let state = phone.client.preferences().consent_state(&entity);
        assert_eq!(state.expect("reads"), Denied);

        laptop.client.close();
        drop(laptop);
        shelf.is_silent.set(false);
        let laptop = open(&world, &wallet, &shelf, Some("laptop.db")).await;
        settle(&[&laptop, &phone]).await;
        assert_eq!(phone.texts(group), ["hi", "and?"]);
    });
}

#[test]
fn what_ends_the_app_in_the_middle_is_not_done_each_time_it_is_opened() {
    story(async {
        let world = World::new().await;
        let (wallet, shelf) = (world.wallet(), Rc::new(Shelf::default()));
        let mut laptop = open(&world, &wallet, &shelf, Some("laptop.db")).await;
        laptop.sign_and_register().await.expect("registers");
        let phone = device(&world, &wallet, &shelf).await;
        settle(&[&laptop, &phone]).await;
        ask(&phone).await;
        shelf.is_silent.set(true);
        for opened in 1..=5 {
            laptop.sync().await;
            shelf.until_asked(opened.min(3)).await;
            laptop.client.close();
            drop(laptop);
            laptop = open(&world, &wallet, &shelf, Some("laptop.db")).await;
        }
        shelf.is_silent.set(false);
        hand_over(&laptop).await;
        assert_eq!(shelf.asked.get(), 3, "then it is given up");
    });
}

#[test]
fn an_archive_that_was_changed_or_is_gone_changes_nothing() {
    story(async {
        let Stage {
            world,
            shelf,
            laptop,
            phone,
            group,
        } = Stage::new().await;
        let entity = Entity::Inbox(world.person().await.inbox_id());
        let sent = laptop
            .client
            .send_sync_archive("pin", &ArchiveOptions::default(), SERVER)
            .await;
        sent.expect("is sent");
        settle(&[&laptop, &phone]).await;
        let (url, mut file) = shelf.files.borrow_mut().pop_first().expect("one");
        let take = async |shelf: &Shelf, file: Option<Vec<u8>>| {
            shelf.files.borrow_mut().clear();
            if let Some(file) = file {
                shelf.files.borrow_mut().insert(url.clone(), file);
            }
            let taken = phone.client.process_sync_archive(None).await;
            taken.expect_err("it is not right").code()
        };
        assert_eq!(take(&shelf, None).await, ErrorCode::RequestRejected);
        let half = file[..file.len() / 2].to_vec();
        assert_eq!(take(&shelf, Some(half)).await, ErrorCode::InvalidArchive);
        assert_eq!(
            take(&shelf, Some(b"<html>".to_vec())).await,
            ErrorCode::InvalidArchive
        );
        let endless = vec![0; MAX_FILE + 1];
        assert_eq!(take(&shelf, Some(endless)).await, ErrorCode::InvalidResponse);
        // The last byte belongs to the block around it.
        let last_of_element = file.len() - 2;
        file[last_of_element] ^= 1;
        assert_eq!(take(&shelf, Some(file)).await, ErrorCode::WrongArchiveKey);
        assert_eq!(phone.texts(group), Vec::<String>::new());
        let state = phone.client.preferences().consent_state(&entity);
        assert_eq!(state.expect("reads"), Unknown);
    });
}
