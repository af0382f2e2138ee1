//! The node's clock, which a test may replace.

use crate::machine;
use std::fmt;
use std::sync::Arc;

/// Where the node takes the time from: nanoseconds since the Unix epoch, UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(machine::now_ns)
    }

    /// A clock that always shows `ns`.
    #[must_use]
    pub fn fixed(ns: u64) -> Self {
        Self::from_fn(move || ns)
    }

    /// A clock that asks `now` for nanoseconds since the Unix epoch.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        (self.0)()
    }

    /// Like [`Self::now_ns`] in steps of a microsecond: what the node's tables hold.
    pub(crate) fn row_ns(&self) -> u64 {
        self.now_ns() / 1_000 * 1_000
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
