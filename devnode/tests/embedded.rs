//! The node without ports: one HTTP request in, one answer out.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use http_body_util::BodyExt;
use prost::Message;
use xmtp_devnode::{EmbeddedNode, EmbeddedOptions, Fault, Protocol, Rule};
use xmtp_web::proto::xmtp::mls::api::v1 as wire;

fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &bytes].concat().into()
}

fn request(content_type: &str, method: &str, message: &impl Message) -> http::Request<Bytes> {
    http::Request::post(format!("/xmtp.mls.api.v1.MlsApi/{method}"))
        .header("content-type", content_type)
        .header("te", "trailers")
        .body(framed(message))
        .unwrap()
}

#[tokio::test]
async fn the_same_call_is_answered_as_grpc_and_as_grpc_web() {
    let node = EmbeddedNode::new(EmbeddedOptions::default()).unwrap();
    let message = wire::FetchKeyPackagesRequest {
        installation_keys: vec![vec![7; 32]],
    };
    let grpc = request("application/grpc", "FetchKeyPackages", &message);
    let answer = node.call(Protocol::Grpc, grpc).await.unwrap();
    let answer = answer.into_body().collect().await.unwrap();
    assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
    let framed_answer = answer.to_bytes();

    let web = request("application/grpc-web+proto", "FetchKeyPackages", &message);
    let answer = node.call(Protocol::GrpcWeb, web).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(&framed_answer));
    assert!(String::from_utf8_lossy(&body).contains("grpc-status:0"));
}

#[tokio::test]
async fn a_broken_call_has_no_answer_and_a_dropped_node_ends_its_streams() {
    let node = EmbeddedNode::new(EmbeddedOptions::default()).unwrap();
    node.faults().add(Rule::once("Subscribe*", Fault::DropRequest));
    let filter = wire::subscribe_group_messages_request::Filter {
        group_id: vec![1; 16],
        id_cursor: 0,
    };
    let message = wire::SubscribeGroupMessagesRequest {
        filters: vec![filter],
    };
    let subscribe = || request("application/grpc", "SubscribeGroupMessages", &message);
    assert!(node.call(Protocol::Grpc, subscribe()).await.is_err());

    let answer = node.call(Protocol::Grpc, subscribe()).await.unwrap();
    assert_eq!(answer.headers()["subscribed"], "true");
    drop(node);
    let end = answer.into_body().collect().await.unwrap();
    let unavailable = i32::from(tonic::Code::Unavailable).to_string();
    assert_eq!(end.trailers().unwrap()["grpc-status"], unavailable);
}
