//! Where the way of a message or a change can be cut, and what became of it: at the sender when the call ended, at the
//! sender after the next sync, and at everybody else.
use std::pin::pin;
use std::time::Duration;

use crate::support::{Disk, LastWrite, Person, Watch, World, story_within, text_of};
use futures::future::{Either, select};
use xmtp_devnode::{Fault, Rule};
use xmtp_web::client::{ClientError, MessageOptions, SendOptions};
use xmtp_web::groups::field;
use xmtp_web::ids::{GroupId, MessageId};
use xmtp_web::storage::{DeliveryStatus, MessageKind};

use DeliveryStatus::{Failed, Published, Unpublished};

const PATIENCE: Duration = Duration::from_secs(300);
const SEND: &str = "SendGroupMessages";
const QUERY: &str = "QueryGroupMessages";

/// A place on the way, and how it is cut there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nowhere,
    /// Nothing can be stored.
    BeforeStoring,
    /// The app ends with what it wants stored and not tried.
    AfterStoring,
    /// The app ends with the payload built and stored, on its way to the node.
    BeforeTheRequest,
    /// A request is lost, and the one that repeats it is not.
    OneRequest,
    /// The node cannot be reached.
    Requests,
    /// The node's answer is lost, and that to the request that repeats it is not.
    OneAnswer,
    /// The node takes everything and is never heard.
    Answers,
    /// The app ends after the node took the payload, before anything of that is stored.
    BeforeTheAnswerIsStored,
    /// The node took it and answered, and cannot be asked for it.
    ReadingBack,
}

/// How the call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    Badly,
    /// It was given up.
    Never,
}

/// Alice, whose way is cut, and Bob, who watches.
struct Stage {
    world: World,
    disk: Disk,
    alice: Person,
    bob: Person,
    group: GroupId,
    /// Alice's, if she watches too.
    watch: Option<Watch>,
    heard: Watch,
}

impl Stage {
    async fn new(watches: bool) -> Self {
        let (world, disk) = (World::new().await, Disk::new());
        world.machine.freeze();
        let wallet = world.wallet();
        let alice = Person::open(&wallet, Some(disk.file("alice.db")), world.url(), &world.machine)
            .await
            .expect("the client opens");
        alice.sign_and_register().await.expect("registers");
        let bob = world.person().await;
        let group = alice.group_with(&[&bob]).await.id();
        // The first message of a group goes behind a renewal of keys.
        alice.say(group, "warm").await;
        let heard = bob.watch().await;
        let watch = if watches { Some(alice.watch().await) } else { None };
        Self {
            world,
            disk,
            alice,
            bob,
            group,
            watch,
            heard,
        }
    }

    /// The app is opened again after it ended.
    async fn reopen(mut self) -> Self {
        let watched = self.watch.take().is_some();
        self.disk.restart();
        self.alice = self.alice.reopened().await;
        if watched {
            self.watch = Some(self.alice.watch().await);
        }
        self
    }

    /// Does it with the way cut.
    async fn act(self, cut: Cut, what: What, text: &str) -> (Self, Ended) {
        let fault = |method, fault| self.world.faults().add(Rule::always(method, fault));
        let once = |method, fault| self.world.faults().add(Rule::once(method, fault));
        match cut {
            Cut::Nowhere => {}
            Cut::OneRequest => once(SEND, Fault::DropRequest),
            Cut::Requests => fault(SEND, Fault::DropRequest),
            Cut::OneAnswer => once(SEND, Fault::DropAnswer),
            Cut::Answers => fault(SEND, Fault::DropAnswer),
            Cut::ReadingBack => {
                // Before a change it is read what others did.
                let before = u32::from(what == What::Name && self.watch.is_none());
                let lost = Rule::always(QUERY, Fault::DropRequest);
                self.world.faults().add(lost.after(before));
                // Whoever watches need not ask, however slow this machine is.
                let patience = self.watch.as_ref().map(|_| Duration::from_secs(20));
                self.world.machine.pause.set(patience);
            }
            Cut::BeforeStoring => {
                self.disk.cut_after(0, LastWrite::Lost);
                let ended = self.call(what, text).await;
                return (self.reopen().await, ended);
            }
            Cut::AfterStoring => {
                self.alice.jot(self.group, text).await;
                return (self.reopen().await, Ended::Never);
            }
            Cut::BeforeTheRequest => {
                {
                    let held = self.world.machine.hold_next_send();
                    let call = pin!(self.call(what, text));
                    let Either::Right(_) = select(call, held.sent).await else {
                        panic!("it is held")
                    };
                }
                return (self.reopen().await, Ended::Never);
            }
            Cut::BeforeTheAnswerIsStored => {
                // Long enough to pull the plug between the call and what the node does.
                let sent = self.world.faults().calls(SEND);
                once(SEND, Fault::Delay { ms: 300 });
                let off = async {
                    self.world.faults().called(SEND, sent + 1).await;
                    self.disk.cut_after(0, LastWrite::Lost);
                };
                let (ended, ()) = futures::join!(self.call(what, text), off);
                return (self.reopen().await, ended);
            }
        }
        let ended = self.call(what, text).await;
        self.world.faults().clear();
        self.world.machine.pause.set(None);
        (self, ended)
    }

