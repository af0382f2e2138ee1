//! What we sent, as it comes back by the live connection: who sends and waits need not ask the node for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{Either, select};

use super::sync::{Progress, envelope};
use super::{ClientError, Inner};
use crate::groups::inbound::Envelope;
use crate::ids::GroupId;
use crate::storage::{IntentId, IntentState};
use crate::transport::calls::GroupEnvelope;

/// How long the live connection may take to bring something back before the node is asked for it. Nodes look for what
/// is new ten times a second.
const PATIENCE: Duration = Duration::from_millis(500);

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

impl Drop for Echo<'_> {
    fn drop(&mut self) {
        self.inner.live.listeners.dismiss(self.group_id);
    }
}

impl Inner {
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
            while let Ok(next) = echo.arriving.try_recv() {
                arrived.push(next);
            }
            match self.receive_live(echo.group_id, &arrived).await? {
                Progress::All => {}
                Progress::Stopped => return Ok(true),
                Progress::Ask => return Ok(false),
            }
        }
    }
}
