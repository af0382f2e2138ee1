//! XMTP v3 for web apps.
//!
//! The map of the rooms, in the order in which data walks through them; `docs/ARCHITECTURE.md` has the
//! drawing and the arrows, `tests/architecture.rs` enforces them.

#[cfg(all(target_arch = "wasm32", feature = "bindings"))]
pub mod bindings;
pub mod client;
pub mod error;
pub mod groups;
pub mod identity;
pub mod ids;
pub mod messages;
pub mod mls;
pub mod platform;
pub mod preferences;
pub mod proto;
pub mod storage;
pub mod transport;
pub mod version;
