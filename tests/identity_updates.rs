//! Identity updates through the public door of the identity room: known answers, every rule, hostile bytes.
#![cfg(not(target_arch = "wasm32"))]

#[path = "identity/known_answers.rs"]
mod known_answers;
#[path = "identity/properties.rs"]
mod properties;
#[path = "identity/requests.rs"]
mod requests;
#[path = "identity/revocation.rs"]
mod revocation;
#[path = "identity/rules.rs"]
mod rules;
#[path = "identity/signatures.rs"]
mod signatures;
#[path = "identity/support.rs"]
mod support;
#[path = "identity/wire.rs"]
mod wire;
