//! What released peers put on the wire, recorded: their groups joined and followed to the last message.
//!
//! `vectors/peers.json` holds, for each of `@xmtp/node-sdk` 5.5.0, 6.0.0 and 6.1.0-nightly.20260726, a group
//! with every message after a client of ours had joined, a direct message, device sync and content. Its
//! identity logs are replayed by `identity_updates.rs`.
#![cfg(not(target_arch = "wasm32"))]

#[path = "transcripts/clock.rs"]
mod clock;
#[path = "transcripts/context.rs"]
mod context;
#[path = "transcripts/joining.rs"]
mod joining;
#[path = "transcripts/key_packages.rs"]
mod key_packages;
#[path = "transcripts/messages.rs"]
mod messages;
#[path = "transcripts/peers.rs"]
mod peers;
#[path = "transcripts/tls.rs"]
mod tls;
#[path = "support/wallet.rs"]
mod wallet;
