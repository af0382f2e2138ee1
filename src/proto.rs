//! Wire messages, generated from `/proto` by `build.rs`. Other rooms turn them into domain types at their
//! edge ("parse, don't validate").
#![allow(missing_docs, unreachable_pub, clippy::doc_markdown)]

include!(concat!(env!("OUT_DIR"), "/mod.rs"));
