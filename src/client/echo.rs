//! What we sent, as it comes back. Who sends a message waits until the node has it, and it comes back later; who commits
//! waits for that. Either comes by the live connection, or the node is asked for it after a while.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{Either, select};
use futures::{StreamExt as _, stream};

use super::outbox::Until;
use super::streams::ends_everything;
use super::sync::{PARALLEL, Progress, envelope};
use super::{ClientError, Inner};
use crate::groups::inbound::{Envelope, Feed};
use crate::groups::intent;
use crate::ids::GroupId;
use crate::storage::{IntentId, IntentState};
use crate::transport::calls::GroupEnvelope;

/// How long the live connection may take to bring something back before the node is asked for it. Nodes look for what
/// is new ten times a second.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a node has taken and what had not come back then, by group, until it is looked after.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    sent: RefCell<BTreeMap<GroupId, BTreeSet<IntentId>>>,
    /// A task looks after what was noted before, and after these then.
    is_begun: Cell<bool>,
}

/// Who waits for what comes back: one for each group, since it holds the group's lock.
#[derive(Debug, Default)]
pub(super) struct Listeners(RefCell<HashMap<GroupId, UnboundedSender<Envelope>>>);

impl Listeners {
    /// Hands a message to who waits in its group. `false`: nobody does.
    pub(super) fn hand_over(&self, message: &GroupEnvelope) -> bool {
        let listeners = self.0.borrow();
        let listener = listeners.get(&message.group_id);
        listener.is_some_and(|listener| listener.unbounded_send(envelope(message.clone())).is_ok())
    }

    /// Nothing more comes in a group: who waits there asks the node.
    pub(super) fn dismiss(&self, group_id: GroupId) {
        self.0.borrow_mut().remove(&group_id);
    }

    /// The same in all groups.
    pub(super) fn dismiss_all(&self) {
        self.0.borrow_mut().clear();
    }
}

/// All messages that arrive live in a group, until dropped.
pub(super) struct Echo<'a> {
    inner: &'a Inner,
    group_id: GroupId,
    arriving: UnboundedReceiver<Envelope>,
}

impl Echo<'_> {
    /// What has arrived and was not taken yet.
    fn arrived(&mut self) -> Vec<Envelope> {
        std::iter::from_fn(|| self.arriving.try_recv().ok()).collect()
    }
}

impl Drop for Echo<'_> {
    fn drop(&mut self) {
        self.inner.live.listeners.dismiss(self.group_id);
    }
}

impl Inner {
    /// A node has taken these messages. What arrived meanwhile is read; that this fails, or takes asking, is no failure of
    /// theirs. Answers whether anything was: it may have returned something to be sent again. The group's lock is held by
    /// the caller.
    pub(super) async fn acknowledged(
        &self,
        group_id: GroupId,
        sent: &[IntentId],
        echo: Option<Echo<'_>>,
    ) -> Result<bool, ClientError> {
        let read = match echo {
            Some(echo) => self.read_arrived(echo).await,
            None => Ok(false),
        };
        let context = self.context();
        // Should it be forgotten, the node is asked as after a request that was cut.
        let messages = self
            .store
            .repeatable_transaction(|tx| intent::acknowledged(&context.with(tx), group_id, sent))?;
        if messages.disappear {
            self.alarm.ring();
        }
        if messages.are_awaited {
            self.await_back(group_id, sent);
        }
        match read {
            Err(error) if ends_everything(&error) => Err(error),
            Err(error) => {
                tracing::info!(group = ?group_id, %error, "what arrived while something was sent is read later");
                Ok(true)
            }
            Ok(has_read) => Ok(has_read),
        }
    }

    /// Reads what the live connection has brought so far. Answers whether there was anything.
    async fn read_arrived(&self, mut echo: Echo<'_>) -> Result<bool, ClientError> {
        let mut has_read = false;
        loop {
            let arrived = echo.arrived();
            if arrived.is_empty() {
                return Ok(has_read);
            }
            has_read = true;
            match self.receive_batch(echo.group_id, &arrived, Feed::Live).await? {
                Progress::All => {}
                Progress::Stopped => return Ok(true),
                Progress::Ask => {
                    self.receive_locked(echo.group_id).await?;
                    return Ok(true);
                }
            }
        }
    }

