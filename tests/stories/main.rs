//! What people do with real clients, against a node in this process; a file for each part of it, one program for all,
//! because linking each by itself takes longer than running it.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../support/mod.rs"]
mod support;

mod archives;
mod clocks;
mod consent;
mod conversations;
mod costs;
mod delivery;
mod device_sync;
mod direct_messages;
mod disappearing;
mod durability;
mod echoes;
mod forks;
mod forward_secrecy;
mod full_disk;
mod group_membership;
mod history;
mod hostile;
mod installations;
mod joining;
mod leaving;
mod left_behind;
mod left_out;
mod message_streams;
mod messaging;
mod network_changes;
mod random_trouble;
mod registration;
mod sizes;
mod wallets;
mod welcomes;
mod xip_42;
mod xip_45;
mod xip_72;
