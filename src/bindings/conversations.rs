//! The class `Conversations`.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use super::group::Group;
use super::session::Session;
use super::stream::{self, Callbacks, StreamHandle};
use super::{convert, message, options, view};
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

    /// The same, and reads what is new in every conversation, or in those with one of these consent states. Answers
    /// how many were synced.
    #[wasm_bindgen(js_name = syncAll, unchecked_return_type = "Promise<number>")]
    pub fn sync_all(
        &self,
        #[wasm_bindgen(js_name = consentStates, unchecked_optional_param_type = "number[]")]
        consent_states: JsValue,
    ) -> Promise {
        self.inner.call(move |client| async move {
            let states = options::consent(&consent_states)?;
            Ok(count(client.sync_all_with(&states).await?))
        })
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

    /// The same, all that is shown of each, as a text of JSON: a `RawListedGroup[]`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    #[wasm_bindgen(js_name = listed)]
    pub fn listed(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "object")] options: JsValue,
    ) -> Result<String, EdgeError> {
        let options = options::list(&options)?;
        view::listed(&self.inner.client()?.conversations().list(&options)?)
    }

    /// A conversation of the local database; undefined also for what is no id.
    ///
    /// # Errors
    /// `argument.invalid` for what is no text, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = byId)]
    pub fn by_id(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: JsValue,
    ) -> Result<Option<Group>, EdgeError> {
        let Ok(id) = convert::group_id(&convert::text("id", &id)?) else {
            return Ok(None);
        };
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

    /// A message of the local database.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = messageById, unchecked_return_type = "RawMessage | undefined")]
    pub fn message_by_id(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: JsValue,
    ) -> Result<JsValue, EdgeError> {
        let Ok(id) = convert::message_id(&convert::text("id", &id)?) else {
            return Ok(JsValue::UNDEFINED);
        };
        let conversations = self.inner.client()?.conversations();
        // Not of the own installations among themselves.
        if conversations.by_message(id)?.is_none() {
            return Ok(JsValue::UNDEFINED);
        }
        let found = conversations.message_view(id)?.map(message::view).transpose()?;
        Ok(found.unwrap_or(JsValue::UNDEFINED))
    }

    /// The conversation of a message, in the local database.
    ///
    /// # Errors
    /// As [`message_by_id`](Self::message_by_id).
    #[wasm_bindgen(js_name = byMessageId)]
    pub fn by_message_id(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] id: JsValue,
    ) -> Result<Option<Group>, EdgeError> {
        let id = convert::message_id(&convert::text("id", &id)?)?;
        let found = self.inner.client()?.conversations().by_message(id)?;
        Ok(found.map(|handle| Group::new(&self.inner, &handle)))
    }

    /// Conversations that appear from now on, a direct message once however many groups it has.
    ///
    /// # Errors
    /// `argument.invalid`, `identity.not_registered`, `client.closed`.
    pub fn stream(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: Group) => void")] on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "object")] filter: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        let filter = options::filter(&filter)?;
        // The stream must not keep the session: whoever closes or drops it ends the stream.
        let session = Rc::downgrade(&self.inner);
        stream::open(&self.inner, callbacks, move |client, event| match event {
            Event::Conversation(id) => {
                let found = filter.conversation(client, *id)?;
                Ok(found
                    .zip(session.upgrade())
                    .map(|(handle, session)| Group::new(&session, &handle).into()))
            }
            _ => Ok(None),
        })
    }

    /// Conversations that stop or go on because of the version they need, from now on (XIP-72).
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    #[wasm_bindgen(js_name = streamPauses)]
    pub fn stream_pauses(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawPause) => void")] on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        stream::open(&self.inner, callbacks, |_, event| match event {
            Event::Paused { group_id, required } => Ok(Some(view::pause(*group_id, required.clone())?)),
            _ => Ok(None),
        })
    }

    /// Messages that are gone from now on: their time is over, or they are removed for everybody.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    #[wasm_bindgen(js_name = streamMessageDeletions)]
    pub fn stream_message_deletions(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawDeletedMessage) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        stream::open(&self.inner, callbacks, |_, event| match event {
            Event::MessageDeleted { group_id, id } | Event::MessageRemoved { group_id, id } => {
                Ok(Some(view::deleted_message(*group_id, *id)?))
            }
            _ => Ok(None),
        })
    }

    /// Messages of all conversations, from what was said since this installation read last.
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
        #[wasm_bindgen(unchecked_optional_param_type = "object")] filter: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        let filter = options::filter(&filter)?;
        stream::open(&self.inner, callbacks, move |client, event| match event {
            Event::Message { group_id, id } => match filter.message(client, *group_id, *id)? {
                Some(row) => client
                    .conversations()
                    .message_view(row.id)?
                    .map(message::view)
                    .transpose(),
                None => Ok(None),
            },
            _ => Ok(None),
        })
    }
}
