//! gRPC-Web over `fetch`, in a worker or window.

use std::time::Duration;

use futures::future::{Either, LocalBoxFuture, select};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, AbortSignal, Headers, ReadableStreamDefaultReader, ReferrerPolicy, Request,
    RequestCredentials, RequestInit, RequestMode, Response,
};

use super::grpc_web::{BodyDecoder, Status, code_for_http_status, encode_request};
use super::{ByteStream, Endpoint, InvalidResponse, MAX_MESSAGE_BYTES, Method, Transport, TransportError};
use crate::platform::Platform;
use crate::platform::web::WebPlatform;

/// The binary flavour of gRPC-Web; the text flavour would cost a third more.
const CONTENT_TYPE: &str = "application/grpc-web+proto";
/// How this library names itself to proxies, like other gRPC-Web clients do.
const USER_AGENT: &str = concat!("xmtp-web/", env!("CARGO_PKG_VERSION"));

/// How long a subscription waits for the head of its response. Firefox shows that with the first byte of the body only,
/// which a quiet subscription may not have for hours: it counts as begun then, and a failure comes out of the stream.
/// Nothing is missed, as a subscription begins at its cursor whenever the node takes it.
const HEAD_PATIENCE: Duration = Duration::from_millis(300);

/// How long the end of an answer that is complete is waited for before its request is aborted.
const END_PATIENCE: Duration = Duration::from_secs(1);

#[wasm_bindgen]
extern "C" {
    /// The global function, the same in workers and windows. Never throws: failures are rejections.
    #[wasm_bindgen(js_name = fetch)]
    pub(super) fn global_fetch(request: &Request) -> js_sys::Promise;
}

/// A node behind a gRPC-Web proxy. Keeps no connection of its own: the browser does.
#[derive(Debug, Clone)]
pub struct FetchTransport {
    endpoint: Endpoint,
}

impl FetchTransport {
    /// A transport to `endpoint`. Connects to nothing yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }

    /// Sends a request and waits for the head of the response.
    async fn open(&self, method: Method, message: &[u8]) -> Result<ResponseBody, TransportError> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(TransportError::TooLarge { bytes: message.len() });
        }
        let abort = AbortOnDrop::new()?;
        let request = self.request(method, message, &abort)?;
        let response = JsFuture::from(global_fetch(&request))
            .await
            .map_err(|error| failure(&error))?;
        let response: Response = response.dyn_into().map_err(|_| InvalidResponse::NotGrpcWeb)?;
        let status = check_head(&response)?;
        let reader = match response.body() {
            Some(body) => Some(
                body.get_reader()
                    .dyn_into::<ReadableStreamDefaultReader>()
                    .map_err(|_| InvalidResponse::NotGrpcWeb)?,
            ),
            None => None,
        };
        Ok(ResponseBody {
            reader,
            decoder: BodyDecoder::new(MAX_MESSAGE_BYTES, status),
            abort,
        })
    }

    fn request(
        &self,
        method: Method,
        message: &[u8],
        abort: &AbortOnDrop,
    ) -> Result<Request, TransportError> {
        let unusable = |_| TransportError::InvalidEndpoint("the browser does not accept the node's address");
        let body = encode_request(message).map_err(|_| TransportError::TooLarge { bytes: message.len() })?;
        let headers = Headers::new().map_err(unusable)?;
        let own = [
            ("content-type", CONTENT_TYPE),
            ("accept", CONTENT_TYPE),
            ("x-grpc-web", "1"),
            ("x-user-agent", USER_AGENT),
        ];
        for (name, value) in own.into_iter().chain(self.endpoint.headers()) {
            headers.set(name, value).map_err(unusable)?;
        }
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_headers(headers.as_ref());
        init.set_body(&Uint8Array::from(body.as_slice()));
        init.set_signal(Some(&abort.signal()));
        init.set_mode(RequestMode::Cors);
        init.set_credentials(RequestCredentials::Omit);
        // The cache is not told to keep out, which it does of what is posted anyway: Chromium would forget each time that the
        // node takes such requests, and ask first.
        init.set_referrer_policy(ReferrerPolicy::StrictOriginWhenCrossOrigin);
        let url = format!("{}{}", self.endpoint.base(), method.path());
        Request::new_with_str_and_init(&url, &init).map_err(unusable)
    }
}

