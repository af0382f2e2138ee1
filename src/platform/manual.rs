//! A machine for tests: time moves when told, chance is the same in every run.
//!
//! ```
//! use std::{rc::Rc, time::Duration};
//! use xmtp_web::platform::{Platform, manual::ManualPlatform};
//!
//! let machine = ManualPlatform::new(0);
//! let clock: Rc<dyn Platform> = Rc::new(machine.clone());
//! // `run` moves time to the next timer whenever nothing else can happen: no test ever waits.
//! machine.run(clock.sleep(Duration::from_secs(3600)));
//! assert_eq!(clock.now_ns(), 3_600_000_000_000);
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use sha2::{Digest, Sha256};

use super::Platform;

/// Where spawned tasks go, if not into the machine itself.
type Spawner = Box<dyn Fn(LocalBoxFuture<'static, ()>)>;

/// A machine whose time a test moves. Clones are the same machine.
#[derive(Clone)]
pub struct ManualPlatform(Rc<Machine>);

struct Machine {
    now_ns: Cell<u64>,
    /// Timers by deadline, then by age.
    timers: RefCell<BTreeMap<(u64, u64), Option<Waker>>>,
    timers_made: Cell<u64>,
    tasks: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    /// Spawned but not yet polled; separate, because a running task may spawn.
    new_tasks: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    spawner: Option<Spawner>,
    random_blocks: Cell<u64>,
}

impl fmt::Debug for ManualPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualPlatform")
            .field("now_ns", &self.0.now_ns.get())
            .field("timers", &self.0.timers.borrow().len())
            .finish_non_exhaustive()
    }
}

impl ManualPlatform {
    /// A machine whose clock stands at `now_ns` (Unix nanoseconds). It runs spawned tasks itself, in
    /// [`run`](Self::run), [`advance`](Self::advance) and [`run_until_stalled`](Self::run_until_stalled).
    #[must_use]
    pub fn new(now_ns: u64) -> Self {
        Self::build(now_ns, None)
    }

    /// Like [`new`](Self::new), but spawned tasks are given to `spawner`, for tests in which they use the
    /// real network: `ManualPlatform::with_spawner(0, |task| NativePlatform.spawn(task))`.
    #[must_use]
    pub fn with_spawner(now_ns: u64, spawner: impl Fn(LocalBoxFuture<'static, ()>) + 'static) -> Self {
        Self::build(now_ns, Some(Box::new(spawner)))
    }

    fn build(now_ns: u64, spawner: Option<Spawner>) -> Self {
        Self(Rc::new(Machine {
            now_ns: Cell::new(now_ns),
            timers: RefCell::default(),
            timers_made: Cell::new(0),
            tasks: RefCell::default(),
            new_tasks: RefCell::default(),
            spawner,
            random_blocks: Cell::new(0),
        }))
    }

    /// Runs `future` and all spawned tasks until `future` is done. Whenever everything waits, time jumps
    /// to the next timer.
    ///
    /// # Panics
    /// If everything waits and there is no timer: the test would hang.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let (flag, waker) = Flag::new();
        let mut context = Context::from_waker(&waker);
        loop {
            flag.clear();
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            self.poll_tasks(&mut context);
            if !flag.is_set() && !self.jump_to_next_timer(u64::MAX) {
                panic!("everything waits and no timer is set");
            }
        }
    }

    /// Moves time forward by `duration`, stopping at each timer on the way so that tasks see every
    /// moment in order.
    pub fn advance(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let until = self.0.now_ns.get().saturating_add(nanoseconds);
        self.run_until_stalled();
        while self.jump_to_next_timer(until) {
            self.run_until_stalled();
        }
        self.0.now_ns.set(until);
    }

    /// Runs spawned tasks until all of them wait. Time stands still.
    pub fn run_until_stalled(&self) {
        let (flag, waker) = Flag::new();
        let mut context = Context::from_waker(&waker);
        loop {
            flag.clear();
            self.poll_tasks(&mut context);
            if !flag.is_set() {
                return;
            }
        }
    }

