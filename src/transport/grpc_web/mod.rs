//! gRPC-Web, binary flavour, as pure functions over bytes: frames, statuses, whole response bodies.
//!
//! A frame is one byte of flags, a big-endian length of four bytes, and that many bytes. Flags `0x00` mark
//! a message, `0x80` the trailers, which come last and hold the status as lines of HTTP/1 headers.
//!
//! # Source
//! gRPC `doc/PROTOCOL-WEB.md` and `doc/PROTOCOL-HTTP2.md`.

mod body;
mod frame;
mod status;

pub use body::BodyDecoder;
pub use frame::{Frame, FrameDecoder, FrameError, encode_request};
pub use status::{Status, code_for_http_status};
