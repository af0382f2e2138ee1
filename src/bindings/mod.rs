//! The classes and functions a page's worker calls. Compiled for browsers only.
//!
//! Each type holds what it stands for in one field; each method converts its arguments, calls the `client`
//! room and converts the answer. Arguments come as whatever JavaScript passed: everything is checked here.
//!
//! | file | what |
//! |---|---|
//! | `client.rs`, `conversations.rs`, `group.rs`, `preferences.rs`, `stream.rs` | one JavaScript class each |
//! | `accounts.rs` | what `Client` does with inboxes and the installation key |
//! | `signature_request.rs`, `directory.rs` | changes that wait for signatures; inboxes seen from outside |
//! | `consent_list.rs` | what `Preferences` offers for the list of XIP-42 |
//! | `dm.rs`, `leaving.rs`, `push.rs` | what they offer for direct messages, leaving and push notifications |
//! | `permissions.rs`, `settings.rs` | what they offer for the settings of a group |
//! | `session.rs` | the open client that they share |
//! | `database.rs` | where the client's rows lie |
//! | `options.rs`, `content_types.rs`, `convert.rs` | arguments in |
//! | `message.rs`, `view.rs`, `inbox.rs` | plain objects out |
//! | `files.rs` | files that lie elsewhere, piece by piece |
//! | `content.rs`, `removals.rs` | typed content in and out, removing messages |
//! | `wallet.rs` | signing with the key of a throwaway account |
//! | `error.rs` | failures |
//! | `types.d.ts` | the TypeScript names of the plain objects |
//!
//! `pkg-template/src/xmtp_web.d.ts` is the contract with the page-side code.

mod accounts;
mod archives;
mod client;
mod consent_list;
mod content;
mod content_types;
mod conversations;
mod convert;
mod database;
mod directory;
mod dm;
mod error;
mod files;
mod group;
mod history;
mod inbox;
mod leaving;
mod message;
mod options;
mod permissions;
mod preferences;
mod push;
mod removals;
mod session;
mod settings;
mod signature_request;
mod stream;
mod view;
mod wallet;

pub use accounts::verify_signed_with_public_key;
pub use client::Client;
pub use content::{decrypt_attachment, encode_typed, encrypt_attachment};
pub use conversations::Conversations;
pub use directory::Directory;
pub use error::EdgeError;
pub use files::{FileDecryptor, FileEncryptor};
pub use group::Group;
pub use message::{decode_content, encode_content};
pub use preferences::Preferences;
pub use signature_request::SignatureRequest;
pub use stream::StreamHandle;
pub use wallet::{sign_as_wallet, wallet_address};

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

/// Runs when the module is loaded. A panic ends the instance: the console says what it was.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&format!("xmtp-web: {panic}").into());
    }));
}
