//! The list and the records of consent, which are one truth: entries become records by the rule for what comes from
//! elsewhere, and decisions made here become entries by the rules of the list.

use std::collections::BTreeMap;

use sha3::{Digest as _, Keccak256};

use super::action::{Action, Listed, Subject};
use super::fold::{Entry, List};
use super::rules;
use crate::groups::Context;
use crate::identity::Address;
use crate::ids::InboxId;
use crate::preferences::{Consent, Entity, PreferenceError, consent};
use crate::storage::{ConsentEntity, ConsentRow, ConsentState, IdentifierKind, Unsent};

/// The latest time of an entry that counts: the year 2116. One from the end of time could never be superseded.
const LATEST_NS: i64 = 1 << 62;

/// How many values one action lists: less than half of what a node takes as one message.
const VALUES_PER_ACTION: usize = 4_096;

/// What is to be written to the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// What it says.
    pub action: Action,
    /// When that was decided, which is the time of its envelope.
    pub written_ns: u64,
    /// The notes it takes care of.
    pub notes: Vec<ConsentRow>,
}

/// The addresses of which a list speaks, or about which something was decided, and whose inbox is not known here.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn unknown_addresses(context: &Context<'_>, list: &List) -> Result<Vec<Address>, PreferenceError> {
    let mut addresses: Vec<Address> = list
        .iter()
        .filter(|(subject, ..)| *subject == Subject::Address)
        .filter_map(|(_, value, _)| Address::parse(value).ok())
        .collect();
    for row in context.db.consent_records()? {
        if row.entity_type == ConsentEntity::Address {
            addresses.extend(Address::parse(&row.entity).ok());
        }
    }
    addresses.sort();
    addresses.dedup();
    let mut unknown = Vec::new();
    for address in addresses {
        if consent::inbox_of(context, &address)?.is_none() {
            unknown.push(address);
        }
    }
    Ok(unknown)
}

/// Remembers whose an address is. What was decided about the address is about the inbox from now on; answers what that
/// changed.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn learn(
    context: &Context<'_>,
    address: &Address,
    inbox_id: InboxId,
) -> Result<Option<Consent>, PreferenceError> {
    let text = address.as_str();
    context
        .db
        .put_identifier_inbox(IdentifierKind::Ethereum, text, &inbox_id, context.now_ns)?;
    let Some(known) = context.db.consent_record(ConsentEntity::Address, text)? else {
        return Ok(None);
    };
    context.db.delete_address_consent(text)?;
    take(
        context,
        Entity::Inbox(inbox_id),
        known.state,
        known.consented_at_ns,
    )
}

/// Takes over what a list says, where it is newer than what is known here. Answers what that changed; the own other
/// installations are to be told. Entries that name nothing are passed over.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn apply(context: &Context<'_>, list: &List) -> Result<Vec<Consent>, PreferenceError> {
    let mut changed = Vec::new();
    for (subject, value, entry) in list.iter() {
        let Some(entity) = entity(subject, value) else {
            continue;
        };
        let entity = match entity {
            Entity::Address(address) => match consent::inbox_of(context, &address)? {
                Some(inbox_id) => Entity::Inbox(inbox_id),
                None => Entity::Address(address),
            },
            entity => entity,
        };
        let Ok(written_ns) = i64::try_from(entry.written_ns) else {
            continue;
        };
        if written_ns <= LATEST_NS {
            changed.extend(take(context, entity, entry.state.into(), written_ns)?);
        }
    }
    Ok(changed)
}

/// One record from elsewhere.
fn take(
    context: &Context<'_>,
    entity: Entity,
    state: ConsentState,
    consented_at_ns: i64,
) -> Result<Option<Consent>, PreferenceError> {
    let row = ConsentRow {
        entity_type: entity.kind(),
        entity: entity.text(),
        state,
        consented_at_ns,
    };
    let is_new = context.db.apply_synced_consent(&row)?;
    if is_new && row.entity_type != ConsentEntity::Address {
        context
            .db
            .mark_unsent(Unsent::Consent(row.entity_type), &row.entity)?;
    }
    Ok(is_new.then_some(Consent { entity, state }))
}

