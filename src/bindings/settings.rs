//! The class `Group`: its settings.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::group::Group;
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
}
