//! Option objects. An option this version does not know is refused, never ignored.

use std::rc::Rc;

use js_sys::{Object, Reflect, Uint8Array};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use super::database::Keeper;
use super::error::EdgeError;
use super::permissions::RawPolicySet;
use super::{content_types, convert, permissions};
use crate::client;
use crate::groups::{GroupError, NewGroup, exceeds};
use crate::messages::content::removal::RemovalForm;
use crate::storage::{
    ConsentState, ConversationType, DatabaseKey, DeliveryStatus, Direction, MessageKind, MessageOrder,
};
use crate::transport::FetchFiles;
use crate::version::PROTOCOL_VERSION;

/// An option object: its names as JavaScript writes them.
trait Options: DeserializeOwned {
    const WHERE: &'static str;
    const NAMES: &'static [&'static str];
}

/// Declares an option object with the JavaScript name of each field.
macro_rules! options {
    ($name:ident of $place:literal { $($(#[$meta:meta])* $field:ident: $kind:ty = $js:literal,)+ }) => {
        #[derive(Deserialize)]
        struct $name {
            $(#[serde(rename = $js)] $(#[$meta])* $field: $kind,)+
        }

        impl Options for $name {
            const WHERE: &'static str = $place;
            const NAMES: &'static [&'static str] = &[$($js,)+];
        }
    };
}

/// Reads an option object. Undefined is one without options.
fn read<T: Options>(value: &JsValue) -> Result<T, EdgeError> {
    let given = match value.dyn_ref::<Object>() {
        Some(object) => object.clone(),
        None if value.is_undefined() => Object::new(),
        None => {
            return Err(EdgeError::Argument(format!(
                "the options of {} must be an object",
                T::WHERE
            )));
        }
    };
    for name in Object::keys(&given) {
        let text = name.as_string().unwrap_or_default();
        let is_set = Reflect::get(&given, &name).is_ok_and(|value| !value.is_undefined());
        if is_set && !T::NAMES.contains(&text.as_str()) {
            return Err(EdgeError::Unsupported(format!(
                "{} does not support the option \"{text}\"",
                T::WHERE
            )));
        }
    }
    serde_wasm_bindgen::from_value(given.into())
        .map_err(|error| EdgeError::Argument(format!("the options of {}: {error}", T::WHERE)))
}

/// A number option with few values.
fn choice<T: Copy>(name: &str, value: u32, values: &[T]) -> Result<T, EdgeError> {
    usize::try_from(value)
        .ok()
        .and_then(|index| values.get(index).copied())
        .ok_or_else(|| EdgeError::Unsupported(format!("{name} does not have the value {value}")))
}

fn limit(value: Option<u64>) -> Option<u32> {
    value.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX))
}

options! { RawCreate of "Client.create" {
    api_url: String = "apiUrl",
    app_version: Option<String> = "appVersion",
    env: String = "env",
    identifier: String = "identifier",
    identifier_kind: u32 = "identifierKind",
    inbox_id: Option<String> = "inboxId",
    nonce: u64 = "nonce",
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    db_path: JsValue = "dbPath",
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    db_encryption_key: JsValue = "dbEncryptionKey",
    #[serde(with = "serde_wasm_bindgen::preserve", default)]
    keeper: JsValue = "keeper",
    protocol_version: Option<String> = "protocolVersion",
    disable_device_sync: Option<bool> = "disableDeviceSync",
} }

/// Where the database lies.
#[derive(Debug)]
pub(super) enum DatabaseName {
    /// Named after network and inbox.
    Default,
    /// In memory.
    Memory,
    /// By this name.
    Given(String),
}

/// What `Client.create` takes.
#[derive(Debug)]
pub(super) struct CreateOptions {
    pub(super) api_url: String,
    pub(super) app_version: Option<String>,
    pub(super) env: String,
    pub(super) client: client::ClientOptions,
    pub(super) database: DatabaseName,
    pub(super) key: Option<DatabaseKey>,
    pub(super) keeper: Option<Keeper>,
}

impl CreateOptions {
    pub(super) fn read(value: &JsValue) -> Result<Self, EdgeError> {
        let raw: RawCreate = read(value)?;
        if !["local", "dev", "production"].contains(&raw.env.as_str()) {
            return Err(EdgeError::Unsupported(
                "env must be local, dev or production".into(),
            ));
        }
        Ok(Self {
            client: client::ClientOptions {
                identifier: convert::identifier(&raw.identifier, raw.identifier_kind)?,
                nonce: raw.nonce,
                inbox_id: raw.inbox_id.as_deref().map(convert::inbox_id).transpose()?,
                protocol_version: protocol_version(raw.protocol_version)?,
                device_sync: !raw.disable_device_sync.unwrap_or(false),
                files: Some(Rc::new(FetchFiles)),
            },
            api_url: raw.api_url,
            app_version: raw.app_version,
            env: raw.env,
            database: database_name(&raw.db_path)?,
            key: database_key(&raw.db_encryption_key)?,
            keeper: (!raw.keeper.is_undefined()).then(|| raw.keeper.unchecked_into()),
        })
    }
}

/// The version that minimum versions are compared with. Tests may claim less than there is, never more.
fn protocol_version(given: Option<String>) -> Result<String, EdgeError> {
    let Some(given) = given else {
        return Ok(PROTOCOL_VERSION.to_owned());
    };
    match exceeds(&given, PROTOCOL_VERSION) {
        Some(false) => Ok(given),
        Some(true) => Err(EdgeError::Unsupported(format!(
            "protocolVersion must not lie above {PROTOCOL_VERSION}"
        ))),
        None => Err(EdgeError::Argument("protocolVersion is not a version".into())),
    }
}

fn database_name(value: &JsValue) -> Result<DatabaseName, EdgeError> {
    if value.is_undefined() {
        return Ok(DatabaseName::Default);
    }
    if value.is_null() {
        return Ok(DatabaseName::Memory);
    }
    match value.as_string() {
        Some(name) if !name.is_empty() => Ok(DatabaseName::Given(name)),
        _ => Err(EdgeError::Argument(
            "dbPath must be a name, null for memory, or left out".into(),
        )),
    }
}

pub(super) fn database_key(value: &JsValue) -> Result<Option<DatabaseKey>, EdgeError> {
    if value.is_undefined() {
        return Ok(None);
    }
    let mut key = Zeroizing::new([0u8; 32]);
    match value.dyn_ref::<Uint8Array>() {
        Some(bytes) if bytes.length() == 32 => bytes.copy_to(key.as_mut_slice()),
        _ => {
            return Err(EdgeError::Argument(
                "dbEncryptionKey must be a Uint8Array of 32 bytes".into(),
            ));
        }
    }
    Ok(Some(DatabaseKey::new(*key)))
}

options! { RawSend of "send" {
    should_push: bool = "shouldPush",
    optimistic: Option<bool> = "optimistic",
    idempotency_key: Option<String> = "idempotencyKey",
} }

/// What sending takes.
pub(super) fn send(value: &JsValue) -> Result<client::SendOptions, EdgeError> {
    let raw: RawSend = read(value)?;
    Ok(client::SendOptions {
        should_push: raw.should_push,
        optimistic: raw.optimistic.unwrap_or_default(),
        idempotency_key: raw.idempotency_key,
    })
}

options! { RawTypedSend of "send" {
    optimistic: Option<bool> = "optimistic",
    idempotency_key: Option<String> = "idempotencyKey",
} }

/// What sending content of a known type takes; the type says whether it notifies.
pub(super) fn typed_send(value: &JsValue) -> Result<client::TypedSendOptions, EdgeError> {
    let raw: RawTypedSend = read(value)?;
    Ok(client::TypedSendOptions {
        optimistic: raw.optimistic.unwrap_or_default(),
        idempotency_key: raw.idempotency_key,
    })
}

options! { RawRemove of "removeMessage" {
    form: Option<String> = "form",
    optimistic: Option<bool> = "optimistic",
} }

/// How a message is removed.
pub(super) fn remove(value: &JsValue) -> Result<client::RemoveOptions, EdgeError> {
    let raw: RawRemove = read(value)?;
    let form = match raw.form.as_deref() {
        None => None,
        Some("delete") => Some(RemovalForm::Delete),
        Some("deleteMessage") => Some(RemovalForm::DeleteMessage),
        Some(other) => {
            return Err(EdgeError::Unsupported(format!(
                "form does not have the value {other}"
            )));
        }
    };
    Ok(client::RemoveOptions {
        form,
        optimistic: raw.optimistic.unwrap_or_default(),
    })
}

options! { RawMessages of "messages" {
    sent_before_ns: Option<i64> = "sentBeforeNs",
    sent_after_ns: Option<i64> = "sentAfterNs",
    inserted_before_ns: Option<i64> = "insertedBeforeNs",
    inserted_after_ns: Option<i64> = "insertedAfterNs",
    limit: Option<u64> = "limit",
    delivery_status: Option<u32> = "deliveryStatus",
    direction: Option<u32> = "direction",
    kind: Option<u32> = "kind",
    exclude_senders: Option<Vec<String>> = "excludeSenderInboxIds",
    removed: Option<bool> = "removed",
    everything: Option<bool> = "everything",
    content_types: Option<Vec<u32>> = "contentTypes",
    exclude_content_types: Option<Vec<u32>> = "excludeContentTypes",
    sort_by: Option<u32> = "sortBy",
} }

/// Which messages are listed or counted.
pub(super) fn messages(value: &JsValue) -> Result<client::MessageOptions, EdgeError> {
    use DeliveryStatus::{Failed, Published, Unpublished};
    let raw: RawMessages = read(value)?;
    let delivery_status = raw
        .delivery_status
        .map(|value| choice("deliveryStatus", value, &[Unpublished, Published, Failed]));
    let kinds = [MessageKind::Application, MessageKind::MembershipChange];
    let kind = raw.kind.map(|value| choice("kind", value, &kinds));
    let directions = [Direction::Ascending, Direction::Descending];
    let direction = raw.direction.map(|value| choice("direction", value, &directions));
    let orders = [MessageOrder::SentAt, MessageOrder::InsertedAt];
    let order = choice("sortBy", raw.sort_by.unwrap_or_default(), &orders)?;
    let (content_types, exclude_content_types) = content_types::select(
        raw.content_types.as_deref(),
        raw.exclude_content_types.as_deref().unwrap_or_default(),
    )?;
    Ok(client::MessageOptions {
        sent_before_ns: raw.sent_before_ns,
        sent_after_ns: raw.sent_after_ns,
        inserted_before_ns: raw.inserted_before_ns,
        inserted_after_ns: raw.inserted_after_ns,
        limit: limit(raw.limit),
        delivery_status: delivery_status.transpose()?,
        kind: kind.transpose()?,
        removed: raw.removed,
        // for streams, which tell of everything
        listed_only: raw.everything != Some(true),
        direction: direction.transpose()?.unwrap_or_default(),
        exclude_senders: raw
            .exclude_senders
            .unwrap_or_default()
            .iter()
            .map(|text| convert::inbox_id(text))
            .collect::<Result<_, _>>()?,
        content_types,
        exclude_content_types,
        order,
        ..Default::default()
    })
}

options! { RawList of "list" {
    created_after_ns: Option<i64> = "createdAfterNs",
    created_before_ns: Option<i64> = "createdBeforeNs",
    limit: Option<u64> = "limit",
    conversation_type: Option<u32> = "conversationType",
    consent_states: Option<Vec<u32>> = "consentStates",
    include_duplicate_dms: Option<bool> = "includeDuplicateDms",
    order_by: Option<u32> = "orderBy",
} }

/// Which conversations are listed.
pub(super) fn list(value: &JsValue) -> Result<client::ListOptions, EdgeError> {
    let raw: RawList = read(value)?;
    let by_activity = choice("orderBy", raw.order_by.unwrap_or_default(), &[false, true])?;
    Ok(client::ListOptions {
        created_after_ns: raw.created_after_ns,
        created_before_ns: raw.created_before_ns,
        limit: limit(raw.limit),
        conversation_type: raw.conversation_type.map(conversation_type).transpose()?,
        consent_states: consent_states(raw.consent_states)?,
        include_duplicate_dms: raw.include_duplicate_dms.unwrap_or_default(),
        by_activity,
    })
}

/// A kind of conversation that is shown: 0 direct message, 1 group.
fn conversation_type(value: u32) -> Result<ConversationType, EdgeError> {
    choice(
        "conversationType",
        value,
        &[ConversationType::Dm, ConversationType::Group],
    )
}

/// Decisions by their numbers; an empty list counts as none given.
fn consent_states(values: Option<Vec<u32>>) -> Result<Vec<ConsentState>, EdgeError> {
    let known = [ConsentState::Unknown, ConsentState::Allowed, ConsentState::Denied];
    values
        .unwrap_or_default()
        .into_iter()
        .map(|value| choice("consentStates", value, &known))
        .collect()
}

options! { RawFilter of "streams" {
    conversation_type: Option<u32> = "conversationType",
    consent_states: Option<Vec<u32>> = "consentStates",
} }

/// What a stream is about.
pub(super) fn filter(value: &JsValue) -> Result<client::StreamFilter, EdgeError> {
    let raw: RawFilter = read(value)?;
    Ok(client::StreamFilter {
        conversation_type: raw.conversation_type.map(conversation_type).transpose()?,
        consent_states: consent_states(raw.consent_states)?,
    })
}

/// A list of decisions by their numbers, or undefined.
pub(super) fn consent(value: &JsValue) -> Result<Vec<ConsentState>, EdgeError> {
    if value.is_undefined() {
        return Ok(Vec::new());
    }
    let numbers = serde_wasm_bindgen::from_value(value.clone())
        .map_err(|_| EdgeError::Argument("consentStates must be an array of numbers".into()))?;
    consent_states(Some(numbers))
}

options! { RawNewDm of "createDm" {
    disappearing: Option<RawDisappearing> = "messageDisappearingSettings",
} }

/// What a new direct message starts with: from when and after how long messages disappear, nanoseconds.
pub(super) fn new_dm(value: &JsValue) -> Result<Option<(i64, i64)>, EdgeError> {
    disappearing(read::<RawNewDm>(value)?.disappearing)
}

/// From when and after how long messages disappear, nanoseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDisappearing {
    from_ns: i64,
    in_ns: i64,
}

