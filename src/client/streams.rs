//! The live connection: while somebody watches, welcomes and messages arrive by themselves.
//!
//! One task serves all watchers. It subscribes first, then reads what was missed, then follows; after any end
//! it starts over from the stored cursors, so nothing is missed and, since events come from what was newly
//! stored, nothing is told twice. It ends when nobody watches or the client is closed or dropped.

use std::cell::Cell;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures::future::{Either, select};
use futures::{FutureExt as _, StreamExt as _};

use super::sync::envelope;
use super::{Client, ClientError, ConnectionState, Event, EventStream, Inner};
use crate::groups::originator;
use crate::ids::GroupId;
use crate::storage::{CursorKind, GroupQuery};
use crate::transport::TransportError;
use crate::transport::calls::GroupEnvelope;

/// The first pause before connecting again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The state of the live connection.
#[derive(Debug, Default)]
pub(super) struct Live {
    running: Cell<bool>,
    state: Cell<ConnectionState>,
}

impl Client {
    /// Everything that happens from now on. Connects to the node while any such stream lives.
    ///
    /// # Errors
    /// [`ClientError::NotRegistered`], [`ClientError::Closed`].
    pub fn events(&self) -> Result<EventStream, ClientError> {
        let inner = self.ready()?;
        let stream = inner.events.subscribe();
        if !inner.live.running.replace(true) {
            inner
                .platform
                .spawn(follow(Rc::downgrade(&self.inner)).boxed_local());
        }
        Ok(stream)
    }

    /// How the streams are connected.
    #[must_use]
    pub fn connection_state(&self) -> ConnectionState {
        self.inner.live.state.get()
    }
}

/// Connects, follows, and connects again.
async fn follow(weak: Weak<Inner>) {
    let mut pause = FIRST_PAUSE;
    let mut first = true;
    loop {
        let Some(inner) = weak.upgrade() else { return };
        let state = if first {
            ConnectionState::Connecting
        } else {
            ConnectionState::Reconnecting
        };
        inner.set_connection(state);
        first = false;
        // A closed client is let go at once, whatever the connection is waiting for.
        let closed = inner.closing.wait();
        let outcome = match select(pin!(inner.follow_once()), pin!(closed)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => Ok(()),
        };
        match outcome {
            Ok(()) => {
                inner.live.running.set(false);
                inner.set_connection(ConnectionState::Idle);
                return;
            }
            Err(error) => tracing::info!(%error, "the live connection ended"),
        }
        if inner.live.state.get() == ConnectionState::Connected {
            pause = FIRST_PAUSE;
        }
        inner.set_connection(ConnectionState::Reconnecting);
        let sleep = inner.platform.sleep(jittered(&inner, pause));
        pause = (pause * 2).min(LONGEST_PAUSE);
        drop(inner);
        sleep.await;
    }
}

/// The pause, shortened by up to a half at random, so that many clients do not return at once.
fn jittered(inner: &Inner, pause: Duration) -> Duration {
    let mut random = [0u8; 1];
    inner.platform.random(&mut random);
    pause - pause * u32::from(random[0]) / 512
}

impl Inner {
    fn set_connection(&self, state: ConnectionState) {
        if self.live.state.replace(state) != state {
            self.events.tell(&Event::Connection(state));
        }
    }

    /// One connection, from subscribing to its end. `Ok`: nobody watches any more.
    async fn follow_once(self: &Rc<Self>) -> Result<(), ClientError> {
        let topic = self.key.id();
        let after = self
            .store
            .cursor(topic.as_bytes(), CursorKind::Welcome, originator::WELCOMES)?;
        let mut welcomes = self.api.subscribe_welcome_messages(topic, after).await?.fuse();
        let mut own = self.events.subscribe().fuse();
        let mut groups = self.group_ids()?;
        let mut messages = self.subscribe(&groups).await?;
        self.sync_all().await?;
        self.set_connection(ConnectionState::Connected);
        loop {
            if self.closing.is_told() || !self.events.is_watched(1) {
                return Ok(());
            }
            futures::select! {
                welcome = welcomes.next() => {
                    let welcome = welcome.unwrap_or_else(|| Err(ended()))?;
                    {
                        let _guard = self.welcomes.lock().await;
                        self.receive_welcome(welcome).await?;
                    }
                    self.welcome_arrived()?;
                }
                message = messages.next() => {
                    self.receive_live(message.unwrap_or_else(|| Err(ended()))?).await?;
                }
                event = own.next() => {
                    if let Some(Event::Conversation(group_id)) = event
                        && !groups.contains(&group_id)
                    {
                        groups = self.group_ids()?;
                        messages = self.subscribe(&groups).await?;
                    }
                }
                () = self.platform.sleep(WATCH_INTERVAL).fuse() => {}
            }
        }
    }

    fn group_ids(&self) -> Result<Vec<GroupId>, ClientError> {
        let query = GroupQuery {
            include_duplicate_dms: true,
            ..Default::default()
        };
        Ok(self.store.groups(&query)?.into_iter().map(|row| row.id).collect())
    }

    async fn subscribe(
        &self,
        groups: &[GroupId],
    ) -> Result<futures::stream::Fuse<crate::transport::calls::MessageStream<GroupEnvelope>>, ClientError>
    {
        let filters: Vec<_> = groups
            .iter()
            .map(|id| Ok((*id, self.cursor(*id)?)))
            .collect::<Result<_, ClientError>>()?;
        Ok(self.api.subscribe_group_messages(&filters).await?.fuse())
    }

    /// Processes a message that arrived by itself, unless it was read meanwhile. What it refers to and what
    /// it makes necessary (an answer to an own commit) is done as in a sync.
    async fn receive_live(&self, message: GroupEnvelope) -> Result<(), ClientError> {
        let group_id = message.group_id;
        let lock = self.lock_of(group_id);
        let _guard = lock.lock().await;
        if self.store.group(&group_id)?.is_none() || message.id <= self.cursor(group_id)? {
            return Ok(());
        }
        self.receive_batch(group_id, &[envelope(message)]).await?;
        Ok(())
    }
}

/// A node may end a stream without an error at any time; that is an end of the connection all the same.
fn ended() -> TransportError {
    TransportError::Unavailable {
        message: "the stream ended".into(),
    }
}

/// How often it is looked whether anybody still watches.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);
