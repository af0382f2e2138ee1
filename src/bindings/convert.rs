//! Arguments of calls, checked. Nothing that JavaScript passes is believed to be what its type says.

use js_sys::{Array, Function, Reflect, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use crate::identity::{Address, Identifier, IdentityError, Passkey, PasskeySignature};
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};

fn wrong(name: &str, expected: &str) -> EdgeError {
    EdgeError::Argument(format!("{name} must be {expected}"))
}

/// A string.
pub(super) fn text(name: &str, value: &JsValue) -> Result<String, EdgeError> {
    value.as_string().ok_or_else(|| wrong(name, "a string"))
}

/// Bytes.
pub(super) fn bytes(name: &str, value: &JsValue) -> Result<Vec<u8>, EdgeError> {
    value
        .dyn_ref::<Uint8Array>()
        .map(Uint8Array::to_vec)
        .ok_or_else(|| wrong(name, "a Uint8Array"))
}

/// A whole number of at least 0 that fits into 32 bits.
pub(super) fn number(name: &str, value: &JsValue) -> Result<u32, EdgeError> {
    let whole = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    value
        .as_f64()
        .filter(whole)
        .map(|number| number as u32)
        .ok_or_else(|| wrong(name, "a whole number of at least 0"))
}

/// A bigint of at least 0 that fits into 64 bits.
pub(super) fn unsigned(name: &str, value: &JsValue) -> Result<u64, EdgeError> {
    value
        .is_bigint()
        .then(|| u64::try_from(value.clone()).ok())
        .flatten()
        .ok_or_else(|| wrong(name, "a bigint from 0 to 2^64 - 1"))
}

/// Nanoseconds: a bigint of at least 0 that fits into 63 bits.
pub(super) fn time(name: &str, value: &JsValue) -> Result<i64, EdgeError> {
    i64::try_from(unsigned(name, value)?).map_err(|_| wrong(name, "a bigint from 0 to 2^63 - 1"))
}

/// A function.
pub(super) fn function(name: &str, value: &JsValue) -> Result<Function, EdgeError> {
    value
        .dyn_ref::<Function>()
        .cloned()
        .ok_or_else(|| wrong(name, "a function"))
}

/// A list of strings, each read by `read`.
pub(super) fn list<T>(
    name: &str,
    value: &JsValue,
    read: impl Fn(&str) -> Result<T, EdgeError>,
) -> Result<Vec<T>, EdgeError> {
    let texts: Vec<String> =
        serde_wasm_bindgen::from_value(value.clone()).map_err(|_| wrong(name, "an array of strings"))?;
    texts.iter().map(|text| read(text)).collect()
}

/// An inbox id.
pub(super) fn inbox_id(text: &str) -> Result<InboxId, EdgeError> {
    Ok(text.parse().map_err(|_| IdentityError::InvalidInboxId)?)
}

/// A group id.
pub(super) fn group_id(text: &str) -> Result<GroupId, EdgeError> {
    text.parse()
        .map_err(|error: crate::ids::InvalidId| EdgeError::Argument(error.to_string()))
}

/// A message id.
pub(super) fn message_id(text: &str) -> Result<MessageId, EdgeError> {
    text.parse()
        .map_err(|error: crate::ids::InvalidId| EdgeError::Argument(error.to_string()))
}

/// A wallet's address.
pub(super) fn address(text: &str) -> Result<Address, EdgeError> {
    Ok(Address::parse(text)?)
}

/// A wallet (kind 0) or passkey (kind 1).
pub(super) fn identifier(text: &str, kind: u32) -> Result<Identifier, EdgeError> {
    match kind {
        0 => Ok(Identifier::Ethereum(address(text)?)),
        1 => Ok(Identifier::Passkey(Passkey {
            key: hex::decode(text).map_err(|_| IdentityError::InvalidPasskey)?,
            relying_party: None,
        })),
        _ => Err(wrong("identifierKind", "0 (Ethereum) or 1 (Passkey)")),
    }
}

/// A wallet or passkey as an object `{ identifier, identifierKind }`.
pub(super) fn identifier_object(name: &str, value: &JsValue) -> Result<Identifier, EdgeError> {
    let raw: RawIdentifier = serde_wasm_bindgen::from_value(value.clone())
        .map_err(|_| wrong(name, "an object { identifier: string, identifierKind: 0 or 1 }"))?;
    identifier(&raw.identifier, raw.identifier_kind)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawIdentifier {
    identifier: String,
    identifier_kind: u32,
}

/// What an authenticator answered.
pub(super) fn passkey_signature(value: &JsValue) -> Result<PasskeySignature, EdgeError> {
    let part = |name: &str| {
        let part = Reflect::get(value, &name.into()).unwrap_or(JsValue::UNDEFINED);
        bytes(name, &part)
    };
    Ok(PasskeySignature {
        public_key: part("publicKey")?,
        signature: part("signature")?,
        authenticator_data: part("authenticatorData")?,
        client_data_json: part("clientDataJson")?,
    })
}

/// A list of anything, each entry read by `read`.
pub(super) fn values<T>(
    name: &str,
    value: &JsValue,
    read: impl Fn(&JsValue) -> Result<T, EdgeError>,
) -> Result<Vec<T>, EdgeError> {
    let list = value.dyn_ref::<Array>().ok_or_else(|| wrong(name, "an array"))?;
    list.iter().map(|entry| read(&entry)).collect()
}

/// An installation id as bytes.
pub(super) fn installation_bytes(name: &str, value: &JsValue) -> Result<InstallationId, EdgeError> {
    InstallationId::try_from(bytes(name, value)?.as_slice())
        .map_err(|_| wrong(name, "an installation id: a Uint8Array of 32 bytes"))
}

/// An installation id as text.
pub(super) fn installation_id(text: &str) -> Result<InstallationId, EdgeError> {
    text.parse()
        .map_err(|error: crate::ids::InvalidId| EdgeError::Argument(error.to_string()))
}

/// A plain object: maps as objects, 64-bit numbers as bigints, what is absent as undefined.
pub(super) fn object(value: &impl Serialize) -> Result<JsValue, EdgeError> {
    let serializer = serde_wasm_bindgen::Serializer::new()
        .serialize_maps_as_objects(true)
        .serialize_large_number_types_as_bigints(true);
    value
        .serialize(&serializer)
        .map_err(|error| EdgeError::Answer(error.to_string()))
}

/// The same as a text of JSON, for what is large: read at once, it costs a fraction of as many objects made one by one.
/// 64-bit numbers are strings in it, and what is absent is null.
pub(super) fn json(value: &impl Serialize) -> Result<String, EdgeError> {
    let mut text = Vec::new();
    value
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut text,
            ExactNumbers,
        ))
        .map_err(|error| EdgeError::Answer(error.to_string()))?;
    String::from_utf8(text).map_err(|error| EdgeError::Answer(error.to_string()))
}

/// JSON in which numbers that JavaScript would round are strings.
struct ExactNumbers;

impl serde_json::ser::Formatter for ExactNumbers {
    fn write_i64<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, value: i64) -> std::io::Result<()> {
        write!(writer, "\"{value}\"")
    }

    fn write_u64<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, value: u64) -> std::io::Result<()> {
        write!(writer, "\"{value}\"")
    }
}
