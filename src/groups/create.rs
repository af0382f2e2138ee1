//! Making conversations.

use super::context::Context;
use super::dm::dm_id;
use super::error::GroupError;
use super::membership::GroupMembership;
use super::metadata::{ImmutableMetadata, MutableMetadata, field, limit};
use super::permissions::{PolicySet, Preset};
use crate::ids::{GroupId, InboxId};
use crate::mls::{ContextExtensions, Group};
use crate::storage::{
    CommitLogRow, CommitResult, ConsentEntity, ConsentState, ConversationType, GroupRow, MembershipState,
    Occasion,
};

/// What a new group is made with. Texts that are not given are empty, as in libxmtp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Who may do what.
    pub permissions: PolicySet,
    /// Display name, at most 100 bytes.
    pub name: String,
    /// Description, at most 1000 bytes.
    pub description: String,
    /// URL of a square image, at most 2048 bytes.
    pub image_url: String,
    /// Text for the app, at most 8192 bytes.
    pub app_data: String,
    /// From when and after how long messages disappear, in nanoseconds.
    pub disappearing: Option<(i64, i64)>,
}

impl Default for NewGroup {
    fn default() -> Self {
        Self {
            permissions: PolicySet::preset(Preset::AllMembers),
            name: String::new(),
            description: String::new(),
            image_url: String::new(),
            app_data: String::new(),
            disappearing: None,
        }
    }
}

/// Makes a group of one, locally. Others come in by a membership update, which must be the first commit.
///
/// Writes the MLS state, the row, consent and the first line of the commit log.
///
/// # Errors
/// [`GroupError::TooLong`]; [`GroupError::Storage`].
pub fn create_group(context: &Context<'_>, new: &NewGroup) -> Result<GroupRow, GroupError> {
    let mut attributes = vec![
        (field::NAME, new.name.clone()),
        (field::DESCRIPTION, new.description.clone()),
        (field::IMAGE_URL, new.image_url.clone()),
        (field::APP_DATA, new.app_data.clone()),
    ];
    attributes.extend(disappearing(new.disappearing));
    create(
        context,
        ConversationType::Group,
        None,
        attributes,
        &new.permissions,
        new.disappearing,
    )
}

/// Makes a direct message with `target`, locally. The target comes in by a membership update.
///
/// # Errors
/// As [`create_group`]; [`GroupError::NotInDm`] with oneself.
pub fn create_dm(
    context: &Context<'_>,
    target: InboxId,
    disappear: Option<(i64, i64)>,
) -> Result<GroupRow, GroupError> {
    if target == context.inbox_id {
        return Err(GroupError::NotInDm("the other person must not be yourself"));
    }
    let mut attributes: Vec<_> = [field::NAME, field::DESCRIPTION, field::IMAGE_URL]
        .map(|name| (name, String::new()))
        .into();
    attributes.extend(disappearing(disappear));
    let members = Some((context.inbox_id, target));
    create(
        context,
        ConversationType::Dm,
        members,
        attributes,
        &PolicySet::direct_message(),
        disappear,
    )
}

/// Makes the group in which the installations of the own inbox talk among themselves, locally. It is never listed,
/// and nobody decides about it. The others come in by a membership update, which must be the first commit.
///
/// # Errors
/// As [`create_group`].
pub fn create_sync_group(context: &Context<'_>) -> Result<GroupRow, GroupError> {
    let attributes = [field::NAME, field::DESCRIPTION, field::IMAGE_URL, field::APP_DATA]
        .map(|name| (name, String::new()))
        .into();
    create(
        context,
        ConversationType::Sync,
        None,
        attributes,
        &PolicySet::preset(Preset::AllMembers),
        None,
    )
}

fn disappearing(settings: Option<(i64, i64)>) -> Vec<(&'static str, String)> {
    settings
        .map(|(from, after)| {
            vec![
                (field::DISAPPEAR_FROM_NS, from.to_string()),
                (field::DISAPPEAR_IN_NS, after.to_string()),
            ]
        })
        .unwrap_or_default()
}

