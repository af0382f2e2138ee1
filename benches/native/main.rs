//! What the protocol costs, beside what OpenMLS alone costs for the same. `npm run bench` runs it and prints
//! the ratios; see docs/BENCHMARKS.md.
//!
//! Everything is measured on files, one transaction for what one answer of a node holds, from a state that is
//! copied for each run.

mod backlog;
mod client;
mod crowd;
mod membership;
#[path = "../../tests/support/mod.rs"]
mod support;
#[allow(dead_code, reason = "transcripts and groups use the rest")]
#[path = "../../tests/support/wallet.rs"]
mod wallet;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/group_core/world.rs"]
mod world;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, backlog::benches, membership::benches, client::benches);
criterion_main!(benches);
