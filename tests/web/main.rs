//! The classes a page's worker calls and the store in its browser, in a dedicated worker of headless Chromium, against a
//! running node; a file for each part, one program for all.
#![cfg(target_arch = "wasm32")]

#[path = "../support/mls_person.rs"]
mod mls_person;
#[path = "../support/page.rs"]
mod page;

mod archives;
mod client;
mod consent_list;
mod content;
mod conversations;
mod files;
mod groups;
mod history;
mod identity;
mod keys;
mod lifetimes;
mod preferences;
mod settings;
mod storage;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);
