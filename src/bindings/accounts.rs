//! What `Client` does with inboxes, and with the key of its installation.

use js_sys::{Map, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use super::client::Client;
use super::error::EdgeError;
use super::signature_request::SignatureRequest;
use super::{convert, inbox};
use crate::client::PendingUpdate;

#[wasm_bindgen]
impl Client {
    /// Links one more wallet or passkey, which has to sign; this installation has signed already.
    ///
    /// # Errors
    /// `argument.invalid`, `identity.not_registered`, `client.closed`.
    #[wasm_bindgen(js_name = addIdentifier)]
    pub fn add_identifier(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier")] identifier: JsValue,
    ) -> Result<SignatureRequest, EdgeError> {
        let identifier = convert::identifier_object("the identifier", &identifier)?;
        let inner = self.inner.client()?.link_identifier(identifier)?;
        Ok(SignatureRequest { inner })
    }

    /// Unlinks a wallet or passkey and the installations it added; the recovery identifier has to sign.
    #[wasm_bindgen(js_name = removeIdentifier, unchecked_return_type = "Promise<SignatureRequest>")]
    pub fn remove_identifier(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier")] identifier: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let identifier = convert::identifier_object("the identifier", &identifier)?;
            Ok(request(client.unlink_identifier(identifier).await?))
        })
    }

    /// Revokes installations; the recovery identifier has to sign.
    #[wasm_bindgen(js_name = revokeInstallations, unchecked_return_type = "Promise<SignatureRequest>")]
    pub fn revoke_installations(
        &self,
        #[wasm_bindgen(js_name = installationIds, unchecked_param_type = "Uint8Array[]")]
        installation_ids: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let installations = convert::values("installationIds", &installation_ids, |one| {
                convert::installation_bytes("an installation id", one)
            })?;
            Ok(request(client.revoke_installations(&installations).await?))
        })
    }

    /// Revokes all installations but this one; undefined when there are no others.
    #[wasm_bindgen(
        js_name = revokeAllOtherInstallations,
        unchecked_return_type = "Promise<SignatureRequest | undefined>"
    )]
    pub fn revoke_all_other_installations(&self) -> Promise {
        self.inner.call(move |client| async move {
            let update = client.revoke_all_other_installations().await?;
            Ok(update.map_or(JsValue::UNDEFINED, request))
        })
    }

    /// Hands recovery to another identifier; the one so far has to sign.
    #[wasm_bindgen(js_name = changeRecoveryIdentifier, unchecked_return_type = "Promise<SignatureRequest>")]
    pub fn change_recovery_identifier(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawIdentifier")] identifier: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let identifier = convert::identifier_object("the identifier", &identifier)?;
            Ok(request(client.change_recovery(identifier).await?))
        })
    }

    /// Publishes a change that everybody has signed.
    #[wasm_bindgen(js_name = applySignatureRequest, unchecked_return_type = "Promise<void>")]
    pub fn apply_signature_request(&self, request: &SignatureRequest) -> Promise {
        let update = request.inner.clone();
        self.inner.call(move |client| async move {
            client.apply(&update).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The states of inboxes, in the order of the question: as stored here, or fetched from the node.
    #[wasm_bindgen(js_name = inboxStates, unchecked_return_type = "Promise<RawInboxState[]>")]
    pub fn inbox_states(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
        #[wasm_bindgen(js_name = fromNetwork)] from_network: bool,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let asked = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            let states = match from_network {
                true => client.fetch_inbox_states(&asked).await?,
                false => client.stored_inbox_states(&asked).await?,
            };
            inbox::states(&states)
        })
    }

    /// How many updates the logs of inboxes have, by inbox id; 0: there is no such inbox.
    #[wasm_bindgen(js_name = updatesCounts, unchecked_return_type = "Promise<Map<string, number>>")]
    pub fn updates_counts(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let asked = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            let counts = Map::new();
            for (inbox, count) in client.fetch_updates_counts(&asked).await? {
                counts.set(&inbox.to_string().into(), &JsValue::from_f64(count as f64));
            }
            Ok(counts.into())
        })
    }

    /// What the node gives out of installations, by installation id.
    #[wasm_bindgen(
        js_name = keyPackageStatuses,
        unchecked_return_type = "Promise<Map<string, RawKeyPackageStatus>>"
    )]
    pub fn key_package_statuses(
        &self,
        #[wasm_bindgen(js_name = installationIds, unchecked_param_type = "string[]")]
        installation_ids: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let asked = convert::list("installationIds", &installation_ids, convert::installation_id)?;
            let statuses = Map::new();
            for (id, status) in client.fetch_key_package_statuses(&asked).await? {
                statuses.set(&id.to_string().into(), &inbox::key_package_status(&status));
            }
            Ok(statuses.into())
        })
    }

    /// Signs a text with the installation's key, for an app: 64 bytes.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`.
    #[wasm_bindgen(js_name = signWithInstallationKey)]
    pub fn sign_with_installation_key(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] text: JsValue,
    ) -> Result<Uint8Array, EdgeError> {
        let text = convert::text("the text", &text)?;
        let signature = self.inner.client()?.sign_with_installation_key(&text)?;
        Ok(Uint8Array::from(signature.as_slice()))
    }
}

/// Whether a signature of a text is by an installation's key (its id, 32 bytes), see `signWithInstallationKey`.
///
/// # Errors
/// `argument.invalid`.
#[wasm_bindgen(js_name = verifySignedWithPublicKey)]
pub fn verify_signed_with_public_key(
    #[wasm_bindgen(unchecked_param_type = "string")] text: JsValue,
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] signature: JsValue,
    #[wasm_bindgen(js_name = publicKey, unchecked_param_type = "Uint8Array")] public_key: JsValue,
) -> Result<bool, EdgeError> {
    let text = convert::text("the text", &text)?;
    let signature = convert::bytes("the signature", &signature)?;
    let key = convert::installation_bytes("the public key", &public_key)?;
    Ok(crate::identity::verify_public_context(&key, &text, &signature).is_ok())
}

fn request(inner: PendingUpdate) -> JsValue {
    SignatureRequest { inner }.into()
}
