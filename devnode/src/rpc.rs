//! What every call has in common: its line in the log and the mapping of storage failures.

use crate::machine;
use crate::store::StoreError;
use tonic::{Code, Response, Status};

/// Runs a unary call and logs one line: method, code, duration, how many `items` the request holds.
/// Payloads, ids and addresses are never logged.
///
/// # Errors
/// Those of `work`.
pub(crate) fn unary<T>(
    method: &'static str,
    items: usize,
    work: impl FnOnce() -> Result<T, Status>,
) -> Result<Response<T>, Status> {
    let started = machine::now_ns();
    let result = work();
    let micros = machine::now_ns().saturating_sub(started) / 1_000;
    match &result {
        Ok(_) => tracing::info!(method, code = "OK", micros, items, "rpc"),
        Err(status) => {
            let code = code_name(status.code());
            tracing::info!(method, code, micros, items, reason = status.message(), "rpc");
        }
    }
    result.map(Response::new)
}

/// The name of a status code as gRPC writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The status of a failed query: plain store errors have the code UNKNOWN on the public node.
pub(crate) fn query_failed(error: StoreError) -> Status {
    Status::unknown(error.to_string())
}