impl Transport for FetchTransport {
    fn unary(&self, method: Method, request: Vec<u8>) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
        async move {
            let mut body = self.open(method, &request).await?;
            while !body.decoder.is_complete() && body.read().await? {
                if body.decoder.waiting() > 1 {
                    return Err(InvalidResponse::NotOneMessage.into());
                }
            }
            let answer = body.decoder.finish_unary()?;
            body.end();
            Ok(answer)
        }
        .boxed_local()
    }

    fn server_stream(
        &self,
        method: Method,
        request: Vec<u8>,
    ) -> LocalBoxFuture<'_, Result<ByteStream, TransportError>> {
        let transport = self.clone();
        let opening = async move { transport.open(method, &request).await }.boxed_local();
        async move {
            match select(opening, WebPlatform.sleep(HEAD_PATIENCE)).await {
                Either::Left((body, _)) => Ok(messages(body?)),
                Either::Right(((), opening)) => {
                    Ok(stream::once(opening).map_ok(messages).try_flatten().boxed_local())
                }
            }
        }
        .boxed_local()
    }
}

/// The messages of a response, up to its end or its first error.
fn messages(body: ResponseBody) -> ByteStream {
    // The state is gone after an error, and with it the request.
    stream::unfold(Some(body), |body| async move {
        let mut body = body?;
        match body.next().await {
            Ok(Some(message)) => Some((Ok(message), Some(body))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed_local()
}

/// The body of a response that has begun. Dropping it aborts the request.
struct ResponseBody {
    reader: Option<ReadableStreamDefaultReader>,
    decoder: BodyDecoder,
    abort: AbortOnDrop,
}

impl ResponseBody {
    /// Reads one chunk into the decoder. False at the end.
    async fn read(&mut self) -> Result<bool, TransportError> {
        let Some(reader) = &self.reader else {
            return Ok(false);
        };
        let chunk = JsFuture::from(reader.read())
            .await
            .map_err(|error| failure(&error))?;
        let field = |name: &str| Reflect::get(&chunk, &JsValue::from_str(name));
        if field("done").is_ok_and(|done| done.is_truthy()) {
            return Ok(false);
        }
        let bytes: Uint8Array = field("value")
            .ok()
            .and_then(|value| value.dyn_into().ok())
            .ok_or(InvalidResponse::NotGrpcWeb)?;
        self.decoder.push(&bytes.to_vec())?;
        Ok(true)
    }

    /// Lets go of a response whose answer is complete. To abort what is over is work for the browser all the same, with each
    /// request: the end is read instead, which is there already, unless the node keeps it back.
    fn end(mut self) {
        spawn_local(async move {
            let reading = self.read().boxed_local();
            let is_over = matches!(
                select(reading, WebPlatform.sleep(END_PATIENCE)).await,
                Either::Left((Ok(false), _))
            );
            if is_over {
                self.abort.disarm();
            }
        });
    }

    /// The next message of a stream; `None` when the node ended it with success.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        loop {
            if let Some(message) = self.decoder.next_message() {
                return Ok(Some(message));
            }
            if self.decoder.is_complete() || !self.read().await? {
                // What the last chunk completed is given out before the result.
                return match self.decoder.next_message() {
                    Some(message) => Ok(Some(message)),
                    None => self.decoder.finish().map(|()| None),
                };
            }
        }
    }
}

/// Aborts its request when dropped, unless that is known to be over.
pub(super) struct AbortOnDrop {
    controller: AbortController,
    is_over: bool,
}

impl AbortOnDrop {
    pub(super) fn new() -> Result<Self, TransportError> {
        let controller = AbortController::new().map_err(|_| TransportError::Cancelled)?;
        Ok(Self {
            controller,
            is_over: false,
        })
    }

    /// The request is over: there is nothing to abort.
    fn disarm(&mut self) {
        self.is_over = true;
    }

    /// What the request listens to.
    pub(super) fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if !self.is_over {
            self.controller.abort();
        }
    }
}

/// Refuses a response that carries a failure in its headers or is not gRPC-Web. Gives the status in the
/// headers, if there is one.
fn check_head(response: &Response) -> Result<Option<Status>, TransportError> {
    let headers = response.headers();
    // An unreadable header is a missing one.
    let header = |name| headers.get(name).ok().flatten();
    let code = header("grpc-status");
    let status = Status::from_headers(code.as_deref(), header("grpc-message").as_deref());
    if let Some(status) = &status {
        status.clone().into_result()?;
    }
    if !response.ok() {
        let status = response.status();
        return Err(TransportError::from_status(
            code_for_http_status(status),
            format!("HTTP status {status}"),
        ));
    }
    let content_type = header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/grpc-web")
        || content_type.starts_with("application/grpc-web-text")
    {
        return Err(InvalidResponse::NotGrpcWeb.into());
    }
    Ok(status)
}

/// The error for a rejected promise. Browsers tell only an abort apart from everything else, which is
/// "Failed to fetch" or "network error".
pub(super) fn failure(error: &JsValue) -> TransportError {
    let name = Reflect::get(error, &JsValue::from_str("name"))
        .ok()
        .and_then(|name| name.as_string());
    match name.as_deref() {
        Some("AbortError") => TransportError::Cancelled,
        _ => TransportError::Unreachable,
    }
}
