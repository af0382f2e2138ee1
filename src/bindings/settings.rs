//! The class `Group`: its settings.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::group::Group;
use super::view::debug_info;
use super::{convert, permissions};

#[wasm_bindgen]
impl Group {
    /// Replaces one policy. The numbers are those of `PermissionUpdateType`, `PermissionPolicy` and
    /// `MetadataField`.
    #[wasm_bindgen(js_name = updatePermission, unchecked_return_type = "Promise<void>")]
    pub fn update_permission(
        &self,
        #[wasm_bindgen(js_name = permissionType, unchecked_param_type = "number")] kind: JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] policy: JsValue,
        #[wasm_bindgen(js_name = metadataField, unchecked_param_type = "number | undefined")] field: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let field = match field.is_undefined() {
                true => None,
                false => Some(convert::number("metadataField", &field)?),
            };
            let (permission, option) = permissions::change(
                convert::number("permissionType", &kind)?,
                convert::number("policy", &policy)?,
                field,
            )?;
            group.update_permission(permission, option).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Lets messages disappear: those stored from now on, `inNs` nanoseconds later. 0 and 0: they stay.
    #[wasm_bindgen(js_name = updateMessageDisappearingSettings, unchecked_return_type = "Promise<void>")]
    pub fn update_message_disappearing_settings(
        &self,
        #[wasm_bindgen(js_name = fromNs, unchecked_param_type = "bigint")] from_ns: JsValue,
        #[wasm_bindgen(js_name = inNs, unchecked_param_type = "bigint")] in_ns: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let from_ns = convert::time("fromNs", &from_ns)?;
            let in_ns = convert::time("inNs", &in_ns)?;
            group.update_disappearing(from_ns, in_ns).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Pauses the conversation for everybody below a version; undefined: below the own one (XIP-72).
    #[wasm_bindgen(js_name = setMinimumSupportedProtocolVersion, unchecked_return_type = "Promise<void>")]
    pub fn set_minimum_supported_protocol_version(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string | undefined")] version: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let version = match version.is_undefined() {
                true => None,
                false => Some(convert::text("version", &version)?),
            };
            group.set_minimum_version(version.as_deref()).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The inside of the conversation, compared with what members published of it if the node can be asked. Rejects with
    /// `group.not_found`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = debugInfo, unchecked_return_type = "Promise<RawDebugInfo>")]
    pub fn debug_info(&self) -> Promise {
        self.inner.call(move |group| async move {
            let published = group.published_history().await.ok();
            debug_info(&group.debug_info()?, published.as_ref())
        })
    }
}
