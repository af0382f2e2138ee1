//! A local XMTP v3 node: the calls of the public one, on loopback, over one SQLite file or memory.
//!
//! ```text
//! gRPC 5556 ──────────────┐
//!                         ├─► faults ─► services ─► validate ─► store ─► subscriptions ─► open streams
//! gRPC-web 5557 ─► edge ──┘
//! ```
//!
//! - [`Server`] starts a node inside a process, the command `xmtp-devnode` as a process of its own.
//! - [`EmbeddedNode`] is the same node without ports: one HTTP request in, one answer out. As wasm it is the network
//!   of `xmtp-web/testing` and of `npx xmtp-devnode` (`page/`).
//! - `services` answer calls, one file per service; `validate` decides what may be stored, with the library's
//!   own identity and key-package code; `store` writes rows, one file per table family; `subscriptions`
//!   hands new rows to streams.
//! - `files` is the history server, which keeps archives in memory: on the gRPC-web port, and on a port of its own.
//! - [`Faults`] breaks calls on purpose, for tests. Nothing is broken unless a rule was set.
//!
//! Known differences from the public node: `MessageApi.Publish` accepts envelopes, contract wallets are
//! those of a registry instead of a chain's, there are no rate limits and no retention, and messages are
//! validated by this project's own code.

mod clock;
mod contracts;
mod edge;
mod embedded;
mod error;
mod faults;
mod files;
mod grpc;
mod machine;
mod rpc;
#[cfg(feature = "server")]
mod server;
mod services;
mod store;
mod subscriptions;
mod validate;

pub use clock::Clock;
pub use contracts::{InvalidWallet, LOCAL_CHAIN_HEIGHT, LOCAL_CHAIN_ID};
pub use embedded::{EmbeddedNode, EmbeddedOptions, Protocol};
pub use error::StartError;
pub use faults::{Fault, Faults, Rule};
#[cfg(feature = "server")]
pub use server::{RunningServer, Server, ServerOptions};
pub use store::{Database, StoreError};
