//! The V2 message service, where the preferences of XIP-42 live. Public nodes no longer accept new
//! envelopes there.

use std::collections::HashSet;

use futures::{StreamExt, stream};

use crate::proto::xmtp::message_api::v1 as wire;

use super::super::{InvalidResponse, Method, TransportError};
use super::{MessageStream, NodeApi, check_count, decode};

/// The most queries a node answers in one request.
const BATCH_QUERIES: usize = 50;

/// A V2 envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyEnvelope {
    /// The topic, for example `/xmtp/0/userpreferences-…/proto`.
    pub content_topic: String,
    /// When the sender says it was sent, Unix nanoseconds.
    pub timestamp_ns: u64,
    /// The payload.
    pub message: Vec<u8>,
}

/// Where a page of a V2 query ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyCursor {
    /// The SHA-256 of topic and message of the last row.
    pub digest: Vec<u8>,
    /// Its time, Unix nanoseconds.
    pub sender_time_ns: u64,
}

/// A V2 query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LegacyQuery {
    /// The topics; at least one.
    pub content_topics: Vec<String>,
    /// Nothing older, Unix nanoseconds, inclusive; 0 for no bound.
    pub start_time_ns: u64,
    /// Nothing newer, Unix nanoseconds, inclusive; 0 for no bound.
    pub end_time_ns: u64,
    /// The most rows, up to 100 (500 for a single topic of preferences); 0 for 100.
    pub limit: u32,
    /// Oldest first instead of newest first.
    pub ascending: bool,
    /// Where the page before ended.
    pub cursor: Option<LegacyCursor>,
}

/// A page of a V2 query, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyPage {
    /// What it holds.
    pub envelopes: Vec<LegacyEnvelope>,
    /// For the next query; `None` on the last page.
    pub next: Option<LegacyCursor>,
}

impl NodeApi {
    /// Stores V2 envelopes.
    ///
    /// # Errors
    /// [`TransportError`]; [`Ended`](TransportError::Ended) from public nodes, always.
    pub async fn legacy_publish(&self, envelopes: Vec<LegacyEnvelope>) -> Result<(), TransportError> {
        let envelope = |one: LegacyEnvelope| wire::Envelope {
            content_topic: one.content_topic,
            timestamp_ns: one.timestamp_ns,
            message: one.message,
        };
        let request = wire::PublishRequest {
            envelopes: envelopes.into_iter().map(envelope).collect(),
        };
        let _: wire::PublishResponse = self.call(Method::LegacyPublish, &request).await?;
        Ok(())
    }

    /// One page of a V2 query.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn legacy_query(&self, query: &LegacyQuery) -> Result<LegacyPage, TransportError> {
        page(query, self.call(Method::LegacyQuery, &request(query)).await?)
    }

    /// One page of each of several V2 queries, in their order.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn legacy_batch_query(
        &self,
        queries: &[LegacyQuery],
    ) -> Result<Vec<LegacyPage>, TransportError> {
        let mut pages = Vec::with_capacity(queries.len());
        for batch in queries.chunks(BATCH_QUERIES) {
            let requests = wire::BatchQueryRequest {
                requests: batch.iter().map(request).collect(),
            };
            let answer: wire::BatchQueryResponse = self.call(Method::LegacyBatchQuery, &requests).await?;
            check_count(batch.len(), answer.responses.len())?;
            for (query, response) in batch.iter().zip(answer.responses) {
                pages.push(page(query, response)?);
            }
        }
        Ok(pages)
    }

    /// New V2 envelopes on these topics, as they come; none that are stored already.
    ///
    /// # Errors
    /// [`TransportError`], if the stream does not open.
    pub async fn legacy_subscribe(
        &self,
        content_topics: Vec<String>,
    ) -> Result<MessageStream<LegacyEnvelope>, TransportError> {
        if content_topics.is_empty() {
            return Ok(stream::pending().boxed_local());
        }
        let topics: HashSet<String> = content_topics.iter().cloned().collect();
        let request = wire::SubscribeRequest { content_topics };
        self.subscribe(Method::LegacySubscribe, &request, move |bytes| {
            let item = envelope(decode(bytes)?);
            if topics.contains(&item.content_topic) {
                Ok(Some(item))
            } else {
                Err(InvalidResponse::NotAskedFor.into())
            }
        })
        .await
    }
}

fn request(query: &LegacyQuery) -> wire::QueryRequest {
    let direction = if query.ascending {
        wire::SortDirection::Ascending
    } else {
        wire::SortDirection::Descending
    };
    let cursor = query.cursor.clone().map(|cursor| wire::Cursor {
        cursor: Some(wire::cursor::Cursor::Index(wire::IndexCursor {
            digest: cursor.digest,
            sender_time_ns: cursor.sender_time_ns,
        })),
    });
    wire::QueryRequest {
        content_topics: query.content_topics.clone(),
        start_time_ns: query.start_time_ns,
        end_time_ns: query.end_time_ns,
        paging_info: Some(wire::PagingInfo {
            limit: query.limit,
            cursor,
            direction: direction.into(),
        }),
    }
}

