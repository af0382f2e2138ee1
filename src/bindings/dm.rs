//! Direct messages: what the classes `Conversations` and `Group` offer for them.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::conversations::Conversations;
use super::error::EdgeError;
use super::group::Group;
use super::{convert, options};

#[wasm_bindgen]
impl Conversations {
    /// Finds the direct message with an inbox, or makes and publishes one.
    #[wasm_bindgen(js_name = createDm, unchecked_return_type = "Promise<Group>")]
    pub fn create_dm(
        &self,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Promise {
        let session = Rc::clone(&self.inner);
        self.inner.call(move |client| async move {
            let inbox_id = convert::inbox_id(&convert::text("inboxId", &inbox_id)?)?;
            let disappearing = options::new_dm(&options)?;
            let found = client
                .conversations()
                .find_or_create_dm(inbox_id, disappearing)
                .await?;
            Ok(Group::new(&session, &found).into())
        })
    }

    /// The same with the inbox of an address.
    #[wasm_bindgen(js_name = createDmWithAddress, unchecked_return_type = "Promise<Group>")]
    pub fn create_dm_with_address(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] address: JsValue,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Promise {
        let session = Rc::clone(&self.inner);
        self.inner.call(move |client| async move {
            let address = convert::address(&convert::text("address", &address)?)?;
            let disappearing = options::new_dm(&options)?;
            let found = client
                .conversations()
                .find_or_create_dm_with_address(&address, disappearing)
                .await?;
            Ok(Group::new(&session, &found).into())
        })
    }

    /// The direct message with an inbox, in the local database; undefined also for what is no inbox id.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = dmByInboxId)]
    pub fn dm_by_inbox_id(
        &self,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
    ) -> Result<Option<Group>, EdgeError> {
        let Ok(inbox_id) = convert::inbox_id(&convert::text("inboxId", &inbox_id)?) else {
            return Ok(None);
        };
        let found = self.inner.client()?.conversations().dm_with(inbox_id)?;
        Ok(found.map(|handle| Group::new(&self.inner, &handle)))
    }

    /// The direct message with the inbox of an address, in the local database; the node is asked for the inbox.
    #[wasm_bindgen(js_name = dmByAddress, unchecked_return_type = "Promise<Group | undefined>")]
    pub fn dm_by_address(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] address: JsValue,
    ) -> Promise {
        let session = Rc::clone(&self.inner);
        self.inner.call(move |client| async move {
            let address = convert::address(&convert::text("address", &address)?)?;
            let found = client.conversations().dm_with_address(&address).await?;
            Ok(found.map_or(JsValue::UNDEFINED, |handle| Group::new(&session, &handle).into()))
        })
    }
}

#[wasm_bindgen]
impl Group {
    /// The other person of a direct message.
    ///
    /// # Errors
    /// `argument.invalid` in a group, and as [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = peerInboxId)]
    pub fn peer_inbox_id(&self) -> Result<String, EdgeError> {
        Ok(self.inner.handle()?.peer_inbox_id()?.to_string())
    }

    /// The other groups that are the same direct message.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = duplicateDms)]
    pub fn duplicate_dms(&self) -> Result<Vec<Group>, EdgeError> {
        let found = self.inner.handle()?.duplicate_dms()?;
        Ok(found
            .iter()
            .map(|handle| Group::new(&self.inner.session, handle))
            .collect())
    }
}
