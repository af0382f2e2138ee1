//! The local node as a wasm module, for pages and Node.js. Elsewhere this crate is empty.

#[cfg(target_arch = "wasm32")]
pub mod node;
