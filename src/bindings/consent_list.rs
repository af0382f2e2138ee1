//! What `Preferences` offers for the list of XIP-42.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use super::convert;
use super::error::EdgeError;
use super::preferences::{Preferences, changes, consents, write};
use super::stream::{self, Callbacks, StreamHandle};
use super::view;
use crate::client::ClientError;
use crate::identity::Address;

#[wasm_bindgen]
impl Preferences {
    /// Takes the identity key of the person's V2 key bundle: 32 bytes.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = setIdentityKey)]
    pub fn set_identity_key(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] key: JsValue,
    ) -> Result<(), EdgeError> {
        let key = zeroize::Zeroizing::new(convert::bytes("key", &key)?);
        Ok(self.session().client()?.preferences().set_identity_key(&key)?)
    }

    /// The key that the list is kept under.
    ///
    /// # Errors
    /// `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = identityKey)]
    pub fn identity_key(&self) -> Result<Uint8Array, EdgeError> {
        let key = self.session().client()?.preferences().identity_key()?;
        Ok(Uint8Array::from(key.secret().as_slice()))
    }

    /// Everything that is decided, as it is known here.
    ///
    /// # Errors
    /// `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = consentList, unchecked_return_type = "RawConsent[]")]
    pub fn consent_list(&self) -> Result<JsValue, EdgeError> {
        let list = self.session().client()?.preferences().consent_list()?;
        Ok(list.iter().map(write).collect::<Array>().into())
    }

    /// Stores what the app decided before. It counts where nothing is known.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = importConsent)]
    pub fn import_consent(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawConsent[]")] records: JsValue,
    ) -> Result<(), EdgeError> {
        let records = consents(&records)?;
        Ok(self.session().client()?.preferences().import_consent(&records)?)
    }

    /// What was decided about a person by their wallet: 0 nothing, 1 let in, 2 kept out.
    ///
    /// # Errors
    /// `identity.invalid_address`, `client.closed`.
    #[wasm_bindgen(js_name = addressState, unchecked_return_type = "Promise<number>")]
    pub fn address_state(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] address: JsValue,
    ) -> Result<Promise, EdgeError> {
        let address = Address::parse(&convert::text("address", &address)?).map_err(ClientError::from)?;
        Ok(self.session().call(|client| async move {
            let state = client.preferences().address_state(&address).await?;
            Ok(view::consent(state).into())
        }))
    }

    /// Reads the whole list and takes over what is newer.
    #[wasm_bindgen(js_name = refreshConsentList, unchecked_return_type = "Promise<void>")]
    pub fn refresh_consent_list(&self) -> Promise {
        self.session().call(|client| async move {
            client.preferences().refresh_consent_list().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Writes what was decided here to the list. Answers how many entries.
    #[wasm_bindgen(js_name = publishConsentList, unchecked_return_type = "Promise<number>")]
    pub fn publish_consent_list(&self) -> Promise {
        self.session().call(|client| async move {
            let written = client.preferences().publish_consent_list().await?;
            Ok(JsValue::from_f64(written as f64))
        })
    }

    /// What is decided from now on, also by others who write to the list. Ends with an error once the connection to the
    /// list breaks.
    ///
    /// # Errors
    /// As [`stream_consent`](Self::stream_consent).
    #[wasm_bindgen(js_name = streamConsentList)]
    pub fn stream_consent_list(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawConsent[]) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        let preferences = self.session().client()?.preferences();
        let follow = async move { preferences.follow_consent_list().await };
        stream::open_while(self.session(), callbacks, follow, |_, event| Ok(changes(event)))
    }
}
