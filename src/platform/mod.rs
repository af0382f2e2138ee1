//! What the library needs from the machine it runs on: the time, a timer, tasks, randomness.
//!
//! Nothing else in the crate asks a clock or a random source directly, so a test can hold all of them in
//! its hand: see [`manual`]. A browser worker uses `web::WebPlatform`, everything else
//! `native::NativePlatform`.

use std::time::Duration;

use futures::future::LocalBoxFuture;

pub mod manual;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod web;

/// Whether [`at_time`] does anything here.
pub const TIME_CAN_BE_SET: bool = cfg!(target_arch = "wasm32");

/// Makes a call that sees the given time wherever it asks the clock by the standard library's way, for libraries
/// that cannot be told the time.
///
/// In a browser the clock is set for this one synchronous call and put back on every way out of it, a trap of the
/// instance included. Natively the clock of a process cannot be set: the call sees the real time.
pub fn at_time<T>(unix_seconds: u64, call: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "wasm32")]
    return web::at_time(unix_seconds, call);
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = unix_seconds;
        call()
    }
}

/// The machine, used as `Rc<dyn Platform>` by everything that waits or needs chance.
pub trait Platform: std::fmt::Debug {
    /// Wall-clock time in nanoseconds since the Unix epoch, UTC. May jump when the user sets the clock.
    fn now_ns(&self) -> u64;

    /// A future that resolves once `duration` has passed. Dropping it clears the timer.
    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, ()>;

    /// Runs `task` to its end beside everything else, on this thread.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// Fills `bytes` from a cryptographically secure source (except in [`manual`], which is for tests).
    ///
    /// # Panics
    /// If the machine has no randomness, in which case no secret of this library would be one.
    fn random(&self, bytes: &mut [u8]);
}
