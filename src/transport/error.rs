//! What can go wrong between this library and a node.

use crate::error::{Coded, ErrorCode};

use super::grpc_web::FrameError;

/// The status codes of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GrpcCode {
    /// Success.
    Ok = 0,
    /// Cancelled, usually by a proxy.
    Cancelled = 1,
    /// No better code; also every number that gRPC does not define.
    Unknown = 2,
    /// The request is wrong whatever the state of the node.
    InvalidArgument = 3,
    /// The node's own deadline passed.
    DeadlineExceeded = 4,
    /// Something asked for does not exist.
    NotFound = 5,
    /// Something to be made exists.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A rate limit or quota is used up.
    ResourceExhausted = 8,
    /// The state of the node forbids it.
    FailedPrecondition = 9,
    /// Given up, for example because a subscriber reads too slowly.
    Aborted = 10,
    /// Past the valid range.
    OutOfRange = 11,
    /// The node does not have this call.
    Unimplemented = 12,
    /// A defect in the node or behind it.
    Internal = 13,
    /// The service is not there now.
    Unavailable = 14,
    /// Data was lost.
    DataLoss = 15,
    /// The caller is nobody known.
    Unauthenticated = 16,
}

impl From<i32> for GrpcCode {
    fn from(code: i32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Cancelled,
            3 => Self::InvalidArgument,
            4 => Self::DeadlineExceeded,
            5 => Self::NotFound,
            6 => Self::AlreadyExists,
            7 => Self::PermissionDenied,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            10 => Self::Aborted,
            11 => Self::OutOfRange,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            15 => Self::DataLoss,
            16 => Self::Unauthenticated,
            _ => Self::Unknown,
        }
    }
}