fn disappearing(raw: Option<RawDisappearing>) -> Result<Option<(i64, i64)>, EdgeError> {
    match raw {
        Some(RawDisappearing { from_ns, in_ns }) if from_ns < 0 || in_ns < 0 => {
            Err(GroupError::NegativeTime.into())
        }
        raw => Ok(raw.map(|raw| (raw.from_ns, raw.in_ns))),
    }
}

options! { RawNewGroup of "createGroup" {
    name: Option<String> = "groupName",
    description: Option<String> = "groupDescription",
    image_url: Option<String> = "groupImageUrlSquare",
    app_data: Option<String> = "appData",
    permissions: Option<u32> = "permissions",
    policies: Option<RawPolicySet> = "customPermissionPolicySet",
    disappearing: Option<RawDisappearing> = "messageDisappearingSettings",
} }

/// What a new group starts with.
pub(super) fn new_group(value: &JsValue) -> Result<NewGroup, EdgeError> {
    let raw: RawNewGroup = read(value)?;
    Ok(NewGroup {
        permissions: permissions::of_new_group(raw.permissions, raw.policies)?,
        name: raw.name.unwrap_or_default(),
        description: raw.description.unwrap_or_default(),
        image_url: raw.image_url.unwrap_or_default(),
        app_data: raw.app_data.unwrap_or_default(),
        disappearing: disappearing(raw.disappearing)?,
    })
}
