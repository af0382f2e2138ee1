//! Wanting something: rows are written, nothing is sent.

use std::collections::{BTreeMap, BTreeSet};

use super::data::IntentData;
use super::publish::{Payload, build_message, next};
use crate::groups::context::Context;
use crate::groups::create::allow;
use crate::groups::error::GroupError;
use crate::groups::membership::GroupMembership;
use crate::groups::removal;
use crate::groups::row;
use crate::ids::{GroupId, InboxId, MessageId};
use crate::messages::Plaintext;
use crate::mls::Group;
use crate::storage::{IntentId, IntentKind, IntentRow, NewIntent};

/// How old the own leaf's keys may be before a message is preceded by their renewal: 30 days, as libxmtp. A
/// group just joined counts as never renewed.
const ROTATION_NS: i64 = 30 * 24 * 60 * 60 * 1_000_000_000;

/// Stores a message and the wish to send it. The same key and content give the same message again.
///
/// # Errors
/// [`GroupError::NotFound`], [`GroupError::Inactive`], [`GroupError::Paused`], [`GroupError::Storage`].
pub fn queue_message(
    context: &Context<'_>,
    group_id: GroupId,
    content: Vec<u8>,
    idempotency_key: Option<String>,
    should_push: bool,
) -> Result<MessageId, GroupError> {
    let stored = store_message(context, group_id, content, idempotency_key, should_push)?;
    context.keep(stored.group);
    Ok(stored.id)
}

/// The same, and builds the payload at once if nothing waits before it: the group is loaded once, and all is one
/// transaction. `None`: something waits, or the message was there already.
///
/// # Errors
/// As [`queue_message`] and [`build`](super::build); the caller's transaction must be rolled back.
pub fn queue_and_build(
    context: &Context<'_>,
    group_id: GroupId,
    content: Vec<u8>,
    idempotency_key: Option<String>,
    should_push: bool,
) -> Result<(MessageId, Option<(IntentRow, Payload)>), GroupError> {
    let mut stored = store_message(context, group_id, content, idempotency_key, should_push)?;
    let is_ours = |next: &IntentRow| Some(next.id) == stored.intent;
    let built = match next(context, group_id)?.filter(is_ours) {
        Some(intent) => {
            let payload = build_message(context, &mut stored.group, &intent)?;
            Some((intent, payload))
        }
        None => None,
    };
    context.keep(stored.group);
    Ok((stored.id, built))
}

/// A message and the wish to send it, unless they were there already, in a group that was loaded for it.
struct Stored {
    id: MessageId,
    intent: Option<IntentId>,
    group: Group,
}

fn store_message(
    context: &Context<'_>,
    group_id: GroupId,
    content: Vec<u8>,
    idempotency_key: Option<String>,
    should_push: bool,
) -> Result<Stored, GroupError> {
    let group_row = context.row(group_id)?;
    if let Some(required) = group_row.paused_for_version {
        return Err(GroupError::Paused { required });
    }
    let group = context.load(group_id)?;
    if !group.is_active() {
        return Err(GroupError::Inactive);
    }
    let idempotency_key = idempotency_key.unwrap_or_else(|| context.now_ns.to_string());
    let plaintext = Plaintext {
        content,
        idempotency_key,
    };
    let message = row::unpublished(
        group_id,
        (context.inbox_id, context.key.id()),
        &plaintext,
        should_push,
        context.now_ns,
    );
    let id = message.id;
    if !context.db.insert_message(&message)? {
        return Ok(Stored {
            id,
            intent: None,
            group,
        });
    }
    if row::is_listed(&message) {
        context.db.advance_last_message(&group_id, context.now_ns)?;
    }
    removal::stored(context, &group, &message, group.epoch())?;
    // However far off, a time to come is one of a clock that was wrong.
    let age_ns = context.now_ns.abs_diff(group_row.rotated_at_ns);
    if age_ns > ROTATION_NS.unsigned_abs() && !context.db.is_under_way(&group_id, IntentKind::KeyUpdate)? {
        queue(context, group_id, &IntentData::KeyUpdate)?;
    }
    let data = IntentData::SendMessage {
        plaintext: plaintext.encode(),
    };
    let intent = insert(context, group_id, &data, should_push, Some(id))?;
    allow(context, &group_row)?;
    Ok(Stored {
        id,
        intent: Some(intent),
        group,
    })
}

/// Stores the wish to commit something.
///
/// # Errors
/// [`GroupError::Storage`].
pub fn queue(context: &Context<'_>, group_id: GroupId, data: &IntentData) -> Result<IntentId, GroupError> {
    insert(context, group_id, data, false, None)
}

fn insert(
    context: &Context<'_>,
    group_id: GroupId,
    data: &IntentData,
    should_push: bool,
    message_id: Option<MessageId>,
) -> Result<IntentId, GroupError> {
    Ok(context.db.insert_intent(&NewIntent {
        group_id,
        kind: data.kind(),
        data: data.encode()?,
        should_push,
        message_id,
        created_at_ns: context.now_ns,
    })?)
}

/// What a membership update is asked to do beside bringing known members up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refresh {
    /// Inboxes to add.
    pub add: BTreeSet<InboxId>,
    /// Inboxes to remove.
    pub remove: BTreeSet<InboxId>,
}

/// The membership update that a group needs, if any: new members, removed ones, and members whose identity
/// log has grown beyond what the group reflects.
///
/// # Errors
/// [`GroupError::UnknownInbox`] when an inbox to be added or a member has no identity log;
/// [`GroupError::TooLarge`]; [`GroupError::Commit`] when the group's membership does not decode.
pub fn membership_update(
    context: &Context<'_>,
    membership: &GroupMembership,
    refresh: &Refresh,
) -> Result<Option<IntentData>, GroupError> {
    let mut members = BTreeMap::new();
    let staying = membership.members.keys().chain(&refresh.add);
    let staying = staying.filter(|inbox| !refresh.remove.contains(*inbox));
    for (inbox, newest) in context.db.latest_identity_sequences(staying)? {
        match membership.members.get(&inbox) {
            _ if newest == 0 => return Err(GroupError::UnknownInbox { inbox }),
            Some(current) if newest <= *current => {}
            _ => {
                members.insert(inbox, newest);
            }
        }
    }
    let remove: BTreeSet<_> = refresh
        .remove
        .iter()
        .filter(|inbox| membership.members.contains_key(*inbox))
        .copied()
        .collect();
    let add: BTreeSet<_> = refresh
        .add
        .iter()
        .filter(|inbox| members.contains_key(*inbox))
        .copied()
        .collect();
    let size = membership.members.len() - remove.len()
        + members
            .keys()
            .filter(|inbox| !membership.members.contains_key(*inbox))
            .count();
    if !add.is_empty() && size > crate::groups::MAX_MEMBERS {
        return Err(GroupError::TooLarge {
            limit: crate::groups::MAX_MEMBERS,
        });
    }
    Ok(
        (!members.is_empty() || !remove.is_empty()).then_some(IntentData::UpdateMembership {
            members,
            remove,
            add,
        }),
    )
}