/// In which way an answer is not the protocol. The node, or something before it, is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// The answer is not gRPC-Web at all, for example a page of HTML.
    #[error("it is not gRPC-Web")]
    NotGrpcWeb,
    /// The framing is broken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The answer ends without a status: it was cut off.
    #[error("it ends without a status")]
    MissingStatus,
    /// A call with one answer got another number of them.
    #[error("it holds not exactly one message")]
    NotOneMessage,
    /// A message is not the protobuf it should be.
    #[error("it does not decode")]
    Undecodable,
    /// A list that must match the request entry for entry has another length.
    #[error("it has {got} entries where {expected} were asked for")]
    WrongCount {
        /// How many were asked for.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// A field that must be there is not.
    #[error("{0} is missing")]
    MissingField(&'static str),
    /// An id has the wrong length or alphabet.
    #[error("{0} is malformed")]
    MalformedId(&'static str),
    /// An entry is about a group, installation or inbox that was not asked about.
    #[error("it is about something that was not asked for")]
    NotAskedFor,
    /// Ids or cursors do not grow as they must.
    #[error("its ids do not ascend")]
    NotAscending,
    /// It is longer than what was asked for can be.
    #[error("it is too long")]
    TooLong,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection: refused, no network, or forbidden by the browser, which does not say which.
    #[error("the node cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the node did not answer in time")]
    Timeout,
    /// The node says it cannot serve now.
    #[error("the node is unavailable: {message}")]
    Unavailable {
        /// The node's words.
        message: String,
    },
    /// The node has ended this service for good.
    #[error("the node does not take this any more: {message}")]
    Ended {
        /// The node's words.
        message: String,
    },
    /// The node wants fewer requests.
    #[error("the node limits the rate of requests: {message}")]
    RateLimited {
        /// The node's words.
        message: String,
    },
    /// The node refuses this request; the same request will be refused again.
    #[error("the node refuses the request ({code:?}): {message}")]
    Rejected {
        /// Which refusal.
        code: GrpcCode,
        /// The node's words.
        message: String,
    },
    /// The node failed while it did what was asked; it may have done it.
    #[error("the node failed ({code:?}): {message}")]
    NodeFailed {
        /// Which failure.
        code: GrpcCode,
        /// The node's words.
        message: String,
    },
    /// The node does not offer this call, or not to this version.
    #[error("the node does not offer this: {message}")]
    Unimplemented {
        /// The node's words.
        message: String,
    },
    /// The answer is not the protocol.
    #[error("the node's answer is invalid: {0}")]
    InvalidResponse(#[from] InvalidResponse),
    /// The request was aborted, for example because the page is going away.
    #[error("the request was cancelled")]
    Cancelled,
    /// A message is larger than [`MAX_MESSAGE_BYTES`](super::MAX_MESSAGE_BYTES).
    #[error("a message of {bytes} bytes is too large to send")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// The node's address or the app's version cannot be used.
    #[error("{0}")]
    InvalidEndpoint(&'static str),
}

/// What a node says that takes no V2 envelopes any more. The status alone would mean that it will soon.
///
/// # Source
/// xmtp-node-go `pkg/api/message/v1/service.go` (#458).
const V2_ENDED: &str = "XMTP V2 is no longer available";

impl TransportError {
    /// The error for a status other than [`GrpcCode::Ok`]. `Ok` itself, where an error was due, is a
    /// defect of the node.
    #[must_use]
    pub fn from_status(code: GrpcCode, message: String) -> Self {
        match code {
            GrpcCode::Ok => Self::InvalidResponse(InvalidResponse::NotOneMessage),
            GrpcCode::DeadlineExceeded => Self::Timeout,
            GrpcCode::ResourceExhausted => Self::RateLimited { message },
            GrpcCode::Unimplemented => Self::Unimplemented { message },
            GrpcCode::Unavailable if message.contains(V2_ENDED) => Self::Ended { message },
            GrpcCode::Unavailable => Self::Unavailable { message },
            GrpcCode::InvalidArgument
            | GrpcCode::NotFound
            | GrpcCode::AlreadyExists
            | GrpcCode::PermissionDenied
            | GrpcCode::FailedPrecondition
            | GrpcCode::OutOfRange
            | GrpcCode::Unauthenticated => Self::Rejected { code, message },
            GrpcCode::Cancelled
            | GrpcCode::Unknown
            | GrpcCode::Aborted
            | GrpcCode::Internal
            | GrpcCode::DataLoss => Self::NodeFailed { code, message },
        }
    }
}

/// [`is_retryable`](Coded::is_retryable) follows from the code: what the node refuses outright is not
/// sent again (libxmtp does), because it would only be refused again.
impl Coded for TransportError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Unreachable | Self::Unavailable { .. } => ErrorCode::NetworkUnavailable,
            Self::Ended { .. } => ErrorCode::ListClosed,
            Self::Timeout => ErrorCode::NetworkTimeout,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Rejected { .. } => ErrorCode::RequestRejected,
            Self::NodeFailed { .. } => ErrorCode::NodeFailed,
            Self::Unimplemented { .. } => ErrorCode::NotImplemented,
            Self::InvalidResponse(_) => ErrorCode::InvalidResponse,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::TooLarge { .. } | Self::InvalidEndpoint(_) => ErrorCode::InvalidArgument,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_final_and_failures_are_not() {
        for (number, retryable) in [
            (1, true),
            (2, true),
            (3, false),
            (4, true),
            (5, false),
            (6, false),
            (7, false),
            (8, true),
            (9, false),
            (10, true),
            (11, false),
            (12, false),
            (13, true),
            (14, true),
            (15, true),
            (16, false),
            (99, true),
        ] {
            let error = TransportError::from_status(GrpcCode::from(number), String::new());
            assert_eq!(error.is_retryable(), retryable, "{number}");
        }
        assert!(TransportError::Unreachable.is_retryable());
        assert!(!TransportError::Cancelled.is_retryable());
        let ended = "publishing to XMTP V2 is no longer available. Please upgrade your client to XMTP V3.";
        let ended = TransportError::from_status(GrpcCode::Unavailable, ended.into());
        assert!(matches!(ended, TransportError::Ended { .. }) && !ended.is_retryable());
        assert!(!TransportError::from(InvalidResponse::Undecodable).is_retryable());
    }
}
