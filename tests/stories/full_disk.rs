//! The disk is full from each page on that a thing people do writes: the call says so, nothing is half done, and when there is
//! room again the same client goes on.
use std::time::Duration;

use crate::support::{Disk, Person, World, story_within};
use xmtp_web::client::{ClientError, SendOptions};
use xmtp_web::error::{Coded as _, ErrorCode};
use xmtp_web::groups::field;
use xmtp_web::ids::GroupId;
use xmtp_web::storage::DeliveryStatus;

/// A matrix is some hundred stories.
const PATIENCE: Duration = Duration::from_secs(600);

/// Alice on a disk of her own, and Bob.
struct Stage {
    disk: Disk,
    alice: Person,
    bob: Person,
    group: GroupId,
    /// Keeps the node.
    _world: World,
}

impl Stage {
    async fn new() -> Self {
        let (world, disk) = (World::new().await, Disk::new());
        let wallet = world.wallet();
        let file = Some(disk.file("alice.db"));
        let alice = Person::open(&wallet, file, world.url(), &world.machine)
            .await
            .expect("opens");
        alice.sign_and_register().await.expect("registers");
        let bob = world.person().await;
        let group = alice.group_with(&[&bob]).await.id();
        Self {
            disk,
            alice,
            bob,
            group,
            _world: world,
        }
    }

    /// Does `act` again and again, each time with room for one page more, until it gets through.
    async fn matrix(
        &self,
        prepare: impl AsyncFn(&Self, u64),
        act: impl AsyncFn(&Self, u64) -> Result<(), ClientError>,
        check: impl AsyncFn(&Self, u64, bool),
    ) {
        let mut refused = 0;
        for round in 0.. {
            prepare(self, round).await;
            self.disk.full_after(round);
            let outcome = act(self, round).await;
            let was_full = self.disk.make_room();
            if let Err(error) = &outcome {
                assert_eq!(error.code(), ErrorCode::StorageFull, "{error}");
                assert!(error.is_retryable());
                refused += 1;
            }
            // The same client, without being opened again.
            check(self, round, outcome.is_ok()).await;
            self.talk(round).await;
            if !was_full {
                assert!(outcome.is_ok());
                break;
            }
        }
        assert!(refused > 3, "refused {refused} times");
    }

    async fn agree(&self) {
        self.alice.sync().await;
        self.bob.sync().await;
        assert_eq!(self.alice.texts(self.group), self.bob.texts(self.group));
        assert_eq!(self.alice.epoch_of(self.group), self.bob.epoch_of(self.group));
        assert_eq!(self.alice.name_of(self.group), self.bob.name_of(self.group));
        for message in self.alice.messages(self.group) {
            assert_eq!(message.delivery_status, DeliveryStatus::Published);
        }
    }

    async fn talk(&self, round: u64) {
        let words = [format!("{round}: is there room?"), format!("{round}: yes")];
        self.alice.say(self.group, &words[0]).await;
        self.bob.say(self.group, &words[1]).await;
        self.agree().await;
        let texts = self.alice.texts(self.group);
        assert_eq!(texts[texts.len() - 2..], words);
    }
}

async fn nothing(_: &Stage, _: u64) {}

#[test]
fn a_message_that_found_no_room_is_sent_once_or_not_at_all() {
    story_within(PATIENCE, async {
        let stage = Stage::new().await;
        let act = async |stage: &Stage, round| {
            let group = stage.alice.group(stage.group);
            let sent = group
                .send_text(&format!("message {round}"), SendOptions::default())
                .await;
            sent.map(|_| ())
        };
        let check = async |stage: &Stage, round, succeeded: bool| {
            stage.agree().await;
            let text = format!("message {round}");
            let times = stage
                .bob
                .texts(stage.group)
                .iter()
                .filter(|said| **said == text)
                .count();
            assert!(times == 1 || !succeeded && times == 0, "{times} times");
        };
        stage.matrix(nothing, act, check).await;
    });
}

#[test]
fn messages_that_found_no_room_are_received_once_there_is_some() {
    story_within(PATIENCE, async {
        let stage = Stage::new().await;
        let prepare = async |stage: &Stage, round| {
            for n in 0..3 {
                stage.bob.say(stage.group, &format!("{round}.{n}")).await;
            }
        };
        let act = async |stage: &Stage, _| stage.alice.group(stage.group).sync().await.map(|_| ());
        let check = async |stage: &Stage, round, _| {
            stage.agree().await;
            let texts = stage.alice.texts(stage.group);
            let new: Vec<_> = (0..3).map(|n| format!("{round}.{n}")).collect();
            assert_eq!(texts[texts.len() - 3..], new);
        };
        stage.matrix(prepare, act, check).await;
    });
}

#[test]
fn a_change_that_found_no_room_is_made_or_not() {
    story_within(PATIENCE, async {
        let stage = Stage::new().await;
        let act = async |stage: &Stage, round: u64| {
            let group = stage.alice.group(stage.group);
            group.update_field(field::NAME, &format!("name {round}")).await
        };
        let check = async |stage: &Stage, round: u64, succeeded: bool| {
            stage.agree().await;
            let is_made = stage.bob.name_of(stage.group) == format!("name {round}");
            assert!(is_made || !succeeded);
        };
        stage.matrix(nothing, act, check).await;
    });
}
