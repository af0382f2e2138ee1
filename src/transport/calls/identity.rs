//! Inboxes: finding them, their logs, contract wallets.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use prost::Message;

use crate::ids::InboxId;
use crate::proto::xmtp::identity::api::v1 as wire;
use crate::proto::xmtp::identity::associations::IdentifierKind;

use super::super::{InvalidResponse, Method, TransportError};
use super::{NodeApi, PARALLEL, check_ascending, check_count};

/// How many logs are asked for in one request, as in libxmtp.
const LOGS_PER_REQUEST: usize = 50;

/// An entry of an inbox's log, not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUpdateRow {
    /// The inbox in whose log it is. The update itself may claim another.
    pub inbox_id: InboxId,
    /// Ascends strictly within an inbox, with gaps; above 0.
    pub sequence_id: u64,
    /// When the node got it, Unix nanoseconds.
    pub server_timestamp_ns: u64,
    /// An encoded `xmtp.identity.associations.IdentityUpdate`, byte for byte as the node sent it.
    pub payload: Vec<u8>,
}

/// A contract wallet's signature, for a node to verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractSignature {
    /// The wallet in CAIP-10 form, for example `eip155:1:0x` and 40 lower-case hex digits.
    pub account_id: String,
    /// The block at which to ask the contract; the newest if `None`.
    pub block_number: Option<u64>,
    /// What the wallet gave, of any length.
    pub signature: Vec<u8>,
    /// The hash that was signed.
    pub hash: [u8; 32],
}

/// What a node says about a [`ContractSignature`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractVerdict {
    /// Whether it is valid.
    pub is_valid: bool,
    /// The block at which the contract was asked.
    pub block_number: Option<u64>,
    /// Why it could not be checked, if so.
    pub error: Option<String>,
}

// Updates stay bytes here: a decoder would drop fields it does not know. Same numbers as in `/proto`.

#[derive(Clone, PartialEq, Message)]
struct PublishRequest {
    #[prost(bytes = "vec", tag = "1")]
    identity_update: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct UpdatesResponse {
    #[prost(message, repeated, tag = "1")]
    responses: Vec<UpdatesOfInbox>,
}

#[derive(Clone, PartialEq, Message)]
struct UpdatesOfInbox {
    #[prost(string, tag = "1")]
    inbox_id: String,
    #[prost(message, repeated, tag = "2")]
    updates: Vec<UpdateRow>,
}

#[derive(Clone, PartialEq, Message)]
struct UpdateRow {
    #[prost(uint64, tag = "1")]
    sequence_id: u64,
    #[prost(uint64, tag = "2")]
    server_timestamp_ns: u64,
    #[prost(bytes = "vec", optional, tag = "3")]
    update: Option<Vec<u8>>,
}

impl NodeApi {
    /// The inboxes of `identifiers`, in their order; `None` where there is none. Nodes compare text
    /// exactly: addresses must be in lower case. Nodes of today find no passkeys.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn inbox_ids(
        &self,
        identifiers: &[(String, IdentifierKind)],
    ) -> Result<Vec<Option<InboxId>>, TransportError> {
        if identifiers.is_empty() {
            return Ok(Vec::new());
        }
        let request = |(identifier, kind): &(String, IdentifierKind)| wire::get_inbox_ids_request::Request {
            identifier: identifier.clone(),
            identifier_kind: (*kind).into(),
        };
        let request = wire::GetInboxIdsRequest {
            requests: identifiers.iter().map(request).collect(),
        };
        let answer: wire::GetInboxIdsResponse = self.call(Method::InboxIds, &request).await?;
        check_count(identifiers.len(), answer.responses.len())?;
        let mut inboxes = Vec::with_capacity(identifiers.len());
        for ((identifier, _), response) in identifiers.iter().zip(answer.responses) {
            if response.identifier != *identifier {
                return Err(InvalidResponse::NotAskedFor.into());
            }
            let inbox = response
                .inbox_id
                .filter(|text| !text.is_empty())
                .map(|text| text.parse())
                .transpose();
            inboxes.push(inbox.map_err(|_| InvalidResponse::MalformedId("an inbox id"))?);
        }
        Ok(inboxes)
    }

