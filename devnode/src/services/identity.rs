//! `xmtp.identity.api.v1.IdentityApi`.

use super::{Node, Services};
use crate::grpc::identity::identity_api_server::IdentityApi;
use crate::rpc::{query_failed, unary};
use crate::store::PublishError;
use crate::validate;
use std::collections::HashMap;
use tonic::{Request, Response, Status};
use xmtp_web::proto::xmtp::identity::api::v1::{
    self as wire, get_identity_updates_response::IdentityUpdateLog,
    verify_smart_contract_wallet_signatures_response::ValidationResponse,
};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl IdentityApi for Services {
    async fn publish_identity_update(
        &self,
        request: Request<wire::PublishIdentityUpdateRequest>,
    ) -> Answer<wire::PublishIdentityUpdateResponse> {
        unary("PublishIdentityUpdate", 1, || {
            publish(&self.0, request.into_inner())
        })
    }

    async fn get_identity_updates(
        &self,
        request: Request<wire::GetIdentityUpdatesRequest>,
    ) -> Answer<wire::GetIdentityUpdatesResponse> {
        let requests = request.into_inner().requests;
        unary("GetIdentityUpdates", requests.len(), || {
            updates(&self.0, requests)
        })
    }

    async fn get_inbox_ids(
        &self,
        request: Request<wire::GetInboxIdsRequest>,
    ) -> Answer<wire::GetInboxIdsResponse> {
        let requests = request.into_inner().requests;
        unary("GetInboxIds", requests.len(), || inbox_ids(&self.0, requests))
    }

    async fn verify_smart_contract_wallet_signatures(
        &self,
        request: Request<wire::VerifySmartContractWalletSignaturesRequest>,
    ) -> Answer<wire::VerifySmartContractWalletSignaturesResponse> {
        let signatures = request.into_inner().signatures;
        unary("VerifySmartContractWalletSignatures", signatures.len(), || {
            let responses = signatures
                .iter()
                .map(|signature| verify(&self.0, signature))
                .collect();
            Ok(wire::VerifySmartContractWalletSignaturesResponse { responses })
        })
    }
}

fn publish(
    node: &Node,
    request: wire::PublishIdentityUpdateRequest,
) -> Result<wire::PublishIdentityUpdateResponse, Status> {
    let Some(update) = request.identity_update else {
        return Err(Status::unknown("IdentityUpdate is required"));
    };
    let validate = |old: &[_]| validate::identity_update(old, &update, &node.contracts);
    match node.store.publish_identity_update(&update, validate) {
        Ok(_) => Ok(wire::PublishIdentityUpdateResponse {}),
        Err(PublishError::Rejected(rejection)) => Err(rejection.into()),
        Err(PublishError::LogFull) => Err(Status::unknown("inbox log is full")),
        Err(PublishError::Store(error)) => Err(query_failed(error)),
    }
}

/// All updates after the given ids, aligned with the request. An inbox asked for twice gets the updates of both
/// requests in both places.
fn updates(
    node: &Node,
    requests: Vec<wire::get_identity_updates_request::Request>,
) -> Result<wire::GetIdentityUpdatesResponse, Status> {
    let mut logs: HashMap<String, Vec<IdentityUpdateLog>> = HashMap::new();
    for request in &requests {
        let log = node
            .store
            .identity_updates(&request.inbox_id, request.sequence_id)
            .map_err(query_failed)?;
        // logs are grouped by the id as the node writes it
        logs.entry(request.inbox_id.to_lowercase())
            .or_default()
            .extend(log);
    }
    for log in logs.values_mut() {
        log.sort_by_key(|row| row.sequence_id);
    }
    let responses = requests
        .into_iter()
        .map(|request| wire::get_identity_updates_response::Response {
            updates: logs.get(&request.inbox_id).cloned().unwrap_or_default(),
            inbox_id: request.inbox_id,
        })
        .collect();
    Ok(wire::GetIdentityUpdatesResponse { responses })
}

/// The inbox of each identifier by its exact text; the kind is neither read nor answered.
fn inbox_ids(
    node: &Node,
    requests: Vec<wire::get_inbox_ids_request::Request>,
) -> Result<wire::GetInboxIdsResponse, Status> {
    let find = |request: wire::get_inbox_ids_request::Request| {
        let inbox_id = node.store.inbox_of(&request.identifier).map_err(query_failed)?;
        let identifier = request.identifier;
        Ok(wire::get_inbox_ids_response::Response {
            identifier,
            inbox_id,
            identifier_kind: 0,
        })
    };
    let responses = requests.into_iter().map(find).collect::<Result<_, Status>>()?;
    Ok(wire::GetInboxIdsResponse { responses })
}

fn verify(
    node: &Node,
    question: &wire::VerifySmartContractWalletSignatureRequestSignature,
) -> ValidationResponse {
    let verdict = node.contracts.verify(
        &question.account_id,
        question.block_number,
        &question.signature,
        &question.hash,
    );
    match verdict {
        Ok(verdict) => ValidationResponse {
            is_valid: verdict.valid,
            block_number: Some(verdict.block),
            error: None,
        },
        Err(error) => ValidationResponse {
            is_valid: false,
            block_number: None,
            error: Some(error.to_string()),
        },
    }
}
