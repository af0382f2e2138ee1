//! Streams of group messages.

mod support;

use std::collections::HashMap;
use support::*;
use tonic::Code;

const GROUP: &[u8] = b"a group of 16 by";
const OTHER: &[u8] = b"another of 16 by";

#[tokio::test]
async fn headers_come_before_the_first_message() {
    let (_server, client) = node().await;
    let response = client.follow(&[]).await.expect("subscribed without filters");
    assert_eq!(
        response.metadata().get("subscribed").map(|v| v.as_bytes()),
        Some(&b"true"[..])
    );
}

#[tokio::test]
async fn history_after_the_cursor_comes_first_then_what_is_new() {
    let (_server, client) = node().await;
    client
        .send((0..150).map(|n| text(GROUP, n)).collect())
        .await
        .expect("stored");
    let mut stream = client
        .follow(&[(GROUP, 10)])
        .await
        .expect("subscribed")
        .into_inner();
    client
        .send(vec![text(OTHER, 1), text(GROUP, 500)])
        .await
        .expect("stored");
    for expected in (11..=150).chain([152]) {
        let message = stream
            .message()
            .await
            .expect("no error")
            .expect("the stream goes on");
        assert_eq!(v1(message).id, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_reach_every_stream_once_and_in_order() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 100;
    let (_server, client) = node().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                let group = if writer % 2 == 0 { GROUP } else { OTHER };
                for n in 0..EACH {
                    client
                        .send(vec![text(group, writer * EACH + n)])
                        .await
                        .expect("stored");
                }
            })
        })
        .collect();
    // streams open while the writers are at work, so rows are split between history and live at random
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let filters = [(GROUP, 0), (OTHER, 0)];
                let mut stream = client.follow(&filters).await.expect("subscribed").into_inner();
                let mut seen: HashMap<Vec<u8>, Vec<u64>> = HashMap::new();
                for _ in 0..WRITERS * EACH {
                    let message = v1(stream
                        .message()
                        .await
                        .expect("no error")
                        .expect("the stream goes on"));
                    seen.entry(message.group_id).or_default().push(message.id);
                }
                seen
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("the writer is done");
    }
    for reader in readers {
        let seen = reader.await.expect("the reader has seen all");
        let mut all: Vec<u64> = Vec::new();
        for ids in seen.into_values() {
            assert!(ids.is_sorted_by(|a, b| a < b), "ascending without doubles");
            all.extend(ids);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len() as u64, WRITERS * EACH);
    }
}

#[tokio::test]
async fn a_filter_twice_delivers_once_and_an_empty_one_ends_the_stream() {
    let (_server, client) = node().await;
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    let mut stream = client
        .follow(&[(GROUP, 0), (GROUP, 0)])
        .await
        .expect("subscribed")
        .into_inner();
    client.send(vec![text(GROUP, 2)]).await.expect("stored");
    for expected in [1, 2] {
        let message = stream
            .message()
            .await
            .expect("no error")
            .expect("the stream goes on");
        assert_eq!(v1(message).id, expected);
    }
    let mut stream = client.follow(&[(b"", 0)]).await.expect("subscribed").into_inner();
    assert_eq!(
        refusal(stream.message().await),
        (Code::Unknown, "group is required".to_owned())
    );
}

#[tokio::test]
async fn a_message_stored_before_brings_no_event() {
    let (_server, client) = node().await;
    let mut stream = client
        .follow(&[(GROUP, 0)])
        .await
        .expect("subscribed")
        .into_inner();
    for number in [1, 1, 2] {
        client.send(vec![text(GROUP, number)]).await.expect("stored");
    }
    for number in [1, 2] {
        let message = stream
            .message()
            .await
            .expect("no error")
            .expect("the stream goes on");
        assert_eq!(v1(message).data, text(GROUP, number));
    }
}

#[tokio::test]
async fn a_stopping_node_says_so_to_its_streams() {
    let (server, client) = node().await;
    let mut stream = client
        .follow(&[(GROUP, 0)])
        .await
        .expect("subscribed")
        .into_inner();
    server.shutdown().await;
    let expected = (Code::Unavailable, "service is shutting down".to_owned());
    assert_eq!(refusal(stream.message().await), expected);
}
