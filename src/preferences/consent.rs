//! Decisions about conversations and inboxes.
//!
//! A conversation and an inbox have a record each; neither follows from the other. Without a record the state is
//! unknown. An address is another name for its inbox; it has a record of its own only while its inbox is not known.

use super::error::PreferenceError;
use crate::groups::Context;
use crate::identity::Address;
use crate::ids::{GroupId, InboxId};
use crate::storage::{ConsentEntity, ConsentRow, ConsentState, IdentifierKind, Occasion};

/// What is decided about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// A conversation.
    Conversation(GroupId),
    /// A person.
    Inbox(InboxId),
    /// A person by their wallet.
    Address(Address),
}

impl Entity {
    /// Reads an entity from hex of either case; an address begins with `0x`.
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
            ConsentEntity::Address => {
                let expected = "wallet (0x and 40 hex digits)";
                Entity::Address(Address::parse(text).map_err(|_| PreferenceError::Entity { expected })?)
            }
        })
    }

    /// The kind of it, as records name it.
    #[must_use]
    pub fn kind(&self) -> ConsentEntity {
        match self {
            Entity::Conversation(_) => ConsentEntity::Conversation,
            Entity::Inbox(_) => ConsentEntity::Inbox,
            Entity::Address(_) => ConsentEntity::Address,
        }
    }

    /// The id, as records write it: lower-case hex.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Entity::Conversation(id) => id.to_string(),
            Entity::Inbox(id) => id.to_string(),
            Entity::Address(address) => address.as_str().to_owned(),
        }
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// About what.
    pub entity: Entity,
    /// What was decided.
    pub state: ConsentState,
}

/// Stores decisions made here, to be told to the own other installations and to the list of XIP-42. A decision about one
/// group of a direct message is one about all of them. Answers those that changed something.
///
/// # Errors
/// [`PreferenceError::Storage`].
///
/// # Source
/// libxmtp, `set_consent_states`: a call replaces whatever is stored.
pub fn decide(context: &Context<'_>, decisions: &[Consent]) -> Result<Vec<Consent>, PreferenceError> {
    let mut changed = Vec::new();
    for decision in decisions {
        changed.extend(record(context, decision, Occasion::Decided)?);
    }
    Ok(changed)
}

/// Stores what an app decided before it knew these records. It counts where nothing is known. Answers what that changed.
///
/// # Errors
/// [`PreferenceError::Storage`].
///
/// # Source
/// XIP-42, the third of its rules.
pub fn import(context: &Context<'_>, decisions: &[Consent]) -> Result<Vec<Consent>, PreferenceError> {
    let mut changed = Vec::new();
    for decision in decisions {
        if state(context, &decision.entity)? == ConsentState::Unknown {
            changed.extend(record(context, decision, Occasion::Legacy)?);
        }
    }
    Ok(changed)
}

fn record(
    context: &Context<'_>,
    decision: &Consent,
    occasion: Occasion,
) -> Result<Vec<Consent>, PreferenceError> {
    let (state, db) = (decision.state, context.db);
    let mut changed = Vec::new();
    for entity in stitched(context, &decision.entity)? {
        let (row, is_new) = db.decide_consent(entity.kind(), &entity.text(), state, context.now_ns)?;
        // The list is told of an address what was said of an address.
        let note = match &decision.entity {
            Entity::Address(address) => ConsentRow {
                entity_type: ConsentEntity::Address,
                entity: address.as_str().to_owned(),
                ..row
            },
            _ => row,
        };
        db.note_unpublished(&note, occasion)?;
        if is_new {
            changed.push(Consent { entity, state });
        }
    }
    Ok(changed)
}

/// The inbox of an address, as far as it was asked for.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn inbox_of(context: &Context<'_>, address: &Address) -> Result<Option<InboxId>, PreferenceError> {
    let known = context
        .db
        .identifier_inbox(IdentifierKind::Ethereum, address.as_str())?;
    Ok(known.map(|(inbox_id, _)| inbox_id))
}

/// What is decided about an entity now.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn state(context: &Context<'_>, entity: &Entity) -> Result<ConsentState, PreferenceError> {
    let entity = known(context, entity)?;
    Ok(context.db.consent_state(entity.kind(), &entity.text())?)
}

/// What has the record: the inbox of an address whose inbox is known, else the entity itself.
fn known(context: &Context<'_>, entity: &Entity) -> Result<Entity, PreferenceError> {
    Ok(match entity {
        Entity::Address(address) => inbox_of(context, address)?.map_or_else(|| entity.clone(), Entity::Inbox),
        entity => entity.clone(),
    })
}

/// All groups of the direct message that an entity is a group of, or what has the record.
fn stitched(context: &Context<'_>, entity: &Entity) -> Result<Vec<Entity>, PreferenceError> {
    if let Entity::Conversation(group_id) = entity
        && let Some(dm_id) = context.db.group(group_id)?.and_then(|row| row.dm_id)
    {
        let groups = context.db.dm_groups(&dm_id)?;
        return Ok(groups
            .into_iter()
            .map(|row| Entity::Conversation(row.id))
            .collect());
    }
    Ok(vec![known(context, entity)?])
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
