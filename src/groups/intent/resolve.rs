//! What becomes of intents after their payloads were sent.

use super::data::{IntentData, PostCommit};
use crate::groups::context::Context;
use crate::groups::error::GroupError;
use crate::groups::removal;
use crate::groups::row;
use crate::ids::{GroupId, MessageId};
use crate::storage::{
    DeliveryStatus, IntentId, IntentRow, IntentState, MessageKind, NewIntent, StorageError,
};

/// How often an intent is tried before it is given up.
///
/// # Source
/// The group-chat specification ("three attempts"), libxmtp.
pub const MAX_ATTEMPTS: u32 = 3;

/// Counts a failed attempt to build or send. After [`MAX_ATTEMPTS`] the intent is given up and its message
/// marked as failed. Answers whether it was given up.
///
/// The attempts stay: a payload whose answer was lost may still come back.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn sending_failed(context: &Context<'_>, intent: &IntentRow) -> Result<bool, GroupError> {
    let attempts = context.db.count_publish_attempt(intent.id)?;
    if attempts >= MAX_ATTEMPTS {
        give_up(context, intent)?;
        return Ok(true);
    }
    context.db.return_intent(intent.id)?;
    Ok(false)
}

/// Gives an intent up; its message is marked as failed.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn give_up(context: &Context<'_>, intent: &IntentRow) -> Result<(), GroupError> {
    context.db.set_intent_state(intent.id, IntentState::Error)?;
    match &intent.message_id {
        Some(message) => set_status(context, message, DeliveryStatus::Failed),
        None => Ok(()),
    }
}

/// Gives intents back to be published whose payload was sent and did not come back, although everything the
/// node has was read. Call it while nothing of the group is being sent.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn return_unseen(context: &Context<'_>, group_id: GroupId) -> Result<usize, GroupError> {
    let unseen = context.db.intents(&group_id, &[IntentState::Published])?;
    for intent in &unseen {
        context.db.return_intent(intent.id)?;
    }
    Ok(unseen.len())
}

/// What is to be done for messages that a node has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// Some have still to come back.
    pub are_awaited: bool,
    /// They disappear some time.
    pub disappear: bool,
}

/// Notes that a node has taken what these sent. Their messages are published from here on; what else is to be known of
/// them comes back with them.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn acknowledged(
    context: &Context<'_>,
    group_id: GroupId,
    sent: &[IntentId],
) -> Result<Acknowledged, GroupError> {
    let expire_at_ns = row::expiry(&context.row(group_id)?, context.now_ns);
    let mut are_awaited = false;
    for id in sent {
        are_awaited |= context.db.acknowledge_intent(*id, expire_at_ns)?;
    }
    Ok(Acknowledged {
        are_awaited,
        disappear: are_awaited && expire_at_ns.is_some(),
    })
}

/// Whether something was sent of which it is not known whether a node has it. While nothing of the group is being sent it is
/// left from before: a request that was cut, an app that ended.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn has_unanswered(context: &Context<'_>, group_id: GroupId) -> Result<bool, GroupError> {
    Ok(context.db.has_unanswered_intent(&group_id)?)
}

/// The intents whose commits were accepted and whose welcomes are still to be sent, with the sequence id of
/// the commit.
///
/// # Errors
/// [`GroupError::Storage`], [`GroupError::Corrupt`].
pub fn to_complete(
    context: &Context<'_>,
    group_id: GroupId,
) -> Result<Vec<(IntentId, u64, PostCommit)>, GroupError> {
    let committed = context.db.intents(&group_id, &[IntentState::Committed])?;
    committed
        .into_iter()
        .filter_map(|intent| {
            let post_commit = intent.post_commit.as_deref().map(PostCommit::decode)?;
            Some(post_commit.map(|post_commit| (intent.id, intent.sequence_id.unwrap_or(0), post_commit)))
        })
        .collect()
}

/// Remembers of an accepted commit whose welcomes are sent in parts what is left of them.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn left_to_welcome(
    context: &Context<'_>,
    id: IntentId,
    sequence_id: u64,
    rest: &PostCommit,
) -> Result<(), GroupError> {
    let rest = rest.encode()?;
    context.db.set_intent_committed(id, sequence_id, Some(&rest))?;
    Ok(())
}

/// Forgets an intent whose work is done.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn complete(context: &Context<'_>, id: IntentId) -> Result<(), GroupError> {
    context.db.delete_intent(id)?;
    Ok(())
}

/// Queues a failed message once more, with all its attempts before it. Its id stays the same.
///
/// # Errors
/// [`GroupError::Storage`] with not-found when there is no such message or it has not failed;
/// [`GroupError::Paused`].
pub fn resend_message(context: &Context<'_>, message: MessageId) -> Result<GroupId, GroupError> {
    let missing = || GroupError::Storage(StorageError::NotFound(crate::storage::Missing::Message));
    let row = context
        .db
        .message(&message, context.now_ns)?
        .ok_or_else(missing)?;
    if row.kind != MessageKind::Application || row.delivery_status != DeliveryStatus::Failed {
        return Err(missing());
    }
    if let Some(required) = context.row(row.group_id)?.paused_for_version {
        return Err(GroupError::Paused { required });
    }
    context
        .db
        .set_delivery_status(&message, DeliveryStatus::Unpublished)?;
    removal::set_failed(context, message, false)?;
    let plaintext = crate::messages::Plaintext {
        content: row.content,
        idempotency_key: row.idempotency_key,
    }
    .encode();
    let data = IntentData::SendMessage { plaintext };
    context.db.insert_intent(&NewIntent {
        group_id: row.group_id,
        kind: data.kind(),
        data: data.encode()?,
        should_push: row.should_push,
        message_id: Some(message),
        created_at_ns: context.now_ns,
    })?;
    Ok(row.group_id)
}

/// Deletes a failed message that the person gave up, with its intents.
///
/// # Errors
/// As [`resend_message`].
pub fn drop_message(context: &Context<'_>, message: MessageId) -> Result<(), GroupError> {
    let missing = || GroupError::Storage(StorageError::NotFound(crate::storage::Missing::Message));
    let row = context
        .db
        .message(&message, context.now_ns)?
        .ok_or_else(missing)?;
    if row.delivery_status != DeliveryStatus::Failed {
        return Err(missing());
    }
    context.db.delete_intents_of_message(&message)?;
    context.db.delete_message(&message)?;
    removal::forget(context, message)
}

/// Sets a status unless the row is gone: messages may be deleted while they are on their way.
fn set_status(context: &Context<'_>, message: &MessageId, status: DeliveryStatus) -> Result<(), GroupError> {
    removal::set_failed(context, *message, status == DeliveryStatus::Failed)?;
    match context.db.set_delivery_status(message, status) {
        Ok(()) | Err(StorageError::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
