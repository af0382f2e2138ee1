//! Archives on the class `Client`.

use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::client::Client;
use super::convert;
use super::error::EdgeError;
use crate::preferences::archive::{ArchiveElement, ArchiveKey, ArchiveMetadata, ArchiveOptions};

/// The elements by their bits, as the class takes and gives them.
const ELEMENTS: [(u32, ArchiveElement); 2] = [(1, ArchiveElement::Messages), (2, ArchiveElement::Consent)];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawArchiveMetadata {
    version: u16,
    elements: u32,
    exported_at_ns: i64,
    start_ns: Option<i64>,
    end_ns: Option<i64>,
}

impl From<&ArchiveMetadata> for RawArchiveMetadata {
    fn from(found: &ArchiveMetadata) -> Self {
        let elements = ELEMENTS
            .into_iter()
            .filter(|(_, element)| found.elements.contains(element));
        Self {
            version: found.version,
            elements: elements.map(|(bit, _)| bit).sum(),
            exported_at_ns: found.exported_at_ns,
            start_ns: found.start_ns,
            end_ns: found.end_ns,
        }
    }
}

/// What goes into an archive, as the class takes it.
pub(super) fn options(
    elements: &JsValue,
    start_ns: &JsValue,
    end_ns: &JsValue,
    exclude_disappearing_messages: bool,
) -> Result<ArchiveOptions, EdgeError> {
    let chosen = convert::number("elements", elements)?;
    Ok(ArchiveOptions {
        elements: ELEMENTS
            .into_iter()
            .filter_map(|(bit, element)| (chosen & bit != 0).then_some(element))
            .collect(),
        start_ns: time("startNs", start_ns)?,
        end_ns: time("endNs", end_ns)?,
        exclude_disappearing_messages,
    })
}

fn key(value: &JsValue) -> Result<ArchiveKey, EdgeError> {
    let bytes = zeroize::Zeroizing::new(convert::bytes("key", value)?);
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| EdgeError::Argument("key must be a Uint8Array of 32 bytes".into()))?;
    Ok(ArchiveKey::new(key))
}

fn time(name: &str, value: &JsValue) -> Result<Option<i64>, EdgeError> {
    (!value.is_undefined())
        .then(|| convert::time(name, value))
        .transpose()
}

#[wasm_bindgen]
impl Client {
    /// Puts what this installation knows into one encrypted file. Of `elements`, 1 is conversations and messages, 2 is
    /// decisions; times are nanoseconds.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = createArchive)]
    pub fn create_archive(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] secret: JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] elements: JsValue,
        #[wasm_bindgen(js_name = startNs, unchecked_param_type = "bigint | undefined")] start_ns: JsValue,
        #[wasm_bindgen(js_name = endNs, unchecked_param_type = "bigint | undefined")] end_ns: JsValue,
        #[wasm_bindgen(js_name = excludeDisappearingMessages)] exclude_disappearing_messages: bool,
    ) -> Result<Uint8Array, EdgeError> {
        let options = options(&elements, &start_ns, &end_ns, exclude_disappearing_messages)?;
        let file = self.inner.client()?.create_archive(&key(&secret)?, &options)?;
        Ok(Uint8Array::from(file.as_slice()))
    }

    /// Takes such a file in, all of it or nothing.
    ///
    /// # Errors
    /// `archive.*`, `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = importArchive)]
    pub fn import_archive(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] file: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] secret: JsValue,
    ) -> Result<(), EdgeError> {
        let file = convert::bytes("data", &file)?;
        self.inner.client()?.import_archive(&file, &key(&secret)?)?;
        Ok(())
    }

    /// What such a file says of itself.
    ///
    /// # Errors
    /// As [`import_archive`](Self::import_archive).
    #[wasm_bindgen(js_name = archiveMetadata, unchecked_return_type = "RawArchiveMetadata")]
    pub fn archive_metadata(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] file: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] secret: JsValue,
    ) -> Result<JsValue, EdgeError> {
        let file = convert::bytes("data", &file)?;
        let found = self.inner.client()?.archive_metadata(&file, &key(&secret)?)?;
        convert::object(&RawArchiveMetadata::from(&found))
    }
}
