//! Calls broken on purpose.

mod support;

use std::time::{Duration, Instant};
use support::*;
use tonic::Code;
use xmtp_devnode::{Fault, Rule};

const GROUP: &[u8] = b"a group of 16 by";

async fn stored(client: &Client) -> usize {
    client
        .query_group(GROUP, None)
        .await
        .expect("answered")
        .messages
        .len()
}

#[tokio::test]
async fn an_error_meets_a_number_of_calls_and_stores_nothing() {
    let (server, client) = node().await;
    let fault = Fault::Error {
        code: Code::Unavailable as i32,
        message: "later".to_owned(),
    };
    server.faults().add(Rule::times("Send*", fault, 2));
    for _ in 0..2 {
        let refused = refusal(client.send(vec![text(GROUP, 1)]).await);
        assert_eq!(refused, (Code::Unavailable, "later".to_owned()));
    }
    assert_eq!(stored(&client).await, 0);
    client
        .send(vec![text(GROUP, 1)])
        .await
        .expect("the third call is not met");
    assert_eq!(server.faults().calls("SendGroupMessages"), 3);
}

#[tokio::test]
async fn a_dropped_request_is_not_handled_and_a_lost_answer_is() {
    let (server, client) = node().await;
    server
        .faults()
        .add(Rule::once("SendGroupMessages", Fault::DropRequest));
    client
        .send(vec![text(GROUP, 1)])
        .await
        .expect_err("the stream breaks");
    assert_eq!(stored(&client).await, 0);
    server
        .faults()
        .add(Rule::once("SendGroupMessages", Fault::DropAnswer));
    client
        .send(vec![text(GROUP, 1)])
        .await
        .expect_err("the answer is lost");
    assert_eq!(stored(&client).await, 1);
    client
        .send(vec![text(GROUP, 1)])
        .await
        .expect("sending again is a silent success");
    assert_eq!(stored(&client).await, 1);
}

#[tokio::test]
async fn a_delayed_call_takes_its_time() {
    let (server, client) = node().await;
    server
        .faults()
        .add(Rule::once("xmtp.mls.api.v1.MlsApi/*", Fault::Delay { ms: 50 }));
    let started = Instant::now();
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_stream_may_deliver_twice() {
    let (server, client) = node().await;
    server
        .faults()
        .add(Rule::once("SubscribeGroupMessages", Fault::Duplicate));
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    let mut stream = client
        .follow(&[(GROUP, 0)])
        .await
        .expect("subscribed")
        .into_inner();
    client.send(vec![text(GROUP, 2)]).await.expect("stored");
    for expected in [1, 1, 2, 2] {
        let message = stream
            .message()
            .await
            .expect("no error")
            .expect("the stream goes on");
        assert_eq!(v1(message).id, expected);
    }
}

#[tokio::test]
async fn a_cut_stream_breaks_after_its_items_and_the_next_one_goes_on() {
    let (server, client) = node().await;
    server.faults().add(Rule::once(
        "SubscribeGroupMessages",
        Fault::CutStream { after: 1 },
    ));
    client
        .send(vec![text(GROUP, 1), text(GROUP, 2)])
        .await
        .expect("stored");
    let mut stream = client
        .follow(&[(GROUP, 0)])
        .await
        .expect("subscribed")
        .into_inner();
    let first = stream.message().await.expect("no error").expect("one message");
    assert_eq!(v1(first).id, 1);
    stream.message().await.expect_err("the stream breaks");
    let mut stream = client
        .follow(&[(GROUP, 1)])
        .await
        .expect("subscribed")
        .into_inner();
    let second = stream
        .message()
        .await
        .expect("no error")
        .expect("the stream goes on");
    assert_eq!(v1(second).id, 2);
}

#[tokio::test]
async fn a_stream_may_break_at_once_and_rules_can_be_cleared() {
    let (server, client) = node().await;
    server.faults().add(Rule::always(
        "SubscribeGroupMessages",
        Fault::CutStream { after: 0 },
    ));
    if let Ok(response) = client.follow(&[(GROUP, 0)]).await {
        response
            .into_inner()
            .message()
            .await
            .expect_err("the stream breaks");
    }
    server.faults().clear();
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    let mut stream = client
        .follow(&[(GROUP, 0)])
        .await
        .expect("subscribed")
        .into_inner();
    assert!(stream.message().await.expect("no error").is_some());
}
