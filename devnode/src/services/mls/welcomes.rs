//! Sending, querying and following welcomes.

use crate::faults::StreamFaults;
use crate::rpc::query_failed;
use crate::services::{Node, Stream, subscribed};
use crate::store::{NewWelcome, Page};
use crate::subscriptions::Feed;
use std::sync::Arc;
use tonic::{Response, Status};
use xmtp_web::proto::xmtp::mls::api::v1::{self as wire, welcome_message_input::Version};
use xmtp_web::proto::xmtp::mls::message_contents::{WelcomePointerWrapperAlgorithm, WelcomeWrapperAlgorithm};

/// Stores welcomes. Their shape is checked before the first is stored; what they hold is not.
pub(super) fn send(node: &Node, messages: Vec<wire::WelcomeMessageInput>) -> Result<(), Status> {
    if messages.is_empty() {
        return Err(Status::invalid_argument("no welcome messages to send"));
    }
    let welcomes = messages.into_iter().map(accept).collect::<Result<Vec<_>, _>>()?;
    for welcome in &welcomes {
        node.store
            .insert_welcome(welcome)
            .map_err(|e| Status::internal(format!("failed to insert message: {e}")))?;
    }
    Ok(())
}

fn accept(message: wire::WelcomeMessageInput) -> Result<NewWelcome, Status> {
    match message.version {
        None => Err(Status::invalid_argument(
            "invalid welcome message: missing version",
        )),
        Some(Version::V1(v1)) => {
            let symmetric = v1.wrapper_algorithm == WelcomeWrapperAlgorithm::SymmetricKey as i32;
            let keyless = v1.hpke_public_key.is_empty() && !symmetric;
            if v1.data.is_empty() || v1.installation_key.is_empty() || keyless {
                return Err(Status::invalid_argument("invalid welcome message"));
            }
            Ok(NewWelcome {
                installation_key: v1.installation_key,
                data: v1.data,
                hpke_public_key: v1.hpke_public_key,
                wrapper_algorithm: v1.wrapper_algorithm,
                welcome_metadata: v1.welcome_metadata,
                is_pointer: false,
            })
        }
        Some(Version::WelcomePointer(pointer)) => {
            let parts = [
                &pointer.installation_key,
                &pointer.welcome_pointer,
                &pointer.hpke_public_key,
            ];
            if parts.iter().any(|part| part.is_empty()) {
                return Err(Status::invalid_argument("invalid welcome pointer message"));
            }
            let algorithm = WelcomePointerWrapperAlgorithm::try_from(pointer.wrapper_algorithm);
            if algorithm != Ok(WelcomePointerWrapperAlgorithm::XwingMlkem768Draft6) {
                let name = algorithm.map_or_else(
                    |_| pointer.wrapper_algorithm.to_string(),
                    |a| a.as_str_name().to_owned(),
                );
                let text = format!("invalid welcome pointer wrapper algorithm: {name}");
                return Err(Status::invalid_argument(text));
            }
            Ok(NewWelcome {
                installation_key: pointer.installation_key,
                data: pointer.welcome_pointer,
                hpke_public_key: pointer.hpke_public_key,
                wrapper_algorithm: pointer.wrapper_algorithm,
                welcome_metadata: Vec::new(),
                is_pointer: true,
            })
        }
    }
}

/// A page of an installation's welcomes.
pub(super) fn query(
    node: &Node,
    request: &wire::QueryWelcomeMessagesRequest,
) -> Result<wire::QueryWelcomeMessagesResponse, Status> {
    if request.installation_key.is_empty() {
        return Err(Status::unknown("installation is required"));
    }
    let page = Page::of(request.paging_info.as_ref());
    let rows = node
        .store
        .welcomes(&request.installation_key, page)
        .map_err(query_failed)?;
    let paging_info = Some(page.answer(rows.len(), rows.last().map(|(id, _)| *id)));
    Ok(wire::QueryWelcomeMessagesResponse {
        messages: rows.into_iter().map(|(_, row)| row).collect(),
        paging_info,
    })
}

/// Follows installations.
pub(super) fn subscribe(
    node: &Arc<Node>,
    filters: Vec<wire::subscribe_welcome_messages_request::Filter>,
    faults: StreamFaults,
) -> Result<Response<Stream<wire::WelcomeMessage>>, Status> {
    if filters.is_empty() {
        return Err(Status::invalid_argument("no valid filters provided"));
    }
    if filters.iter().any(|filter| filter.installation_key.is_empty()) {
        return Err(Status::invalid_argument(
            "a filter is nil or installation key is empty",
        ));
    }
    let subscription = node
        .store
        .welcomes
        .subscribe(filters.iter().map(|f| f.installation_key.clone()));
    let store = Arc::clone(node);
    let feed = Feed {
        method: "SubscribeWelcomeMessages",
        subscription,
        replay: filters
            .into_iter()
            .map(|filter| (filter.installation_key, filter.id_cursor))
            .collect(),
        page: move |key: &[u8], after| store.store.welcomes(key, Page::after(after)),
        too_slow: None,
        faults,
    };
    Ok(subscribed(feed.start()))
}
