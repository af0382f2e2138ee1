//! The live connection: while somebody watches, welcomes and messages arrive by themselves.
//!
//! One task serves all watchers. It subscribes first, then reads what was missed, then follows; after any end
//! it starts over from the stored cursors, so nothing is missed and, since events come from what was newly
//! stored, nothing is told twice. It ends as soon as nobody watches or the client is closed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures::future::{Either, Fuse, FusedFuture as _, select};
use futures::{FutureExt as _, StreamExt as _, stream};

use super::echo::{Awaited, Listeners};
use super::key_packages::keep_fresh;
use super::network::Conditions;
use super::sync::{PARALLEL, Progress, envelope};
use super::unconfirmed::{CONFIRM_AFTER, Unconfirmed};
use super::{Client, ClientError, ConnectionState, Event, EventStream, Inner};
use crate::error::Coded as _;
use crate::groups::inbound::Feed;
use crate::ids::GroupId;
use crate::transport::TransportError;
use crate::transport::calls::GroupEnvelope;

/// The first pause before connecting again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How soon a conversation that could not be read is tried again; the pause doubles up to [`LONGEST_PAUSE`], but not
/// for one in which something is just being done.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// How long a message waits for what is just being done with its conversation, before the next is looked at.
const BRIEF_WAIT: Duration = Duration::from_millis(20);
/// How long a connection must have lasted for the next attempt to come at once, in nanoseconds.
const STEADY_NS: u64 = 5_000_000_000;

/// The first pause when the node asked for fewer requests; it grows four times as long each time.
const FIRST_PAUSE_IF_LIMITED: Duration = Duration::from_secs(1);

/// The state of the live connection.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) conditions: Conditions,
    pub(super) listeners: Listeners,
    pub(super) awaited: Awaited,
    pub(super) unconfirmed: Unconfirmed,
    /// The groups whose messages the connection brings.
    followed: RefCell<BTreeSet<GroupId>>,
    stalled: RefCell<Stalled>,
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
            if !inner.key_packages_kept.replace(true) {
                inner
                    .platform
                    .spawn(keep_fresh(Rc::downgrade(&self.inner)).boxed_local());
            }
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
    let mut state = ConnectionState::Connecting;
    loop {
        let Some(inner) = weak.upgrade() else { return };
        let hub = Rc::clone(&inner.events);
        let own = hub.subscribe();
        inner.set_connection(state);
        state = ConnectionState::Reconnecting;
        let started = inner.platform.now_ns();
        // Whatever is under way when the last watcher leaves is broken off: it is stored how far it came.
        let changed = inner.live.conditions.changed();
        let ended = {
            let (connection, unwatched) = (pin!(inner.follow_once(own)), pin!(hub.unwatched(1)));
            let changed = pin!(changed);
            let connection = select(connection, changed);
            match select(connection, unwatched).await {
                Either::Left((Either::Left((error, _)), _)) => End::Broken(error),
                Either::Left((Either::Right(_), _)) => End::Changed,
                Either::Right(_) => End::Unwatched,
            }
        };
        let error = match ended {
            End::Broken(error) => error,
            End::Changed => {
                pause = FIRST_PAUSE;
                inner.set_connection(state);
                if inner.live.conditions.get().online {
                    continue;
                }
                TransportError::Unreachable.into()
            }
            End::Unwatched => {
                inner.rest();
                return;
            }
        };
        tracing::info!(%error, "the live connection ended");
        let is_limited = matches!(error, ClientError::Transport(TransportError::RateLimited { .. }));
        if matches!(error, ClientError::InstallationRevoked { .. }) {
            inner.rest();
            return;
        }
        // A node that ends each connection at once is not hammered.
        let lasted = inner.platform.now_ns().saturating_sub(started);
        if inner.live.state.get() == ConnectionState::Connected && lasted >= STEADY_NS {
            pause = FIRST_PAUSE;
        }
        inner.set_connection(state);
        let (this, growth) = if is_limited {
            (pause.max(FIRST_PAUSE_IF_LIMITED), 4)
        } else {
            (pause, 2)
        };
        pause = (this * growth).min(LONGEST_PAUSE);
        let this = this.max(inner.live.conditions.shortest_pause(LONGEST_PAUSE));
        // Chance shortens a pause, but lengthens one that the node asked for.
        let jittered = jittered(&inner, this);
        let sleep = inner.platform.sleep(if is_limited {
            this + (this - jittered)
        } else {
            jittered
        });
        // What the page says does not hurry on a node that asked for fewer requests.
        let changed = inner.live.conditions.changed();
        let changed = async move {
            if is_limited {
                futures::future::pending::<()>().await;
            }
            changed.await;
        };
        drop(inner);
        let changed = pin!(changed);
        let sleep = select(sleep, changed);
        match select(sleep, pin!(hub.unwatched(0))).await {
            Either::Left((Either::Left(_), _)) => {}
            Either::Left((Either::Right(_), _)) => pause = FIRST_PAUSE,
            Either::Right(_) => {
                if let Some(inner) = weak.upgrade() {
                    inner.rest();
                }
                return;
            }
        }
    }
}

