//! The classes for JavaScript.

use bytes::Bytes;
use futures::future::{AbortHandle, abortable};
use http_body_util::BodyExt;
use js_sys::{Array, Uint8Array};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wasm_bindgen::prelude::*;
use xmtp_devnode::{Clock, EmbeddedNode, EmbeddedOptions, Protocol};

#[wasm_bindgen]
extern "C" {
    /// Hears of one answer: `head` once, `data` for each piece, at most one `trailers`, and last `end` or `broken`.
    pub type Sink;
    #[wasm_bindgen(method)]
    fn head(this: &Sink, status: u16, headers: Array);
    #[wasm_bindgen(method)]
    fn data(this: &Sink, piece: Uint8Array);
    #[wasm_bindgen(method)]
    fn trailers(this: &Sink, trailers: Array);
    #[wasm_bindgen(method)]
    fn end(this: &Sink);
    /// The connection broke, as a fault rule asked for.
    #[wasm_bindgen(method)]
    fn broken(this: &Sink, reason: String);
}

/// A node in memory.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Node {
    node: EmbeddedNode,
    /// Nanoseconds that the node's clock is ahead of the machine's.
    ahead: Arc<AtomicI64>,
}

/// A call under way.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Call(AbortHandle);

#[wasm_bindgen]
impl Node {
    /// An empty node. Wallets are given as `ADDRESS=OWNER`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        faults_over_http: bool,
        v2_closed: bool,
        contract_wallets: Vec<String>,
    ) -> Result<Node, JsError> {
        let ahead = Arc::new(AtomicI64::new(0));
        let machine = Clock::system();
        let offset = Arc::clone(&ahead);
        let clock = Clock::from_fn(move || {
            machine
                .now_ns()
                .saturating_add_signed(offset.load(Ordering::Relaxed))
        });
        let contract_wallets = contract_wallets
            .iter()
            .map(|text| wallet(text))
            .collect::<Result<_, _>>()?;
        let options = EmbeddedOptions {
            faults_over_http,
            v2_closed,
            contract_wallets,
            clock,
        };
        Ok(Self {
            node: EmbeddedNode::new(options)?,
            ahead,
        })
    }

    /// Answers a request. `headers` is a list of pairs; `web` tells gRPC-web from gRPC.
    pub fn call(
        &self,
        web: bool,
        method: &str,
        path: &str,
        headers: Vec<Array>,
        body: &[u8],
        sink: Sink,
    ) -> Result<Call, JsError> {
        let mut request = http::Request::builder().method(method).uri(path);
        for pair in headers {
            if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
                request = request.header(name, value);
            }
        }
        let request = request.body(Bytes::copy_from_slice(body))?;
        let protocol = if web { Protocol::GrpcWeb } else { Protocol::Grpc };
        let answer = self.node.call(protocol, request);
        let (task, handle) = abortable(async move {
            let body = match answer.await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    sink.head(parts.status.as_u16(), pairs(&parts.headers));
                    body
                }
                Err(error) => return sink.broken(error.to_string()),
            };
            deliver(body, &sink).await;
        });
        wasm_bindgen_futures::spawn_local(async move {
            // an error means that the caller gave it up
            let _ = task.await;
        });
        Ok(Call(handle))
    }

    /// Moves the clock of stored rows, forwards or back.
    #[wasm_bindgen(js_name = advanceClock)]
    pub fn advance_clock(&self, milliseconds: f64) {
        self.ahead
            .fetch_add((milliseconds * 1e6) as i64, Ordering::Relaxed);
    }

    /// Deploys a contract wallet, given as `ADDRESS=OWNER`, or changes its owner.
    #[wasm_bindgen(js_name = registerContractWallet)]
    pub fn register_contract_wallet(&self, text: &str) -> Result<(), JsError> {
        let (address, owner) = wallet(text)?;
        Ok(self.node.register_contract_wallet(&address, &owner)?)
    }
}

#[wasm_bindgen]
impl Call {
    /// Gives the call up: the sink hears nothing more.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

async fn deliver(mut body: tonic::body::Body, sink: &Sink) {
    while let Some(frame) = body.frame().await {
        match frame {
            Err(error) => return sink.broken(error.to_string()),
            Ok(frame) => match frame.into_data() {
                Ok(data) => sink.data(Uint8Array::from(data.as_ref())),
                Err(frame) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        sink.trailers(pairs(trailers));
                    }
                }
            },
        }
    }
    sink.end();
}

fn pairs(headers: &http::HeaderMap) -> Array {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        Array::of2(&name.as_str().into(), &value.as_ref().into())
    };
    headers.iter().map(pair).collect()
}

fn wallet(text: &str) -> Result<(String, String), xmtp_devnode::InvalidWallet> {
    let (address, owner) = text.split_once('=').ok_or(xmtp_devnode::InvalidWallet)?;
    Ok((address.to_owned(), owner.to_owned()))
}
