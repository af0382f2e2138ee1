//! The class `Directory`.

use std::rc::Rc;

use js_sys::{Array, Map, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::error::EdgeError;
use super::signature_request::SignatureRequest;
use super::{convert, inbox};
use crate::client;
use crate::platform::Platform;
use crate::platform::web::WebPlatform;
use crate::transport::{Endpoint, FetchTransport, NodeApi};

/// The inboxes of a network, for whom has no installation.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Directory {
    inner: Rc<client::Directory>,
}

#[wasm_bindgen]
impl Directory {
    /// One that asks the node at this address.
    ///
    /// # Errors
    /// `argument.invalid`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(js_name = apiUrl, unchecked_param_type = "string")] api_url: JsValue,
        #[wasm_bindgen(js_name = appVersion)] app_version: Option<String>,
    ) -> Result<Self, EdgeError> {
        let platform: Rc<dyn Platform> = Rc::new(WebPlatform);
        let endpoint = Endpoint::new(&convert::text("apiUrl", &api_url)?, app_version.as_deref())?;
        let api = NodeApi::new(Rc::new(FetchTransport::new(endpoint)), Rc::clone(&platform));
        Ok(Self {
            inner: Rc::new(client::Directory::new(api, platform)?),
        })
    }

    /// The inboxes of identifiers, in the order of the question; undefined: not registered.
    #[wasm_bindgen(js_name = inboxIds, unchecked_return_type = "Promise<(string | undefined)[]>")]
    pub fn inbox_ids(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier[]")] identifiers: JsValue,
    ) -> Promise {
        self.call(move |directory| async move {
            let asked = convert::values("identifiers", &identifiers, |one| {
                convert::identifier_object("an identifier", one)
            })?;
            let found = directory.inbox_ids(&asked).await?;
            Ok(found
                .into_iter()
                .map(|inbox| inbox.map_or(JsValue::UNDEFINED, |inbox| inbox.to_string().into()))
                .collect::<Array>()
                .into())
        })
    }

    /// The states of inboxes, in the order of the question.
    #[wasm_bindgen(js_name = inboxStates, unchecked_return_type = "Promise<RawInboxState[]>")]
    pub fn inbox_states(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
    ) -> Promise {
        self.call(move |directory| async move {
            let asked = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            inbox::states(&directory.inbox_states(&asked).await?)
        })
    }

    /// How many updates the logs of inboxes have, by inbox id; 0: there is no such inbox.
    #[wasm_bindgen(js_name = updatesCounts, unchecked_return_type = "Promise<Map<string, number>>")]
    pub fn updates_counts(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
    ) -> Promise {
        self.call(move |directory| async move {
            let asked = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            let counts = Map::new();
            for (inbox, count) in directory.updates_counts(&asked).await? {
                counts.set(&inbox.to_string().into(), &JsValue::from_f64(count as f64));
            }
            Ok(counts.into())
        })
    }

    /// Revokes installations of an inbox; its recovery identifier has to sign.
    ///
    /// # Errors
    /// `argument.invalid`, `identity.invalid_inbox_id`.
    #[wasm_bindgen(js_name = revokeInstallations)]
    pub fn revoke_installations(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier")] recovery: JsValue,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
        #[wasm_bindgen(js_name = installationIds, unchecked_param_type = "Uint8Array[]")]
        installation_ids: JsValue,
    ) -> Result<SignatureRequest, EdgeError> {
        let recovery = convert::identifier_object("the identifier", &recovery)?;
        let inbox_id = convert::inbox_id(&convert::text("inboxId", &inbox_id)?)?;
        let installations = convert::values("installationIds", &installation_ids, |one| {
            convert::installation_bytes("an installation id", one)
        })?;
        let inner = self
            .inner
            .revoke_installations(inbox_id, recovery, &installations)?;
        Ok(SignatureRequest { inner })
    }

    /// Publishes a change that everybody has signed.
    #[wasm_bindgen(js_name = applySignatureRequest, unchecked_return_type = "Promise<void>")]
    pub fn apply_signature_request(&self, request: &SignatureRequest) -> Promise {
        let update = request.inner.clone();
        self.call(move |directory| async move {
            directory.apply(&update).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Runs a call that holds no borrow of the JavaScript object it was made on.
    fn call<F>(&self, body: impl FnOnce(Rc<client::Directory>) -> F + 'static) -> Promise
    where
        F: Future<Output = Result<JsValue, EdgeError>> + 'static,
    {
        let directory = Rc::clone(&self.inner);
        future_to_promise(async move { Ok(body(directory).await?) })
    }
}