fn create(
    context: &Context<'_>,
    conversation_type: ConversationType,
    dm_members: Option<(InboxId, InboxId)>,
    mut attributes: Vec<(&'static str, String)>,
    permissions: &PolicySet,
    disappear: Option<(i64, i64)>,
) -> Result<GroupRow, GroupError> {
    for (name, value) in &attributes {
        check_length(name, value)?;
    }
    attributes.push((field::COMMIT_LOG_SIGNER, commit_log_signer()?));
    let creator = context.inbox_id;
    let is_dm = conversation_type == ConversationType::Dm;
    let metadata = MutableMetadata {
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        admins: Vec::new(),
        super_admins: if is_dm {
            Vec::new()
        } else {
            vec![creator.to_string()]
        },
    };
    let membership = GroupMembership {
        members: [(creator, 0)].into(),
        ..Default::default()
    };
    let immutable = ImmutableMetadata {
        conversation_type,
        creator,
        dm_members,
    };
    let extensions = first_extensions(&immutable, &metadata, &membership, permissions)?;
    let group = Group::create(&context.provider(), context.key, creator, &extensions)?;
    let row = GroupRow {
        id: group.id(),
        conversation_type,
        membership_state: MembershipState::Allowed,
        created_at_ns: context.now_ns,
        creator_inbox_id: creator,
        added_by_inbox_id: creator,
        dm_id: dm_members.map(|(one, other)| dm_id(one, other)),
        welcome_sequence_id: None,
        rotated_at_ns: context.now_ns,
        installations_last_checked_ns: 0,
        last_message_ns: None,
        message_disappear_from_ns: disappear.map(|(from, _)| from),
        message_disappear_in_ns: disappear.map(|(_, after)| after),
        paused_for_version: None,
        maybe_forked: false,
        fork_details: String::new(),
        should_publish_commit_log: true,
        has_pending_leave_request: false,
    };
    context.db.put_group(&row)?;
    context.db.append_commit_log(&CommitLogRow {
        group_id: row.id,
        sequence_id: 0,
        last_epoch_authenticator: Vec::new(),
        result: CommitResult::Applied,
        applied_epoch: Some(group.epoch()),
        applied_epoch_authenticator: Some(group.epoch_authenticator().to_vec()),
        sender_inbox_id: Some(creator),
        sender_installation_id: Some(context.key.id()),
        commit_type: Some("GroupCreation".into()),
        error: None,
    })?;
    allow(context, &row)?;
    Ok(row)
}

/// What a group's context says of it before anybody has changed anything.
///
/// # Errors
/// As [`PolicySet::encode`].
pub(super) fn first_extensions(
    immutable: &ImmutableMetadata,
    mutable: &MutableMetadata,
    membership: &GroupMembership,
    permissions: &PolicySet,
) -> Result<ContextExtensions, GroupError> {
    Ok(ContextExtensions {
        immutable_metadata: Some(immutable.encode()),
        mutable_metadata: Some(mutable.encode()),
        membership: Some(membership.encode()),
        permissions: Some(permissions.encode()?),
        has_app_data_dictionary: false,
    })
}

/// Records that the person wants this conversation, of a direct message all its groups, unless that is known.
/// Nobody decides about the conversation of the own installations.
pub(super) fn allow(context: &Context<'_>, row: &GroupRow) -> Result<(), GroupError> {
    match &row.dm_id {
        _ if row.conversation_type == ConversationType::Sync => Ok(()),
        Some(dm_id) => context
            .db
            .dm_groups(dm_id)?
            .into_iter()
            .try_for_each(|row| allow_group(context, row.id)),
        None => allow_group(context, row.id),
    }
}

fn allow_group(context: &Context<'_>, group_id: GroupId) -> Result<(), GroupError> {
    let entity = group_id.to_string();
    if context.db.consent_state(ConsentEntity::Conversation, &entity)? != ConsentState::Allowed {
        let (row, _) = context.db.decide_consent(
            ConsentEntity::Conversation,
            &entity,
            ConsentState::Allowed,
            context.now_ns,
        )?;
        context.db.note_unpublished(&row, Occasion::Replied)?;
    }
    Ok(())
}

/// Checks a field's length before it is sent: receivers refuse the commit otherwise.
pub(crate) fn check_length(name: &str, value: &str) -> Result<(), GroupError> {
    match limit(name) {
        Some(limit) if value.len() > limit => Err(GroupError::TooLong {
            field: name.to_owned(),
            limit,
        }),
        _ => Ok(()),
    }
}

/// A fresh secret for the group's commit log, hex of 32 bytes.
fn commit_log_signer() -> Result<String, GroupError> {
    let mut secret = zeroize::Zeroizing::new([0u8; 32]);
    getrandom::fill(secret.as_mut_slice()).map_err(|_| GroupError::Corrupt("no randomness"))?;
    Ok(hex::encode(secret.as_slice()))
}
