//! A group while a batch of its messages is read: loaded once, its ratchets written once.

use std::collections::btree_map::Entry;

use crate::groups::context::Context;
use crate::groups::error::GroupError;
use crate::groups::inbound::IdentityStates;
use crate::groups::membership::GroupMembership;
use crate::groups::originator;
use crate::groups::states::{self, States};
use crate::identity::LogPosition;
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::mls::Group;
use crate::storage::{CursorKind, Db, GroupRow, StorageError};

/// The loaded group, with what was done to it in memory and is not stored yet.
pub(super) struct Reader<'e> {
    pub(super) group: Group,
    /// What is stored of it, as of its last commit.
    pub(super) row: GroupRow,
    /// When the newest message of the batch was sent that makes its conversation the one with the newest.
    pub(super) newest_listed_ns: Option<i64>,
    /// Accepted application messages whose keys are consumed in memory alone.
    unsaved: Vec<&'e [u8]>,
    pub(super) speakers: Speakers,
}

impl<'e> Reader<'e> {
    pub(super) fn load(context: &Context<'_>, row: GroupRow) -> Result<Self, GroupError> {
        Ok(Self {
            group: context.load(row.id)?,
            row,
            newest_listed_ns: None,
            unsaved: Vec::new(),
            speakers: Speakers::default(),
        })
    }

    /// Notes an accepted application message.
    pub(super) fn accepted(&mut self, message: &'e [u8]) {
        self.unsaved.push(message);
    }

    /// Stores what is in memory alone.
    pub(super) fn save(&mut self, context: &Context<'_>) -> Result<(), GroupError> {
        if !self.unsaved.is_empty() {
            self.group.save_secrets(&context.provider())?;
            self.unsaved.clear();
        }
        Ok(())
    }

    /// Stores what is in memory alone. Answers the group, as it is stored now.
    pub(super) fn finish(mut self, context: &Context<'_>) -> Result<Group, GroupError> {
        self.save(context)?;
        if let Some(newest_ns) = self.newest_listed_ns {
            context.db.advance_last_message(&self.row.id, newest_ns)?;
        }
        Ok(self.group)
    }

    /// The group as it was before an envelope that touched it and was refused: what is stored, and the accepted
    /// messages since then once more. Each is read twice at most, however many are refused, if the caller
    /// [saves](Self::save) after this.
    pub(super) fn restore(&mut self, context: &Context<'_>) -> Result<(), GroupError> {
        self.group = context.load(self.group.id())?;
        for message in &self.unsaved {
            self.group
                .process(&context.provider().deferring_secrets(), message)
                // it was accepted from this very state
                .map_err(|_| GroupError::Corrupt("MLS state"))?;
        }
        Ok(())
    }
}

/// Who may speak for whom, remembered for one transaction.
#[derive(Default)]
pub(super) struct Speakers {
    /// The membership, with the epoch it is of.
    membership: Option<(u64, GroupMembership)>,
    installations: IdentityStates,
}

impl Speakers {
    /// Whether an installation is one of an inbox's at the update that the group reflects.
    pub(super) fn check(
        &mut self,
        context: &Context<'_>,
        group: &Group,
        (inbox_id, installation_id): (InboxId, InstallationId),
    ) -> Result<Standing, GroupError> {
        if self.membership.as_ref().map(|(epoch, _)| *epoch) != Some(group.epoch()) {
            let membership = GroupMembership::decode(group.context().membership.as_deref())?;
            self.membership = Some((group.epoch(), membership));
        }
        let members = self
            .membership
            .as_ref()
            .map(|(_, membership)| &membership.members);
        let Some(sequence_id) = members.and_then(|members| members.get(&inbox_id)) else {
            return Ok(Standing::None);
        };
        let at = (inbox_id, LogPosition::of(*sequence_id));
        let installations = match self.installations.entry(at) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let mut states = states::load(context, &[at].into())?;
                match states.known.remove(&at) {
                    Some(installations) if states.is_complete() => unknown.insert(installations),
                    _ => return Ok(Standing::Unknown(states)),
                }
            }
        };
        Ok(if installations.contains(&installation_id) {
            Standing::Installation
        } else {
            Standing::None
        })
    }
}

/// What a leaf is to the inbox it names.
pub(super) enum Standing {
    /// One of its installations.
    Installation,
    /// Nothing, or the inbox is no member.
    None,
    /// These must be known first.
    Unknown(States),
}

/// How far a group has been read, kept in memory within a transaction and stored at its end.
pub(super) struct Cursors {
    group_id: GroupId,
    /// Stored and reached: commits, messages.
    positions: [(CursorKind, u32, u64, u64); 2],
}

impl Cursors {
    pub(super) fn load(db: &Db, group_id: GroupId) -> Result<Self, StorageError> {
        let kinds = [
            (CursorKind::CommitMessage, originator::COMMITS),
            (CursorKind::ApplicationMessage, originator::MESSAGES),
        ];
        let mut positions = kinds.map(|(kind, originator)| (kind, originator, 0, 0));
        for (kind, originator, stored, reached) in &mut positions {
            *stored = db.cursor(group_id.as_bytes(), *kind, *originator)?;
            *reached = *stored;
        }
        Ok(Self { group_id, positions })
    }

    /// How far commits, or everything else, were read.
    pub(super) fn get(&self, is_commit: bool) -> u64 {
        let [(.., commits), (.., messages)] = self.positions;
        if is_commit { commits } else { messages }
    }

    pub(super) fn advance(&mut self, is_commit: bool, sequence_id: u64) {
        let [(.., commits), (.., messages)] = &mut self.positions;
        let reached = if is_commit { commits } else { messages };
        *reached = sequence_id.max(*reached);
    }

    pub(super) fn save(&self, db: &Db) -> Result<(), StorageError> {
        for (kind, originator, stored, reached) in self.positions {
            if reached > stored {
                db.advance_cursor(self.group_id.as_bytes(), kind, originator, reached)?;
            }
        }
        Ok(())
    }
}