/// What of the decisions noted here is to be written to a list that says this. Notes that the rules of the list do not let
/// through, and those that the list knows better, are crossed out.
///
/// # Errors
/// [`PreferenceError::Storage`].
pub fn due(context: &Context<'_>, list: &List) -> Result<Vec<Publication>, PreferenceError> {
    let mut due: BTreeMap<(u64, Subject, bool), Vec<(String, ConsentRow)>> = BTreeMap::new();
    for (note, occasion) in context.db.unpublished_consent()? {
        let (subject, value) = spelled(&note);
        let listed = list.get(subject, &value);
        let wanted = match note.state {
            ConsentState::Allowed => Some(Listed::Allowed),
            ConsentState::Denied => Some(Listed::Denied),
            ConsentState::Unknown => None,
        };
        let written_ns = u64::try_from(note.consented_at_ns).unwrap_or_default();
        let is_newer = listed.is_none_or(|entry: Entry| entry.written_ns < written_ns);
        let update =
            wanted.and_then(|wanted| rules::update(listed.map(|entry| entry.state), occasion, wanted));
        match update {
            Some(state) if is_newer && written_ns > 0 => due
                .entry((written_ns, subject, state == Listed::Denied))
                .or_default()
                .push((value, note)),
            _ => context.db.mark_listed(&note)?,
        }
    }
    let mut publications = Vec::new();
    for ((written_ns, subject, is_denied), items) in due {
        for items in items.chunks(VALUES_PER_ACTION) {
            publications.push(Publication {
                action: Action {
                    subject,
                    state: if is_denied {
                        Listed::Denied
                    } else {
                        Listed::Allowed
                    },
                    values: items.iter().map(|(value, _)| value.clone()).collect(),
                },
                written_ns,
                notes: items.iter().map(|(_, note)| note.clone()).collect(),
            });
        }
    }
    Ok(publications)
}

/// A record as the list names it.
fn spelled(row: &ConsentRow) -> (Subject, String) {
    match row.entity_type {
        ConsentEntity::Conversation => (Subject::Group, row.entity.clone()),
        ConsentEntity::Inbox => (Subject::Inbox, row.entity.clone()),
        ConsentEntity::Address => (Subject::Address, checksummed(&row.entity)),
    }
}

/// An entry as records name it; `None` for what is no id and no address.
fn entity(subject: Subject, value: &str) -> Option<Entity> {
    let kind = match subject {
        Subject::Address => ConsentEntity::Address,
        Subject::Group => ConsentEntity::Conversation,
        Subject::Inbox => ConsentEntity::Inbox,
    };
    Entity::parse(kind, value).ok()
}

impl From<Listed> for ConsentState {
    fn from(listed: Listed) -> Self {
        match listed {
            Listed::Allowed => ConsentState::Allowed,
            Listed::Denied => ConsentState::Denied,
        }
    }
}

/// An address with the capitals of EIP-55, as V2 peers write and look it up.
#[must_use]
pub fn checksummed(address: &str) -> String {
    let lower = address.to_ascii_lowercase();
    let digits = lower.strip_prefix("0x").unwrap_or(&lower);
    let hash = hex::encode(Keccak256::digest(digits.as_bytes()));
    let capitals = digits.chars().zip(hash.bytes()).map(|(digit, nibble)| {
        // hex digits from 8 on
        if nibble >= b'8' {
            digit.to_ascii_uppercase()
        } else {
            digit
        }
    });
    format!("0x{}", capitals.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of EIP-55.
    #[test]
    fn addresses_are_written_with_their_checksum() {
        for address in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert_eq!(checksummed(&address.to_lowercase()), address);
        }
    }
}
