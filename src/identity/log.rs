//! Identity logs as stored: the state of an inbox at a point of its log.
//!
//! Updates are stored as nodes give them, unverified. A state is only ever made of verified ones, and cached
//! by its sequence id, so each update is verified once.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{AssociationState, ContractAnswers, ContractQuestion, IdentityError, IdentityUpdate, verify};
use crate::ids::InboxId;
use crate::storage::{Db, StorageError};

/// A point in an inbox's identity log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogPosition {
    /// The newest update stored. Stands for sequence id 0, with which a group's creator begins.
    Newest,
    /// Exactly this update.
    At(u64),
}

impl LogPosition {
    /// The position a group membership's number means.
    #[must_use]
    pub fn of(sequence_id: u64) -> Self {
        if sequence_id == 0 {
            Self::Newest
        } else {
            Self::At(sequence_id)
        }
    }
}

/// What the stored log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The state at the position.
    State(AssociationState),
    /// The update at the position is not stored: fetch the log.
    Missing,
    /// Contract wallets must be asked first; put the answers into the store with [`store_answer`].
    Questions(Vec<ContractQuestion>),
    /// The log breaks its own rules: no state can ever come of it.
    Invalid(IdentityError),
}

/// The state of an inbox at a position of its stored log.
///
/// Writes newly computed states to the cache.
///
/// # Errors
/// [`StorageError`] only; everything about the log itself is in [`Resolved`].
pub fn resolve(db: &Db, inbox: InboxId, position: LogPosition) -> Result<Resolved, StorageError> {
    let at = (inbox, position);
    let mut resolved = resolve_all(db, [at])?;
    Ok(resolved.remove(&at).unwrap_or(Resolved::Missing))
}

/// The same of many inboxes and positions: by two statements where the states are cached.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_all(
    db: &Db,
    wanted: impl IntoIterator<Item = (InboxId, LogPosition)>,
) -> Result<BTreeMap<(InboxId, LogPosition), Resolved>, StorageError> {
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    let without_number = wanted.iter().filter(|(_, at)| *at == LogPosition::Newest);
    let newest = db.latest_identity_sequences(without_number.map(|(inbox, _)| inbox))?;
    let target = |(inbox, position): &(InboxId, LogPosition)| match position {
        LogPosition::Newest => newest.get(inbox).copied().unwrap_or(0),
        LogPosition::At(sequence_id) => *sequence_id,
    };
    let mut cached = db.association_states(wanted.iter().map(|at| (at.0, target(at))))?;
    wanted
        .iter()
        .map(|at| {
            let key = (at.0, target(at));
            let cached = cached.remove(&key);
            Ok((*at, state_at(db, key.0, key.1, cached.as_deref())?))
        })
        .collect()
}

/// The state after the update `target`, whether or not it is cached.
fn state_at(db: &Db, inbox: InboxId, target: u64, cached: Option<&[u8]>) -> Result<Resolved, StorageError> {
    if target == 0 {
        return Ok(Resolved::Missing);
    }
    if let Some(state) = cached.and_then(|bytes| AssociationState::from_bytes(bytes).ok()) {
        return Ok(Resolved::State(state));
    }
    let updates = db.identity_updates(&inbox, 0, Some(target))?;
    if updates.last().is_none_or(|newest| newest.sequence_id != target) {
        return Ok(Resolved::Missing);
    }
    let mut verified = Vec::with_capacity(updates.len());
    for row in &updates {
        let update = match IdentityUpdate::from_bytes(&row.payload) {
            Ok(update) => update,
            Err(error) => return Ok(Resolved::Invalid(error)),
        };
        let mut answers = ContractAnswers::none();
        let mut open = Vec::new();
        for question in update.contract_questions() {
            match db.contract_answer(&question_hash(&question))? {
                Some(valid) => answers.insert(question, valid),
                None => open.push(question),
            }
        }
        if !open.is_empty() {
            return Ok(Resolved::Questions(open));
        }
        match verify(&update, &answers) {
            Ok(update) => verified.push(update),
            Err(error) => return Ok(Resolved::Invalid(error)),
        }
    }
    match AssociationState::replay(&verified) {
        Ok(state) if state.inbox_id() == inbox => {
            db.put_association_state(&inbox, target, &state.to_bytes())?;
            Ok(Resolved::State(state))
        }
        Ok(_) => Ok(Resolved::Invalid(IdentityError::WrongInboxId)),
        Err(error) => Ok(Resolved::Invalid(error)),
    }
}

/// Keeps what a chain said. Answers hold for ever: a question names its block.
///
/// # Errors
/// [`StorageError`].
pub fn store_answer(db: &Db, question: &ContractQuestion, valid: bool) -> Result<(), StorageError> {
    db.put_contract_answer(&question_hash(question), valid)
}

/// Names a question in the store.
fn question_hash(question: &ContractQuestion) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [
        question.account_id.as_bytes(),
        &question.signature,
        &question.hash,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(question.block_number.to_be_bytes());
    hash.finalize().into()
}
