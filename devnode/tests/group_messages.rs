//! Sending and querying group messages.

mod support;

use support::*;
use tonic::Code;
use wire::SortDirection::{Ascending, Descending, Unspecified};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

const GROUP: &[u8] = b"a group of 16 by";
const OTHER: &[u8] = b"another of 16 by";

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent() {
    let clock = xmtp_devnode::Clock::fixed(1_700_000_000_123_456_789);
    let (_server, client) = node_with(xmtp_devnode::ServerOptions {
        clock,
        ..Default::default()
    })
    .await;
    client.send(vec![text(GROUP, 1)]).await.expect("stored");
    let answer = client.query_group(GROUP, None).await.expect("answered");
    let [message] = answer.messages.try_into().expect("one message");
    let expected = wire::group_message::V1 {
        id: 1,
        created_ns: 1_700_000_000_123_456_000,
        group_id: GROUP.to_vec(),
        data: text(GROUP, 1),
        sender_hmac: b"hmac".to_vec(),
        should_push: true,
        is_commit: false,
    };
    assert_eq!(v1(message), expected);
}

#[tokio::test]
async fn ids_are_shared_by_all_groups_and_pages_default_to_newest_first() {
    let (_server, client) = node().await;
    client
        .send(vec![text(GROUP, 1), text(OTHER, 1), text(GROUP, 2)])
        .await
        .expect("stored");
    let answer = client.query_group(GROUP, None).await.expect("answered");
    assert_eq!(answer.paging_info, paging(Descending, 100, 0));
    assert_eq!(ids(answer.messages), [3, 1]);
    let answer = client
        .query_group(GROUP, paging(Unspecified, 1, 0))
        .await
        .expect("answered");
    assert_eq!(answer.paging_info, paging(Descending, 1, 3));
    assert_eq!(ids(answer.messages), [3]);
}

#[tokio::test]
async fn pages_end_with_one_that_is_not_full_and_cursors_are_exclusive() {
    let (_server, client) = node().await;
    client
        .send((0..250).map(|n| text(GROUP, n)).collect())
        .await
        .expect("stored");
    let mut cursor = 0;
    let mut seen = Vec::new();
    for (rows, next) in [(100, 100), (100, 200), (50, 0)] {
        let answer = client
            .query_group(GROUP, paging(Ascending, 1000, cursor))
            .await
            .expect("answered");
        assert_eq!(answer.paging_info, paging(Ascending, 100, next));
        assert_eq!(answer.messages.len(), rows);
        seen.extend(ids(answer.messages));
        cursor = next;
    }
    assert_eq!(seen, (1..=250).collect::<Vec<_>>());
    let answer = client
        .query_group(GROUP, paging(Descending, 2, 10))
        .await
        .expect("answered");
    assert_eq!(ids(answer.messages), [9, 8]);
    let answer = client
        .query_group(GROUP, paging(Ascending, 2, u64::MAX))
        .await
        .expect("answered");
    assert!(answer.messages.is_empty());
}

#[tokio::test]
async fn the_same_bytes_are_stored_once_and_succeed_silently() {
    let (_server, client) = node().await;
    for _ in 0..3 {
        client
            .send(vec![text(GROUP, 1), text(GROUP, 1)])
            .await
            .expect("a silent success");
    }
    client.send(vec![text(GROUP, 2)]).await.expect("stored");
    let answer = client
        .query_group(GROUP, paging(Ascending, 0, 0))
        .await
        .expect("answered");
    assert_eq!(answer.messages.len(), 2);
}

#[tokio::test]
async fn commits_and_proposals_are_marked() {
    let (_server, client) = node().await;
    for content in [APPLICATION, PROPOSAL, COMMIT] {
        client
            .send(vec![mls_message(GROUP, content, b"x")])
            .await
            .expect("stored");
    }
    let answer = client
        .query_group(GROUP, paging(Ascending, 0, 0))
        .await
        .expect("answered");
    let marks: Vec<bool> = answer.messages.into_iter().map(|m| v1(m).is_commit).collect();
    assert_eq!(marks, [false, true, true]);
}

