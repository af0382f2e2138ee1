//! The class `Group`: one conversation.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use super::session::Session;
use super::stream::{self, Callbacks, StreamHandle};
use super::{convert, message, options, preferences, view};
use crate::client::{self, Event, GroupHandle};
use crate::groups::field;
use crate::groups::intent::AdminChange;
use crate::ids::{GroupId, InboxId};

/// A conversation. What it shows is read from the database each time.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Group {
    pub(super) inner: Of,
}

/// Which conversation, and the client it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Of {
    pub(super) session: Rc<Session>,
    pub(super) id: GroupId,
    created_at_ns: i64,
    added_by: InboxId,
}

impl Of {
    pub(super) fn handle(&self) -> Result<GroupHandle, EdgeError> {
        find(&self.session.client()?, self.id)
    }

    /// Runs a call that waits, on the conversation.
    pub(super) fn call<F>(&self, body: impl FnOnce(GroupHandle) -> F + 'static) -> Promise
    where
        F: Future<Output = Result<JsValue, EdgeError>> + 'static,
    {
        let id = self.id;
        self.session
            .call(move |client| async move { body(find(&client, id)?).await })
    }

    fn update(&self, name: &'static str, value: JsValue) -> Promise {
        self.call(move |group| async move {
            let value = convert::text("the value", &value)?;
            group.update_field(name, &value).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    fn change_role(&self, change: AdminChange, inbox_id: JsValue) -> Promise {
        self.call(move |group| async move {
            let inbox_id = convert::inbox_id(&convert::text("inboxId", &inbox_id)?)?;
            group.update_admins(change, inbox_id).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

fn find(client: &client::Client, group_id: GroupId) -> Result<GroupHandle, EdgeError> {
    client
        .conversations()
        .by_id(group_id)?
        .ok_or(EdgeError::GroupNotFound { group_id })
}

impl Group {
    pub(super) fn new(session: &Rc<Session>, handle: &GroupHandle) -> Self {
        Self {
            inner: Of {
                session: Rc::clone(session),
                id: handle.id(),
                created_at_ns: handle.created_at_ns(),
                added_by: handle.added_by_inbox_id(),
            },
        }
    }
}

#[wasm_bindgen]
impl Group {
    /// Lower-case hex, 32 characters.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.inner.id.to_string()
    }

    /// When it was made here, or joined: nanoseconds since the Unix epoch.
    #[wasm_bindgen(getter, js_name = createdAtNs)]
    pub fn created_at_ns(&self) -> i64 {
        self.inner.created_at_ns
    }

    /// Who added this inbox.
    #[wasm_bindgen(getter, js_name = addedByInboxId)]
    pub fn added_by_inbox_id(&self) -> String {
        self.inner.added_by.to_string()
    }

    /// Whether this inbox is a member.
    ///
    /// # Errors
    /// `group.not_found`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = isActive)]
    pub fn is_active(&self) -> Result<bool, EdgeError> {
        Ok(self.inner.handle()?.view()?.is_active)
    }

    /// The group as it is now.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(unchecked_return_type = "RawGroupState")]
    pub fn state(&self) -> Result<JsValue, EdgeError> {
        view::group(self.inner.handle()?.view()?)
    }

    /// The members as they are now.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(unchecked_return_type = "RawMember[]")]
    pub fn members(&self) -> Result<JsValue, EdgeError> {
        view::members(self.inner.handle()?.members()?)
    }

    /// Reads what is new and publishes what waits.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn sync(&self) -> Promise {
        self.inner.call(|group| async move {
            group.sync().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Sends encoded content; answers the message's id.
    #[wasm_bindgen(unchecked_return_type = "Promise<string>")]
    pub fn send(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array")] content: JsValue,
        #[wasm_bindgen(unchecked_param_type = "RawSendOptions")] options: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let content = convert::bytes("content", &content)?;
            let id = group.send(content, options::send(&options)?).await?;
            Ok(id.to_string().into())
        })
    }

    /// Sends a text; answers the message's id.
    #[wasm_bindgen(js_name = sendText, unchecked_return_type = "Promise<string>")]
    pub fn send_text(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] text: JsValue,
        #[wasm_bindgen(unchecked_param_type = "RawSendOptions")] options: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let text = convert::text("text", &text)?;
            let id = group.send_text(&text, options::send(&options)?).await?;
            Ok(id.to_string().into())
        })
    }

    /// Publishes what waits.
    #[wasm_bindgen(js_name = publishMessages, unchecked_return_type = "Promise<void>")]
    pub fn publish_messages(&self) -> Promise {
        self.inner.call(|group| async move {
            group.publish_messages().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Queues a failed message again and publishes it.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn resend(
        &self,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "string")] id: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let id = convert::message_id(&convert::text("messageId", &id)?)?;
            group.resend(id).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Deletes a failed message.
    ///
    /// # Errors
    /// `message.not_found` when there is no such message that has failed, and as [`is_active`](Self::is_active).
    pub fn discard(
        &self,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "string")] id: JsValue,
    ) -> Result<(), EdgeError> {
        let id = convert::message_id(&convert::text("messageId", &id)?)?;
        Ok(self.inner.handle()?.discard(id)?)
    }

    /// Messages of the local database.
    ///
    /// # Errors
    /// `argument.*`, and as [`is_active`](Self::is_active).
    #[wasm_bindgen(unchecked_return_type = "RawMessage[]")]
    pub fn messages(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Result<JsValue, EdgeError> {
        let options = options::messages(&options)?;
        message::views(self.inner.handle()?.message_views(&options)?)
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// As [`messages`](Self::messages).
    #[wasm_bindgen(js_name = countMessages)]
    pub fn count_messages(
        &self,
        #[wasm_bindgen(unchecked_param_type = "object")] options: JsValue,
    ) -> Result<u64, EdgeError> {
        let options = options::messages(&options)?;
        Ok(self.inner.handle()?.count_messages(&options)?)
    }

    /// Adds inboxes.
    #[wasm_bindgen(js_name = addMembers, unchecked_return_type = "Promise<void>")]
    pub fn add_members(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let inboxes = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            group.add_members(&inboxes).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Adds the inboxes of addresses.
    #[wasm_bindgen(js_name = addMembersByAddress, unchecked_return_type = "Promise<void>")]
    pub fn add_members_by_address(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string[]")] addresses: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let addresses = convert::list("addresses", &addresses, convert::address)?;
            group.add_members_by_address(&addresses).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Removes inboxes.
    #[wasm_bindgen(js_name = removeMembers, unchecked_return_type = "Promise<void>")]
    pub fn remove_members(
        &self,
        #[wasm_bindgen(js_name = inboxIds, unchecked_param_type = "string[]")] inbox_ids: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let inboxes = convert::list("inboxIds", &inbox_ids, convert::inbox_id)?;
            group.remove_members(&inboxes).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Removes the inboxes of addresses.
    #[wasm_bindgen(js_name = removeMembersByAddress, unchecked_return_type = "Promise<void>")]
    pub fn remove_members_by_address(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string[]")] addresses: JsValue,
    ) -> Promise {
        self.inner.call(move |group| async move {
            let addresses = convert::list("addresses", &addresses, convert::address)?;
            group.remove_members_by_address(&addresses).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Changes the name.
    #[wasm_bindgen(js_name = updateName, unchecked_return_type = "Promise<void>")]
    pub fn update_name(&self, #[wasm_bindgen(unchecked_param_type = "string")] value: JsValue) -> Promise {
        self.inner.update(field::NAME, value)
    }

    /// Changes the description.
    #[wasm_bindgen(js_name = updateDescription, unchecked_return_type = "Promise<void>")]
    pub fn update_description(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] value: JsValue,
    ) -> Promise {
        self.inner.update(field::DESCRIPTION, value)
    }

    /// Changes the image.
    #[wasm_bindgen(js_name = updateImageUrl, unchecked_return_type = "Promise<void>")]
    pub fn update_image_url(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] value: JsValue,
    ) -> Promise {
        self.inner.update(field::IMAGE_URL, value)
    }

    /// Changes the app's text.
    #[wasm_bindgen(js_name = updateAppData, unchecked_return_type = "Promise<void>")]
    pub fn update_app_data(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] value: JsValue,
    ) -> Promise {
        self.inner.update(field::APP_DATA, value)
    }

    /// Makes an inbox an admin.
    #[wasm_bindgen(js_name = addAdmin, unchecked_return_type = "Promise<void>")]
    pub fn add_admin(
        &self,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
    ) -> Promise {
        self.inner.change_role(AdminChange::AddAdmin, inbox_id)
    }

    /// Takes that back.
    #[wasm_bindgen(js_name = removeAdmin, unchecked_return_type = "Promise<void>")]
    pub fn remove_admin(
        &self,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
    ) -> Promise {
        self.inner.change_role(AdminChange::RemoveAdmin, inbox_id)
    }

    /// Makes an inbox a super admin.
    #[wasm_bindgen(js_name = addSuperAdmin, unchecked_return_type = "Promise<void>")]
    pub fn add_super_admin(
        &self,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
    ) -> Promise {
        self.inner.change_role(AdminChange::AddSuperAdmin, inbox_id)
    }

    /// Takes that back.
    #[wasm_bindgen(js_name = removeSuperAdmin, unchecked_return_type = "Promise<void>")]
    pub fn remove_super_admin(
        &self,
        #[wasm_bindgen(js_name = inboxId, unchecked_param_type = "string")] inbox_id: JsValue,
    ) -> Promise {
        self.inner.change_role(AdminChange::RemoveSuperAdmin, inbox_id)
    }

    /// What was decided about the conversation: 0 nothing, 1 let in, 2 kept out.
    ///
    /// # Errors
    /// As [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = consentState)]
    pub fn consent_state(&self) -> Result<u8, EdgeError> {
        Ok(view::consent(self.inner.handle()?.consent_state()?))
    }

    /// Decides about the conversation.
    ///
    /// # Errors
    /// `argument.invalid`, and as [`is_active`](Self::is_active).
    #[wasm_bindgen(js_name = updateConsentState)]
    pub fn update_consent_state(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] state: JsValue,
    ) -> Result<(), EdgeError> {
        Ok(self
            .inner
            .handle()?
            .set_consent_state(preferences::state(&state)?)?)
    }

    /// Messages of this conversation from now on.
    ///
    /// # Errors
    /// `identity.not_registered`, and as [`is_active`](Self::is_active).
    pub fn stream(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawMessage) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        let of = self.inner.id;
        self.inner.handle()?;
        stream::open(&self.inner.session, callbacks, move |client, event| match event {
            Event::Message { group_id, id } if find(client, of)?.includes(*group_id)? => client
                .conversations()
                .message_view(*id)?
                .map(message::view)
                .transpose(),
            _ => Ok(None),
        })
    }
}
