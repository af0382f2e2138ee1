//! Messages and content as plain objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::content;
use super::convert;
use super::error::EdgeError;
use crate::groups::{MessageView, RemovedBy};
use crate::messages::content::group_updated::GroupUpdated;
use crate::messages::content::{Content, removal};
use crate::messages::{Compression, ContentType, EncodedContent};
use crate::storage::{DeliveryStatus, MessageKind, MessageRow};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawContentType {
    authority_id: String,
    type_id: String,
    version_major: u32,
    version_minor: u32,
}

impl From<ContentType> for RawContentType {
    fn from(content_type: ContentType) -> Self {
        Self {
            authority_id: content_type.authority_id,
            type_id: content_type.type_id,
            version_major: content_type.version_major,
            version_minor: content_type.version_minor,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawContent {
    #[serde(rename = "type", default)]
    content_type: Option<RawContentType>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    fallback: Option<String>,
    #[serde(with = "serde_bytes")]
    content: Vec<u8>,
    #[serde(default)]
    compression: Option<i32>,
}

/// The wire's numbers.
const DEFLATE: i32 = 0;
const GZIP: i32 = 1;

/// Encodes content as its protobuf message.
///
/// # Errors
/// `argument.invalid` when it does not have the form of content.
#[wasm_bindgen(js_name = encodeContent, unchecked_return_type = "Uint8Array")]
pub fn encode_content(
    #[wasm_bindgen(unchecked_param_type = "RawEncodedContent")] content: JsValue,
) -> Result<Vec<u8>, EdgeError> {
    let raw: RawContent = serde_wasm_bindgen::from_value(content)
        .map_err(|error| EdgeError::Argument(format!("the content: {error}")))?;
    Ok(EncodedContent::from(raw).encode())
}

/// The opposite of [`encode_content`].
///
/// # Errors
/// `message.invalid_content`.
#[wasm_bindgen(js_name = decodeContent, unchecked_return_type = "RawEncodedContent")]
pub fn decode_content(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: JsValue,
) -> Result<JsValue, EdgeError> {
    let content = EncodedContent::decode(&convert::bytes("the content", &bytes)?)?;
    convert::object(&RawContent::from(content))
}

impl From<RawContent> for EncodedContent {
    fn from(raw: RawContent) -> Self {
        Self {
            content_type: raw.content_type.map(|content_type| ContentType {
                authority_id: content_type.authority_id,
                type_id: content_type.type_id,
                version_major: content_type.version_major,
                version_minor: content_type.version_minor,
            }),
            parameters: raw.parameters,
            fallback: raw.fallback,
            content: raw.content,
            compression: raw.compression.map(|value| match value {
                DEFLATE => Compression::Deflate,
                GZIP => Compression::Gzip,
                value => Compression::Unknown(value),
            }),
        }
    }
}

impl From<EncodedContent> for RawContent {
    fn from(content: EncodedContent) -> Self {
        Self {
            content_type: content.content_type.map(Into::into),
            parameters: content.parameters,
            fallback: content.fallback,
            content: content.content,
            compression: content.compression.map(|compression| match compression {
                Compression::Deflate => DEFLATE,
                Compression::Gzip => GZIP,
                Compression::Unknown(value) => value,
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    id: String,
    conversation_id: String,
    sender_inbox_id: String,
    sender_installation_id: String,
    sent_at_ns: i64,
    inserted_at_ns: i64,
    expires_at_ns: Option<i64>,
    kind: u8,
    delivery_status: u8,
    content_type: Option<RawContentType>,
    #[serde(with = "serde_bytes")]
    content: Vec<u8>,
    text: Option<String>,
    group_updated: Option<RawGroupUpdated>,
    fallback: Option<String>,
    num_replies: u64,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    body: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    reactions: JsValue,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    in_reply_to: JsValue,
}

/// A stored message as it was sent, without what belongs to it.
pub(super) fn message(row: MessageRow) -> Result<JsValue, EdgeError> {
    view(MessageView {
        row,
        removed: None,
        reactions: Vec::new(),
        num_replies: 0,
        in_reply_to: None,
    })
}

/// A list of messages.
pub(super) fn views(views: Vec<MessageView>) -> Result<JsValue, EdgeError> {
    let list = js_sys::Array::new();
    for each in views {
        list.push(&view(each)?);
    }
    Ok(list.into())
}

/// A message with what belongs to it, its content decoded as far as its type is known. Of a removed one nothing is
/// left but who removed it.
pub(super) fn view(view: MessageView) -> Result<JsValue, EdgeError> {
    let MessageView {
        row,
        removed,
        reactions,
        num_replies,
        in_reply_to,
    } = view;
    let encoded = match removed {
        None => EncodedContent::decode(&row.content).unwrap_or_default(),
        Some(_) => EncodedContent {
            content_type: Some(removal::PLACEHOLDER.id()),
            ..Default::default()
        },
    };
    let decoded = Content::decode(&encoded);
    let is_transcript = row.kind == MessageKind::MembershipChange;
    // A sent message that claims to be a line of the transcript is forged.
    let is_forged = !is_transcript
        && matches!(
            decoded,
            Content::GroupUpdated(_) | Content::GroupMembershipChange(_)
        );
    let text = match &decoded {
        Content::Text(text) => Some(text.clone()),
        _ => None,
    };
    let group_updated = match &decoded {
        Content::GroupUpdated(update) if is_transcript => Some(update.clone().into()),
        _ => None,
    };
    let nested = reactions.into_iter().map(|row| MessageView {
        row,
        removed: None,
        reactions: Vec::new(),
        num_replies: 0,
        in_reply_to: None,
    });
    convert::object(&RawMessage {
        id: row.id.to_string(),
        conversation_id: row.group_id.to_string(),
        sender_inbox_id: row.sender_inbox_id.to_string(),
        sender_installation_id: row.sender_installation_id.to_string(),
        sent_at_ns: row.sent_at_ns,
        inserted_at_ns: row.inserted_at_ns,
        expires_at_ns: row.expire_at_ns,
        kind: match row.kind {
            MessageKind::Application => 0,
            MessageKind::MembershipChange => 1,
        },
        delivery_status: match row.delivery_status {
            DeliveryStatus::Unpublished => 0,
            DeliveryStatus::Published => 1,
            DeliveryStatus::Failed => 2,
        },
        text,
        group_updated,
        fallback: encoded.fallback.filter(|_| !is_forged),
        content_type: encoded.content_type.map(Into::into),
        content: if removed.is_some() {
            Vec::new()
        } else {
            row.content
        },
        num_replies,
        body: match removed {
            Some(by) => content::body("deletedMessage", convert::object(&RawDeleted::from(by))?),
            None => content::shown(decoded, is_transcript)?,
        },
        reactions: self::views(nested.collect())?,
        in_reply_to: match in_reply_to {
            Some(parent) => self::view(*parent)?,
            None => JsValue::UNDEFINED,
        },
    })
}

/// The content of a removed message. The numbers are those of the page's API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawDeleted {
    deleted_by: u8,
    admin_inbox_id: Option<String>,
}

impl From<RemovedBy> for RawDeleted {
    fn from(by: RemovedBy) -> Self {
        match by {
            RemovedBy::Sender => Self {
                deleted_by: 0,
                admin_inbox_id: None,
            },
            RemovedBy::Admin(inbox_id) => Self {
                deleted_by: 1,
                admin_inbox_id: Some(inbox_id.to_string()),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inbox {
    inbox_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldChange {
    field_name: String,
    old_value: Option<String>,
    new_value: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawGroupUpdated {
    initiated_by_inbox_id: String,
    added_inboxes: Vec<Inbox>,
    removed_inboxes: Vec<Inbox>,
    left_inboxes: Vec<Inbox>,
    metadata_field_changes: Vec<FieldChange>,
    added_admin_inboxes: Vec<Inbox>,
    removed_admin_inboxes: Vec<Inbox>,
    added_super_admin_inboxes: Vec<Inbox>,
    removed_super_admin_inboxes: Vec<Inbox>,
}

impl From<GroupUpdated> for RawGroupUpdated {
    fn from(update: GroupUpdated) -> Self {
        let inboxes = |ids: Vec<String>| ids.into_iter().map(|inbox_id| Inbox { inbox_id }).collect();
        Self {
            initiated_by_inbox_id: update.initiated_by,
            added_inboxes: inboxes(update.added),
            removed_inboxes: inboxes(update.removed),
            left_inboxes: inboxes(update.left),
            metadata_field_changes: update
                .fields
                .into_iter()
                .map(|(field_name, old_value, new_value)| FieldChange {
                    field_name,
                    old_value,
                    new_value,
                })
                .collect(),
            added_admin_inboxes: inboxes(update.added_admins),
            removed_admin_inboxes: inboxes(update.removed_admins),
            added_super_admin_inboxes: inboxes(update.added_super_admins),
            removed_super_admin_inboxes: inboxes(update.removed_super_admins),
        }
    }
}
