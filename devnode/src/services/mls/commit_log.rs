//! Publishing and querying the commit log.

use crate::rpc::query_failed;
use crate::services::Node;
use crate::store::Page;
use tonic::Status;
use xmtp_web::proto::xmtp::mls::api::v1::{self as wire, SortDirection};

/// The most entries of a publication, and the most groups of a query.
///
/// # Source
/// xmtp-node-go `pkg/mls/api/v1/service.go`.
const LARGEST_PUBLICATION: usize = 10;
const LARGEST_QUERY: usize = 20;

/// Appends entries, one after the other; their signatures are not looked at.
pub(super) fn publish(node: &Node, entries: &[wire::PublishCommitLogRequest]) -> Result<(), Status> {
    if entries.is_empty() {
        return Err(Status::invalid_argument("no log entries to publish"));
    }
    if entries.len() > LARGEST_PUBLICATION {
        return Err(Status::invalid_argument(
            "cannot exceed 10 inserts in single batch",
        ));
    }
    let invalid = || Status::invalid_argument("invalid commit log entry");
    let complete = |entry: &wire::PublishCommitLogRequest| {
        !entry.group_id.is_empty()
            && !entry.serialized_commit_log_entry.is_empty()
            && entry.signature.is_some()
    };
    if !entries.iter().all(complete) {
        return Err(invalid());
    }
    for entry in entries {
        let signature = entry.signature.as_ref().ok_or_else(invalid)?;
        node.store
            .append_commit_log(&entry.group_id, &entry.serialized_commit_log_entry, signature)
            .map_err(|e| Status::internal(format!("failed to insert commit log entry: {e}")))?;
    }
    Ok(())
}

/// One page for each group asked for, oldest first.
pub(super) fn query(
    node: &Node,
    queries: Vec<wire::QueryCommitLogRequest>,
) -> Result<wire::BatchQueryCommitLogResponse, Status> {
    if queries.is_empty() {
        return Err(Status::invalid_argument("no requests to query"));
    }
    if queries.len() > LARGEST_QUERY {
        return Err(Status::invalid_argument(
            "cannot exceed 20 queries in single batch",
        ));
    }
    if queries.iter().any(|query| query.group_id.is_empty()) {
        return Err(Status::invalid_argument("invalid request"));
    }
    let responses = queries
        .into_iter()
        .map(|query| one(node, query))
        .collect::<Result<_, _>>()?;
    Ok(wire::BatchQueryCommitLogResponse { responses })
}

fn one(node: &Node, query: wire::QueryCommitLogRequest) -> Result<wire::QueryCommitLogResponse, Status> {
    let mut info = query.paging_info.unwrap_or_default();
    if info.direction == SortDirection::Unspecified as i32 {
        info.direction = SortDirection::Ascending.into();
    }
    let page = Page::of(Some(&info));
    let entries = node
        .store
        .commit_log(&query.group_id, page)
        .map_err(query_failed)?;
    let paging_info = Some(page.answer(entries.len(), entries.last().map(|entry| entry.sequence_id)));
    Ok(wire::QueryCommitLogResponse {
        group_id: query.group_id,
        commit_log_entries: entries,
        paging_info,
    })
}