    /// Looks after what has not come back of a group, a little later and in the background.
    fn await_back(&self, group_id: GroupId, sent: &[IntentId]) {
        let mut awaited = self.live.awaited.sent.borrow_mut();
        awaited.entry(group_id).or_default().extend(sent);
        drop(awaited);
        if !self.live.awaited.is_begun.replace(true) {
            self.await_noted();
        }
    }

    /// Looks after what is noted by now. What is noted meanwhile has its own pause, after this one.
    fn await_noted(&self) {
        let sent = self.live.awaited.sent.take();
        let (weak, patience, closed) = (
            self.myself.clone(),
            self.platform.sleep(PATIENCE),
            self.closing.wait(),
        );
        self.platform.spawn(Box::pin(async move {
            let mut closed = pin!(closed);
            if let Either::Right(_) = select(patience, &mut closed).await {
                return;
            }
            let Some(inner) = weak.upgrade() else { return };
            if inner.live.awaited.sent.borrow().is_empty() {
                inner.live.awaited.is_begun.set(false);
            } else {
                inner.await_noted();
            }
            let fetch = |(group_id, sent)| inner.fetch_back(group_id, sent);
            let all = stream::iter(sent).for_each_concurrent(PARALLEL, fetch);
            // What is under way when the client is closed is broken off: it is stored how far it came.
            select(pin!(all), closed).await;
        }));
    }

    /// Asks for what has not come back of a group, and sends again what came back too late for others to read. What fails
    /// is left to the next sync.
    async fn fetch_back(&self, group_id: GroupId, sent: BTreeSet<IntentId>) {
        let fetched = async {
            let lock = self.lock_of(group_id);
            let _guard = lock.lock().await;
            let is_any = |state| {
                let intents = self.store.intents(&group_id, &[state])?;
                Ok::<_, ClientError>(intents.iter().any(|intent| sent.contains(&intent.id)))
            };
            if is_any(IntentState::Published)? {
                self.receive_locked(group_id).await?;
            }
            // Whoever read it. What waits for something else is not tried for this.
            if is_any(IntentState::ToPublish)? {
                self.publish_locked(group_id, None, None, Until::Acknowledged)
                    .await?;
            }
            Ok(())
        };
        if let Err::<(), ClientError>(error) = fetched.await {
            tracing::info!(group = ?group_id, %error, "what was sent could not be read back yet");
        }
    }

    /// Listens from now on, which is before something is sent. `None`: nobody follows the group. The group's lock is
    /// held by the caller.
    pub(super) fn listen(&self, group_id: GroupId) -> Result<Option<Echo<'_>>, ClientError> {
        if !self.is_followed(group_id)? {
            return Ok(None);
        }
        let (sender, arriving) = unbounded();
        self.live.listeners.0.borrow_mut().insert(group_id, sender);
        Ok(Some(Echo {
            inner: self,
            group_id,
            arriving,
        }))
    }

    /// Reads what was sent in a group and everything before it, as it arrives live or by asking the node.
    pub(super) async fn read_back(
        &self,
        group_id: GroupId,
        sent: Vec<IntentId>,
        echo: Option<Echo<'_>>,
    ) -> Result<(), ClientError> {
        let is_heard = match echo {
            Some(echo) => self.hear(echo, sent).await?,
            None => false,
        };
        if is_heard {
            return Ok(());
        }
        self.receive_locked(group_id).await
    }

    /// Whether everything that was sent came back in time, or nothing of the group can be read any more.
    async fn hear(&self, mut echo: Echo<'_>, mut sent: Vec<IntentId>) -> Result<bool, ClientError> {
        let mut patience = self.platform.sleep(PATIENCE);
        loop {
            while let Some(last) = sent.last() {
                match self.store.intent(*last)? {
                    Some(intent) if intent.state == IntentState::Published => break,
                    _ => sent.pop(),
                };
            }
            if sent.is_empty() {
                return Ok(true);
            }
            let Either::Left((Some(first), _)) = select(echo.arriving.next(), &mut patience).await else {
                return Ok(false);
            };
            let mut arrived = vec![first];
            arrived.extend(echo.arrived());
            match self.receive_batch(echo.group_id, &arrived, Feed::Live).await? {
                Progress::All => {}
                Progress::Stopped => return Ok(true),
                Progress::Ask => return Ok(false),
            }
        }
    }
}
