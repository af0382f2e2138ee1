//! The list of XIP-42: whom a person lets in and keeps out, kept encrypted on the network under a topic that only
//! they can name.
//!
//! It is how the V2 network knew preferences. Public nodes still answer queries and no longer take entries; between
//! V3 installations [`sync`](super::sync) does the same. Here are its bytes and its rules; `docs/CONSENT.md` says how it and
//! the records of consent are one truth.
//!
//! | noun | file |
//! |---|---|
//! | the key of a person, and the topic it names | `key.rs` |
//! | a payload, encrypted and decrypted | `seal.rs`, the form of 2023 `ecies.rs` |
//! | what a payload says | `action.rs` |
//! | what all payloads together say | `fold.rs` |
//! | when an entry may change | `rules.rs` |
//! | the list and the records of consent | `records.rs` |

pub mod action;
pub mod ecies;
pub mod fold;
pub mod key;
pub mod records;
pub mod rules;
pub mod seal;

pub use action::{Action, Listed, Subject};
pub use fold::List;
pub use key::IdentityKey;
