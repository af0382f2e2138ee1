//! One story: people, groups, trouble, and what must hold when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use xmtp_web::client::ListOptions;
use xmtp_web::groups::{GroupMembership, NewGroup, PolicySet, Preset};
use xmtp_web::ids::{GroupId, InboxId, InstallationId, MessageId};
use xmtp_web::mls::{Group, Provider};
use xmtp_web::storage::{DeliveryStatus, Store, StoreOptions};

use crate::act::{honestly, trouble};
use crate::dishonest::{Forger, Forgery, Target, forge, publish};
use crate::recorder::{Record, Recorder};
use crate::registry::Registry;
use crate::support::{Chance, Person, Wallet, Watch, World};

/// Names are files. The first makes the groups; the last two are dishonest; the three before are not in at first.
const NAMES: [&str; 8] = [
    "alice", "bob", "carol", "dave", "erin", "phone", "mallory", "trudy",
];
/// Carol's second installation, which comes and goes.
const PHONE: usize = 5;
/// From here on they are dishonest.
const DISHONEST: usize = 6;
/// Those who watch what happens.
const WATCHING: [usize; 2] = [1, 3];

struct Stage {
    world: World,
    seed: u64,
    people: Vec<Option<Person>>,
    watches: BTreeMap<usize, Watch>,
    wallets: Vec<Wallet>,
    groups: Vec<GroupId>,
    registry: Registry,
    /// Commits made by hand, and those of them that nobody may accept.
    forged: BTreeSet<[u8; 32]>,
    hopeless: BTreeSet<[u8; 32]>,
    past: BTreeMap<GroupId, Vec<Vec<u8>>>,
    phones: usize,
    /// The commits that dishonest ones make, if they are not to make all kinds.
    favourites: &'static [usize],
}

/// A person's file.
fn file_of(name: &str, generation: usize) -> String {
    format!("{name}-{generation}")
}

impl Stage {
    fn person(&self, number: usize) -> Option<&Person> {
        self.people[number].as_ref()
    }

    fn present(&self) -> impl Iterator<Item = (usize, &Person)> {
        self.people
            .iter()
            .enumerate()
            .filter_map(|(number, person)| Some((number, person.as_ref()?)))
    }

    fn path(&self, number: usize) -> PathBuf {
        let generation = if number == PHONE { self.phones } else { 0 };
        self.world.file(&file_of(NAMES[number], generation))
    }

    async fn set(seed: u64) -> (Self, Recorder) {
        let world = World::on_disk().await;
        let mut registry = Registry::default();
        let mut people = Vec::new();
        let mut wallets = Vec::new();
        for (number, name) in NAMES.iter().enumerate() {
            let wallet = world.wallet();
            wallets.push(wallet.clone());
            if number == PHONE {
                people.push(None);
                continue;
            }
            let person = world.visitor_with_file(&wallet, &file_of(name, 0)).await;
            person.sign_and_register().await.expect("registers");
            let device = person.client.installation_id();
            registry
                .note(&world, person.inbox_id(), |set| {
                    set.insert(device);
                })
                .await;
            people.push(Some(person));
        }
        let recorder = world.person_with_file("recorder").await;
        let device = recorder.client.installation_id();
        registry
            .note(&world, recorder.inbox_id(), |set| {
                set.insert(device);
            })
            .await;
        let inbox = |number: usize| people[number].as_ref().expect("there").inbox_id();
        let alice = people[0].as_ref().expect("there");
        let mut groups = Vec::new();
        for preset in [Preset::AllMembers, Preset::AdminOnly] {
            let new = NewGroup {
                permissions: PolicySet::preset(preset),
                ..Default::default()
            };
            let members = [inbox(1), inbox(2), inbox(6), inbox(7), recorder.inbox_id()];
            let made = alice.client.conversations().create_group(&members, &new).await;
            let made = made.expect("is made");
            made.update_admins(xmtp_web::groups::intent::AdminChange::AddAdmin, inbox(7))
                .await
                .expect("an admin");
            groups.push(made.id());
        }
        for number in [1, 2, 6, 7] {
            people[number].as_ref().expect("there").sync().await;
        }
        recorder.sync().await;
        let known = recorder.client.conversations().list(&ListOptions::default());
        assert_eq!(known.expect("lists").len(), groups.len());
        drop(recorder);
        let store = Store::open(StoreOptions::file(world.file("recorder"))).expect("opens");
        let read: Vec<_> = groups.iter().map(|id| (*id, cursor(&store, *id))).collect();
        drop(store);
        let recorder = Recorder::new(&world.file("recorder"), &read);
        let mut stage = Self {
            world,
            seed,
            people,
            watches: BTreeMap::new(),
            wallets,
            groups,
            registry,
            forged: BTreeSet::new(),
            hopeless: BTreeSet::new(),
            past: BTreeMap::new(),
            phones: 0,
            favourites: &[],
        };
        for number in WATCHING {
            stage.watch(number);
        }
        (stage, recorder)
    }

