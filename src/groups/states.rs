//! The identity states that an operation needs, as far as they are stored.

use std::collections::BTreeSet;

use super::context::Context;
use super::error::GroupError;
use super::inbound::IdentityStates;
use crate::identity::{ContractQuestion, LogPosition, Resolved, resolve_all};
use crate::ids::InboxId;

/// What is known of the states asked for, and what must be fetched for the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// Installations by inbox and position. An inbox whose log is invalid has none.
    pub known: IdentityStates,
    /// Inboxes whose logs must be fetched.
    pub missing: BTreeSet<InboxId>,
    /// Contract wallets that must be asked.
    pub questions: Vec<ContractQuestion>,
}

impl States {
    /// Whether nothing is left to fetch or ask.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.questions.is_empty()
    }
}

/// Looks up the states at these positions.
///
/// # Errors
/// [`GroupError::Storage`].
pub(super) fn load(
    context: &Context<'_>,
    needed: &BTreeSet<(InboxId, LogPosition)>,
) -> Result<States, GroupError> {
    let mut states = States::default();
    for (at, resolved) in resolve_all(context.db, needed.iter().copied())? {
        match resolved {
            Resolved::State(state) => {
                states
                    .known
                    .insert(at, state.installations().into_iter().collect());
            }
            Resolved::Missing => {
                states.missing.insert(at.0);
            }
            Resolved::Questions(questions) => states.questions.extend(questions),
            Resolved::Invalid(_) => {
                states.known.insert(at, BTreeSet::new());
            }
        }
    }
    Ok(states)
}