/// Why a connection is not there any more.
enum End {
    Broken(ClientError),
    /// The page says that the network came or went.
    Changed,
    Unwatched,
}

/// The pause, shortened by up to a half at random, so that many clients do not return at once.
fn jittered(inner: &Inner, pause: Duration) -> Duration {
    let mut random = [0u8; 1];
    inner.platform.random(&mut random);
    pause - pause * (u32::from(random[0]) + 1) / 512
}

impl Inner {
    /// Remembers how the live connection is, and tells who watches when that is news.
    pub(super) fn set_connection(&self, state: ConnectionState) {
        if state != ConnectionState::Connected {
            self.live.listeners.dismiss_all();
        }
        if self.live.state.replace(state) != state {
            self.events.tell(&Event::Connection(state));
        }
    }

    /// Whether somebody watches.
    pub(super) fn is_live(&self) -> bool {
        self.live.running.get()
    }

    /// Whether a group's messages arrive by themselves, and all so far were read.
    pub(super) fn is_followed(&self, group_id: GroupId) -> Result<bool, ClientError> {
        Ok(self.live.state.get() == ConnectionState::Connected
            && self.live.followed.borrow().contains(&group_id)
            && !self.is_stalled(group_id)?)
    }

    /// Whether something of a group could not be processed yet. What was handed to one who waited for it, and who did
    /// not read it, counts.
    fn is_stalled(&self, group_id: GroupId) -> Result<bool, ClientError> {
        let handed = self.live.stalled.borrow().handed.get(&group_id).copied();
        if let Some(id) = handed
            && id <= self.cursor(group_id)?
        {
            self.live.stalled.borrow_mut().handed.remove(&group_id);
        }
        let stalled = self.live.stalled.borrow();
        Ok(stalled.groups.contains(&group_id) || stalled.handed.contains_key(&group_id))
    }

    fn stall(&self, group_id: GroupId) {
        self.live.stalled.borrow_mut().groups.insert(group_id);
        self.live.listeners.dismiss(group_id);
    }

    /// The live connection is not wanted any more. The next watcher starts another.
    fn rest(&self) {
        self.live.listeners.dismiss_all();
        self.live.running.set(false);
        self.live.state.set(ConnectionState::Idle);
    }

