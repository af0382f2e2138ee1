//! The native transport against a small gRPC server: what a node says arrives as the right value or error.
#![cfg(not(target_arch = "wasm32"))]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use xmtp_web::ids::{GroupId, InstallationId};
use xmtp_web::platform::native::NativePlatform;
use xmtp_web::proto::xmtp::mls::api::v1 as wire;
use xmtp_web::transport::{Endpoint, GrpcCode, HttpTransport, NodeApi, TransportError};

const GROUP: GroupId = GroupId::new([7; 16]);

/// Answers fetches with one package per key, refuses uploads without the headers, streams one message.
#[derive(Clone)]
struct Node;

impl NamedService for Node {
    const NAME: &'static str = "xmtp.mls.api.v1.MlsApi";
}

impl UnaryService<wire::FetchKeyPackagesRequest> for Node {
    type Response = wire::FetchKeyPackagesResponse;
    type Future = Ready<Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<wire::FetchKeyPackagesRequest>) -> Self::Future {
        let package = |key: Vec<u8>| wire::fetch_key_packages_response::KeyPackage {
            key_package_tls_serialized: key,
        };
        let key_packages = request
            .into_inner()
            .installation_keys
            .into_iter()
            .map(package)
            .collect();
        ready(Ok(Response::new(wire::FetchKeyPackagesResponse { key_packages })))
    }
}

impl UnaryService<wire::UploadKeyPackageRequest> for Node {
    type Response = ();
    type Future = Ready<Result<Response<()>, Status>>;

    fn call(&mut self, request: Request<wire::UploadKeyPackageRequest>) -> Self::Future {
        let header = |name| request.metadata().get(name).and_then(|value| value.to_str().ok());
        let named = header("x-app-version") == Some("tests/1.0.0");
        let versioned = header("x-libxmtp-version") == Some(xmtp_web::version::PROTOCOL_VERSION);
        ready(if named && versioned {
            Ok(Response::new(()))
        } else {
            Err(Status::failed_precondition("headers are missing"))
        })
    }
}

impl ServerStreamingService<wire::SubscribeGroupMessagesRequest> for Node {
    type Response = wire::GroupMessage;
    type ResponseStream = BoxStream<'static, Result<wire::GroupMessage, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<wire::SubscribeGroupMessagesRequest>) -> Self::Future {
        let message = |filter: wire::subscribe_group_messages_request::Filter| {
            let v1 = wire::group_message::V1 {
                id: filter.id_cursor + 1,
                group_id: filter.group_id,
                ..Default::default()
            };
            Ok(wire::GroupMessage {
                version: Some(wire::group_message::Version::V1(v1)),
            })
        };
        let stored = stream::iter(request.into_inner().filters.into_iter().map(message));
        let slow = stream::once(ready(Err(Status::aborted("too slow"))));
        ready(Ok(Response::new(stored.chain(slow).boxed())))
    }
}

impl Service<http::Request<Body>> for Node {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().map(str::to_owned);
            Ok(match method.as_deref() {
                Some("FetchKeyPackages") => {
                    let codec =
                        ProstCodec::<wire::FetchKeyPackagesResponse, wire::FetchKeyPackagesRequest>::default(
                        );
                    Grpc::new(codec).unary(Node, request).await
                }
                Some("UploadKeyPackage") => {
                    let codec = ProstCodec::<(), wire::UploadKeyPackageRequest>::default();
                    Grpc::new(codec).unary(Node, request).await
                }
                Some("SubscribeGroupMessages") => {
                    let codec =
                        ProstCodec::<wire::GroupMessage, wire::SubscribeGroupMessagesRequest>::default();
                    Grpc::new(codec).server_streaming(Node, request).await
                }
                Some("SendGroupMessages") => Status::invalid_argument("invalid group message").into_http(),
                _ => Status::unimplemented("not here").into_http(),
            })
        })
    }
}

/// A server on a free port, and the API to talk to it.
fn node() -> NodeApi {
    let address = "127.0.0.1:0".parse().expect("an address");
    let incoming = TcpIncoming::bind(address).expect("a free port");
    let url = format!("http://{}/", incoming.local_addr().expect("bound"));
    tokio::spawn(Server::builder().add_service(Node).serve_with_incoming(incoming));
    let endpoint = Endpoint::new(&url, Some("tests/1.0.0")).expect("valid");
    let transport = HttpTransport::new(&endpoint).expect("valid");
    NodeApi::new(Rc::new(transport), Rc::new(NativePlatform))
}

#[tokio::test]
async fn answers_come_back_whatever_their_size() {
    let keys: Vec<_> = (0..=255u8).map(|n| InstallationId::new([n; 32])).collect();
    let packages = node().fetch_key_packages(&keys).await.expect("packages");
    let expected: Vec<_> = keys.iter().map(|key| Some(key.to_vec())).collect();
    assert_eq!(packages, expected);
}

#[tokio::test]
async fn every_request_says_who_sends_it() {
    assert_eq!(node().upload_key_package(vec![0; 300_000]).await, Ok(()));
}

#[tokio::test]
async fn statuses_become_errors() {
    let api = node();
    let message = xmtp_web::transport::calls::OutgoingGroupMessage {
        data: vec![1],
        sender_hmac: vec![],
        should_push: false,
    };
    let refused = TransportError::Rejected {
        code: GrpcCode::InvalidArgument,
        message: "invalid group message".into(),
    };
    assert_eq!(api.send_group_messages(vec![message]).await, Err(refused));
    let missing = TransportError::Unimplemented {
        message: "not here".into(),
    };
    assert_eq!(api.newest_group_messages(&[GROUP]).await, Err(missing));
}

#[tokio::test]
async fn a_stream_gives_messages_then_the_reason_it_ended() {
    let mut stream = node()
        .subscribe_group_messages(&[(GROUP, 41)])
        .await
        .expect("opens");
    assert_eq!(
        stream.try_next().await.expect("a message").map(|m| m.id),
        Some(42)
    );
    let ended = TransportError::NodeFailed {
        code: GrpcCode::Aborted,
        message: "too slow".into(),
    };
    assert_eq!(stream.next().await, Some(Err(ended)));
    assert_eq!(stream.next().await, None);
}
