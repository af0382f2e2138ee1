//! Signing with a wallet's private key, for throwaway accounts.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use super::{EdgeError, convert};
use crate::identity::WalletKey;

/// The address of a wallet's private key (32 bytes), lower case.
///
/// # Errors
/// `argument.invalid` for what is no key.
#[wasm_bindgen(js_name = walletAddress)]
pub fn wallet_address(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] key: JsValue,
) -> Result<String, EdgeError> {
    Ok(wallet_key(&key)?.address().as_str().to_owned())
}

/// The EIP-191 (`personal_sign`) signature of a text by a wallet's private key (32 bytes): 65 bytes.
///
/// # Errors
/// `argument.invalid` for what is no key.
#[wasm_bindgen(js_name = signAsWallet)]
pub fn sign_as_wallet(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] key: JsValue,
    #[wasm_bindgen(unchecked_param_type = "string")] text: JsValue,
) -> Result<Uint8Array, EdgeError> {
    let text = convert::text("the text", &text)?;
    let signature = wallet_key(&key)?.sign(&text).ok_or_else(no_key)?;
    Ok(Uint8Array::from(signature.as_slice()))
}

fn wallet_key(value: &JsValue) -> Result<WalletKey, EdgeError> {
    let bytes = Zeroizing::new(convert::bytes("the key", value)?);
    WalletKey::from_bytes(&bytes).ok_or_else(no_key)
}

fn no_key() -> EdgeError {
    EdgeError::Argument("the key is not a number that secp256k1 takes".into())
}
