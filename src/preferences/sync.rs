//! How the installations of an inbox tell each other what was decided.
//!
//! They talk in a group of type sync, in which nobody else is. Each may have made one; the newest is used to speak,
//! and all are listened to. What is to be told is noted in the transaction that changes it, and crossed out in the
//! one in which the message with it comes back.

use super::consent::{Consent, Entity};
use super::error::PreferenceError;
use super::history;
use super::update::PreferenceUpdate;
use super::wire::{self, SyncMessage, Update};
use crate::groups::inbound::Change;
use crate::groups::{Context, Hearers, hearers, intent};
use crate::ids::{GroupId, MessageId};
use crate::storage::{
    ConsentState, ConversationType, GroupQuery, GroupRow, HmacKey, MessageRow, PreferencesRow, StorageError,
    Unsent,
};

/// How many records one message tells. Some ten kilobytes; the rest goes into the next.
const UPDATES_PER_MESSAGE: u32 = 100;

/// A conversation without a message for so long is not shared with a new installation: 90 days (libxmtp).
const ACTIVE_NS: i64 = 90 * 24 * 60 * 60 * 1_000_000_000;

/// The groups in which the own installations talk, newest first.
///
/// # Errors
/// [`StorageError`].
pub fn groups(context: &Context<'_>) -> Result<Vec<GroupRow>, StorageError> {
    context.db.groups(&GroupQuery {
        conversation_types: vec![ConversationType::Sync],
        ..Default::default()
    })
}

/// The group in which to speak: the newest of which we are a member, which is not paused, and in which is nobody but us. An installation that was
/// revoked may still be there, if the group stands before that: it is taken out before anything is said.
///
/// # Errors
/// [`PreferenceError::Group`], [`PreferenceError::Storage`].
pub fn primary(context: &Context<'_>) -> Result<Option<GroupId>, PreferenceError> {
    for row in groups(context)? {
        if row.paused_for_version.is_some() {
            continue;
        }
        let group = context.load(row.id)?;
        if group.is_active() && hearers(context, &group)? != Hearers::Others {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// Whether another installation would hear what is said in a group.
///
/// # Errors
/// [`PreferenceError::Group`].
pub fn is_heard(context: &Context<'_>, group_id: GroupId) -> Result<bool, PreferenceError> {
    let own = context.key.id();
    Ok(context
        .load(group_id)?
        .leaves()
        .any(|leaf| leaf.installation_id != own))
}

/// Queues a message with what is still to be told. `None`: nothing is.
///
/// # Errors
/// [`PreferenceError::Group`], [`PreferenceError::Storage`].
pub fn queue_updates(context: &Context<'_>, group_id: GroupId) -> Result<Option<MessageId>, PreferenceError> {
    let mut updates: Vec<_> = context
        .db
        .unsent_consent(UPDATES_PER_MESSAGE)?
        .into_iter()
        .map(Update::Consent)
        .collect();
    if context.db.is_hmac_key_unsent()?
        && let Some(row) = context.db.preferences()?
    {
        updates.push(Update::HmacKey(row));
    }
    if updates.is_empty() {
        return Ok(None);
    }
    let content = wire::encode(&updates);
    Ok(Some(intent::queue_message(
        context, group_id, content, None, false,
    )?))
}

/// Applies what was told in a batch of envelopes of a sync group, by others and by ourselves. Answers what that
/// changed, and whether something about history is to be done. What does not decode is passed over.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn process(
    context: &Context<'_>,
    group_id: GroupId,
    changes: &[Change],
) -> Result<(Vec<PreferenceUpdate>, bool), PreferenceError> {
    let mut changed = Vec::new();
    let mut is_asked = false;
    for change in changes {
        let (Change::Message(id) | Change::Published(id)) = change else {
            continue;
        };
        let Some(message) = context.db.message(id, context.now_ns)? else {
            continue;
        };
        // Any member could have brought in somebody else.
        if message.group_id != group_id || message.sender_inbox_id != context.inbox_id {
            continue;
        }
        match wire::decode(&message.content) {
            Ok(SyncMessage::Updates(updates)) => {
                for update in updates {
                    match update {
                        Ok(update) => changed.extend(apply(context, &message, update)?),
                        Err(error) => tracing::info!(%error, "an update was refused"),
                    }
                }
            }
            Ok(said) => is_asked |= history::note(context, &message, &said)?,
            Err(error) => tracing::info!(%error, "a message of another installation was refused"),
        }
    }
    Ok((changed, is_asked))
}

fn apply(
    context: &Context<'_>,
    message: &MessageRow,
    update: Update,
) -> Result<Option<PreferenceUpdate>, PreferenceError> {
    let own = message.sender_installation_id == context.key.id();
    match update {
        Update::Consent(row) => {
            let what = Unsent::Consent(row.entity_type);
            // Told, unless something else was decided meanwhile.
            if own && context.db.consent_record(row.entity_type, &row.entity)?.as_ref() == Some(&row) {
                context.db.mark_sent(what, &row.entity)?;
            }
            if !context.db.apply_synced_consent(&row)? {
                return Ok(None);
            }
            // Theirs is newer than what we had to say.
            context.db.mark_sent(what, &row.entity)?;
            Ok(Some(PreferenceUpdate::Consent(Consent {
                entity: Entity::parse(row.entity_type, &row.entity)?,
                state: row.state,
            })))
        }
        Update::HmacKey(row) => {
            let stored = context.db.preferences()?;
            if stored.as_ref() == Some(&row) {
                if own {
                    context.db.mark_sent(Unsent::HmacKey, "")?;
                }
                return Ok(None);
            }
            if !context.db.apply_hmac_key(&row)? {
                return Ok(None);
            }
            context.db.mark_sent(Unsent::HmacKey, "")?;
            Ok(Some(PreferenceUpdate::HmacKey(row.hmac_key)))
        }
    }
}

/// We were added to a group. If it is one of the own installations among themselves, another one is new: it is to be
/// added to the conversations that are alive and not kept out, and all get a fresh key of push notifications, since
/// the new one has another.
///
/// # Errors
/// [`PreferenceError::Group`], [`PreferenceError::Storage`].
///
/// # Source
/// libxmtp, "new sync group from welcome".
pub fn joined(
    context: &Context<'_>,
    group_id: GroupId,
    fresh_key: impl FnOnce() -> HmacKey,
) -> Result<Vec<PreferenceUpdate>, PreferenceError> {
    if context.row(group_id)?.conversation_type != ConversationType::Sync {
        return Ok(Vec::new());
    }
    let alive = context.db.groups(&GroupQuery {
        active_after_ns: Some(context.now_ns.saturating_sub(ACTIVE_NS)),
        conversation_types: vec![ConversationType::Group, ConversationType::Dm],
        consent_states: vec![ConsentState::Allowed, ConsentState::Unknown],
        include_duplicate_dms: true,
        ..Default::default()
    })?;
    for row in alive {
        context.db.queue_installation_refresh(&row.id)?;
    }
    let known = context.db.preferences()?;
    let newer = known.map_or(0, |row| row.hmac_key_cycled_at_ns.saturating_add(1));
    let row = PreferencesRow {
        hmac_key: fresh_key(),
        // One made by a clock that was ahead must not outlast those after it: the new installation has neither.
        hmac_key_cycled_at_ns: newer.max(context.now_ns),
    };
    if !context.db.apply_hmac_key(&row)? {
        return Ok(Vec::new());
    }
    context.db.mark_unsent(Unsent::HmacKey, "")?;
    Ok(vec![PreferenceUpdate::HmacKey(row.hmac_key)])
}
