//! Groups without a network: installations with stores of their own, envelopes carried by hand.
#![cfg(not(target_arch = "wasm32"))]

#[path = "group_core/batches.rs"]
mod batches;
#[path = "group_core/forged.rs"]
mod forged;
#[path = "group_core/history.rs"]
mod history;
#[path = "group_core/hostile.rs"]
mod hostile;
#[path = "group_core/leaves.rs"]
mod leaves;
#[path = "group_core/life.rs"]
mod life;
#[path = "group_core/permissions.rs"]
mod permissions;
#[path = "group_core/refusals.rs"]
mod refusals;
#[path = "group_core/rules.rs"]
mod rules;
#[path = "group_core/sending.rs"]
mod sending;
#[path = "support/wallet.rs"]
mod wallet;
#[path = "group_core/welcome_rules.rs"]
mod welcome_rules;
#[path = "group_core/world.rs"]
mod world;
