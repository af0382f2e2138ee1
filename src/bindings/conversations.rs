//! The class `Conversations`.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use super::group::Group;
use super::session::Session;
use super::stream::{self, Callbacks, StreamHandle};
use super::{convert, message, options};
use crate::client::Event;

/// The conversations of a client.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Conversations {
    pub(super) inner: Rc<Session>,
}

impl Conversations {
    pub(super) fn new(session: &Rc<Session>) -> Self {
        Self {
            inner: Rc::clone(session),
        }
    }
}

/// How many, as JavaScript counts.
fn count(number: usize) -> JsValue {
    JsValue::from_f64(number as f64)
}

#[wasm_bindgen]
impl Conversations {
    /// Joins conversations this inbox was added to. Answers how many.
    #[wasm_bindgen(unchecked_return_type = "Promise<number>")]
    pub fn sync(&self) -> Promise {
        self.inner
            .call(|client| async move { Ok(count(client.conversations().sync().await?)) })
    }

    /// The same, and reads what is new in every conversation. Answers how many were synced.
    #[wasm_bindgen(js_name = syncAll, unchecked_return_type = "Promise<number>")]
    pub fn sync_all(&self) -> Promise {
        self.inner
            .call(|client| async move { Ok(count(client.sync_all().await?)) })
    }

    /// Conversations of the local database.
    ///
    /// # Errors
    /// `argument.*`, `client.closed`, `storage.*`.
    pub fn list(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "object")] options: JsValue,
    ) -> Result<Vec<Group>, EdgeError> {
        let options = options::list(&options)?;
        let found = self.inner.client()?.conversations().list(&options)?;
        Ok(found
            .iter()
            .map(|handle| Group::new(&self.inner, handle))
            .collect())
    }

    /// A conversation of the local database.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = byId)]
    pub fn by_id(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: JsValue,
    ) -> Result<Option<Group>, EdgeError> {
        let id = convert::group_id(&convert::text("id", &id)?)?;
        let found = self.inner.client()?.conversations().by_id(id)?;
        Ok(found.map(|handle| Group::new(&self.inner, &handle)))
    }

    /// Makes a group with these inboxes and publishes it.
    #[wasm_bindgen(js_name = createGroup, unchecked_return_type = "Promise<Group>")]
    pub fn create_group(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Promise {
        let session = Rc::clone(&self.inner);
        self.inner.call(move |client| async move {
            let inboxes = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            let new = options::new_group(&options)?;
            let made = client.conversations().create_group(&inboxes, &new).await?;
            Ok(Group::new(&session, &made).into())
        })
    }

    /// Makes a group with the inboxes of these addresses and publishes it.
    #[wasm_bindgen(js_name = createGroupWithAddresses, unchecked_return_type = "Promise<Group>")]
    pub fn create_group_with_addresses(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string[]")] addresses: JsValue,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Promise {
        let session = Rc::clone(&self.inner);
        self.inner.call(move |client| async move {
            let addresses = convert::list("addresses", &addresses, convert::address)?;
            let new = options::new_group(&options)?;
            let made = client
                .conversations()
                .create_group_with_addresses(&addresses, &new)
                .await?;
            Ok(Group::new(&session, &made).into())
        })
    }

    /// Makes a group of one in the local database.
    ///
    /// # Errors
    /// `argument.*`, `identity.not_registered`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = createGroupOptimistic)]
    pub fn create_group_optimistic(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Result<Group, EdgeError> {
        let new = options::new_group(&options)?;
        let made = self
            .inner
            .client()?
            .conversations()
            .create_group_optimistic(&new)?;
        Ok(Group::new(&self.inner, &made))
    }

    /// Conversations that appear from now on.
    ///
    /// # Errors
    /// `argument.invalid`, `identity.not_registered`, `client.closed`.
    pub fn stream(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: Group) => void")] on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        // The stream must not keep the session: whoever closes or drops it ends the stream.
        let session = Rc::downgrade(&self.inner);
        stream::open(&self.inner, callbacks, move |client, event| match event {
            Event::Conversation(id) => {
                let found = client.conversations().by_id(*id)?;
                Ok(found
                    .zip(session.upgrade())
                    .map(|(handle, session)| Group::new(&session, &handle).into()))
            }
            _ => Ok(None),
        })
    }

    /// Messages of all conversations from now on.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    #[wasm_bindgen(js_name = streamAllMessages)]
    pub fn stream_all_messages(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawMessage) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        stream::open(&self.inner, callbacks, move |client, event| match event {
            Event::Message { group_id, id } => {
                let conversations = client.conversations();
                // Not of the own installations among themselves.
                if conversations.by_id(*group_id)?.is_none() {
                    return Ok(None);
                }
                conversations.message_view(*id)?.map(message::view).transpose()
            }
            _ => Ok(None),
        })
    }
}