fn page(query: &LegacyQuery, response: wire::QueryResponse) -> Result<LegacyPage, TransportError> {
    let envelopes: Vec<_> = response.envelopes.into_iter().map(envelope).collect();
    if envelopes
        .iter()
        .any(|one| !query.content_topics.contains(&one.content_topic))
    {
        return Err(InvalidResponse::NotAskedFor.into());
    }
    let cursor = response
        .paging_info
        .and_then(|paging| paging.cursor)
        .and_then(|cursor| cursor.cursor);
    let next = cursor.map(|wire::cursor::Cursor::Index(index)| LegacyCursor {
        digest: index.digest,
        sender_time_ns: index.sender_time_ns,
    });
    // A page without rows, or one that ends where it began, would be asked for again for ever.
    let next = next.filter(|next| !envelopes.is_empty() && query.cursor.as_ref() != Some(next));
    Ok(LegacyPage { envelopes, next })
}

fn envelope(one: wire::Envelope) -> LegacyEnvelope {
    LegacyEnvelope {
        content_topic: one.content_topic,
        timestamp_ns: one.timestamp_ns,
        message: one.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::scripted::ScriptedTransport;
    use futures::TryStreamExt;
    use prost::Message;

    fn stored(topic: &str) -> wire::Envelope {
        wire::Envelope {
            content_topic: topic.into(),
            timestamp_ns: 4,
            message: vec![5],
        }
    }

    fn cursor() -> LegacyCursor {
        LegacyCursor {
            digest: vec![1; 32],
            sender_time_ns: 4,
        }
    }

    fn answer(topics: &[&str]) -> wire::QueryResponse {
        let sent = request(&LegacyQuery {
            cursor: Some(cursor()),
            ..LegacyQuery::default()
        });
        wire::QueryResponse {
            envelopes: topics.iter().map(|topic| stored(topic)).collect(),
            paging_info: sent.paging_info,
        }
    }

    #[test]
    fn a_page_leads_to_the_next_unless_it_stands_still() {
        let mut query = LegacyQuery {
            content_topics: vec!["a".into()],
            ..LegacyQuery::default()
        };
        let first = page(&query, answer(&["a"])).expect("a page");
        assert_eq!(first.next, Some(cursor()));
        assert_eq!(first.envelopes, [envelope(stored("a"))]);
        assert_eq!(page(&query, answer(&[])).expect("a page").next, None);
        query.cursor = first.next;
        assert_eq!(page(&query, answer(&["a"])).expect("a page").next, None);
        assert_eq!(
            page(&query, answer(&["b"])),
            Err(InvalidResponse::NotAskedFor.into())
        );
    }

    #[test]
    fn batches_are_aligned_and_of_fifty() {
        let query = LegacyQuery {
            content_topics: vec!["a".into()],
            ..LegacyQuery::default()
        };
        let batch = |count| {
            let responses = vec![wire::QueryResponse::default(); count];
            Ok(wire::BatchQueryResponse { responses }.encode_to_vec())
        };
        let (node, api, machine) = ScriptedTransport::api([batch(50), batch(1)]);
        let pages = machine
            .run(api.legacy_batch_query(&vec![query; 51]))
            .expect("pages");
        assert_eq!((pages.len(), node.methods().len()), (51, 2));
    }

    #[test]
    fn a_query_and_a_publication_are_single_requests() {
        let query = LegacyQuery {
            content_topics: vec!["a".into()],
            ..LegacyQuery::default()
        };
        let (node, api, machine) = ScriptedTransport::api([Ok(answer(&["a"]).encode_to_vec()), Ok(vec![])]);
        assert_eq!(
            machine
                .run(api.legacy_query(&query))
                .expect("a page")
                .envelopes
                .len(),
            1
        );
        machine
            .run(api.legacy_publish(vec![envelope(stored("a"))]))
            .expect("published");
        assert_eq!(node.methods(), [Method::LegacyQuery, Method::LegacyPublish]);
        assert_eq!(node.request::<wire::PublishRequest>(1).envelopes, [stored("a")]);
    }

    #[test]
    fn a_stream_gives_envelopes_of_its_topics() {
        let (node, api, machine) = ScriptedTransport::api([]);
        node.push_stream([Ok(stored("a").encode_to_vec())]);
        let items: Vec<_> = machine
            .run(async { api.legacy_subscribe(vec!["a".into()]).await?.try_collect().await })
            .expect("a stream");
        assert_eq!(items, [envelope(stored("a"))]);
    }
}
