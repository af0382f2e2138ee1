//! The classes and functions a page's worker calls. Compiled for browsers only.
//!
//! Each type holds what it stands for in one field; each method converts its arguments, calls the `client`
//! room and converts the answer. Arguments come as whatever JavaScript passed: everything is checked here.
//!
//! | file | what |
//! |---|---|
//! | `client.rs`, `conversations.rs`, `group.rs`, `preferences.rs`, `stream.rs` | one JavaScript class each |
//! | `dm.rs` | what two of them offer for direct messages |
//! | `session.rs` | the open client that they share |
//! | `database.rs` | where the client's rows lie |
//! | `options.rs`, `convert.rs` | arguments in |
//! | `message.rs`, `view.rs` | plain objects out |
//! | `content.rs`, `removals.rs` | typed content in and out, removing messages |
//! | `error.rs` | failures |
//! | `types.d.ts` | the TypeScript names of the plain objects |
//!
//! `pkg-template/src/xmtp_web.d.ts` is the contract with the page-side code.

mod client;
mod content;
mod conversations;
mod convert;
mod database;
mod dm;
mod error;
mod group;
mod message;
mod options;
mod preferences;
mod removals;
mod session;
mod stream;
mod view;

pub use client::Client;
pub use content::{decrypt_attachment, encode_typed, encrypt_attachment};
pub use conversations::Conversations;
pub use error::EdgeError;
pub use group::Group;
pub use message::{decode_content, encode_content};
pub use preferences::Preferences;
pub use stream::StreamHandle;

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
