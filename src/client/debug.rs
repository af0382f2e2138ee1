//! The inside of a conversation, for people who look for a fault.

use super::{ClientError, GroupHandle};
use crate::groups::forks::{PublishedCommit, PublishedLog};
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

/// What members published of a conversation's commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedHistory {
    /// The commits, oldest first, as far as they count.
    pub commits: Vec<PublishedCommit>,
    /// Whether they led elsewhere than ours. `None`: there is no commit that both know.
    pub is_forked: Option<bool>,
}

/// How many pages of a published log are read.
const PAGES: usize = 50;

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

    /// Reads what members published of the conversation's commits, and compares it with what came of them here.
    ///
    /// # Errors
    /// [`ClientError::Group`], [`ClientError::Storage`], [`ClientError::Transport`].
    pub async fn published_history(&self) -> Result<PublishedHistory, ClientError> {
        let inner = self.client().ready()?;
        let id = self.id();
        let mut log = PublishedLog::new(id, &view::group(&inner.context(), id)?.metadata);
        let mut after = 0;
        for _ in 0..PAGES {
            let pages = inner.api.query_commit_log(&[(id, after)]).await?;
            let mut next = None;
            for page in pages {
                next = page.next;
                for row in page.items {
                    log.take(&row.entry, &row.signature, &row.public_key);
                }
            }
            match next {
                Some(cursor) => after = cursor,
                None => break,
            }
        }
        let ours = inner.store.commit_log(&id, 0)?;
        let ours: Vec<_> = ours.into_iter().map(|(_, row)| row).collect();
        Ok(PublishedHistory {
            is_forked: log.is_forked(&ours),
            commits: log.commits().to_vec(),
        })
    }
}
