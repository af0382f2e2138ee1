//! A machine that waits for nothing long and whose clock can be set forward.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, select};
use xmtp_web::platform::Platform;
use xmtp_web::platform::native::NativePlatform;

/// Pauses between attempts are cut to this unless a story wants longer ones; time limits, which are longer, stay.
const PAUSE: Duration = Duration::from_millis(4);
/// From here on a wait is a time limit.
const LIMIT: Duration = Duration::from_secs(30);
/// But the longest pause after a rate limit is a limit and some jitter.
const JITTER: Duration = Duration::from_millis(25);

/// What keeps one payload from the node.
#[derive(Debug)]
pub(crate) struct Hold {
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

impl Hold {
    /// Waits until the payload may go on. A hold that was dropped lets it go.
    pub(crate) async fn pass(self) {
        let _ = self.reached.send(());
        let _ = self.released.await;
    }
}

/// The other side of a [`Hold`].
pub(crate) struct Held {
    /// Resolves once the payload is on its way.
    pub(crate) sent: oneshot::Receiver<()>,
    /// Lets it go on.
    pub(crate) release: oneshot::Sender<()>,
}

/// From here on a wait is for something that is due rarely.
const HOURS: Duration = Duration::from_secs(60 * 60);

/// Clones share the clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestMachine {
    ahead_ns: Rc<Cell<u64>>,
    behind_ns: Rc<Cell<u64>>,
    frozen_ns: Rc<Cell<Option<u64>>>,
    /// The node does not know the newest identity updates yet.
    pub(crate) node_is_behind: Rc<Cell<bool>>,
    /// The node cannot reach the chain on which contract wallets live.
    pub(crate) chain_is_away: Rc<Cell<bool>>,
    /// Long waits end when the clock is set past their end, and who waits so.
    follows_clock: Rc<Cell<bool>>,
    waiting: Rc<RefCell<Vec<Waker>>>,
    /// Meets the next payload that is sent to a group, on its way to the node.
    held: Rc<RefCell<Option<Hold>>>,
    /// Waits of hours are pauses too.
    pub(crate) hours_pass: Rc<Cell<bool>>,
    /// What pauses are cut to, if not to the usual.
    pub(crate) pause: Rc<Cell<Option<Duration>>>,
    /// Pauses of this length end when the clock is set past their end, and not before.
    pub(crate) paused_by_clock: Rc<Cell<Option<Duration>>>,
    /// The pauses that were asked for.
    pub(crate) asked: Rc<RefCell<Vec<Duration>>>,
}

impl TestMachine {
    /// Sets the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).expect("less than centuries");
        self.ahead_ns.set(self.ahead_ns.get() + by);
        self.frozen_ns.set(self.frozen_ns.get().map(|frozen| frozen + by));
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Holds the next payload that anybody sends to a group, until released.
    pub(crate) fn hold_next_send(&self) -> Held {
        let ((reached, sent), (release, released)) = (oneshot::channel(), oneshot::channel());
        self.held.replace(Some(Hold { reached, released }));
        Held { sent, release }
    }

    pub(crate) fn take_hold(&self) -> Option<Hold> {
        self.held.take()
    }

    /// From now on long waits end when the clock is set past their end, as on a machine that is awake. Without it
    /// the clock moves as on one that was asleep: no timer notices.
    pub(crate) fn wake_with_clock(&self) {
        self.follows_clock.set(true);
    }

    /// Sets the clock back.
    pub(crate) fn set_back(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).expect("less than centuries");
        self.behind_ns.set(self.behind_ns.get() + by);
    }

    /// Sets the clock right again.
    pub(crate) fn set_right(&self) {
        self.ahead_ns.set(0);
        self.behind_ns.set(0);
    }

    /// Does something with the clock as if it had never been set forward.
    pub(crate) fn as_at_first<T>(&self, act: impl FnOnce() -> T) -> T {
        let ahead_ns = self.ahead_ns.replace(0);
        let done = act();
        self.ahead_ns.set(ahead_ns);
        done
    }

    /// Until the clock is set so far forward.
    fn set_past(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let (machine, deadline) = (self.clone(), self.now_ns().saturating_add(nanoseconds));
        poll_fn(move |context| {
            if machine.now_ns() >= deadline {
                return Poll::Ready(());
            }
            machine.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .boxed_local()
    }

    /// Stops the clock.
    pub(crate) fn freeze(&self) {
        self.frozen_ns.set(Some(self.now_ns()));
    }
}

impl Platform for TestMachine {
    fn now_ns(&self) -> u64 {
        let running = NativePlatform.now_ns() + self.ahead_ns.get() - self.behind_ns.get();
        self.frozen_ns.get().unwrap_or(running)
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        if self.follows_clock.get() && duration >= LIMIT {
            return select(NativePlatform.sleep(duration), self.set_past(duration))
                .map(|_| ())
                .boxed_local();
        }
        if self.paused_by_clock.get() == Some(duration) {
            return self.set_past(duration);
        }
        let is_hours = duration >= HOURS && self.hours_pass.get();
        let is_pause = duration < LIMIT || duration > LIMIT && duration <= LIMIT + JITTER;
        if is_pause {
            self.asked.borrow_mut().push(duration);
        }
        NativePlatform.sleep(if is_pause || is_hours {
            duration.min(self.pause.get().unwrap_or(PAUSE))
        } else {
            duration
        })
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        NativePlatform.spawn(task);
    }

    fn random(&self, bytes: &mut [u8]) {
        NativePlatform.random(bytes);
    }
}
