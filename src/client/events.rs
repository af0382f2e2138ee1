//! What happens in a client, for those who watch.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::channel::oneshot;

use crate::ids::{GroupId, MessageId};
use crate::preferences::PreferenceUpdate;

/// Something that happened. Each is told once, after it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A conversation was made or joined, or restored from an archive.
    Conversation(GroupId),
    /// A message is new on the network: somebody's, an own one that was published, or a line of the
    /// transcript.
    Message {
        /// In which conversation.
        group_id: GroupId,
        /// Which.
        id: MessageId,
    },
    /// A message that was here is removed for everybody.
    MessageRemoved {
        /// In which conversation.
        group_id: GroupId,
        /// Which.
        id: MessageId,
    },
    /// Members, metadata, admins, permissions or the membership of ours changed, the conversation was paused or goes on,
    /// or an archive brought messages of it.
    Group(GroupId),
    /// A conversation stopped because it needs this version (XIP-72); `None`: it goes on again.
    Paused {
        /// Which conversation.
        group_id: GroupId,
        /// The version it waits for.
        required: Option<String>,
    },
    /// A message was deleted here because its time was over.
    MessageDeleted {
        /// In which conversation it was.
        group_id: GroupId,
        /// Which.
        id: MessageId,
    },
    /// This installation was revoked: the last event there is.
    Revoked,
    /// Something was decided, here or by another installation of the inbox, or the key of push notifications was
    /// replaced.
    Preferences(Vec<PreferenceUpdate>),
    /// The connection of the streams changed.
    Connection(ConnectionState),
}

/// How streams are connected to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConnectionState {
    /// Nobody watches, so nothing is connected.
    #[default]
    Idle,
    /// The first connection is being made.
    Connecting,
    /// Everything up to now has been read, and what follows arrives by itself.
    Connected,
    /// The connection was lost and is being made again.
    Reconnecting,
}

/// Hands each event to every subscriber.
#[derive(Debug, Default)]
pub(super) struct Hub {
    subscribers: RefCell<Vec<UnboundedSender<Event>>>,
    left: Left,
}

/// Wakes the one that waits for all subscribers to leave.
type Left = Rc<RefCell<Option<Waker>>>;

fn wake(left: &Left) {
    let waker = left.borrow_mut().take();
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Hub {
    pub(super) fn subscribe(&self) -> EventStream {
        let (sender, receiver) = unbounded();
        self.subscribers.borrow_mut().push(sender);
        EventStream {
            receiver,
            left: Rc::clone(&self.left),
        }
    }

    pub(super) fn tell(&self, event: &Event) {
        self.subscribers
            .borrow_mut()
            .retain(|subscriber| subscriber.unbounded_send(event.clone()).is_ok());
    }

    /// Whether anybody watches. Dropped streams do not count.
    pub(super) fn is_watched(&self, own: usize) -> bool {
        let mut subscribers = self.subscribers.borrow_mut();
        subscribers.retain(|subscriber| !subscriber.is_closed());
        subscribers.len() > own
    }

    /// Waits until nobody watches but `own` subscribers. One task may wait at a time.
    pub(super) async fn unwatched(&self, own: usize) {
        poll_fn(|context| {
            if !self.is_watched(own) {
                return Poll::Ready(());
            }
            self.left.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    pub(super) fn close(&self) {
        self.subscribers.borrow_mut().clear();
        wake(&self.left);
    }
}

/// Whether a client was closed, for those who check and those who wait.
#[derive(Debug, Default)]
pub(super) struct Closing {
    told: Cell<bool>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Closing {
    pub(super) fn is_told(&self) -> bool {
        self.told.get()
    }

    pub(super) fn tell(&self) {
        self.told.set(true);
        // Dropping a sender wakes its receiver.
        self.waiting.borrow_mut().clear();
    }

    /// Resolves once it is told, or at once if it was. Keeps nothing alive.
    pub(super) fn wait(&self) -> impl Future<Output = ()> + 'static {
        let (sender, receiver) = oneshot::channel();
        if !self.is_told() {
            let mut waiting = self.waiting.borrow_mut();
            waiting.retain(|sender| !sender.is_canceled());
            waiting.push(sender);
        }
        async move {
            // The only answer there is: that the sender is gone.
            let _ = receiver.await;
        }
    }
}

/// Events from the moment of subscription on. Ends when the client is closed. While one lives, the client does.
#[derive(Debug)]
pub struct EventStream {
    receiver: UnboundedReceiver<Event>,
    left: Left,
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.receiver.close();
        wake(&self.left);
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        Pin::new(&mut self.receiver).poll_next(context)
    }
}
