//! Messages whose time is over: deleted when they are due, while a client is open.
//!
//! One task sleeps until the next one is due and is woken when a message is stored. What comes due while nothing
//! is open, or while a machine sleeps, goes at the next opening or sync. Nobody reads it in between: every query
//! leaves out what is due.

use std::cell::RefCell;
use std::rc::Weak;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{FutureExt as _, StreamExt as _};

use super::{ClientError, Event, Inner};

/// Wakes the task that deletes.
#[derive(Debug)]
pub(super) struct Alarm(RefCell<mpsc::Sender<()>>);

impl Alarm {
    pub(super) fn new() -> (Self, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel(0);
        (Self(RefCell::new(sender)), receiver)
    }

    /// Something that may come due was stored.
    pub(super) fn ring(&self) {
        // A full channel has told already; a closed one is a client that is going.
        let _ = self.0.borrow_mut().try_send(());
    }
}

/// Deletes what is due, now and whenever something becomes due, until the client is closed or gone.
pub(super) async fn delete_when_due(weak: Weak<Inner>, mut rung: mpsc::Receiver<()>) {
    loop {
        let (mut due, mut closed) = {
            let Some(inner) = weak.upgrade() else { return };
            if inner.closing.is_told() {
                return;
            }
            let next_ns = inner.delete_expired().unwrap_or_else(|error| {
                tracing::warn!(%error, "messages whose time is over could not be deleted yet");
                None
            });
            let due = match next_ns {
                Some(next_ns) => {
                    let left = u64::try_from(next_ns.saturating_sub(inner.now_ns())).unwrap_or_default();
                    inner.platform.sleep(Duration::from_nanos(left))
                }
                None => futures::future::pending().boxed_local(),
            };
            // Neither holds the client: closing it must give the database back at once.
            (due.fuse(), Box::pin(inner.closing.wait()).fuse())
        };
        futures::select! {
            () = due => {}
            told = rung.next() => if told.is_none() { return },
            () = closed => return,
        }
    }
}

impl Inner {
    /// Deletes messages whose time is over, and tells which. Returns when the next one is due, nanoseconds since
    /// the Unix epoch.
    pub(super) fn delete_expired(&self) -> Result<Option<i64>, ClientError> {
        let now_ns = self.now_ns();
        let next_ns = self.store.next_expiry_ns()?;
        if next_ns.is_none_or(|due| due > now_ns) {
            return Ok(next_ns);
        }
        let gone = self.store.delete_expired_messages(now_ns)?;
        for (group_id, id) in gone {
            self.events.tell(&Event::MessageDeleted { group_id, id });
        }
        Ok(self.store.next_expiry_ns()?)
    }
}
