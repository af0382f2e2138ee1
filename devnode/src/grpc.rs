//! Server traits, generated from `/proto` by `build.rs`. Their messages are those of `xmtp_web::proto`.
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, clippy::all)]

/// `xmtp.identity.api.v1`
pub(crate) mod identity {
    tonic::include_proto!("xmtp.identity.api.v1");
}

/// `xmtp.mls.api.v1`
pub(crate) mod mls {
    tonic::include_proto!("xmtp.mls.api.v1");
}

/// `xmtp.message_api.v1`
pub(crate) mod message {
    tonic::include_proto!("xmtp.message_api.v1");
}