    async fn call(&self, what: What, text: &str) -> Ended {
        let group = self.alice.group(self.group);
        let outcome = match what {
            What::Message => group.send_text(text, SendOptions::default()).await.map(|_| ()),
            What::Name => group.update_field(field::NAME, text).await,
        };
        match outcome {
            Ok(()) => Ended::Well,
            Err(error) => {
                assert!(matches!(
                    error,
                    ClientError::Transport(_) | ClientError::Storage(_) | ClientError::Group(_)
                ));
                Ended::Badly
            }
        }
    }

    /// The message and how far it is at Alice's; the filter on the status says the same.
    fn status(&self, text: &str) -> Option<(MessageId, DeliveryStatus)> {
        let messages = self.alice.messages(self.group);
        let mut said = messages.iter().filter(|message| text_of(message) == text);
        let found = said.next().map(|message| (message.id, message.delivery_status));
        assert!(said.next().is_none(), "{text}: there twice");
        if let Some((id, status)) = found {
            for filter in [Unpublished, Published, Failed] {
                let options = MessageOptions {
                    kind: Some(MessageKind::Application),
                    delivery_status: Some(filter),
                    ..Default::default()
                };
                let listed = self.alice.group(self.group).messages(&options).expect("reads");
                let is_listed = listed.iter().any(|message| message.id == id);
                assert_eq!(is_listed, filter == status, "{text}: {filter:?}");
            }
        }
        found
    }

    /// How often Bob has the message, which is as often as he was told of it.
    async fn arrived(&mut self, text: &str) -> usize {
        self.bob.sync().await;
        self.heard.drain();
        let messages = self.bob.messages(self.group);
        let said: Vec<_> = messages
            .iter()
            .filter(|message| text_of(message) == text)
            .collect();
        for message in &said {
            assert_eq!(self.heard.count(message.id), 1, "{text}");
        }
        said.len()
    }

    /// How many lines of Bob's transcript follow these.
    fn changes(&self) -> usize {
        let options = MessageOptions {
            kind: Some(MessageKind::MembershipChange),
            ..Default::default()
        };
        self.bob
            .group(self.group)
            .messages(&options)
            .expect("reads")
            .len()
    }

    /// Both hold the same, and what was done before is not done again.
    async fn settled(&self) {
        self.alice.sync().await;
        let epoch = self.alice.epoch_of(self.group);
        self.bob.sync().await;
        self.alice.sync().await;
        assert_eq!(
            (self.alice.epoch_of(self.group), self.bob.epoch_of(self.group)),
            (epoch, epoch)
        );
        assert_eq!(self.alice.name_of(self.group), self.bob.name_of(self.group));
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Message,
    Name,
}

/// Where, how the call ends, the status then and after a sync, and how often everybody else has it.
type Row = (Cut, Ended, Option<DeliveryStatus>, Option<DeliveryStatus>, usize);

const MESSAGES: [Row; 10] = [
    (Cut::Nowhere, Ended::Well, Some(Published), Some(Published), 1),
    (Cut::BeforeStoring, Ended::Badly, None, None, 0),
    (
        Cut::AfterStoring,
        Ended::Never,
        Some(Unpublished),
        Some(Published),
        1,
    ),
    (
        Cut::BeforeTheRequest,
        Ended::Never,
        Some(Unpublished),
        Some(Published),
        1,
    ),
    (Cut::OneRequest, Ended::Well, Some(Published), Some(Published), 1),
    (Cut::Requests, Ended::Badly, Some(Unpublished), Some(Published), 1),
    (Cut::OneAnswer, Ended::Well, Some(Published), Some(Published), 1),
    (Cut::Answers, Ended::Badly, Some(Unpublished), Some(Published), 1),
    (
        Cut::BeforeTheAnswerIsStored,
        Ended::Badly,
        Some(Unpublished),
        Some(Published),
        1,
    ),
    // The node has it: who sent it need not read it back.
    (Cut::ReadingBack, Ended::Well, Some(Published), Some(Published), 1),
];

async fn messages_whose_way_is_cut(watches: bool) {
    let mut stage = Stage::new(watches).await;
    for (cut, ends, then, after, times) in MESSAGES {
        let text = format!("{cut:?}");
        let ended;
        (stage, ended) = stage.act(cut, What::Message, &text).await;
        assert_eq!(ended, ends, "{text}");
        let status = stage.status(&text).map(|(_, status)| status);
        // By itself it may be out, or back, at any moment after the call.
        assert!(status == then || watches && status == after, "{text}: {status:?}");
        stage.alice.sync().await;
        let status = stage.status(&text).map(|(_, status)| status);
        assert_eq!(status, after, "{text}");
        assert_eq!(stage.arrived(&text).await, times, "{text}");
        stage.settled().await;
    }
    assert_eq!(stage.alice.ids(stage.group), stage.bob.ids(stage.group));
}

#[test]
fn a_message_arrives_once_wherever_its_way_is_cut() {
    story_within(PATIENCE, messages_whose_way_is_cut(false));
}

#[test]
fn a_message_of_one_who_watches_arrives_once_wherever_its_way_is_cut() {
    story_within(PATIENCE, messages_whose_way_is_cut(true));
}

/// Where, how the call ends, and whether the change is made then and after a sync.
const CHANGES: [(Cut, Ended, bool, bool); 9] = [
    (Cut::Nowhere, Ended::Well, true, true),
    (Cut::BeforeStoring, Ended::Badly, false, false),
    (Cut::BeforeTheRequest, Ended::Never, false, true),
    (Cut::OneRequest, Ended::Well, true, true),
    // Who was told that a change failed does not find it made later.
    (Cut::Requests, Ended::Badly, false, false),
    (Cut::OneAnswer, Ended::Well, true, true),
    (Cut::Answers, Ended::Well, true, true),
    (Cut::BeforeTheAnswerIsStored, Ended::Badly, false, true),
    (Cut::ReadingBack, Ended::Badly, false, true),
];

async fn changes_whose_way_is_cut(watches: bool) {
    let mut stage = Stage::new(watches).await;
    for (cut, ends, then, after) in CHANGES {
        let name = format!("{cut:?}");
        let lines = stage.changes();
        let ended;
        (stage, ended) = stage.act(cut, What::Name, &name).await;
        assert_eq!(ended, ends, "{name}");
        let made = stage.alice.name_of(stage.group) == name;
        assert!(made == then || watches && made == after, "{name}: {made}");
        stage.settled().await;
        let made = [&stage.alice, &stage.bob].map(|person| person.name_of(stage.group) == name);
        assert_eq!(made, [after, after], "{name}");
        assert_eq!(stage.changes() - lines, usize::from(after), "{name}");
    }
}

#[test]
fn a_change_is_made_once_or_not_wherever_its_way_is_cut() {
    story_within(PATIENCE, changes_whose_way_is_cut(false));
}

#[test]
fn a_change_of_one_who_watches_is_made_once_or_not_wherever_its_way_is_cut() {
    story_within(PATIENCE, changes_whose_way_is_cut(true));
}

/// Three attempts fail; whether the node took the payload, what becomes of the message, what the person does then,
/// its status after that, and how often everybody else has it in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Resend,
    Discard,
}

