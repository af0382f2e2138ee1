//! The class `SignatureRequest`.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::convert;
use super::error::EdgeError;
use crate::client::PendingUpdate;

/// A change of an inbox that waits for signatures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct SignatureRequest {
    pub(super) inner: PendingUpdate,
}

#[wasm_bindgen]
impl SignatureRequest {
    /// The text to sign.
    #[wasm_bindgen(js_name = signatureText)]
    pub fn signature_text(&self) -> String {
        self.inner.text()
    }

    /// Who still has to sign: addresses, passkeys and installations in lower-case hex.
    #[wasm_bindgen(js_name = missingSigners)]
    pub fn missing_signers(&self) -> Vec<String> {
        self.inner
            .missing_signers()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Adds a wallet's signature, 65 bytes.
    ///
    /// # Errors
    /// `identity.wrong_signer`, `identity.invalid_signature`.
    #[wasm_bindgen(js_name = addEcdsaSignature)]
    pub fn add_ecdsa_signature(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: JsValue,
    ) -> Result<(), EdgeError> {
        Ok(self.inner.add_ecdsa(&convert::bytes("the signature", &bytes)?)?)
    }

    /// Adds a passkey's assertion over the text.
    ///
    /// # Errors
    /// `identity.wrong_signer`, `identity.invalid_signature`.
    #[wasm_bindgen(js_name = addPasskeySignature)]
    pub fn add_passkey_signature(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawPasskeySignature")] assertion: JsValue,
    ) -> Result<(), EdgeError> {
        let assertion = convert::passkey_signature(&assertion)?;
        Ok(self.inner.add_passkey(assertion)?)
    }

    /// Adds a contract wallet's signature, once the node has confirmed it.
    #[wasm_bindgen(js_name = addContractSignature, unchecked_return_type = "Promise<void>")]
    pub fn add_contract_signature(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] address: JsValue,
        #[wasm_bindgen(js_name = chainId, unchecked_param_type = "bigint")] chain_id: JsValue,
        #[wasm_bindgen(js_name = blockNumber, unchecked_param_type = "bigint | undefined")]
        block_number: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: JsValue,
    ) -> Promise {
        let update = self.inner.clone();
        future_to_promise(async move {
            let confirmed = async {
                let address = convert::address(&convert::text("address", &address)?)?;
                let chain_id = convert::unsigned("chainId", &chain_id)?;
                let block_number = match block_number.is_undefined() {
                    true => None,
                    false => Some(convert::unsigned("blockNumber", &block_number)?),
                };
                let bytes = convert::bytes("the signature", &bytes)?;
                update
                    .add_contract(&address, chain_id, block_number, &bytes)
                    .await?;
                Ok::<_, EdgeError>(JsValue::UNDEFINED)
            };
            Ok(confirmed.await?)
        })
    }
}
