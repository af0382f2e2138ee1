//! Sending, querying and following group messages.

use crate::faults::StreamFaults;
use crate::rpc::query_failed;
use crate::services::{Node, Stream, subscribed};
use crate::store::{NewGroupMessage, Page};
use crate::subscriptions::Feed;
use crate::validate;
use std::sync::Arc;
use tonic::{Response, Status};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

/// Stores messages in the order given. All are looked at before the first is stored; only a failing database
/// can leave a part of them behind.
pub(super) fn send(node: &Node, messages: Vec<wire::GroupMessageInput>) -> Result<(), Status> {
    if messages.is_empty() {
        return Err(Status::invalid_argument("no group messages to send"));
    }
    let messages = messages
        .into_iter()
        .map(|message| match message.version {
            Some(wire::group_message_input::Version::V1(v1)) => Ok(v1),
            None => Err(Status::invalid_argument("invalid group message")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    validate::batch_size(messages.iter().map(|message| message.data.len()))?;
    let messages = messages.into_iter().map(accept).collect::<Result<Vec<_>, _>>()?;
    for message in messages {
        node.store
            .insert_group_message(message)
            .map_err(|e| Status::internal(format!("failed to insert message: {e}")))?;
    }
    Ok(())
}

fn accept(message: wire::group_message_input::V1) -> Result<NewGroupMessage, Status> {
    let header = validate::Header::parse(&message.data)
        .map_err(|e| Status::invalid_argument(format!("invalid group message: {e}")))?;
    if header.group_id.is_empty() {
        return Err(Status::invalid_argument("group id is empty"));
    }
    tracing::debug!(group = short(header.group_id), epoch = header.epoch, content = ?header.content, "message");
    Ok(NewGroupMessage {
        group_id: header.group_id.to_vec(),
        is_commit: header.is_commit(),
        data: message.data,
        sender_hmac: message.sender_hmac,
        should_push: message.should_push,
    })
}

/// The first four bytes: logs hold no full ids.
fn short(id: &[u8]) -> String {
    hex::encode(id.get(..4).unwrap_or(id))
}

/// A page of a group's messages.
pub(super) fn query(
    node: &Node,
    request: &wire::QueryGroupMessagesRequest,
) -> Result<wire::QueryGroupMessagesResponse, Status> {
    if request.group_id.is_empty() {
        return Err(Status::unknown("group is required"));
    }
    let page = Page::of(request.paging_info.as_ref());
    let rows = node
        .store
        .group_messages(&request.group_id, page)
        .map_err(query_failed)?;
    let paging_info = Some(page.answer(rows.len(), rows.last().map(|(id, _)| *id)));
    Ok(wire::QueryGroupMessagesResponse {
        messages: rows.into_iter().map(|(_, row)| row).collect(),
        paging_info,
    })
}

/// The newest message of each group, aligned with the request.
pub(super) fn newest(
    node: &Node,
    request: &wire::GetNewestGroupMessageRequest,
) -> Result<wire::GetNewestGroupMessageResponse, Status> {
    if request.group_ids.is_empty() {
        return Err(Status::invalid_argument("no group ids provided"));
    }
    let newest = |group: &Vec<u8>| {
        let group_message = node.store.newest_group_message(group, request.include_content);
        group_message
            .map(|group_message| wire::get_newest_group_message_response::Response { group_message })
            .map_err(|e| Status::internal(e.to_string()))
    };
    let responses = request.group_ids.iter().map(newest).collect::<Result<_, _>>()?;
    Ok(wire::GetNewestGroupMessageResponse { responses })
}

/// Follows groups. Filters are not checked: none is a silent stream, an empty group id ends it.
pub(super) fn subscribe(
    node: &Arc<Node>,
    filters: Vec<wire::subscribe_group_messages_request::Filter>,
    faults: StreamFaults,
) -> Response<Stream<wire::GroupMessage>> {
    let subscription = node
        .store
        .groups
        .subscribe(filters.iter().map(|filter| filter.group_id.clone()));
    let store = Arc::clone(node);
    let feed = Feed {
        method: "SubscribeGroupMessages",
        subscription,
        replay: filters
            .into_iter()
            .map(|filter| (filter.group_id, filter.id_cursor))
            .collect(),
        page: move |group: &[u8], after| store.store.group_messages_after(group, after),
        too_slow: Some(Status::aborted("caller did not read all messages fast enough")),
        faults,
    };
    subscribed(feed.start())
}
