//! Sending typed content and removing messages: what the classes `Conversations` and `Group` offer for them.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::conversations::Conversations;
use super::error::EdgeError;
use super::group::Group;
use super::stream::{self, Callbacks, StreamHandle};
use super::{content, convert, message, options};
use crate::client::Event;

#[wasm_bindgen]
impl Group {
    /// Sends content of a type; answers the message's id.
    #[wasm_bindgen(js_name = sendContent, unchecked_return_type = "Promise<string>")]
    pub fn send_content(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] kind: JsValue,
        #[wasm_bindgen(unchecked_param_type = "unknown")] content: JsValue,
        #[wasm_bindgen(unchecked_param_type = "RawTypedSendOptions")] options: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let content = content::read(&convert::text("the type", &kind)?, &content)?;
            let id = group
                .send_content(&content, options::typed_send(&options)?)
                .await?;
            Ok(id.to_string().into())
        })
    }

    /// Removes a message for everybody.
    #[wasm_bindgen(js_name = removeMessage, unchecked_return_type = "Promise<void>")]
    pub fn remove_message(
        &self,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "string")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "RawRemoveOptions")] options: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let id = convert::message_id(&convert::text("messageId", &id)?)?;
            group.remove_message(id, options::remove(&options)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

#[wasm_bindgen]
impl Conversations {
    /// Messages that are removed for everybody from now on, as they were sent.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    #[wasm_bindgen(js_name = streamDeletedMessages)]
    pub fn stream_deleted_messages(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawMessage) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        stream::open(&self.inner, callbacks, move |client, event| match event {
            Event::MessageRemoved { id, .. } => client
                .conversations()
                .message(*id)?
                .map(message::message)
                .transpose(),
            _ => Ok(None),
        })
    }
}
