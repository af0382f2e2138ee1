//! Leaving: what the class `Group` offers for it.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use super::group::Group;

#[wasm_bindgen]
impl Group {
    /// Asks to be taken out. Asking again does nothing.
    #[wasm_bindgen(js_name = requestRemoval, unchecked_return_type = "Promise<void>")]
    pub fn request_removal(&self) -> Promise {
        self.inner.call(|group| async move {
            group.request_removal().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Whether this inbox has asked to be taken out; true also afterwards, until it is added again.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = isPendingRemoval)]
    pub fn is_pending_removal(&self) -> Result<bool, EdgeError> {
        Ok(self.inner.handle()?.is_pending_removal()?)
    }
}
