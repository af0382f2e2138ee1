//! What the page knows of the network and the window, and a worker does not: whether there is a network, and whether
//! anybody looks.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures::channel::oneshot;

use super::{Client, ClientError, ConnectionState};

/// After so long out of sight a connection may have died without a word, as when a computer slept: nanoseconds.
const SUSPICIOUS_NS: u64 = 60_000_000_000;

/// What a page can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Whether the browser believes to have a network. It may be wrong: a node on this machine needs none.
    pub online: bool,
    /// Whether the window is in sight.
    pub visible: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            online: true,
            visible: true,
        }
    }
}

/// What was told last, for those who wait.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    now: Cell<Network>,
    hidden_since_ns: Cell<Option<u64>>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Conditions {
    pub(super) fn get(&self) -> Network {
        self.now.get()
    }

    /// Resolves when the live connection should be made anew.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + 'static {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|sender| !sender.is_canceled());
        waiting.push(sender);
        async move {
            // The only answer there is: that the sender is gone.
            let _ = receiver.await;
        }
    }

    /// How long the next pause between two attempts to connect is at least: who is out of sight can wait.
    pub(super) fn shortest_pause(&self, longest: Duration) -> Duration {
        if self.get().visible {
            Duration::ZERO
        } else {
            longest
        }
    }
}

impl Client {
    /// Takes what the page knows. When the network comes or goes the live connection is made anew: at once when it
    /// comes, with the usual pauses when it is said to be gone. When the window comes into sight again, a pause is cut
    /// short, and a connection that was out of sight for a minute is made anew. Out of sight, a broken connection is
    /// tried at the longest pause only.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub fn set_network(&self, network: Network) -> Result<(), ClientError> {
        let inner = self.open()?;
        let conditions = &inner.live.conditions;
        let before = conditions.now.replace(network);
        let now = inner.platform.now_ns();
        let mut anew = before.online != network.online;
        if before.visible && !network.visible {
            conditions.hidden_since_ns.set(Some(now));
        }
        if !before.visible && network.visible {
            let since = conditions.hidden_since_ns.take().unwrap_or(now);
            anew |= self.connection_state() != ConnectionState::Connected
                || now.saturating_sub(since) >= SUSPICIOUS_NS;
        }
        if anew {
            // Dropping a sender wakes its receiver.
            conditions.waiting.borrow_mut().clear();
        }
        Ok(())
    }
}
