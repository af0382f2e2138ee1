//! Decisions about conversations and inboxes.
//!
//! A conversation and an inbox have a record each; neither follows from the other. Without a record the state is
//! unknown.

use super::error::PreferenceError;
use crate::groups::Context;
use crate::ids::{GroupId, InboxId};
use crate::storage::{ConsentEntity, ConsentState};

/// What is decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// A conversation.
    Conversation(GroupId),
    /// A person.
    Inbox(InboxId),
}

impl Entity {
    /// Reads an entity from hex of either case.
    ///
    /// # Errors
    /// [`PreferenceError::Entity`] for anything that is no id of that kind.
    pub fn parse(kind: ConsentEntity, text: &str) -> Result<Self, PreferenceError> {
        let wrong = |expected| move |_| PreferenceError::Entity { expected };
        Ok(match kind {
            ConsentEntity::Conversation => {
                Entity::Conversation(text.parse().map_err(wrong("conversation (32 hex characters)"))?)
            }
            ConsentEntity::Inbox => Entity::Inbox(text.parse().map_err(wrong("inbox (64 hex characters)"))?),
        })
    }

    /// The kind of it, as records name it.
    #[must_use]
    pub const fn kind(&self) -> ConsentEntity {
        match self {
            Entity::Conversation(_) => ConsentEntity::Conversation,
            Entity::Inbox(_) => ConsentEntity::Inbox,
        }
    }

    /// The id, as records write it: lower-case hex.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Entity::Conversation(id) => id.to_string(),
            Entity::Inbox(id) => id.to_string(),
        }
    }
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// About what.
    pub entity: Entity,
    /// What was decided.
    pub state: ConsentState,
}

/// Stores decisions made here, to be told to the own other installations. A decision about one group of a direct
/// message is one about all of them. Answers those that changed something.
///
/// # Errors
/// [`PreferenceError::Storage`].
///
/// # Source
/// libxmtp, `set_consent_states`: a call replaces whatever is stored.
pub fn decide(context: &Context<'_>, decisions: &[Consent]) -> Result<Vec<Consent>, PreferenceError> {
    let mut changed = Vec::new();
    for decision in decisions {
        for entity in stitched(context, decision.entity)? {
            let is_new =
                context
                    .db
                    .decide_consent(entity.kind(), &entity.text(), decision.state, context.now_ns)?;
            if is_new {
                changed.push(Consent { entity, ..*decision });
            }
        }
    }
    Ok(changed)
}

/// What is decided about an entity now.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn state(context: &Context<'_>, entity: &Entity) -> Result<ConsentState, PreferenceError> {
    Ok(context.db.consent_state(entity.kind(), &entity.text())?)
}

/// All groups of the direct message that an entity is a group of, or the entity alone.
fn stitched(context: &Context<'_>, entity: Entity) -> Result<Vec<Entity>, PreferenceError> {
    if let Entity::Conversation(group_id) = entity
        && let Some(dm_id) = context.db.group(&group_id)?.and_then(|row| row.dm_id)
    {
        let groups = context.db.dm_groups(&dm_id)?;
        return Ok(groups
            .into_iter()
            .map(|row| Entity::Conversation(row.id))
            .collect());
    }
    Ok(vec![entity])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_ids_in_hex_of_either_case() {
        let id = "AB".repeat(16);
        let entity = Entity::parse(ConsentEntity::Conversation, &id).expect("a group id");
        assert_eq!(entity.text(), id.to_lowercase());
        assert_eq!(entity.kind(), ConsentEntity::Conversation);
        let id = "0c".repeat(32);
        let entity = Entity::parse(ConsentEntity::Inbox, &id).expect("an inbox id");
        assert_eq!((entity.text(), entity.kind()), (id, ConsentEntity::Inbox));
    }

    #[test]
    fn anything_else_is_refused() {
        for (kind, text) in [
            (ConsentEntity::Conversation, "0c".repeat(32)),
            (ConsentEntity::Inbox, "0c".repeat(16)),
            (ConsentEntity::Inbox, "0x".to_owned() + &"0c".repeat(31)),
            (ConsentEntity::Conversation, String::new()),
        ] {
            let refused = Entity::parse(kind, &text);
            assert!(matches!(refused, Err(PreferenceError::Entity { .. })), "{text}");
        }
    }
}
