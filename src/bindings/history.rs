//! History of one installation for another, on the class `Client`.

use js_sys::{Array, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::archives::{RawArchiveMetadata, options};
use super::client::Client;
use super::convert;
use super::error::EdgeError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawAvailableArchive {
    pin: String,
    metadata: RawArchiveMetadata,
    #[serde(with = "serde_bytes")]
    sent_by_installation: Vec<u8>,
}

#[wasm_bindgen]
impl Client {
    /// Asks the other installations for an archive, to be put on a server. What they answer is taken in by itself.
    /// `elements` and times as those of [`create_archive`](Self::create_archive).
    #[wasm_bindgen(js_name = sendSyncRequest, unchecked_return_type = "Promise<void>")]
    pub fn send_sync_request(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] elements: JsValue,
        #[wasm_bindgen(js_name = startNs, unchecked_param_type = "bigint | undefined")] start_ns: JsValue,
        #[wasm_bindgen(js_name = endNs, unchecked_param_type = "bigint | undefined")] end_ns: JsValue,
        #[wasm_bindgen(js_name = excludeDisappearingMessages)] exclude_disappearing_messages: bool,
        #[wasm_bindgen(js_name = serverUrl, unchecked_param_type = "string")] server_url: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let options = options(&elements, &start_ns, &end_ns, exclude_disappearing_messages)?;
            let server_url = convert::text("serverUrl", &server_url)?;
            client.send_sync_request(&options, &server_url).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Puts an archive on a server and tells the other installations of it.
    #[wasm_bindgen(js_name = sendSyncArchive, unchecked_return_type = "Promise<void>")]
    pub fn send_sync_archive(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] pin: JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] elements: JsValue,
        #[wasm_bindgen(js_name = startNs, unchecked_param_type = "bigint | undefined")] start_ns: JsValue,
        #[wasm_bindgen(js_name = endNs, unchecked_param_type = "bigint | undefined")] end_ns: JsValue,
        #[wasm_bindgen(js_name = excludeDisappearingMessages)] exclude_disappearing_messages: bool,
        #[wasm_bindgen(js_name = serverUrl, unchecked_param_type = "string")] server_url: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let pin = convert::text("pin", &pin)?;
            let options = options(&elements, &start_ns, &end_ns, exclude_disappearing_messages)?;
            let server_url = convert::text("serverUrl", &server_url)?;
            client.send_sync_archive(&pin, &options, &server_url).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Fetches an archive that was told of under a pin, or the newest, and takes it in.
    #[wasm_bindgen(js_name = processSyncArchive, unchecked_return_type = "Promise<void>")]
    pub fn process_sync_archive(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string | undefined")] pin: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let pin = match pin.is_undefined() {
                true => None,
                false => Some(convert::text("archivePin", &pin)?),
            };
            client.process_sync_archive(pin.as_deref()).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The archives that own installations told of in the last days, the newest first.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = availableArchives, unchecked_return_type = "RawAvailableArchive[]")]
    pub fn available_archives(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] days: JsValue,
    ) -> Result<Array, EdgeError> {
        let days = convert::number("daysCutoff", &days)?;
        let found = self.inner.client()?.available_archives(days.into())?;
        // One that says nothing of itself is of no use to who chooses.
        let shown = found.into_iter().filter_map(|archive| {
            Some(RawAvailableArchive {
                metadata: RawArchiveMetadata::from(archive.reply.metadata.as_ref()?),
                pin: archive.reply.pin,
                sent_by_installation: archive.sent_by.to_vec(),
            })
        });
        shown.map(|archive| convert::object(&archive)).collect()
    }
}
