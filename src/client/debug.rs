//! The inside of a conversation, for people who look for a fault.

use super::{ClientError, GroupHandle};
use crate::groups::{originator, view};
use crate::storage::{CommitLogRow, CursorKind};

/// How a conversation stands with the node and with its own history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugInfo {
    /// The MLS epoch.
    pub epoch: u64,
    /// A message of an epoch ahead of ours was seen.
    pub maybe_forked: bool,
    /// What was seen then.
    pub fork_details: String,
    /// The commits that were processed, oldest first.
    pub commit_log: Vec<CommitLogRow>,
    /// How far commits and messages were read: originator and the node's number.
    pub cursors: [(u32, u64); 2],
}

impl GroupHandle {
    /// The inside of the conversation.
    ///
    /// # Errors
    /// [`ClientError::Group`], [`ClientError::Storage`].
    pub fn debug_info(&self) -> Result<DebugInfo, ClientError> {
        let inner = self.client().open()?;
        let view = view::group(&inner.context(), self.id())?;
        let id = self.id();
        let cursor = |kind, originator| -> Result<(u32, u64), ClientError> {
            Ok((originator, inner.store.cursor(id.as_bytes(), kind, originator)?))
        };
        Ok(DebugInfo {
            epoch: view.epoch,
            maybe_forked: view.row.maybe_forked,
            fork_details: view.row.fork_details,
            commit_log: inner
                .store
                .commit_log(&id, 0)?
                .into_iter()
                .map(|(_, row)| row)
                .collect(),
            cursors: [
                cursor(CursorKind::CommitMessage, originator::COMMITS)?,
                cursor(CursorKind::ApplicationMessage, originator::MESSAGES)?,
            ],
        })
    }
}
