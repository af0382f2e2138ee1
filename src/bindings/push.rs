//! What push notifications take: keys for a push server, and messages that came by one.

use js_sys::{Array, BigInt, Map, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use super::conversations::Conversations;
use super::error::EdgeError;
use super::group::Group;
use super::{convert, message};
use crate::client::PushKey;
use crate::ids::GroupId;

#[wasm_bindgen]
impl Conversations {
    /// By conversation id, the keys of three windows of 30 days each, the current one in the middle.
    ///
    /// # Errors
    /// `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = hmacKeys, unchecked_return_type = "Map<string, RawHmacKey[]>")]
    pub fn hmac_keys(&self) -> Result<JsValue, EdgeError> {
        Ok(keys(self.inner.client()?.conversations().hmac_keys()?))
    }
}

#[wasm_bindgen]
impl Group {
    /// The same of one conversation: of each group of a direct message.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = hmacKeys, unchecked_return_type = "Map<string, RawHmacKey[]>")]
    pub fn hmac_keys(&self) -> Result<JsValue, EdgeError> {
        Ok(keys(self.inner.handle()?.hmac_keys()?))
    }

    /// Processes a message envelope that came by a push notification; answers what was stored of it.
    #[wasm_bindgen(js_name = processStreamedMessage, unchecked_return_type = "Promise<RawMessage[]>")]
    pub fn process_streamed_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] envelope: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let bytes = convert::bytes("the envelope", &envelope)?;
            let list = Array::new();
            for row in group.process_streamed_message(&bytes).await? {
                list.push(&message::message(row)?);
            }
            Ok(list.into())
        })
    }

    /// Up to when each inbox has read, nanoseconds since the Unix epoch, by inbox id.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = lastReadTimes, unchecked_return_type = "Map<string, bigint>")]
    pub fn last_read_times(&self) -> Result<JsValue, EdgeError> {
        let times = Map::new();
        for (inbox_id, at_ns) in self.inner.handle()?.last_read_times()? {
            times.set(&inbox_id.to_string().into(), &BigInt::from(at_ns).into());
        }
        Ok(times.into())
    }
}

fn keys(keys: impl IntoIterator<Item = (GroupId, Vec<PushKey>)>) -> JsValue {
    let map = Map::new();
    for (group_id, keys) in keys {
        let list: Array = keys.into_iter().map(key).collect();
        map.set(&group_id.to_string().into(), &list);
    }
    map.into()
}

fn key(key: PushKey) -> JsValue {
    let object = Object::new();
    let bytes = Uint8Array::from(key.key.as_slice());
    // An object just made takes any property.
    let _ = Reflect::set(&object, &"key".into(), &bytes);
    let _ = Reflect::set(&object, &"epoch".into(), &BigInt::from(key.epoch).into());
    object.into()
}