    /// Polls every task that can go on.
    fn poll_tasks(&self, context: &mut Context<'_>) {
        let mut tasks = self.0.tasks.borrow_mut();
        loop {
            tasks.extend(self.0.new_tasks.take());
            let progressed = matches!(tasks.poll_next_unpin(context), Poll::Ready(Some(())));
            if !progressed && self.0.new_tasks.borrow().is_empty() {
                return;
            }
        }
    }

    /// Sets the clock to the earliest timer not later than `until` and fires it. False if there is none.
    fn jump_to_next_timer(&self, until: u64) -> bool {
        let mut timers = self.0.timers.borrow_mut();
        let Some(entry) = timers.first_entry().filter(|e| e.key().0 <= until) else {
            return false;
        };
        let ((deadline, _), waker) = entry.remove_entry();
        drop(timers);
        self.0.now_ns.set(self.0.now_ns.get().max(deadline));
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl Platform for ManualPlatform {
    fn now_ns(&self) -> u64 {
        self.0.now_ns.get()
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let number = self.0.timers_made.get();
        self.0.timers_made.set(number + 1);
        let key = (self.0.now_ns.get().saturating_add(nanoseconds), number);
        self.0.timers.borrow_mut().insert(key, None);
        Sleep {
            machine: self.0.clone(),
            key,
        }
        .boxed_local()
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        match &self.0.spawner {
            Some(spawner) => spawner(task),
            None => self.0.new_tasks.borrow_mut().push(task),
        }
    }

    /// The same bytes in every run, never twice the same in one.
    fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = self.0.random_blocks.get();
            self.0.random_blocks.set(block + 1);
            let digest = Sha256::digest(block.to_be_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

/// Resolves once its timer is gone from the machine.
struct Sleep {
    machine: Rc<Machine>,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.machine.timers.borrow_mut();
        if self.key.0 <= self.machine.now_ns.get() {
            timers.remove(&self.key);
            return Poll::Ready(());
        }
        match timers.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.machine.timers.borrow_mut().remove(&self.key);
    }
}

/// Remembers that something woke up.
struct Flag(AtomicBool);

impl Flag {
    fn new() -> (Arc<Self>, Waker) {
        let flag = Arc::new(Self(AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        (flag, waker)
    }

    fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers_wake_in_order_of_their_deadlines() {
        let machine = ManualPlatform::new(1_000);
        let seen = Rc::new(RefCell::new(Vec::new()));
        for seconds in [3u64, 1, 2] {
            let (seen, clock) = (seen.clone(), machine.clone());
            machine.spawn(
                async move {
                    clock.sleep(Duration::from_secs(seconds)).await;
                    seen.borrow_mut().push((seconds, clock.now_ns()));
                }
                .boxed_local(),
            );
        }
        machine.advance(Duration::from_millis(2_500));
        assert_eq!(*seen.borrow(), [(1, 1_000_001_000), (2, 2_000_001_000)]);
        assert_eq!(machine.now_ns(), 2_500_001_000);
        machine.advance(Duration::from_secs(1));
        assert_eq!(seen.borrow().len(), 3);
    }

    #[test]
    fn a_dropped_sleep_leaves_no_timer() {
        let machine = ManualPlatform::new(0);
        drop(machine.sleep(Duration::from_secs(1)));
        assert!(machine.0.timers.borrow().is_empty());
    }

    #[test]
    fn a_task_may_spawn_another() {
        let machine = ManualPlatform::new(0);
        let done = Rc::new(Cell::new(false));
        let (inner, flag) = (machine.clone(), done.clone());
        machine.spawn(async move { inner.spawn(async move { flag.set(true) }.boxed_local()) }.boxed_local());
        machine.run_until_stalled();
        assert!(done.get());
    }

    #[test]
    fn randomness_repeats_between_machines_only() {
        let (a, b) = (ManualPlatform::new(0), ManualPlatform::new(9));
        let mut bytes = [[0u8; 40]; 3];
        a.random(&mut bytes[0]);
        b.random(&mut bytes[1]);
        a.random(&mut bytes[2]);
        assert_eq!(bytes[0], bytes[1]);
        assert_ne!(bytes[0], bytes[2]);
    }
}
