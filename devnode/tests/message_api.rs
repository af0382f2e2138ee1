//! V2 envelopes.

mod support;

use support::*;
use tonic::Code;
use wire::SortDirection::{self, Ascending, Descending};
use xmtp_devnode::ServerOptions;
use xmtp_web::proto::xmtp::message_api::v1 as wire;

const PREFERENCES: &str = "/xmtp/0/userpreferences-abc/proto";

fn envelope(topic: &str, timestamp_ns: u64, message: u64) -> wire::Envelope {
    wire::Envelope {
        content_topic: topic.to_owned(),
        timestamp_ns,
        message: message.to_be_bytes().to_vec(),
    }
}

async fn publish(client: &Client, envelopes: Vec<wire::Envelope>) {
    let _: wire::PublishResponse = client
        .call(MESSAGE, "Publish", wire::PublishRequest { envelopes })
        .await
        .expect("stored");
}

fn request(topics: &[&str], direction: SortDirection, limit: u32) -> wire::QueryRequest {
    wire::QueryRequest {
        content_topics: topics.iter().map(ToString::to_string).collect(),
        start_time_ns: 0,
        end_time_ns: 0,
        paging_info: Some(wire::PagingInfo {
            limit,
            cursor: None,
            direction: direction.into(),
        }),
    }
}

async fn query(client: &Client, request: wire::QueryRequest) -> Result<wire::QueryResponse, tonic::Status> {
    client.call(MESSAGE, "Query", request).await
}

fn times(answer: &wire::QueryResponse) -> Vec<u64> {
    answer
        .envelopes
        .iter()
        .map(|envelope| envelope.timestamp_ns)
        .collect()
}

#[tokio::test]
async fn envelopes_are_read_by_topic_and_time() {
    let (_server, client) = node().await;
    publish(
        &client,
        vec![
            envelope("a", 30, 3),
            envelope("a", 10, 1),
            envelope("b", 20, 2),
            envelope("c", 5, 5),
        ],
    )
    .await;
    let answer = query(&client, request(&["a", "b"], SortDirection::Unspecified, 0))
        .await
        .expect("answered");
    assert_eq!(times(&answer), [30, 20, 10]);
    let paging = answer.paging_info.expect("paging");
    assert_eq!(
        (paging.limit, paging.cursor, paging.direction),
        (0, None, Descending as i32)
    );
    let bounded = wire::QueryRequest {
        start_time_ns: 10,
        end_time_ns: 20,
        ..request(&["a", "b"], Ascending, 0)
    };
    assert_eq!(times(&query(&client, bounded).await.expect("answered")), [10, 20]);
}

#[tokio::test]
async fn pages_go_on_from_their_cursor_in_both_directions() {
    let (_server, client) = node().await;
    // equal times are told apart by digest
    publish(&client, (0..10).map(|n| envelope("a", n / 3, n)).collect()).await;
    for direction in [Ascending, Descending] {
        let mut seen = Vec::new();
        let mut next = request(&["a"], direction, 4);
        loop {
            let answer = query(&client, next.clone()).await.expect("answered");
            seen.extend(answer.envelopes);
            let paging = answer.paging_info.expect("paging");
            if paging.cursor.is_none() {
                assert_eq!(paging.limit, 0);
                break;
            }
            assert_eq!(paging.limit, 4);
            next.paging_info = Some(paging);
        }
        assert!(seen.is_sorted_by_key(|e| if direction == Ascending {
            e.timestamp_ns
        } else {
            u64::MAX - e.timestamp_ns
        }));
        seen.sort_by_key(|e| e.message.clone());
        seen.dedup();
        assert_eq!(seen.len(), 10);
    }
}

#[tokio::test]
async fn the_same_envelope_is_stored_once() {
    let (_server, client) = node().await;
    publish(
        &client,
        vec![envelope("a", 1, 1), envelope("a", 2, 1), envelope("b", 1, 1)],
    )
    .await;
    assert_eq!(
        times(
            &query(&client, request(&["a"], Ascending, 0))
                .await
                .expect("answered")
        ),
        [1]
    );
}

#[tokio::test]
async fn limits_hold_and_one_preferences_topic_has_a_higher_one() {
    let (_server, client) = node().await;
    publish(&client, (0..120).map(|n| envelope(PREFERENCES, n, n)).collect()).await;
    let answer = query(&client, request(&[PREFERENCES], Ascending, 500))
        .await
        .expect("answered");
    assert_eq!(answer.envelopes.len(), 120);
    let answer = query(&client, request(&[PREFERENCES], Ascending, 0))
        .await
        .expect("answered");
    assert_eq!(answer.envelopes.len(), 100);
    for (topics, limit, reason) in [
        (&[][..], 1, "content topics required"),
        (&["a"], 101, "cannot exceed 100 rows per query"),
        (&[PREFERENCES, "a"], 101, "cannot exceed 100 rows per query"),
    ] {
        let refused = refusal(query(&client, request(topics, Ascending, limit)).await);
        assert_eq!(refused, (Code::InvalidArgument, reason.to_owned()));
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_order_or_not_at_all() {
    let (_server, client) = node().await;
    publish(&client, vec![envelope("a", 1, 1), envelope("b", 2, 2)]).await;
    let batch = async |requests| {
        client
            .call::<_, wire::BatchQueryResponse>(MESSAGE, "BatchQuery", wire::BatchQueryRequest { requests })
            .await
    };
    let one = |topic| request(&[topic], Ascending, 0);
    let answer = batch(vec![one("b"), one("c"), one("a")]).await.expect("answered");
    assert_eq!(
        answer.responses.iter().map(times).collect::<Vec<_>>(),
        [vec![2], vec![], vec![1]]
    );
    let (code, _) = refusal(batch(vec![one("a"), request(&[], Ascending, 0)]).await);
    assert_eq!(code, Code::Internal);
    let (code, _) = refusal(batch(vec![one("a"); 51]).await);
    assert_eq!(code, Code::InvalidArgument);
}

#[tokio::test]
async fn a_stream_delivers_what_is_new_on_its_topics() {
    let (_server, client) = node().await;
    publish(&client, vec![envelope("a", 1, 1)]).await;
    let request = wire::SubscribeRequest {
        content_topics: vec!["a".to_owned()],
    };
    let response = client
        .stream::<_, wire::Envelope>(MESSAGE, "Subscribe", request)
        .await
        .expect("subscribed");
    let mut stream = response.into_inner();
    publish(
        &client,
        vec![envelope("b", 2, 2), envelope("a", 1, 1), envelope("a", 0, 3)],
    )
    .await;
    let first = stream.message().await.expect("no error");
    assert_eq!(first, Some(envelope("a", 0, 3)));
}

#[tokio::test]
async fn a_node_that_takes_no_v2_envelopes_any_more_says_so_and_still_answers_queries() {
    let (_server, client) = node_with(ServerOptions {
        v2_closed: true,
        ..Default::default()
    })
    .await;
    let refused: Result<wire::PublishResponse, _> = client
        .call(
            MESSAGE,
            "Publish",
            wire::PublishRequest {
                envelopes: vec![envelope("a", 1, 1)],
            },
        )
        .await;
    let status = refused.expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status
            .message()
            .starts_with("publishing to XMTP V2 is no longer available")
    );
    let answer = query(&client, request(&["a"], Ascending, 0))
        .await
        .expect("answers");
    assert_eq!(times(&answer), [0u64; 0]);
}