    fn watch(&mut self, number: usize) {
        if let Some(old) = self.watches.remove(&number) {
            self.told_once(number, old);
        }
        let events = self.person(number).expect("there").client.events().expect("open");
        self.watches.insert(number, Watch::new(events));
    }

    fn told_once(&self, number: usize, mut watch: Watch) {
        watch.drain();
        let told = watch.messages();
        let distinct: BTreeSet<&MessageId> = told.iter().collect();
        assert_eq!(
            distinct.len(),
            told.len(),
            "seed {}: {} heard twice",
            self.seed,
            NAMES[number]
        );
    }

    /// Everybody there is, as somebody a forgery or a change may be about.
    fn targets(&self) -> Vec<Target> {
        let target = |person: &Person| Target {
            inbox: person.inbox_id(),
            device: person.client.installation_id(),
        };
        self.present().map(|(_, person)| target(person)).collect()
    }

    async fn restart(&mut self, number: usize) {
        let Some(person) = self.people[number].take() else {
            return;
        };
        if let Some(watch) = self.watches.remove(&number) {
            self.told_once(number, watch);
        }
        self.people[number] = Some(person.reopened().await);
        if WATCHING.contains(&number) {
            self.watch(number);
        }
    }

    async fn restart_node(&mut self) {
        self.world.kill_node().await;
        self.world.restart_node().await;
    }

    /// Carol gets a second installation, or loses it.
    async fn phone(&mut self) {
        let faults = self.world.faults().rules();
        self.world.faults().clear();
        let wallet = self.wallets[2].clone();
        match self.people[PHONE].take() {
            None => {
                self.phones += 1;
                let file = file_of(NAMES[PHONE], self.phones);
                let phone = self.world.visitor_with_file(&wallet, &file).await;
                phone.sign_and_register().await.expect("registers");
                let device = phone.client.installation_id();
                self.registry
                    .note(&self.world, phone.inbox_id(), |set| {
                        set.insert(device);
                    })
                    .await;
                self.people[PHONE] = Some(phone);
            }
            Some(phone) => {
                self.world.revoke(&wallet, &phone).await;
                let device = phone.client.installation_id();
                self.registry
                    .note(&self.world, phone.inbox_id(), |set| {
                        set.remove(&device);
                    })
                    .await;
                phone.client.close();
            }
        }
        for rule in faults {
            self.world.faults().add(rule);
        }
    }

    /// A dishonest one makes something by hand.
    async fn forge(&mut self, number: usize, chance: &mut Chance) {
        let group = *chance.of(&self.groups);
        let person = self.person(number).expect("there");
        if !chance.once_in(4) {
            drop(person.client.sync_all().await);
        }
        let past = self.past.entry(group).or_default().clone();
        let targets = self.targets();
        let made = forge(
            Forger::new(&self.world, &self.path(number), group),
            &targets,
            &self.registry,
            &past,
            self.favourites,
            chance,
        )
        .await;
        for Forgery {
            data,
            is_commit,
            hopeless,
        } in made
        {
            let hash = Sha256::digest(&data).into();
            if is_commit {
                self.forged.insert(hash);
            }
            if hopeless {
                self.hopeless.insert(hash);
            }
            self.past.entry(group).or_default().push(data.clone());
            publish(&self.world, data).await;
        }
    }

