//! gRPC over HTTP/2, for native tests and tools.

use std::error::Error;
use std::time::Duration;

use bytes::{Buf, BufMut};
use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use super::{ByteStream, Endpoint, GrpcCode, MAX_MESSAGE_BYTES, Method, Transport, TransportError};

/// How long a TCP connection may take to come about, as in libxmtp.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pings that keep idle connections open through proxies, as in libxmtp.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(45);
/// How long an answer to a ping may take, as in libxmtp.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A node over HTTP/2. Connects on the first call, and again after a connection was lost.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    channel: Channel,
    headers: tonic::metadata::MetadataMap,
}

impl HttpTransport {
    /// A transport to `endpoint`. Must be made inside a tokio runtime.
    ///
    /// # Errors
    /// [`TransportError::InvalidEndpoint`] if the address is not a plain `http://` one (native builds are
    /// for local nodes, and have no TLS).
    pub fn new(endpoint: &Endpoint) -> Result<Self, TransportError> {
        if !endpoint.base().starts_with("http://") {
            return Err(TransportError::InvalidEndpoint(
                "native builds speak http:// only",
            ));
        }
        let channel = tonic::transport::Endpoint::from_shared(endpoint.base().to_owned())
            .map_err(|_| TransportError::InvalidEndpoint("the address is not a URI"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .connect_lazy();
        let mut headers = tonic::metadata::MetadataMap::new();
        for (name, value) in endpoint.headers() {
            let value = MetadataValue::try_from(value)
                .map_err(|_| TransportError::InvalidEndpoint("the app version is not a header value"))?;
            headers.insert(name, value);
        }
        Ok(Self { channel, headers })
    }

    /// A ready connection and the request to send over it.
    async fn prepare(
        &self,
        message: Vec<u8>,
    ) -> Result<(Grpc<Channel>, tonic::Request<Vec<u8>>), TransportError> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(TransportError::TooLarge { bytes: message.len() });
        }
        let mut grpc = Grpc::new(self.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        grpc.ready().await.map_err(|_| TransportError::Unreachable)?;
        let mut request = tonic::Request::new(message);
        *request.metadata_mut() = self.headers.clone();
        Ok((grpc, request))
    }
}

impl Transport for HttpTransport {
    fn unary(&self, method: Method, request: Vec<u8>) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
        async move {
            let (mut grpc, request) = self.prepare(request).await?;
            let path = PathAndQuery::from_static(method.path());
            let response = grpc.unary(request, path, BytesCodec).await.map_err(from_tonic)?;
            Ok(response.into_inner())
        }
        .boxed_local()
    }

    fn server_stream(
        &self,
        method: Method,
        request: Vec<u8>,
    ) -> LocalBoxFuture<'_, Result<ByteStream, TransportError>> {
        async move {
            let (mut grpc, request) = self.prepare(request).await?;
            let path = PathAndQuery::from_static(method.path());
            let response = grpc
                .server_streaming(request, path, BytesCodec)
                .await
                .map_err(from_tonic)?;
            Ok(response
                .into_inner()
                .map(|item| item.map_err(from_tonic))
                .boxed_local())
        }
        .boxed_local()
    }
}

/// The error for a status. One that this side made up, because the connection failed, has a cause.
fn from_tonic(status: tonic::Status) -> TransportError {
    let code = GrpcCode::from(i32::from(status.code()));
    if status.source().is_some() && matches!(code, GrpcCode::Unavailable | GrpcCode::Unknown) {
        return TransportError::Unreachable;
    }
    TransportError::from_status(code, status.message().to_owned())
}

/// Messages stay the bytes they are.
#[derive(Debug, Clone, Copy)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for BytesCodec {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, tonic::Status> {
        let mut message = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Coded;

    #[tokio::test]
    async fn a_refused_connection_is_unreachable_and_worth_a_retry() {
        // A port that was free a moment ago and that nobody listens on.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        let transport = HttpTransport::new(&Endpoint::new(&url, None).expect("valid")).expect("valid");
        let error = transport
            .unary(Method::InboxIds, vec![])
            .await
            .expect_err("nobody listens");
        assert_eq!(error, TransportError::Unreachable);
        assert!(error.is_retryable());
        let stream = transport.server_stream(Method::LegacySubscribe, vec![]).await;
        assert_eq!(stream.map(|_| ()), Err(TransportError::Unreachable));
    }

    #[tokio::test]
    async fn a_peer_that_speaks_something_else_is_an_error() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a connection");
            let _ = socket.read(&mut [0; 64]);
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
        });
        let transport = HttpTransport::new(&Endpoint::new(&url, None).expect("valid")).expect("valid");
        let error = transport
            .unary(Method::InboxIds, vec![])
            .await
            .expect_err("not gRPC");
        assert!(error.is_retryable(), "{error:?}");
    }

    #[tokio::test]
    async fn too_large_requests_are_not_sent() {
        let transport =
            HttpTransport::new(&Endpoint::new("http://127.0.0.1:1", None).expect("valid")).expect("valid");
        let bytes = MAX_MESSAGE_BYTES + 1;
        let result = transport.unary(Method::SendGroupMessages, vec![0; bytes]).await;
        assert_eq!(result, Err(TransportError::TooLarge { bytes }));
    }

    #[test]
    fn native_builds_refuse_https() {
        let endpoint = Endpoint::new("https://node.example", None).expect("valid");
        assert!(matches!(
            HttpTransport::new(&endpoint),
            Err(TransportError::InvalidEndpoint(_))
        ));
    }
}