#[test]
fn a_message_that_failed_three_times_waits_for_the_person_unless_it_was_taken() {
    const ROWS: [(Fault, Then, Option<DeliveryStatus>, usize); 6] = [
        (Fault::DropRequest, Then::Nothing, Some(Failed), 0),
        (Fault::DropRequest, Then::Resend, Some(Published), 1),
        (Fault::DropRequest, Then::Discard, None, 0),
        (Fault::DropAnswer, Then::Nothing, Some(Published), 1),
        (Fault::DropAnswer, Then::Resend, Some(Published), 1),
        // Everybody else has what the node took; what comes back of it is not our message any more.
        (Fault::DropAnswer, Then::Discard, None, 1),
    ];
    story_within(PATIENCE, async {
        let mut stage = Stage::new(false).await;
        for (fault, then, after, times) in ROWS {
            let text = format!("{fault:?}, {then:?}");
            let group = stage.alice.group(stage.group);
            stage.world.faults().add(Rule::always(SEND, fault));
            let id = stage.alice.jot(stage.group, &text).await;
            for expected in [Unpublished, Unpublished, Failed] {
                assert!(group.publish_messages().await.is_err(), "{text}");
                assert_eq!(stage.status(&text), Some((id, expected)), "{text}");
            }
            stage.world.faults().clear();
            match then {
                Then::Nothing => {}
                Then::Resend => group.resend(id).await.expect("is sent"),
                Then::Discard => group.discard(id).expect("has failed"),
            }
            stage.alice.sync().await;
            assert_eq!(stage.status(&text).map(|(_, status)| status), after, "{text}");
            assert_eq!(stage.arrived(&text).await, times, "{text}");
            assert_eq!(group.resend(id).await.is_ok(), after == Some(Failed), "{text}");
        }
        stage.settled().await;
    });
}

#[test]
fn a_message_that_is_sent_again_after_many_newer_ones_can_be_read() {
    story_within(PATIENCE, async {
        let stage = Stage::new(false).await;
        let (stage, _) = stage.act(Cut::BeforeTheRequest, What::Message, "held up").await;
        for n in 0..20 {
            stage.alice.say(stage.group, &format!("newer {n}")).await;
        }
        stage.alice.sync().await;
        stage.bob.sync().await;
        let mut texts = stage.bob.texts(stage.group);
        assert_eq!(texts.iter().filter(|text| **text == "held up").count(), 1);
        texts.retain(|text| text.starts_with("newer"));
        assert_eq!(texts.len(), 20);
    });
}
