//! `xmtp.mls.api.v1.MlsApi`: the calls as the generated trait names them. The work is in the files below.

mod commit_log;
mod group_messages;
mod key_packages;
mod welcomes;

use super::{Services, Stream, stream_faults};
use crate::grpc::mls::mls_api_server::MlsApi;
use crate::rpc::unary;
use tonic::{Request, Response, Status};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MlsApi for Services {
    async fn send_group_messages(&self, request: Request<wire::SendGroupMessagesRequest>) -> Answer<()> {
        let messages = request.into_inner().messages;
        unary("SendGroupMessages", messages.len(), || {
            group_messages::send(&self.0, messages)
        })
    }

    async fn send_welcome_messages(&self, request: Request<wire::SendWelcomeMessagesRequest>) -> Answer<()> {
        let messages = request.into_inner().messages;
        unary("SendWelcomeMessages", messages.len(), || {
            welcomes::send(&self.0, messages)
        })
    }

    async fn register_installation(
        &self,
        request: Request<wire::RegisterInstallationRequest>,
    ) -> Answer<wire::RegisterInstallationResponse> {
        unary("RegisterInstallation", 1, || {
            let installation_key = key_packages::upload(&self.0, request.into_inner().key_package)?;
            Ok(wire::RegisterInstallationResponse { installation_key })
        })
    }

    async fn upload_key_package(&self, request: Request<wire::UploadKeyPackageRequest>) -> Answer<()> {
        unary("UploadKeyPackage", 1, || {
            key_packages::upload(&self.0, request.into_inner().key_package).map(drop)
        })
    }

    async fn fetch_key_packages(
        &self,
        request: Request<wire::FetchKeyPackagesRequest>,
    ) -> Answer<wire::FetchKeyPackagesResponse> {
        let keys = request.into_inner().installation_keys;
        unary("FetchKeyPackages", keys.len(), || {
            key_packages::fetch(&self.0, &keys)
        })
    }

    async fn revoke_installation(&self, _: Request<wire::RevokeInstallationRequest>) -> Answer<()> {
        unary("RevokeInstallation", 0, || {
            Err(Status::unimplemented("unimplemented"))
        })
    }

    async fn get_identity_updates(
        &self,
        _: Request<wire::GetIdentityUpdatesRequest>,
    ) -> Answer<wire::GetIdentityUpdatesResponse> {
        unary("MlsApi/GetIdentityUpdates", 0, || {
            Err(Status::unimplemented("unimplemented"))
        })
    }

    async fn query_group_messages(
        &self,
        request: Request<wire::QueryGroupMessagesRequest>,
    ) -> Answer<wire::QueryGroupMessagesResponse> {
        unary("QueryGroupMessages", 1, || {
            group_messages::query(&self.0, request.get_ref())
        })
    }

    async fn query_welcome_messages(
        &self,
        request: Request<wire::QueryWelcomeMessagesRequest>,
    ) -> Answer<wire::QueryWelcomeMessagesResponse> {
        unary("QueryWelcomeMessages", 1, || {
            welcomes::query(&self.0, request.get_ref())
        })
    }

    type SubscribeGroupMessagesStream = Stream<wire::GroupMessage>;

    async fn subscribe_group_messages(
        &self,
        request: Request<wire::SubscribeGroupMessagesRequest>,
    ) -> Answer<Self::SubscribeGroupMessagesStream> {
        let faults = stream_faults(&request);
        Ok(group_messages::subscribe(
            &self.0,
            request.into_inner().filters,
            faults,
        ))
    }

    type SubscribeWelcomeMessagesStream = Stream<wire::WelcomeMessage>;

    async fn subscribe_welcome_messages(
        &self,
        request: Request<wire::SubscribeWelcomeMessagesRequest>,
    ) -> Answer<Self::SubscribeWelcomeMessagesStream> {
        let faults = stream_faults(&request);
        welcomes::subscribe(&self.0, request.into_inner().filters, faults)
    }

    async fn batch_publish_commit_log(
        &self,
        request: Request<wire::BatchPublishCommitLogRequest>,
    ) -> Answer<()> {
        let entries = request.into_inner().requests;
        unary("BatchPublishCommitLog", entries.len(), || {
            commit_log::publish(&self.0, &entries)
        })
    }

    async fn batch_query_commit_log(
        &self,
        request: Request<wire::BatchQueryCommitLogRequest>,
    ) -> Answer<wire::BatchQueryCommitLogResponse> {
        let queries = request.into_inner().requests;
        unary("BatchQueryCommitLog", queries.len(), || {
            commit_log::query(&self.0, queries)
        })
    }

    async fn get_newest_group_message(
        &self,
        request: Request<wire::GetNewestGroupMessageRequest>,
    ) -> Answer<wire::GetNewestGroupMessageResponse> {
        let request = request.into_inner();
        unary("GetNewestGroupMessage", request.group_ids.len(), || {
            group_messages::newest(&self.0, &request)
        })
    }
}