    /// Two people do something at once, sometimes the same one; sometimes one of them is cut off.
    async fn step(&mut self, n: usize, chance: &mut Chance) {
        if chance.once_in(3) {
            trouble(&self.world, chance);
        }
        match chance.below(30) {
            0 => self.restart(chance.below(NAMES.len())).await,
            1 => self.restart_node().await,
            2 => self.phone().await,
            3 => {
                let page = self
                    .world
                    .api()
                    .query_group_messages(*chance.of(&self.groups), 0)
                    .await;
                for envelope in page.map(|page| page.items).unwrap_or_default() {
                    self.past
                        .entry(envelope.group_id)
                        .or_default()
                        .push(envelope.data);
                }
            }
            _ => {}
        }
        if chance.once_in(3) {
            let number = DISHONEST + chance.below(NAMES.len() - DISHONEST);
            self.forge(number, chance).await;
            return;
        }
        let others: Vec<InboxId> = self.targets().iter().map(|target| target.inbox).collect();
        let there: Vec<&Person> = self.present().map(|(_, person)| person).collect();
        let (one, other) = (*chance.of(&there), *chance.of(&there));
        let groups = (*chance.of(&self.groups), *chance.of(&self.groups));
        let mut chances = (chance.fork(), chance.fork());
        let first = honestly(&self.world, one, groups.0, &others, 2 * n, &mut chances.0);
        let second = honestly(&self.world, other, groups.1, &others, 2 * n + 1, &mut chances.1);
        if chance.once_in(5) {
            futures::future::select(std::pin::pin!(first), std::pin::pin!(second)).await;
        } else {
            futures::join!(first, second);
        }
        for watch in self.watches.values_mut() {
            watch.drain();
        }
    }

    /// Everybody reads and sends everything, until nothing moves any more.
    async fn calm(&self) {
        self.world.faults().clear();
        for round in 0..6 {
            if round == 1 {
                self.world.later(Duration::from_secs(31 * 60));
            }
            for (number, person) in self.present() {
                let synced = person.client.sync_all().await;
                assert!(
                    round < 5 || number >= DISHONEST || synced.is_ok(),
                    "seed {}: {} cannot sync: {synced:?}",
                    self.seed,
                    NAMES[number]
                );
                for group in &self.groups {
                    let Some(handle) = person.find(*group) else {
                        continue;
                    };
                    for message in person.messages(*group) {
                        if message.delivery_status == DeliveryStatus::Failed && person.is_member_of(*group) {
                            drop(handle.resend(message.id).await);
                        }
                    }
                }
            }
        }
    }

    fn check(&self, recorder: &Recorder) {
        for (group, record) in &recorder.records {
            for hash in &self.hopeless {
                let got_in = record.accepted.contains(hash);
                assert!(
                    !got_in,
                    "seed {}: the model let something in that nobody may",
                    self.seed
                );
            }
            for (number, person) in self.present().filter(|(number, _)| *number < DISHONEST) {
                let device = person.client.installation_id();
                let name = NAMES[number];
                if record.stranded.contains(&device) {
                    continue;
                }
                if record.state.leaves.contains(&device) {
                    let about = format!("seed {}: {name} in {group:?}", self.seed);
                    self.agrees(number, person, *group, record, &about);
                } else if person.find(*group).is_some() {
                    let is_in = person.is_member_of(*group);
                    assert!(!is_in, "seed {}: {name} is out and does not know", self.seed);
                }
            }
        }
    }

