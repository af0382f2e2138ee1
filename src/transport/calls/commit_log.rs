//! The commit log, by which members notice that their group has forked.

use crate::ids::GroupId;
use crate::proto::xmtp::identity::associations::RecoverableEd25519Signature;
use crate::proto::xmtp::mls::api::v1 as wire;

use super::super::{InvalidResponse, Method, TransportError};
use super::{NodeApi, Page, ascending_from, check_ascending, check_count, next_cursor};

/// The most groups a node answers for in one request.
const QUERY_BATCH: usize = 20;
/// The most entries a node takes in one request.
const PUBLISH_BATCH: usize = 10;

/// An entry of a group's commit log. The node has verified nothing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLogRow {
    /// Ascends strictly within a group.
    pub sequence_id: u64,
    /// An encoded `xmtp.mls.message_contents.PlaintextCommitLogEntry`: what is signed.
    pub entry: Vec<u8>,
    /// An Ed25519 signature over `entry`; 64 bytes if valid.
    pub signature: Vec<u8>,
    /// The key it claims to be by; 32 bytes if valid.
    pub public_key: Vec<u8>,
}

/// An entry to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLogPublication {
    /// The group.
    pub group_id: GroupId,
    /// See [`CommitLogRow::entry`].
    pub entry: Vec<u8>,
    /// See [`CommitLogRow::signature`].
    pub signature: Vec<u8>,
    /// See [`CommitLogRow::public_key`].
    pub public_key: Vec<u8>,
}

impl NodeApi {
    /// One page of the log of each group above the cursor beside it, in the order given.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn query_commit_log(
        &self,
        groups: &[(GroupId, u64)],
    ) -> Result<Vec<Page<CommitLogRow>>, TransportError> {
        let mut pages = Vec::with_capacity(groups.len());
        for batch in groups.chunks(QUERY_BATCH) {
            let query = |(group, after): &(GroupId, u64)| wire::QueryCommitLogRequest {
                group_id: group.to_vec(),
                paging_info: Some(ascending_from(*after)),
            };
            let request = wire::BatchQueryCommitLogRequest {
                requests: batch.iter().map(query).collect(),
            };
            let answer: wire::BatchQueryCommitLogResponse =
                self.call(Method::QueryCommitLog, &request).await?;
            check_count(batch.len(), answer.responses.len())?;
            for ((group, after), response) in batch.iter().zip(answer.responses) {
                if response.group_id != group.as_bytes() {
                    return Err(InvalidResponse::NotAskedFor.into());
                }
                pages.push(page(*after, response)?);
            }
        }
        Ok(pages)
    }

    /// Appends `publications`, ten per request, in order. Nodes do not notice repetitions.
    ///
    /// # Errors
    /// [`TransportError`]; some may have been stored.
    pub async fn publish_commit_log(
        &self,
        publications: Vec<CommitLogPublication>,
    ) -> Result<(), TransportError> {
        let publication = |one: &CommitLogPublication| wire::PublishCommitLogRequest {
            group_id: one.group_id.to_vec(),
            serialized_commit_log_entry: one.entry.clone(),
            signature: Some(RecoverableEd25519Signature {
                bytes: one.signature.clone(),
                public_key: one.public_key.clone(),
            }),
        };
        for batch in publications.chunks(PUBLISH_BATCH) {
            let request = wire::BatchPublishCommitLogRequest {
                requests: batch.iter().map(publication).collect(),
            };
            self.call::<()>(Method::PublishCommitLog, &request).await?;
        }
        Ok(())
    }
}

fn page(after: u64, response: wire::QueryCommitLogResponse) -> Result<Page<CommitLogRow>, InvalidResponse> {
    let rows = response.commit_log_entries;
    let last = check_ascending(after, rows.iter().map(|row| row.sequence_id))?;
    let next = next_cursor(
        rows.len(),
        after,
        last,
        response.paging_info.map(|paging| paging.id_cursor),
    )?;
    let row = |row: crate::proto::xmtp::mls::message_contents::CommitLogEntry| {
        let signature = row.signature.unwrap_or_default();
        CommitLogRow {
            sequence_id: row.sequence_id,
            entry: row.serialized_commit_log_entry,
            signature: signature.bytes,
            public_key: signature.public_key,
        }
    };
    Ok(Page {
        items: rows.into_iter().map(row).collect(),
        next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::xmtp::mls::message_contents::CommitLogEntry;
    use crate::transport::scripted::ScriptedTransport;
    use prost::Message;

    fn answer(groups: &[(GroupId, &[u64])]) -> Result<Vec<u8>, TransportError> {
        let response = |(group, ids): &(GroupId, &[u64])| wire::QueryCommitLogResponse {
            group_id: group.to_vec(),
            commit_log_entries: ids
                .iter()
                .map(|id| CommitLogEntry {
                    sequence_id: *id,
                    ..Default::default()
                })
                .collect(),
            paging_info: None,
        };
        let responses = groups.iter().map(response).collect();
        Ok(wire::BatchQueryCommitLogResponse { responses }.encode_to_vec())
    }

    #[test]
    fn logs_are_asked_for_by_twenty() {
        let groups: Vec<_> = (0..21u8).map(|n| (GroupId::new([n; 16]), 1)).collect();
        let answers: Vec<_> = groups
            .iter()
            .map(|(group, _)| (*group, [2u64, 3].as_slice()))
            .collect();
        let (node, api, machine) = ScriptedTransport::api([answer(&answers[..20]), answer(&answers[20..])]);
        let pages = machine.run(api.query_commit_log(&groups)).expect("pages");
        assert_eq!(node.methods().len(), 2);
        assert_eq!(pages.len(), 21);
        assert!(
            pages
                .iter()
                .all(|page| page.items.len() == 2 && page.next.is_none())
        );
    }

    #[test]
    fn other_groups_and_old_rows_are_invalid() {
        let [a, b] = [1, 2].map(|n| GroupId::new([n; 16]));
        for (bytes, expected) in [
            (answer(&[(b, &[])]), InvalidResponse::NotAskedFor),
            (answer(&[(a, &[5])]), InvalidResponse::NotAscending),
            (answer(&[]), InvalidResponse::WrongCount { expected: 1, got: 0 }),
        ] {
            let (_, api, machine) = ScriptedTransport::api([bytes]);
            assert_eq!(machine.run(api.query_commit_log(&[(a, 5)])), Err(expected.into()));
        }
    }

    #[test]
    fn entries_are_published_by_ten() {
        let one = CommitLogPublication {
            group_id: GroupId::new([1; 16]),
            entry: vec![2],
            signature: vec![3; 64],
            public_key: vec![4; 32],
        };
        let (node, api, machine) = ScriptedTransport::api([Ok(vec![]), Ok(vec![])]);
        machine
            .run(api.publish_commit_log(vec![one; 11]))
            .expect("published");
        let sizes = [0, 1].map(|n| {
            node.request::<wire::BatchPublishCommitLogRequest>(n)
                .requests
                .len()
        });
        assert_eq!(sizes, [10, 1]);
    }
}
