//! Content as plain objects `{ type, content }`, in the shapes of `@xmtp/wasm-bindings`, and encrypted files.

use js_sys::{Array, JSON, Object, Reflect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::convert;
use super::error::EdgeError;
use super::message::{RawContent, RawGroupUpdated};
use crate::messages::content::attachment::Attachment;
use crate::messages::content::attachment_crypto::{self, AttachmentKeys};
use crate::messages::content::intent::Intent;
use crate::messages::content::leave_request::LeaveRequest;
use crate::messages::content::remote_attachment::{KEY_LEN, NONCE_LEN, RemoteAttachment};
use crate::messages::content::reply::Reply;
use crate::messages::content::{Content, composite::Composite};
use crate::messages::{ContentError, EncodedContent};
use crate::platform::Platform as _;
use crate::platform::web::WebPlatform;

/// An object that was just made here: setting its properties cannot fail.
fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

/// `{ type, content }`.
pub(super) fn body(kind: &str, content: JsValue) -> JsValue {
    object(&[("type", kind.into()), ("content", content)])
}

/// Content as JavaScript sees it. `is_transcript`: whether it is a line made here; of a sent message that claims to
/// be one nothing is believed.
pub(super) fn shown(content: Content, is_transcript: bool) -> Result<JsValue, EdgeError> {
    let empty = || JsValue::from(Object::new());
    Ok(match content {
        Content::Text(text) => body("text", text.into()),
        Content::Markdown(text) => body("markdown", text.into()),
        Content::Reaction(reaction) => body("reaction", convert::object(&reaction)?),
        Content::Reply(reply) => {
            let nested = shown(Content::decode(&reply.content), false)?;
            let entries = [
                ("referenceId", reply.reference.into()),
                (
                    "referenceInboxId",
                    reply.reference_inbox_id.map_or(JsValue::UNDEFINED, Into::into),
                ),
                ("content", nested),
            ];
            body("reply", object(&entries))
        }
        Content::ReadReceipt => body("readReceipt", empty()),
        Content::Attachment(attachment) => body("attachment", convert::object(&attachment)?),
        Content::RemoteAttachment(file) => body("remoteAttachment", convert::object(&file)?),
        Content::MultiRemoteAttachment(files) => body("multiRemoteAttachment", convert::object(&files)?),
        Content::TransactionReference(reference) => {
            body("transactionReference", convert::object(&reference)?)
        }
        Content::WalletSendCalls(calls) => body("walletSendCalls", convert::object(&calls)?),
        Content::Actions(actions) => body("actions", convert::object(&actions)?),
        // its metadata are any JSON
        Content::Intent(intent) => body("intent", json(&intent)?),
        Content::LeaveRequest(request) => body("leaveRequest", convert::object(&request)?),
        Content::Removal(removal) => {
            let target = removal.target.to_string().into();
            body("removal", object(&[("messageId", target)]))
        }
        Content::Composite(Composite { parts }) => {
            let list = Array::new();
            for part in parts {
                // what is nested is not looked into further
                list.push(&custom(part)?);
            }
            body("composite", object(&[("parts", list.into())]))
        }
        Content::GroupUpdated(update) if is_transcript => {
            body("groupUpdated", convert::object(&RawGroupUpdated::from(update))?)
        }
        Content::GroupMembershipChange(change) if is_transcript => {
            body("groupMembershipChange", convert::object(&change)?)
        }
        Content::GroupUpdated(_) | Content::GroupMembershipChange(_) => body("forged", empty()),
        Content::Custom(content) => custom(content)?,
    })
}

fn custom(content: EncodedContent) -> Result<JsValue, EdgeError> {
    Ok(body("custom", convert::object(&RawContent::from(content))?))
}

fn json(value: &impl Serialize) -> Result<JsValue, EdgeError> {
    let text = serde_json::to_string(value).map_err(|error| EdgeError::Answer(error.to_string()))?;
    JSON::parse(&text).map_err(|_| EdgeError::Answer("JSON that does not parse".into()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReply {
    reference: String,
    #[serde(default)]
    reference_inbox_id: Option<String>,
    content: RawContent,
}

/// Reads content of a type.
pub(super) fn read(kind: &str, value: &JsValue) -> Result<Content, EdgeError> {
    Ok(match kind {
        "text" => Content::Text(convert::text("the text", value)?),
        "markdown" => Content::Markdown(convert::text("the markdown", value)?),
        "reaction" => Content::Reaction(plain(kind, value)?),
        "reply" => {
            let raw: RawReply = plain(kind, value)?;
            Content::Reply(Reply {
                reference: raw.reference,
                reference_inbox_id: raw.reference_inbox_id,
                content: raw.content.into(),
            })
        }
        "readReceipt" => Content::ReadReceipt,
        "attachment" => Content::Attachment(plain(kind, value)?),
        "remoteAttachment" => Content::RemoteAttachment(plain(kind, value)?),
        "multiRemoteAttachment" => Content::MultiRemoteAttachment(plain(kind, value)?),
        "transactionReference" => Content::TransactionReference(plain(kind, value)?),
        "walletSendCalls" => Content::WalletSendCalls(plain(kind, value)?),
        "actions" => Content::Actions(plain(kind, value)?),
        "intent" => Content::Intent(intent(value)?),
        "leaveRequest" => Content::LeaveRequest(plain::<LeaveRequest>(kind, value)?),
        _ => {
            return Err(EdgeError::Argument(format!(
                "content of type {kind} cannot be encoded"
            )));
        }
    })
}

fn plain<T: DeserializeOwned>(kind: &str, value: &JsValue) -> Result<T, EdgeError> {
    serde_wasm_bindgen::from_value(value.clone())
        .map_err(|error| EdgeError::Argument(format!("the content of type {kind}: {error}")))
}

/// Its metadata are any JSON, in which JavaScript's numbers are plain.
fn intent(value: &JsValue) -> Result<Intent, EdgeError> {
    let wrong =
        || EdgeError::Argument("the content of type intent must be an object that JSON can hold".into());
    let text = JSON::stringify(value).map_err(|_| wrong())?;
    serde_json::from_str(&text.as_string().ok_or_else(wrong)?)
        .map_err(|error| EdgeError::Argument(format!("the content of type intent: {error}")))
}

/// Encodes content of a type.
///
/// # Errors
/// `argument.invalid`, `message.invalid_content`.
#[wasm_bindgen(js_name = encodeTyped, unchecked_return_type = "RawEncodedContent")]
pub fn encode_typed(
    #[wasm_bindgen(unchecked_param_type = "string")] kind: JsValue,
    #[wasm_bindgen(unchecked_param_type = "unknown")] content: JsValue,
) -> Result<JsValue, EdgeError> {
    let content = read(&convert::text("the type", &kind)?, &content)?;
    convert::object(&RawContent::from(content.encode()?))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawEncryptedAttachment {
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    content_digest: String,
    #[serde(with = "serde_bytes")]
    secret: Vec<u8>,
    #[serde(with = "serde_bytes")]
    salt: Vec<u8>,
    #[serde(with = "serde_bytes")]
    nonce: Vec<u8>,
    content_length: u32,
    filename: Option<String>,
}

/// Encrypts a file with fresh keys.
///
/// # Errors
/// `argument.invalid`, `message.invalid_content` for one of 4 GiB and more.
#[wasm_bindgen(js_name = encryptAttachment, unchecked_return_type = "RawEncryptedAttachment")]
pub fn encrypt_attachment(
    #[wasm_bindgen(unchecked_param_type = "unknown")] attachment: JsValue,
) -> Result<JsValue, EdgeError> {
    let attachment: Attachment = plain("attachment", &attachment)?;
    let mut keys = AttachmentKeys {
        secret: [0; KEY_LEN],
        salt: [0; KEY_LEN],
        nonce: [0; NONCE_LEN],
    };
    for part in [keys.secret.as_mut_slice(), &mut keys.salt, &mut keys.nonce] {
        WebPlatform.random(part);
    }
    let encrypted = attachment_crypto::encrypt(&attachment, &keys)?;
    let content_length = u32::try_from(encrypted.payload.len()).map_err(|_| ContentError::TooLarge {
        limit: u32::MAX as usize,
    })?;
    convert::object(&RawEncryptedAttachment {
        payload: encrypted.payload,
        content_digest: encrypted.content_digest,
        secret: keys.secret.to_vec(),
        salt: keys.salt.to_vec(),
        nonce: keys.nonce.to_vec(),
        content_length,
        filename: attachment.filename,
    })
}

/// Opens a downloaded file with what its message says.
///
/// # Errors
/// `argument.invalid`, `message.attachment_rejected`, `message.invalid_content`.
#[wasm_bindgen(js_name = decryptAttachment, unchecked_return_type = "unknown")]
pub fn decrypt_attachment(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: JsValue,
    #[wasm_bindgen(unchecked_param_type = "unknown")] remote: JsValue,
) -> Result<JsValue, EdgeError> {
    let bytes = convert::bytes("the encrypted bytes", &bytes)?;
    let remote: RemoteAttachment = plain("remoteAttachment", &remote)?;
    convert::object(&attachment_crypto::decrypt(&bytes, &remote)?)
}