    /// One connection, from subscribing to its end. `own` hears of new conversations.
    async fn follow_once(self: &Rc<Self>, own: EventStream) -> ClientError {
        match self.connected(own).await {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    async fn connected(self: &Rc<Self>, own: EventStream) -> Result<Infallible, ClientError> {
        self.live.stalled.take();
        let (topic, after) = (self.key.id(), self.welcome_cursor()?);
        let mut welcomes = self.api.subscribe_welcome_messages(topic, after).await?.fuse();
        let mut own = own.fuse();
        let mut messages = self.subscribe().await?;
        self.check_own_log().await?;
        self.catch_up().await?;
        self.set_connection(ConnectionState::Connected);
        let mut retry = Fuse::terminated();
        let mut pause = FIRST_RETRY;
        let mut check = Fuse::terminated();
        loop {
            if check.is_terminated() && !self.live.unconfirmed.is_empty() {
                check = self.platform.sleep(CONFIRM_AFTER).fuse();
            }
            if self.live.stalled.borrow().is_empty() {
                pause = FIRST_RETRY;
            } else if retry.is_terminated() {
                retry = self.platform.sleep(pause).fuse();
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            futures::select! {
                welcome = welcomes.next() => {
                    let welcome = welcome.unwrap_or_else(|| Err(ended()))?;
                    self.live_welcome(welcome.id).await?;
                }
                message = messages.next() => {
                    let message = message.unwrap_or_else(|| Err(ended()))?;
                    self.live_message(message).await?;
                }
                event = own.next() => {
                    self.check_not_revoked()?;
                    if let Some(Event::Conversation(group_id)) = event
                        && !self.live.followed.borrow().contains(&group_id)
                    {
                        messages = self.subscribe().await?;
                    }
                }
                () = check => self.confirm_live().await?,
                () = retry => if self.retry().await? {
                    pause = FIRST_RETRY;
                },
            }
        }
    }

    /// Reads what was missed. Conversations that cannot be read now are left to be tried again.
    async fn catch_up(self: &Rc<Self>) -> Result<(), ClientError> {
        let is_read = tolerate(self.sync_welcomes().await)?.is_some();
        self.live.stalled.borrow_mut().welcomes = !is_read;
        let stale = self.stale_groups().await?;
        let read = |group_id| async move { (group_id, self.sync_idle_group(group_id).await) };
        let mut outcomes = stream::iter(stale.iter().copied().map(read)).buffered(PARALLEL);
        let read = async {
            while let Some((group_id, outcome)) = outcomes.next().await {
                // The connection is there: a failure now is this conversation's own.
                match outcome {
                    Ok(true) => {}
                    // A slow request of one must not silence all others.
                    Ok(false) => self.stall(group_id),
                    Err(error) if ends_everything(&error) => return Err(error),
                    Err(error) => {
                        tracing::warn!(group = ?group_id, %error, "a conversation could not be synced yet");
                        self.stall(group_id);
                    }
                }
            }
            Ok(())
        };
        let (read, looked) = self.beside_a_look(&stale, read).await;
        read?;
        looked?;
        self.wake_device_sync();
        Ok(())
    }

    /// Tries again what could not be processed. What still cannot stays, and so nothing passes it. `false`: something
    /// failed again, and was not just busy.
    async fn retry(self: &Rc<Self>) -> Result<bool, ClientError> {
        let mut is_well = true;
        if self.live.stalled.borrow().welcomes {
            is_well = tolerate(self.sync_welcomes().await)?.is_some();
            self.live.stalled.borrow_mut().welcomes = !is_well;
        }
        let groups = self.live.stalled.borrow().groups();
        for group_id in groups {
            if !self.is_stalled(group_id)? {
                continue;
            }
            let lock = self.lock_of(group_id);
            let Some(_guard) = lock.try_lock() else { continue };
            // What is sent meanwhile is read back from the node: this task alone would bring it, and is busy here.
            self.stall(group_id);
            match tolerate(self.sync_locked(group_id).await)? {
                Some(()) => self.live.stalled.borrow_mut().remove(group_id),
                None => is_well = false,
            }
        }
        Ok(is_well)
    }

    /// A welcome came by itself. All there are are asked for: before it one may have been left out (`unconfirmed`), and
    /// behind one that could not be processed yet nothing is, for the cursor must not pass it.
    async fn live_welcome(self: &Rc<Self>, id: u64) -> Result<(), ClientError> {
        if self.live.stalled.borrow().welcomes {
            return Ok(());
        }
        let is_read = tolerate(self.join_conversations().await)?.is_some() && self.welcome_cursor()? >= id;
        self.live.stalled.borrow_mut().welcomes = !is_read;
        Ok(())
    }

    /// Processes a message of a group that came by itself. In a group in which something is just being sent, the sender
    /// reads it, or it is read a little later: one slow request must not silence all others.
    async fn live_message(&self, message: GroupEnvelope) -> Result<(), ClientError> {
        let group_id = message.group_id;
        if self.store.group(&group_id)?.is_none()
            || message.id <= self.cursor(group_id)?
            || self.handed_over(&message)
            || self.is_stalled(group_id)?
        {
            return Ok(());
        }
        let lock = self.lock_of(group_id);
        let soon = self.platform.sleep(BRIEF_WAIT);
        let Either::Left((_guard, _)) = select(lock.lock(), soon).await else {
            if !self.handed_over(&message) {
                self.stall(group_id);
            }
            return Ok(());
        };
        if message.id <= self.cursor(group_id)? {
            return Ok(());
        }
        let id = message.id;
        let arrived = [envelope(message)];
        let mut read = tolerate(self.receive_batch(group_id, &arrived, Feed::Live).await)?;
        if read == Some(Progress::Ask) {
            read = tolerate(self.receive_locked(group_id).await)?.map(|()| Progress::All);
            // The node that was asked may be behind the one that brought it.
            read = read.filter(|_| self.cursor(group_id).is_ok_and(|cursor| id <= cursor));
        }
        // Whom we are to take out is taken out by the sync that follows.
        if read.is_none() || self.is_left_waiting(group_id)? {
            self.stall(group_id);
        }
        Ok(())
    }

    /// Hands a message to who sends something in its group and waits for it to come back, if anybody does.
    fn handed_over(&self, message: &GroupEnvelope) -> bool {
        let is_handed = self.live.listeners.hand_over(message);
        if is_handed {
            let mut stalled = self.live.stalled.borrow_mut();
            stalled.handed.insert(message.group_id, message.id);
        }
        is_handed
    }

    async fn subscribe(
        &self,
    ) -> Result<stream::Fuse<crate::transport::calls::MessageStream<GroupEnvelope>>, ClientError> {
        // A welcome that brings us back into another one is a conversation that is not followed.
        let living = self.living_groups()?.into_iter();
        let groups: Vec<GroupId> = living
            .filter_map(|(row, is_active)| is_active.then_some(row.id))
            .collect();
        let filters: Vec<_> = groups
            .iter()
            .map(|id| Ok((*id, self.cursor(*id)?)))
            .collect::<Result<_, ClientError>>()?;
        let messages = self.api.subscribe_group_messages(&filters).await?.fuse();
        self.live.followed.replace(groups.into_iter().collect());
        Ok(messages)
    }
}

/// What could not be processed yet, and therefore nothing behind it.
#[derive(Debug, Default)]
struct Stalled {
    welcomes: bool,
    groups: BTreeSet<GroupId>,
    /// The newest message of a group that was left to who sends something there.
    handed: HashMap<GroupId, u64>,
}

impl Stalled {
    fn is_empty(&self) -> bool {
        !self.welcomes && self.groups.is_empty() && self.handed.is_empty()
    }

    fn groups(&self) -> Vec<GroupId> {
        self.groups.iter().chain(self.handed.keys()).copied().collect()
    }

    fn remove(&mut self, group_id: GroupId) {
        self.groups.remove(&group_id);
        self.handed.remove(&group_id);
    }
}

/// Whether a failure is not one conversation's own.
pub(super) fn ends_everything(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Storage(_) | ClientError::Closed | ClientError::InstallationRevoked { .. }
    )
}

/// A failure that is no failure of the connection must not end it: one conversation would silence all others.
pub(super) fn tolerate<T>(outcome: Result<T, ClientError>) -> Result<Option<T>, ClientError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if ends_everything(&error) => Err(error),
        Err(ClientError::Transport(error)) if error.is_retryable() => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "something that arrived could not be processed yet");
            Ok(None)
        }
    }
}

/// A node may end a stream without an error at any time; that is an end of the connection all the same.
fn ended() -> TransportError {
    TransportError::Unavailable {
        message: "the stream ended".into(),
    }
}
