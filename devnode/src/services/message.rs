//! `xmtp.message_api.v1.MessageApi`, the V2 service. Public nodes refuse `Publish`; this one accepts it unless it was
//! started to refuse it too.

use super::{Node, Services, Stream, stream_faults, subscribed};
use crate::grpc::message::message_api_server::MessageApi;
use crate::rpc::{query_failed, unary};
use crate::store::EnvelopeQuery;
use crate::subscriptions::Feed;
use tonic::{Request, Response, Status};
use xmtp_web::proto::xmtp::message_api::v1::{self as wire, SortDirection, cursor};

type Answer<T> = Result<Response<T>, Status>;

/// Rows of a page: the usual number, which is also the largest, and the largest for one preferences topic.
///
/// # Source
/// xmtp-node-go `pkg/store/query.go`.
const LARGEST_PAGE: u32 = 100;
const LARGEST_PREFERENCES_PAGE: u32 = 500;

/// Topics of private preferences (XIP-42).
const PREFERENCES: &str = "/xmtp/0/userpreferences-";

/// What public nodes answer to `Publish`.
///
/// # Source
/// xmtp-node-go `pkg/api/message/v1/service.go` (#458).
const V2_CLOSED: &str = "publishing to XMTP V2 is no longer available. Please upgrade your client to XMTP V3. \
    Read more here: https://docs.xmtp.org/upgrade-from-legacy-V2";

/// The most queries of a batch (same source).
const LARGEST_BATCH: usize = 50;

#[tonic::async_trait]
impl MessageApi for Services {
    async fn publish(&self, request: Request<wire::PublishRequest>) -> Answer<wire::PublishResponse> {
        let envelopes = request.into_inner().envelopes;
        unary("Publish", envelopes.len(), || {
            if self.0.v2_closed {
                return Err(Status::unavailable(V2_CLOSED));
            }
            for envelope in &envelopes {
                self.0
                    .store
                    .insert_envelope(envelope)
                    .map_err(|e| Status::internal(e.to_string()))?;
            }
            Ok(wire::PublishResponse {})
        })
    }

    type SubscribeStream = Stream<wire::Envelope>;

    /// New envelopes only; a reader that is too slow is left with OK.
    async fn subscribe(&self, request: Request<wire::SubscribeRequest>) -> Answer<Self::SubscribeStream> {
        let faults = stream_faults(&request);
        let topics = request.into_inner().content_topics;
        let feed = Feed {
            method: "Subscribe",
            subscription: self
                .0
                .store
                .envelopes
                .subscribe(topics.into_iter().map(String::into_bytes)),
            replay: Vec::new(),
            page: |_: &[u8], _| Ok(Vec::new()),
            too_slow: None,
            faults,
        };
        Ok(subscribed(feed.start()))
    }

    async fn query(&self, request: Request<wire::QueryRequest>) -> Answer<wire::QueryResponse> {
        unary("Query", 1, || query(&self.0, request.into_inner()))
    }

    async fn batch_query(
        &self,
        request: Request<wire::BatchQueryRequest>,
    ) -> Answer<wire::BatchQueryResponse> {
        let requests = request.into_inner().requests;
        unary("BatchQuery", requests.len(), || {
            if requests.len() > LARGEST_BATCH {
                let text = format!("cannot exceed {LARGEST_BATCH} requests in single batch");
                return Err(Status::invalid_argument(text));
            }
            let responses = requests
                .into_iter()
                .map(|request| query(&self.0, request).map_err(|e| Status::internal(e.message())))
                .collect::<Result<_, _>>()?;
            Ok(wire::BatchQueryResponse { responses })
        })
    }
}

fn query(node: &Node, request: wire::QueryRequest) -> Result<wire::QueryResponse, Status> {
    let preferences = matches!(request.content_topics.as_slice(), [topic] if topic.starts_with(PREFERENCES));
    let largest = if preferences {
        LARGEST_PREFERENCES_PAGE
    } else {
        LARGEST_PAGE
    };
    if request.content_topics.is_empty() {
        return Err(Status::invalid_argument("content topics required"));
    }
    let info = request.paging_info.unwrap_or_default();
    if info.limit > largest {
        return Err(Status::invalid_argument(format!(
            "cannot exceed {largest} rows per query"
        )));
    }
    let ascending = info.direction == SortDirection::Ascending as i32;
    let query = EnvelopeQuery {
        topics: request.content_topics,
        start_ns: request.start_time_ns,
        end_ns: request.end_time_ns,
        cursor: info
            .cursor
            .and_then(|cursor| cursor.cursor)
            .map(|cursor::Cursor::Index(index)| index),
        ascending,
        limit: if info.limit == 0 { LARGEST_PAGE } else { info.limit },
    };
    let page = node.store.envelopes(&query).map_err(query_failed)?;
    let direction = if ascending {
        SortDirection::Ascending
    } else {
        SortDirection::Descending
    };
    let paging_info = wire::PagingInfo {
        limit: if page.next.is_some() { query.limit } else { 0 },
        cursor: page.next.map(|index| wire::Cursor {
            cursor: Some(cursor::Cursor::Index(index)),
        }),
        direction: direction.into(),
    };
    Ok(wire::QueryResponse {
        envelopes: page.envelopes,
        paging_info: Some(paging_info),
    })
}
