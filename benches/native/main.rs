//! What the protocol costs, beside what OpenMLS alone costs for the same. `npm run bench` runs it and prints
//! the ratios; see docs/BENCHMARKS.md.
//!
//! Everything that is compared is measured on files, one transaction for what one answer of a node holds, from a
//! state that is copied for each run.

#[cfg(not(target_arch = "wasm32"))]
mod backlog;
#[cfg(not(target_arch = "wasm32"))]
mod client;
#[cfg(not(target_arch = "wasm32"))]
mod crowd;
#[cfg(not(target_arch = "wasm32"))]
mod membership;
#[cfg(not(target_arch = "wasm32"))]
#[path = "../../tests/support/mod.rs"]
mod support;
#[cfg(not(target_arch = "wasm32"))]
#[allow(dead_code, reason = "transcripts and groups use the rest")]
#[path = "../../tests/support/wallet.rs"]
mod wallet;
#[cfg(not(target_arch = "wasm32"))]
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/group_core/world.rs"]
mod world;

#[cfg(not(target_arch = "wasm32"))]
criterion::criterion_group!(benches, backlog::benches, membership::benches, client::benches);
#[cfg(not(target_arch = "wasm32"))]
criterion::criterion_main!(benches);

/// A browser measures the built package instead: `benches/web`.
#[cfg(target_arch = "wasm32")]
fn main() {}
