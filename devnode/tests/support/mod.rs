//! A node in memory, a client that speaks plain gRPC to it, and messages to send.
#![allow(dead_code)]

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use xmtp_devnode::{RunningServer, Server, ServerOptions};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

pub(crate) const MLS: &str = "/xmtp.mls.api.v1.MlsApi/";
pub(crate) const IDENTITY: &str = "/xmtp.identity.api.v1.IdentityApi/";
pub(crate) const MESSAGE: &str = "/xmtp.message_api.v1.MessageApi/";

/// A node in memory and a client.
pub(crate) async fn node() -> (RunningServer, Client) {
    node_with(ServerOptions::default()).await
}

pub(crate) async fn node_with(options: ServerOptions) -> (RunningServer, Client) {
    let server = Server::start(options).await.expect("the node starts");
    let client = Client::to(&server).await;
    (server, client)
}

#[derive(Debug, Clone)]
pub(crate) struct Client(Channel);

impl Client {
    pub(crate) async fn to(server: &RunningServer) -> Self {
        let endpoint = Channel::from_shared(server.grpc_url()).expect("a valid URL");
        Self(endpoint.connect().await.expect("the node accepts connections"))
    }

    /// A unary call.
    pub(crate) async fn call<Q, A>(&self, service: &str, method: &str, request: Q) -> Result<A, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.expect("the channel is open");
        let codec = ProstCodec::<Q, A>::default();
        grpc.unary(Request::new(request), path(service, method), codec)
            .await
            .map(Response::into_inner)
    }

    /// A server stream, when its headers are there.
    pub(crate) async fn stream<Q, A>(
        &self,
        service: &str,
        method: &str,
        request: Q,
    ) -> Result<Response<Streaming<A>>, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.expect("the channel is open");
        let codec = ProstCodec::<Q, A>::default();
        grpc.server_streaming(Request::new(request), path(service, method), codec)
            .await
    }

    pub(crate) async fn send(&self, messages: Vec<Vec<u8>>) -> Result<(), Status> {
        let messages = messages.into_iter().map(group_input).collect();
        self.call(
            MLS,
            "SendGroupMessages",
            wire::SendGroupMessagesRequest { messages },
        )
        .await
    }

    pub(crate) async fn query_group(
        &self,
        group: &[u8],
        paging_info: Option<wire::PagingInfo>,
    ) -> Result<wire::QueryGroupMessagesResponse, Status> {
        let request = wire::QueryGroupMessagesRequest {
            group_id: group.to_vec(),
            paging_info,
        };
        self.call(MLS, "QueryGroupMessages", request).await
    }

    pub(crate) async fn follow(
        &self,
        filters: &[(&[u8], u64)],
    ) -> Result<Response<Streaming<wire::GroupMessage>>, Status> {
        let filter = |(group, id_cursor): &(&[u8], u64)| wire::subscribe_group_messages_request::Filter {
            group_id: group.to_vec(),
            id_cursor: *id_cursor,
        };
        let request = wire::SubscribeGroupMessagesRequest {
            filters: filters.iter().map(filter).collect(),
        };
        self.stream(MLS, "SubscribeGroupMessages", request).await
    }
}

fn path(service: &str, method: &str) -> PathAndQuery {
    format!("{service}{method}").parse().expect("a valid path")
}

/// The content types of MLS.
pub(crate) const APPLICATION: u8 = 1;
pub(crate) const PROPOSAL: u8 = 2;
pub(crate) const COMMIT: u8 = 3;

/// The shape of a private MLS message; `body` stands for its ciphertext (up to 63 bytes).
pub(crate) fn mls_message(group: &[u8], content: u8, body: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| {
        u8::try_from(bytes.len())
            .ok()
            .filter(|l| *l < 64)
            .expect("a short vector")
    };
    let mut bytes = vec![0, 1, 0, 2, length(group)];
    bytes.extend(group);
    bytes.extend(5u64.to_be_bytes());
    bytes.extend([content, 0, 0, length(body)]);
    bytes.extend(body);
    bytes
}

/// An application message with a number as its body.
pub(crate) fn text(group: &[u8], number: u64) -> Vec<u8> {
    mls_message(group, APPLICATION, &number.to_be_bytes())
}

pub(crate) fn group_input(data: Vec<u8>) -> wire::GroupMessageInput {
    let v1 = wire::group_message_input::V1 {
        data,
        sender_hmac: b"hmac".to_vec(),
        should_push: true,
    };
    wire::GroupMessageInput {
        version: Some(wire::group_message_input::Version::V1(v1)),
    }
}

pub(crate) fn v1(message: wire::GroupMessage) -> wire::group_message::V1 {
    match message.version {
        Some(wire::group_message::Version::V1(v1)) => v1,
        None => panic!("a group message has a version"),
    }
}

pub(crate) fn ids(messages: Vec<wire::GroupMessage>) -> Vec<u64> {
    messages.into_iter().map(|message| v1(message).id).collect()
}

pub(crate) fn paging(direction: wire::SortDirection, limit: u32, id_cursor: u64) -> Option<wire::PagingInfo> {
    Some(wire::PagingInfo {
        direction: direction.into(),
        limit,
        id_cursor,
    })
}

/// Code and text of a refused call.
pub(crate) fn refusal<A: std::fmt::Debug>(result: Result<A, Status>) -> (tonic::Code, String) {
    let status = result.expect_err("the call is refused");
    (status.code(), status.message().to_owned())
}
