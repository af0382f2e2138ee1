//! Files that lie elsewhere, encrypted and opened piece by piece.

use std::cell::RefCell;

use js_sys::Uint8Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::convert;
use super::error::EdgeError;
use crate::messages::content::attachment_crypto::AttachmentKeys;
use crate::messages::content::attachment_stream::{Decryptor, Encryptor, FileInfo, Verifier};
use crate::messages::content::remote_attachment::{KEY_LEN, NONCE_LEN, RemoteAttachment};
use crate::platform::Platform as _;
use crate::platform::web::WebPlatform;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFileInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    mime_type: String,
    size: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawEncryptedFile {
    #[serde(with = "serde_bytes")]
    tail: Vec<u8>,
    content_digest: String,
    #[serde(with = "serde_bytes")]
    secret: Vec<u8>,
    #[serde(with = "serde_bytes")]
    salt: Vec<u8>,
    #[serde(with = "serde_bytes")]
    nonce: Vec<u8>,
    content_length: u32,
}

/// A number of bytes: whole, and below 2^53.
fn size(value: f64) -> Result<u64, EdgeError> {
    // A whole number of that range is exact in both.
    if value.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&value) {
        Ok(value as u64)
    } else {
        Err(EdgeError::Argument("size must be a whole number of bytes".into()))
    }
}

fn ended() -> EdgeError {
    EdgeError::Argument("this file has ended already".into())
}

fn plain<T: serde::de::DeserializeOwned>(name: &str, value: JsValue) -> Result<T, EdgeError> {
    serde_wasm_bindgen::from_value(value).map_err(|error| EdgeError::Argument(format!("{name}: {error}")))
}

/// A file being encrypted with fresh keys.
#[wasm_bindgen]
#[derive(Debug)]
pub struct FileEncryptor {
    inner: RefCell<Option<(Encryptor, AttachmentKeys)>>,
}

#[wasm_bindgen]
impl FileEncryptor {
    /// Begins with what is known of the file: `{ filename?, mimeType, size }`.
    ///
    /// # Errors
    /// `argument.invalid`, `message.invalid_content` for one of 4 GiB and more.
    pub fn begin(
        #[wasm_bindgen(unchecked_param_type = "object")] info: JsValue,
    ) -> Result<FileEncryptor, EdgeError> {
        let info: RawFileInfo = plain("the file", info)?;
        let mut keys = AttachmentKeys {
            secret: [0; KEY_LEN],
            salt: [0; KEY_LEN],
            nonce: [0; NONCE_LEN],
        };
        for part in [keys.secret.as_mut_slice(), &mut keys.salt, &mut keys.nonce] {
            WebPlatform.random(part);
        }
        let info = FileInfo {
            filename: info.filename,
            mime_type: info.mime_type,
            size: size(info.size)?,
        };
        let encryptor = Encryptor::new(&info, &keys)?;
        Ok(Self {
            inner: RefCell::new(Some((encryptor, keys))),
        })
    }

    /// The next piece, encrypted.
    ///
    /// # Errors
    /// `argument.invalid`, `message.invalid_content` when the file is larger than it was said to be.
    pub fn update(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] piece: JsValue,
    ) -> Result<Uint8Array, EdgeError> {
        let piece = convert::bytes("the piece", &piece)?;
        let mut inner = self.inner.borrow_mut();
        let (encryptor, _) = inner.as_mut().ok_or_else(ended)?;
        Ok(Uint8Array::from(encryptor.update(&piece)?.as_slice()))
    }

    /// The last bytes and what goes into the message.
    ///
    /// # Errors
    /// `message.invalid_content` when the file is shorter than it was said to be.
    #[wasm_bindgen(unchecked_return_type = "RawEncryptedFile")]
    pub fn finish(&self) -> Result<JsValue, EdgeError> {
        let (encryptor, keys) = self.inner.take().ok_or_else(ended)?;
        let content_length = encryptor.payload_len();
        let end = encryptor.finish()?;
        convert::object(&RawEncryptedFile {
            tail: end.tail,
            content_digest: end.content_digest,
            secret: keys.secret.to_vec(),
            salt: keys.salt.to_vec(),
            nonce: keys.nonce.to_vec(),
            content_length,
        })
    }
}

/// A file being opened: first every piece goes through `check`, then, after `checked`, every piece through `update`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct FileDecryptor {
    verifier: RefCell<Option<Verifier>>,
    decryptor: RefCell<Option<Decryptor>>,
}

#[wasm_bindgen]
impl FileDecryptor {
    /// Begins with what the message says, and how many bytes were loaded.
    ///
    /// # Errors
    /// `argument.invalid`, `message.invalid_content`, `message.attachment_rejected` for another length than the
    /// message says.
    pub fn begin(
        #[wasm_bindgen(unchecked_param_type = "object")] remote: JsValue,
        #[wasm_bindgen(js_name = byteLength)] byte_length: f64,
    ) -> Result<FileDecryptor, EdgeError> {
        let remote: RemoteAttachment = plain("the remote attachment", remote)?;
        let verifier = Verifier::new(&remote, size(byte_length)?)?;
        Ok(Self {
            verifier: RefCell::new(Some(verifier)),
            decryptor: RefCell::new(None),
        })
    }

    /// The next piece of the first pass.
    ///
    /// # Errors
    /// `argument.invalid`.
    pub fn check(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] piece: JsValue,
    ) -> Result<(), EdgeError> {
        let piece = convert::bytes("the piece", &piece)?;
        let mut verifier = self.verifier.borrow_mut();
        verifier.as_mut().ok_or_else(ended)?.update(&piece);
        Ok(())
    }

    /// The end of the first pass.
    ///
    /// # Errors
    /// `message.attachment_rejected`.
    pub fn checked(&self) -> Result<(), EdgeError> {
        let verifier = self.verifier.take().ok_or_else(ended)?;
        self.decryptor.replace(Some(verifier.finish()?));
        Ok(())
    }

    /// What the next piece of the second pass holds of the file.
    ///
    /// # Errors
    /// `argument.invalid`, `message.invalid_content`.
    pub fn update(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] piece: JsValue,
    ) -> Result<Uint8Array, EdgeError> {
        let piece = convert::bytes("the piece", &piece)?;
        let mut decryptor = self.decryptor.borrow_mut();
        let content = decryptor.as_mut().ok_or_else(ended)?.update(&piece)?;
        Ok(Uint8Array::from(content.as_slice()))
    }

    /// What else is known of the file: `{ filename?, mimeType, size }`. Only now its bytes may be used.
    ///
    /// # Errors
    /// `message.attachment_rejected`, `message.invalid_content`.
    #[wasm_bindgen(unchecked_return_type = "RawFileInfo")]
    pub fn finish(&self) -> Result<JsValue, EdgeError> {
        let info = self.decryptor.take().ok_or_else(ended)?.finish()?;
        convert::object(&RawFileInfo {
            filename: info.filename,
            mime_type: info.mime_type,
            size: info.size as f64,
        })
    }
}
