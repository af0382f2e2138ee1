//! Groups and members as plain objects.

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::convert;
use super::error::EdgeError;
use super::inbox::RawIdentifier;
use super::permissions::RawPermissions;
use crate::client::{DebugInfo, GroupHandle, PublishedHistory};
use crate::groups::{GroupView, MemberView, field};
use crate::ids::{GroupId, MessageId};
use crate::storage::{ConsentState, ConversationType};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawGroupState {
    name: String,
    description: String,
    image_url: String,
    app_data: String,
    admins: Vec<String>,
    super_admins: Vec<String>,
    creator_inbox_id: String,
    conversation_type: u8,
    paused_for_version: Option<String>,
    minimum_supported_protocol_version: Option<String>,
    message_disappearing_settings: Option<RawDisappearing>,
    epoch: u64,
    permissions: RawPermissions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawDisappearing {
    from_ns: i64,
    in_ns: i64,
}

/// A group as it is now.
pub(super) fn group(view: GroupView) -> Result<JsValue, EdgeError> {
    convert::object(&state(view))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawListedGroup {
    id: String,
    created_at_ns: i64,
    added_by_inbox_id: String,
    is_active: bool,
    state: RawGroupState,
}

/// Groups as they are now, as one text: see [`convert::json`].
pub(super) fn listed(groups: &[GroupHandle]) -> Result<String, EdgeError> {
    let listed = groups.iter().map(|group| {
        let view = group.view()?;
        Ok(RawListedGroup {
            id: group.id().to_string(),
            created_at_ns: group.created_at_ns(),
            added_by_inbox_id: group.added_by_inbox_id().to_string(),
            is_active: view.is_active,
            state: state(view),
        })
    });
    convert::json(&listed.collect::<Result<Vec<_>, EdgeError>>()?)
}

fn state(view: GroupView) -> RawGroupState {
    let attribute = |name: &str| view.metadata.attributes.get(name).cloned().unwrap_or_default();
    RawGroupState {
        name: attribute(field::NAME),
        description: attribute(field::DESCRIPTION),
        image_url: attribute(field::IMAGE_URL),
        app_data: attribute(field::APP_DATA),
        creator_inbox_id: view.row.creator_inbox_id.to_string(),
        conversation_type: match view.row.conversation_type {
            ConversationType::Dm => 0,
            ConversationType::Group => 1,
            ConversationType::Sync => 2,
            ConversationType::Oneshot => 3,
        },
        paused_for_version: view.row.paused_for_version.clone(),
        minimum_supported_protocol_version: view.metadata.get(field::MINIMUM_VERSION).map(str::to_owned),
        message_disappearing_settings: view
            .row
            .message_disappear_from_ns
            .zip(view.row.message_disappear_in_ns)
            .map(|(from_ns, in_ns)| RawDisappearing { from_ns, in_ns }),
        epoch: view.epoch,
        permissions: RawPermissions::new(&view.permissions),
        admins: view.metadata.admins,
        super_admins: view.metadata.super_admins,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawMember {
    inbox_id: String,
    account_identifiers: Vec<RawIdentifier>,
    installation_ids: Vec<String>,
    permission_level: u8,
    consent_state: u8,
}

/// Members.
pub(super) fn members(members: Vec<MemberView>) -> Result<JsValue, EdgeError> {
    let raw: Vec<RawMember> = members
        .into_iter()
        .map(|member| RawMember {
            inbox_id: member.inbox_id.to_string(),
            account_identifiers: member.identifiers.iter().map(RawIdentifier::of).collect(),
            installation_ids: member.installations.iter().map(ToString::to_string).collect(),
            permission_level: match (member.is_super_admin, member.is_admin) {
                (true, _) => 2,
                (false, true) => 1,
                (false, false) => 0,
            },
            consent_state: consent(member.consent),
        })
        .collect();
    convert::object(&raw)
}

/// The number of a decision.
pub(super) fn consent(state: ConsentState) -> u8 {
    match state {
        ConsentState::Unknown => 0,
        ConsentState::Allowed => 1,
        ConsentState::Denied => 2,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawDebugInfo {
    epoch: u64,
    maybe_forked: bool,
    fork_details: String,
    is_commit_log_forked: Option<bool>,
    local_commit_log: String,
    remote_commit_log: String,
    cursor: Vec<RawCursor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawCursor {
    originator_id: u32,
    sequence_id: u64,
}

/// One commit, as people read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedCommit {
    sequence_id: u64,
    result: String,
    epoch: Option<u64>,
    authenticator: Option<String>,
    sender_inbox_id: Option<String>,
    sender_installation_id: Option<String>,
    kind: Option<String>,
    error: Option<String>,
}

/// A commit as members published it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublishedCommit {
    sequence_id: u64,
    epoch: u64,
    authenticator: String,
}

fn json<T: Serialize>(value: &T) -> Result<String, EdgeError> {
    serde_json::to_string(value).map_err(|error| EdgeError::Answer(error.to_string()))
}

/// The inside of a conversation; without what was published of it if that could not be read.
pub(super) fn debug_info(
    info: &DebugInfo,
    published: Option<&PublishedHistory>,
) -> Result<JsValue, EdgeError> {
    let remote = published.map(|published| {
        let commits = published.commits.iter().map(|commit| PublishedCommit {
            sequence_id: commit.sequence_id,
            epoch: commit.epoch,
            authenticator: hex::encode(&commit.authenticator),
        });
        json(&commits.collect::<Vec<_>>())
    });
    let commits: Vec<LoggedCommit> = info
        .commit_log
        .iter()
        .map(|row| LoggedCommit {
            sequence_id: row.sequence_id,
            result: format!("{:?}", row.result),
            epoch: row.applied_epoch,
            authenticator: row.applied_epoch_authenticator.as_ref().map(hex::encode),
            sender_inbox_id: row.sender_inbox_id.as_ref().map(ToString::to_string),
            sender_installation_id: row.sender_installation_id.as_ref().map(ToString::to_string),
            kind: row.commit_type.clone(),
            error: row.error.clone(),
        })
        .collect();
    convert::object(&RawDebugInfo {
        epoch: info.epoch,
        maybe_forked: info.maybe_forked,
        fork_details: info.fork_details.clone(),
        is_commit_log_forked: published.and_then(|published| published.is_forked),
        local_commit_log: json(&commits)?,
        remote_commit_log: remote.transpose()?.unwrap_or_default(),
        cursor: info
            .cursors
            .iter()
            .map(|(originator_id, sequence_id)| RawCursor {
                originator_id: *originator_id,
                sequence_id: *sequence_id,
            })
            .collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawPause {
    conversation_id: String,
    paused_for_version: Option<String>,
}

/// A conversation that stopped or went on.
pub(super) fn pause(group_id: GroupId, required: Option<String>) -> Result<JsValue, EdgeError> {
    convert::object(&RawPause {
        conversation_id: group_id.to_string(),
        paused_for_version: required,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RawDeletedMessage {
    conversation_id: String,
    message_id: String,
}

/// A message that is gone.
pub(super) fn deleted_message(group_id: GroupId, id: MessageId) -> Result<JsValue, EdgeError> {
    convert::object(&RawDeletedMessage {
        conversation_id: group_id.to_string(),
        message_id: id.to_string(),
    })
}
