//! History servers over `fetch`.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    ReadableStreamDefaultReader, ReferrerPolicy, Request, RequestCache, RequestCredentials, RequestInit,
    RequestMode, RequestRedirect, Response,
};

use super::fetch::{AbortOnDrop, failure, global_fetch};
use super::files::{Files, from_http_status};
use super::{InvalidResponse, TransportError};

/// Web servers as the browser reaches them, without cookies.
#[derive(Debug, Clone, Copy, Default)]
pub struct FetchFiles;

impl Files for FetchFiles {
    fn call(
        &self,
        url: String,
        body: Option<Vec<u8>>,
        limit: usize,
    ) -> LocalBoxFuture<'_, Result<Vec<u8>, TransportError>> {
        call(url, body, limit).boxed_local()
    }
}

async fn call(url: String, body: Option<Vec<u8>>, limit: usize) -> Result<Vec<u8>, TransportError> {
    let unusable = |_| TransportError::InvalidEndpoint("the browser does not accept the server's address");
    let abort = AbortOnDrop::new()?;
    let init = RequestInit::new();
    init.set_method(if body.is_some() { "POST" } else { "GET" });
    if let Some(body) = body {
        init.set_body(&Uint8Array::from(body.as_slice()));
    }
    init.set_signal(Some(&abort.signal()));
    init.set_mode(RequestMode::Cors);
    init.set_credentials(RequestCredentials::Omit);
    init.set_cache(RequestCache::NoStore);
    // A server that sends elsewhere is not the one that was named.
    init.set_redirect(RequestRedirect::Error);
    init.set_referrer_policy(ReferrerPolicy::StrictOriginWhenCrossOrigin);
    let request = Request::new_with_str_and_init(&url, &init).map_err(unusable)?;
    let response = JsFuture::from(global_fetch(&request))
        .await
        .map_err(|error| failure(&error))?;
    let response: Response = response.dyn_into().map_err(|_| InvalidResponse::Undecodable)?;
    if !response.ok() {
        return Err(from_http_status(response.status()));
    }
    let Some(stream) = response.body() else {
        return Ok(Vec::new());
    };
    let reader: ReadableStreamDefaultReader = stream
        .get_reader()
        .dyn_into()
        .map_err(|_| InvalidResponse::Undecodable)?;
    let mut bytes = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read())
            .await
            .map_err(|error| failure(&error))?;
        let field = |name: &str| Reflect::get(&chunk, &JsValue::from_str(name));
        if field("done").is_ok_and(|done| done.is_truthy()) {
            return Ok(bytes);
        }
        let chunk: Uint8Array = field("value")
            .ok()
            .and_then(|value| value.dyn_into().ok())
            .ok_or(InvalidResponse::Undecodable)?;
        let length = usize::try_from(chunk.length()).unwrap_or(usize::MAX);
        if bytes.len().saturating_add(length) > limit {
            return Err(InvalidResponse::TooLong.into());
        }
        bytes.extend_from_slice(&chunk.to_vec());
    }
}
