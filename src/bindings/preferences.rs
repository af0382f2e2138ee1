//! The class `Preferences`.

use std::rc::Rc;

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use super::error::EdgeError;
use super::session::Session;
use super::stream::{self, Callbacks, StreamHandle};
use super::{convert, view};
use crate::client::Event;
use crate::preferences::{Consent, Entity, PreferenceUpdate};
use crate::storage::{ConsentEntity, ConsentState};

/// Whom and what the person lets in.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Preferences {
    inner: Rc<Session>,
}

impl Preferences {
    pub(super) fn new(session: &Rc<Session>) -> Self {
        Self {
            inner: Rc::clone(session),
        }
    }

    pub(super) fn session(&self) -> &Rc<Session> {
        &self.inner
    }
}

#[wasm_bindgen]
impl Preferences {
    /// Decides about conversations and inboxes, all of it or nothing.
    ///
    /// # Errors
    /// `argument.invalid`, `client.closed`, `storage.*`.
    #[wasm_bindgen(js_name = setConsentStates)]
    pub fn set_consent_states(
        &self,
        #[wasm_bindgen(unchecked_param_type = "RawConsent[]")] records: JsValue,
    ) -> Result<(), EdgeError> {
        let decisions = consents(&records)?;
        Ok(self
            .inner
            .client()?
            .preferences()
            .set_consent_states(&decisions)?)
    }

    /// What was decided: 0 nothing, 1 let in, 2 kept out.
    ///
    /// # Errors
    /// As [`set_consent_states`](Self::set_consent_states).
    #[wasm_bindgen(js_name = getConsentState)]
    pub fn consent_state(
        &self,
        #[wasm_bindgen(js_name = entityType, unchecked_param_type = "number")] entity_type: JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] entity: JsValue,
    ) -> Result<u8, EdgeError> {
        let entity = subject(&entity_type, &entity)?;
        Ok(view::consent(
            self.inner.client()?.preferences().consent_state(&entity)?,
        ))
    }

    /// Reads what other installations decided, and tells them what was decided here.
    #[wasm_bindgen(unchecked_return_type = "Promise<RawSyncSummary>")]
    pub fn sync(&self) -> Promise {
        self.inner.call(|client| async move {
            let summary = client.preferences().sync().await?;
            let count = |number: usize| JsValue::from_f64(number as f64);
            Ok(object([
                ("numEligible", count(summary.eligible)),
                ("numSynced", count(summary.synced)),
            ])
            .into())
        })
    }

    /// What is decided from now on, here or by another installation.
    ///
    /// # Errors
    /// `argument.invalid`, `identity.not_registered`, `client.closed`.
    #[wasm_bindgen(js_name = streamConsent)]
    pub fn stream_consent(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawConsent[]) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        stream::open(&self.inner, callbacks, |_, event| Ok(changes(event)))
    }

    /// The same, and each new root key of push notifications.
    ///
    /// # Errors
    /// As [`stream_consent`](Self::stream_consent).
    #[wasm_bindgen(js_name = streamPreferences)]
    pub fn stream_preferences(
        &self,
        #[wasm_bindgen(js_name = onItem, unchecked_param_type = "(item: RawPreferenceUpdate[]) => void")]
        on_item: JsValue,
        #[wasm_bindgen(js_name = onError, unchecked_param_type = "(error: unknown) => void")]
        on_error: JsValue,
        #[wasm_bindgen(js_name = onEnd, unchecked_param_type = "() => void")] on_end: JsValue,
    ) -> Result<StreamHandle, EdgeError> {
        let callbacks = Callbacks::read(&on_item, &on_error, &on_end)?;
        stream::open(&self.inner, callbacks, |_, event| match event {
            Event::Preferences(updates) => Ok(Some(updates.iter().map(update).collect::<Array>().into())),
            _ => Ok(None),
        })
    }
}

/// What an event says was decided.
pub(super) fn changes(event: &Event) -> Option<JsValue> {
    let Event::Preferences(updates) = event else {
        return None;
    };
    let consents: Array = updates
        .iter()
        .filter_map(|update| match update {
            PreferenceUpdate::Consent(consent) => Some(write(consent)),
            PreferenceUpdate::HmacKey(_) => None,
        })
        .collect();
    (consents.length() > 0).then(|| consents.into())
}

/// A list of decisions.
pub(super) fn consents(records: &JsValue) -> Result<Vec<Consent>, EdgeError> {
    let records = records
        .dyn_ref::<Array>()
        .ok_or_else(|| EdgeError::Argument("consent records must be an array".into()))?;
    records.iter().map(|record| read(&record)).collect()
}

/// A state by its number.
pub(super) fn state(value: &JsValue) -> Result<ConsentState, EdgeError> {
    [ConsentState::Unknown, ConsentState::Allowed, ConsentState::Denied]
        .into_iter()
        .find(|known| value.as_f64() == Some(f64::from(view::consent(*known))))
        .ok_or_else(|| EdgeError::Argument("a consent state is 0, 1 or 2".into()))
}

/// What consent is about; the numbers are those of `ConsentEntityType` of `@xmtp/browser-sdk`, and 2 for an address.
fn subject(kind: &JsValue, entity: &JsValue) -> Result<Entity, EdgeError> {
    let kind = match kind.as_f64() {
        Some(0.0) => ConsentEntity::Conversation,
        Some(1.0) => ConsentEntity::Inbox,
        Some(2.0) => ConsentEntity::Address,
        _ => {
            return Err(EdgeError::Argument(
                "entityType must be 0 (GroupId), 1 (InboxId) or 2 (Address)".into(),
            ));
        }
    };
    let entity = convert::text("entity", entity)?;
    Ok(Entity::parse(kind, &entity).map_err(crate::client::ClientError::from)?)
}

fn property(record: &JsValue, name: &str) -> Result<JsValue, EdgeError> {
    Reflect::get(record, &name.into())
        .map_err(|_| EdgeError::Argument("a consent record must be an object".into()))
}

fn read(record: &JsValue) -> Result<Consent, EdgeError> {
    Ok(Consent {
        entity: subject(&property(record, "entityType")?, &property(record, "entity")?)?,
        state: state(&property(record, "state")?)?,
    })
}

fn object(entries: [(&str, JsValue); 2]) -> js_sys::Object {
    let object = js_sys::Object::new();
    for (name, value) in entries {
        // A plain object takes every property.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
}

pub(super) fn write(consent: &Consent) -> JsValue {
    let kind = match consent.entity {
        Entity::Conversation(_) => 0,
        Entity::Inbox(_) => 1,
        Entity::Address(_) => 2,
    };
    let record = object([
        ("entityType", kind.into()),
        ("state", view::consent(consent.state).into()),
    ]);
    let _ = Reflect::set(&record, &"entity".into(), &consent.entity.text().into());
    record.into()
}

fn update(update: &PreferenceUpdate) -> JsValue {
    match update {
        PreferenceUpdate::Consent(consent) => {
            object([("type", "ConsentUpdate".into()), ("consent", write(consent))]).into()
        }
        PreferenceUpdate::HmacKey(key) => object([
            ("type", "HmacKeyUpdate".into()),
            ("key", Uint8Array::from(key.as_bytes().as_slice()).into()),
        ])
        .into(),
    }
}