#[tokio::test]
async fn one_bad_message_refuses_all_of_its_request() {
    let (_server, client) = node().await;
    let welcome = vec![0, 1, 0, 3];
    for (bad, reason) in [
        (vec![], "invalid group message: the message ends too early"),
        (welcome, "invalid group message: unsupported wire format 3"),
        (mls_message(b"", APPLICATION, b"x"), "group id is empty"),
    ] {
        let refused = refusal(client.send(vec![text(GROUP, 1), bad]).await);
        assert_eq!(refused, (Code::InvalidArgument, reason.to_owned()));
    }
    let no_version = wire::SendGroupMessagesRequest {
        messages: vec![wire::GroupMessageInput::default()],
    };
    let refused = refusal(client.call::<_, ()>(MLS, "SendGroupMessages", no_version).await);
    assert_eq!(
        refused,
        (Code::InvalidArgument, "invalid group message".to_owned())
    );
    let refused = refusal(client.send(vec![]).await);
    assert_eq!(
        refused,
        (Code::InvalidArgument, "no group messages to send".to_owned())
    );
    assert!(
        client
            .query_group(GROUP, None)
            .await
            .expect("answered")
            .messages
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_larger_than_the_node_takes_is_refused() {
    let (_server, client) = node().await;
    let large = |bytes: usize| [text(GROUP, 1), vec![0; bytes]].concat();
    client
        .send(vec![large(4_000_000)])
        .await
        .expect("below the limit of the validation service");
    let (code, _) = refusal(client.send(vec![large(2_500_000), large(2_500_001)]).await);
    assert_eq!(code, Code::InvalidArgument);
    let (code, text) = refusal(client.send(vec![large(52_428_800)]).await);
    assert_eq!(code, Code::ResourceExhausted, "{text}");
}

#[tokio::test]
async fn a_query_needs_a_group() {
    let (_server, client) = node().await;
    let refused = refusal(client.query_group(b"", None).await);
    assert_eq!(refused, (Code::Unknown, "group is required".to_owned()));
    assert!(
        client
            .query_group(GROUP, None)
            .await
            .expect("answered")
            .messages
            .is_empty()
    );
}

#[tokio::test]
async fn newest_messages_are_aligned_with_the_request() {
    let (_server, client) = node().await;
    client
        .send(vec![
            text(GROUP, 1),
            mls_message(GROUP, COMMIT, b"c"),
            text(OTHER, 1),
        ])
        .await
        .expect("stored");
    let newest = async |include_content| {
        let group_ids = vec![OTHER.to_vec(), b"unknown".to_vec(), GROUP.to_vec()];
        let request = wire::GetNewestGroupMessageRequest {
            group_ids,
            include_content,
        };
        let answer: wire::GetNewestGroupMessageResponse = client
            .call(MLS, "GetNewestGroupMessage", request)
            .await
            .expect("answered");
        answer
            .responses
            .into_iter()
            .map(|r| r.group_message.map(v1))
            .collect::<Vec<_>>()
    };
    let newest_of = newest(true).await;
    let [Some(other), None, Some(group)] = newest_of.as_slice() else {
        panic!("the second group is unknown");
    };
    assert_eq!(
        (other.id, other.is_commit, other.data.clone()),
        (3, false, text(OTHER, 1))
    );
    assert_eq!((group.id, group.is_commit, group.should_push), (2, true, true));
    let newest_of = newest(false).await;
    let [_, _, Some(bare)] = newest_of.as_slice() else {
        panic!("the third group has messages");
    };
    assert_eq!(
        (bare.id, bare.is_commit, bare.group_id.clone()),
        (2, true, GROUP.to_vec())
    );
    assert!(bare.data.is_empty() && bare.sender_hmac.is_empty() && !bare.should_push);
    let none = wire::GetNewestGroupMessageRequest::default();
    let refused = refusal(
        client
            .call::<_, wire::GetNewestGroupMessageResponse>(MLS, "GetNewestGroupMessage", none)
            .await,
    );
    assert_eq!(
        refused,
        (Code::InvalidArgument, "no group ids provided".to_owned())
    );
}