    /// A member has what the model has.
    fn agrees(&self, number: usize, person: &Person, group: GroupId, record: &Record, about: &str) {
        let state = &record.state;
        let handle = person
            .find(group)
            .unwrap_or_else(|| panic!("{about}: not joined"));
        let view = handle.view().expect("readable");
        assert!(view.is_active, "{about}: thinks it is out");
        assert_eq!(view.epoch, state.epoch, "{about}: epoch");
        assert_eq!(view.metadata, state.metadata, "{about}: metadata");
        assert_eq!(view.permissions, state.policies, "{about}: permissions");
        let store = Store::open(StoreOptions::file(self.path(number))).expect("opens");
        let loaded = Group::load(&Provider::new(&store), group).expect("stored");
        assert_eq!(
            loaded.epoch_authenticator(),
            state.authenticator,
            "{about}: forked"
        );
        let leaves: BTreeSet<InstallationId> = loaded.leaves().map(|leaf| leaf.installation_id).collect();
        assert_eq!(leaves, state.leaves, "{about}: leaves");
        let membership = GroupMembership::decode(loaded.context().membership.as_deref());
        assert_eq!(membership.expect("decodes"), state.membership, "{about}: members");
        let waiting = store.groups_with_open_intents().expect("readable");
        assert!(
            !waiting.contains(&group),
            "{about}: something still waits to be sent"
        );

        let messages = person.messages(group);
        let ids: BTreeSet<MessageId> = messages.iter().map(|message| message.id).collect();
        assert_eq!(ids.len(), messages.len(), "{about}: a message twice");
        let heard: BTreeSet<MessageId> = record.heard.iter().map(|heard| heard.id).collect();
        for message in &messages {
            assert_eq!(message.delivery_status, DeliveryStatus::Published, "{about}");
            assert!(
                heard.contains(&message.id),
                "{about}: a message that does not count"
            );
        }
        let device = person.client.installation_id();
        for heard in record
            .heard
            .iter()
            .filter(|heard| heard.readers.contains(&device))
        {
            assert!(ids.contains(&heard.id), "{about}: a message is missing");
        }
    }
}

fn cursor(store: &Store, group: GroupId) -> u64 {
    use xmtp_web::groups::originator::{COMMITS, MESSAGES};
    use xmtp_web::storage::CursorKind::{ApplicationMessage, CommitMessage};
    let at = |kind, originator| {
        store
            .cursor(group.as_bytes(), kind, originator)
            .expect("readable")
    };
    at(CommitMessage, COMMITS).max(at(ApplicationMessage, MESSAGES))
}

/// Tells one story; answers what happened in it.
pub(crate) async fn happens(seed: u64, steps: usize) -> String {
    happens_with(seed, steps, &[]).await
}

/// The same with dishonest ones who make these commits alone; if there are none, all.
pub(crate) async fn happens_with(seed: u64, steps: usize, favourites: &'static [usize]) -> String {
    let (mut stage, mut recorder) = Stage::set(seed).await;
    stage.favourites = favourites;
    let mut chance = Chance(seed);
    for n in 0..steps {
        stage.step(n, &mut chance).await;
    }
    stage.calm().await;
    recorder.read(&stage.world, &stage.registry, &stage.forged).await;
    stage.check(&recorder);
    // and it goes on
    for group in stage.groups.clone() {
        let alice = stage.person(0).expect("there");
        alice.say(group, "the end").await;
    }
    stage.calm().await;
    recorder.read(&stage.world, &stage.registry, &stage.forged).await;
    stage.check(&recorder);
    for (number, watch) in std::mem::take(&mut stage.watches) {
        stage.told_once(number, watch);
    }
    let mut told = Vec::new();
    for record in recorder.records.values() {
        let refused: usize = record.refused.values().sum();
        let forged = record.accepted.intersection(&stage.forged).count();
        told.push(format!(
            "epoch {}, {} members, {} messages, {} commits ({forged} by hand), {refused} refused {:?}",
            record.state.epoch,
            record.state.membership.members.len(),
            record.heard.len(),
            record.accepted.len(),
            record.refused,
        ));
    }
    told.join("; ")
}
