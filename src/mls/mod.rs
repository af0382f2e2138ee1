//! MLS: the only room that knows OpenMLS.
//!
//! [`Provider`] is what every OpenMLS call is given: cryptography and the store of MLS state, which lies in
//! the client's own database. What OpenMLS writes is therefore part of the transaction that is open there,
//! and is undone with it. **After an undone transaction or savepoint load the group again**: the one in
//! memory has gone ahead.

mod provider;
mod store;

pub use provider::{CIPHERSUITE, Provider};
pub use store::{MlsStore, MlsStoreError, decode, encode};
