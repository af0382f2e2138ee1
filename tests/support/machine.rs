//! A machine that waits for nothing long and whose clock can be set forward.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use xmtp_web::platform::Platform;
use xmtp_web::platform::native::NativePlatform;

/// Pauses between attempts are cut to this unless a story wants longer ones; time limits, which are longer, stay.
const PAUSE: Duration = Duration::from_millis(4);
/// From here on a wait is a time limit.
const LIMIT: Duration = Duration::from_secs(30);
/// But the longest pause after a rate limit is a limit and some jitter.
const JITTER: Duration = Duration::from_millis(25);

/// Clones share the clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestMachine {
    ahead_ns: Rc<Cell<u64>>,
    frozen_ns: Rc<Cell<Option<u64>>>,
    /// The node does not know the newest identity updates yet.
    pub(crate) node_is_behind: Rc<Cell<bool>>,
    /// The node cannot reach the chain on which contract wallets live.
    pub(crate) chain_is_away: Rc<Cell<bool>>,
    /// What pauses are cut to, if not to the usual.
    pub(crate) pause: Rc<Cell<Option<Duration>>>,
}

impl TestMachine {
    /// Sets the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).expect("less than centuries");
        self.ahead_ns.set(self.ahead_ns.get() + by);
    }

    /// Stops the clock.
    pub(crate) fn freeze(&self) {
        self.frozen_ns.set(Some(self.now_ns()));
    }
}

impl Platform for TestMachine {
    fn now_ns(&self) -> u64 {
        let running = NativePlatform.now_ns() + self.ahead_ns.get();
        self.frozen_ns.get().unwrap_or(running)
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let is_pause = duration < LIMIT || duration > LIMIT && duration <= LIMIT + JITTER;
        NativePlatform.sleep(if is_pause {
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
