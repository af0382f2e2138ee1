//! Bytes to and from a node: the only door to the network.
//!
//! In: a [`Method`] and an encoded request. Out: the encoded answer, or a stream of them, or a
//! [`TransportError`] that says whether trying again helps. [`NodeApi`] puts typed calls on top and checks
//! everything a node answers: it may be broken or hostile, and what does not fit the question becomes
//! [`InvalidResponse`](TransportError::InvalidResponse).
//!
//! This room never stores anything, never decrypts, and decides nothing about groups or identities.
//!
//! | file | what |
//! |---|---|
//! | `endpoint`, `method` | where to call, and what |
//! | `grpc_web` | gRPC-Web framing as pure functions |
//! | `fetch` (browser), `http` (native) | the two ways bytes travel |
//! | `files`, `fetch_files` | archives on a history server |
//! | `retry` | how often, how long |
//! | `counting` | how often each call was made |
//! | `calls` | one typed function per call |

use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;

pub mod calls;
mod counting;
mod endpoint;
mod error;
#[cfg(target_arch = "wasm32")]
mod fetch;
#[cfg(target_arch = "wasm32")]
mod fetch_files;
pub mod files;
pub mod grpc_web;
#[cfg(not(target_arch = "wasm32"))]
mod http;
mod method;
mod retry;
#[cfg(test)]
mod scripted;

pub use calls::NodeApi;
pub use counting::{CallCounts, CountingTransport};
pub use endpoint::Endpoint;
pub use error::{GrpcCode, InvalidResponse, TransportError};
#[cfg(target_arch = "wasm32")]
pub use fetch::FetchTransport;
#[cfg(target_arch = "wasm32")]
pub use fetch_files::FetchFiles;
#[cfg(not(target_arch = "wasm32"))]
pub use http::HttpTransport;
pub use method::Method;
pub use retry::{RetryPolicy, with_retry, with_timeout};

/// The largest message sent or accepted: 25 MiB, as in libxmtp.
pub const MAX_MESSAGE_BYTES: usize = 25 * 1024 * 1024;

/// The answers of one subscription. Ends with `None` when the node ends it, or after its first error;
/// either way the caller subscribes again from its cursor. Dropping it aborts the request.
pub type ByteStream = LocalBoxStream<'static, Result<Vec<u8>, TransportError>>;

/// A way to reach a node. Used as `Rc<dyn Transport>`; makes one attempt per call.
///
/// Requests and answers are encoded protobuf messages without any framing, at most
/// [`MAX_MESSAGE_BYTES`] long.
pub trait Transport: std::fmt::Debug {
    /// Sends one request and waits for the one answer. Dropping the future aborts the request.
    ///
    /// # Errors
    /// [`TransportError`]; nothing is known about whether the node acted on the request, except when it
    /// was [`Rejected`](TransportError::Rejected).
    fn unary(&self, method: Method, request: Vec<u8>) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>>;

    /// Opens a subscription; resolves when the node has answered with headers, from which moment on it
    /// is live. In a browser that hides these until a message comes it resolves after a moment, and a failure is
    /// the stream's first item. Dropping the future or the stream aborts the request.
    ///
    /// # Errors
    /// [`TransportError`], if the subscription was not opened.
    fn server_stream(
        &self,
        method: Method,
        request: Vec<u8>,
    ) -> LocalBoxFuture<'_, Result<ByteStream, TransportError>>;
}
