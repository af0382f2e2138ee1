//! The commit log.

mod support;

use support::*;
use tonic::Code;
use wire::SortDirection::{self, Ascending, Descending, Unspecified};
use xmtp_web::proto::xmtp::identity::associations::RecoverableEd25519Signature;
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

fn entry(group: &[u8], number: u8) -> wire::PublishCommitLogRequest {
    wire::PublishCommitLogRequest {
        group_id: group.to_vec(),
        serialized_commit_log_entry: vec![number],
        signature: Some(RecoverableEd25519Signature {
            bytes: vec![number; 64],
            public_key: vec![7; 32],
        }),
    }
}

async fn publish(client: &Client, requests: Vec<wire::PublishCommitLogRequest>) -> Result<(), tonic::Status> {
    client
        .call(
            MLS,
            "BatchPublishCommitLog",
            wire::BatchPublishCommitLogRequest { requests },
        )
        .await
}

async fn query(
    client: &Client,
    groups: &[&[u8]],
    direction: SortDirection,
) -> Result<Vec<wire::QueryCommitLogResponse>, tonic::Status> {
    let one = |group: &&[u8]| wire::QueryCommitLogRequest {
        group_id: group.to_vec(),
        paging_info: paging(direction, 2, 1),
    };
    let request = wire::BatchQueryCommitLogRequest {
        requests: groups.iter().map(one).collect(),
    };
    let answer: wire::BatchQueryCommitLogResponse = client.call(MLS, "BatchQueryCommitLog", request).await?;
    Ok(answer.responses)
}

#[tokio::test]
async fn entries_come_back_oldest_first_even_if_equal() {
    let (_server, client) = node().await;
    publish(
        &client,
        vec![entry(b"a", 1), entry(b"a", 2), entry(b"b", 3), entry(b"a", 2)],
    )
    .await
    .expect("stored");
    for direction in [Unspecified, Ascending] {
        let answers = query(&client, &[b"a", b"c"], direction).await.expect("answered");
        let [a, c] = answers.as_slice() else {
            panic!("two answers")
        };
        assert_eq!(
            (a.group_id.as_slice(), a.paging_info),
            (&b"a"[..], paging(Ascending, 2, 4))
        );
        let rows: Vec<_> = a
            .commit_log_entries
            .iter()
            .map(|e| (e.sequence_id, e.serialized_commit_log_entry[0]))
            .collect();
        assert_eq!(rows, [(2, 2), (4, 2)]);
        assert_eq!(a.commit_log_entries[0].signature, entry(b"a", 2).signature);
        assert!(c.commit_log_entries.is_empty());
    }
    let refused = refusal(query(&client, &[b"a"], Descending).await);
    assert_eq!(
        refused,
        (Code::Unknown, "descending direction is not supported".to_owned())
    );
}

#[tokio::test]
async fn batches_have_limits_and_entries_must_be_complete() {
    let (_server, client) = node().await;
    let unsigned = wire::PublishCommitLogRequest {
        signature: None,
        ..entry(b"a", 1)
    };
    for (requests, reason) in [
        (vec![], "no log entries to publish"),
        (
            vec![entry(b"a", 1); 11],
            "cannot exceed 10 inserts in single batch",
        ),
        (vec![entry(b"", 1)], "invalid commit log entry"),
        (vec![entry(b"a", 1), unsigned], "invalid commit log entry"),
    ] {
        assert_eq!(
            refusal(publish(&client, requests).await),
            (Code::InvalidArgument, reason.to_owned())
        );
    }
    for (groups, reason) in [
        (vec![], "no requests to query"),
        (vec![&b"a"[..]; 21], "cannot exceed 20 queries in single batch"),
        (vec![&b""[..]], "invalid request"),
    ] {
        let refused = refusal(query(&client, &groups, Ascending).await);
        assert_eq!(refused, (Code::InvalidArgument, reason.to_owned()));
    }
}