    /// What the logs of `inboxes` hold above the sequence id beside each: all of it, inbox after inbox in
    /// the order given, ascending. An inbox without a log has no rows. Each inbox at most once.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn identity_updates(
        &self,
        inboxes: &[(InboxId, u64)],
    ) -> Result<Vec<IdentityUpdateRow>, TransportError> {
        let chunks = inboxes
            .chunks(LOGS_PER_REQUEST)
            .map(|chunk| self.identity_updates_of(chunk));
        let rows: Vec<Vec<_>> = stream::iter(chunks).buffered(PARALLEL).try_collect().await?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn identity_updates_of(
        &self,
        inboxes: &[(InboxId, u64)],
    ) -> Result<Vec<IdentityUpdateRow>, TransportError> {
        let request = |(inbox, after): &(InboxId, u64)| wire::get_identity_updates_request::Request {
            inbox_id: inbox.to_string(),
            sequence_id: *after,
        };
        let request = wire::GetIdentityUpdatesRequest {
            requests: inboxes.iter().map(request).collect(),
        };
        let answer: UpdatesResponse = self.call(Method::IdentityUpdates, &request).await?;
        check_count(inboxes.len(), answer.responses.len())?;
        let mut logs = HashMap::new();
        for response in answer.responses {
            let inbox: InboxId = response
                .inbox_id
                .parse()
                .map_err(|_| InvalidResponse::MalformedId("an inbox id"))?;
            logs.insert(inbox, response.updates);
        }
        let mut rows = Vec::new();
        for (inbox_id, after) in inboxes {
            let updates = logs.remove(inbox_id).ok_or(InvalidResponse::NotAskedFor)?;
            check_ascending(*after, updates.iter().map(|row| row.sequence_id))?;
            for row in updates {
                rows.push(IdentityUpdateRow {
                    inbox_id: *inbox_id,
                    sequence_id: row.sequence_id,
                    server_timestamp_ns: row.server_timestamp_ns,
                    payload: row
                        .update
                        .ok_or(InvalidResponse::MissingField("an identity update"))?,
                });
            }
        }
        Ok(rows)
    }

    /// Appends an encoded `xmtp.identity.associations.IdentityUpdate` to the log of the inbox it names.
    /// The node verifies it. After a lost answer the repetition is refused: see
    /// [`with_retry`](crate::transport::with_retry).
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn publish_identity_update(&self, update: Vec<u8>) -> Result<(), TransportError> {
        let request = PublishRequest {
            identity_update: update,
        };
        let _: wire::PublishIdentityUpdateResponse =
            self.call(Method::PublishIdentityUpdate, &request).await?;
        Ok(())
    }

    /// Has the node ask the chains about `signatures`; verdicts in their order.
    ///
    /// # Errors
    /// [`TransportError`]; a signature that does not verify is a verdict, not an error.
    pub async fn verify_contract_signatures(
        &self,
        signatures: Vec<ContractSignature>,
    ) -> Result<Vec<ContractVerdict>, TransportError> {
        if signatures.is_empty() {
            return Ok(Vec::new());
        }
        let expected = signatures.len();
        let signature = |one: ContractSignature| wire::VerifySmartContractWalletSignatureRequestSignature {
            account_id: one.account_id,
            block_number: one.block_number,
            signature: one.signature,
            hash: one.hash.to_vec(),
        };
        let request = wire::VerifySmartContractWalletSignaturesRequest {
            signatures: signatures.into_iter().map(signature).collect(),
        };
        let answer: wire::VerifySmartContractWalletSignaturesResponse =
            self.call(Method::VerifyContractSignatures, &request).await?;
        check_count(expected, answer.responses.len())?;
        let verdict = |one: wire::verify_smart_contract_wallet_signatures_response::ValidationResponse| {
            ContractVerdict {
                is_valid: one.is_valid,
                block_number: one.block_number,
                error: one.error,
            }
        };
        Ok(answer.responses.into_iter().map(verdict).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::xmtp::identity::associations::IdentityUpdate;
    use crate::transport::scripted::ScriptedTransport;

    type Log = wire::get_identity_updates_response::IdentityUpdateLog;

    const INBOX: InboxId = InboxId::new([0xab; 32]);

    fn update(inbox: InboxId) -> IdentityUpdate {
        IdentityUpdate {
            inbox_id: inbox.to_string(),
            client_timestamp_ns: 3,
            ..Default::default()
        }
    }

    fn log(inbox: InboxId, ids: &[u64]) -> wire::get_identity_updates_response::Response {
        let row = |id: &u64| Log {
            sequence_id: *id,
            server_timestamp_ns: 5,
            update: Some(update(inbox)),
        };
        wire::get_identity_updates_response::Response {
            inbox_id: inbox.to_string(),
            updates: ids.iter().map(row).collect(),
        }
    }

    fn logs(
        responses: Vec<wire::get_identity_updates_response::Response>,
    ) -> Result<Vec<u8>, TransportError> {
        Ok(wire::GetIdentityUpdatesResponse { responses }.encode_to_vec())
    }

    #[test]
    fn inbox_ids_are_aligned_and_parsed() {
        let response = |identifier: &str, inbox_id: Option<String>| wire::get_inbox_ids_response::Response {
            identifier: identifier.into(),
            inbox_id,
            identifier_kind: 0,
        };
        let answer = |responses| Ok(wire::GetInboxIdsResponse { responses }.encode_to_vec());
        let asked = ["0xa", "0xb"].map(|text| (text.to_owned(), IdentifierKind::Ethereum));
        let good = answer(vec![
            response("0xa", Some(INBOX.to_string())),
            response("0xb", None),
        ]);
        let foreign = answer(vec![response("0xb", None), response("0xa", None)]);
        let malformed = answer(vec![response("0xa", Some("zz".into())), response("0xb", None)]);
        let short = answer(vec![response("0xa", None)]);
        for (bytes, expected) in [
            (good, Ok(vec![Some(INBOX), None])),
            (foreign, Err(InvalidResponse::NotAskedFor.into())),
            (malformed, Err(InvalidResponse::MalformedId("an inbox id").into())),
            (
                short,
                Err(InvalidResponse::WrongCount { expected: 2, got: 1 }.into()),
            ),
        ] {
            let (_, api, machine) = ScriptedTransport::api([bytes]);
            assert_eq!(machine.run(api.inbox_ids(&asked)), expected);
        }
    }

    #[test]
    fn updates_are_asked_for_by_fifty_and_keep_their_bytes() {
        let inboxes: Vec<_> = (0..51u8).map(|n| (InboxId::new([n; 32]), 1)).collect();
        let answer =
            |part: &[(InboxId, u64)]| logs(part.iter().rev().map(|(id, _)| log(*id, &[2, 4])).collect());
        let (node, api, machine) = ScriptedTransport::api([answer(&inboxes[..50]), answer(&inboxes[50..])]);
        let rows = machine.run(api.identity_updates(&inboxes)).expect("rows");
        assert_eq!(node.methods(), [Method::IdentityUpdates; 2]);
        assert_eq!(
            node.request::<wire::GetIdentityUpdatesRequest>(1).requests.len(),
            1
        );
        assert_eq!(rows.len(), 102);
        let first = InboxId::new([0; 32]);
        assert_eq!(
            (rows[0].inbox_id, rows[0].sequence_id, rows[1].sequence_id),
            (first, 2, 4)
        );
        assert_eq!(rows[0].payload, update(first).encode_to_vec());
    }

    #[test]
    fn rows_at_or_below_the_cursor_are_invalid() {
        for ids in [&[7][..], &[8, 8], &[9, 8]] {
            let (_, api, machine) = ScriptedTransport::api([logs(vec![log(INBOX, ids)])]);
            let result = machine.run(api.identity_updates(&[(INBOX, 7)]));
            assert_eq!(result, Err(InvalidResponse::NotAscending.into()), "{ids:?}");
        }
    }

    #[test]
    fn logs_of_other_inboxes_and_rows_without_an_update_are_invalid() {
        let (_, api, machine) = ScriptedTransport::api([logs(vec![log(InboxId::new([1; 32]), &[8])])]);
        let result = machine.run(api.identity_updates(&[(INBOX, 7)]));
        assert_eq!(result, Err(InvalidResponse::NotAskedFor.into()));
        let mut empty = log(INBOX, &[8]);
        empty.updates[0].update = None;
        let (_, api, machine) = ScriptedTransport::api([logs(vec![empty])]);
        let result = machine.run(api.identity_updates(&[(INBOX, 7)]));
        assert_eq!(
            result,
            Err(InvalidResponse::MissingField("an identity update").into())
        );
    }

    #[test]
    fn a_published_update_arrives_as_it_was_encoded() {
        let (node, api, machine) = ScriptedTransport::api([Ok(vec![])]);
        machine
            .run(api.publish_identity_update(update(INBOX).encode_to_vec()))
            .expect("published");
        let sent: wire::PublishIdentityUpdateRequest = node.request(0);
        assert_eq!(sent.identity_update, Some(update(INBOX)));
    }

    #[test]
    fn verdicts_are_aligned() {
        let signature = ContractSignature {
            account_id: "eip155:1:0xabc".into(),
            block_number: None,
            signature: vec![1],
            hash: [2; 32],
        };
        let (_, api, machine) = ScriptedTransport::api([Ok(vec![])]);
        assert_eq!(
            machine.run(api.verify_contract_signatures(vec![signature])),
            Err(InvalidResponse::WrongCount { expected: 1, got: 0 }.into())
        );
    }
}
