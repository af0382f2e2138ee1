//! People who talk through a node of their own: real clients, the real transport, a clock the story moves.

#![allow(dead_code, unused_imports, reason = "each story uses its part")]

mod chance;
mod disk;
pub(crate) mod earlier;
mod machine;
mod person;
mod shelf;
mod watch;
mod world;

use std::future::Future;
use std::time::Duration;

pub(crate) use chance::Chance;
pub(crate) use disk::{Disk, LastWrite};
pub(crate) use machine::{Held, TestMachine};
pub(crate) use person::{Person, Wallet, inboxes, text_of};
pub(crate) use shelf::Shelf;
pub(crate) use watch::Watch;
pub(crate) use world::World;

/// How long a story may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(100);

/// Runs a story to its end, on one thread, as in a browser's worker.
pub(crate) fn story<T>(told: impl Future<Output = T>) -> T {
    story_within(PATIENCE, told)
}

/// The same, for one that may take longer.
pub(crate) fn story_within<T>(patience: Duration, told: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local
        .block_on(&runtime, async { tokio::time::timeout(patience, told).await })
        .expect("the story comes to an end")
}
