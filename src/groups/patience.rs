//! How long what refers to identity updates that no node has is waited for.
//!
//! A node may be behind with identity updates; who refers to one has read it from a node. Without a bound, one commit
//! that names an update which never existed would stop a group for ever; without patience, we would refuse what others
//! accept, and part from them.
//!
//! The time is counted in differences alone, of our clock and of the node's: the two need not agree. Each time that
//! something is found missing once more, the time since the last one counts, but for no more than a minute: a clock that
//! is set forward does not end all patience, and one that is set back starts from there. What arrived at the node a
//! little after something that was waited for was waited for as well, so that many of them take no longer than one;
//! and what is followed by something that arrived much later is old.

use super::context::Context;
use crate::storage::{StorageError, WaitRow};

/// How long a node may be behind with identity updates: two minutes, for which libxmtp retries a message.
const PATIENCE_NS: i64 = 2 * 60 * 1_000_000_000;
/// What counts at most between two looks.
const LONGEST_STEP_NS: i64 = 60 * 1_000_000_000;

/// Something that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting<'a> {
    /// Its group, or the installation it welcomes.
    pub(super) entity: &'a [u8],
    /// When the node stored it, by the node's clock.
    pub(super) created_ns: i64,
    /// The newest time of the node that came with it.
    pub(super) newest_ns: i64,
}

impl Waiting<'_> {
    /// Whether there is no sense in waiting any longer.
    pub(super) fn is_hopeless(&self, context: &Context<'_>) -> Result<bool, StorageError> {
        Ok(self.waited_ns(context)? > PATIENCE_NS)
    }

    /// Notes that it was looked for once more, and is not there.
    pub(super) fn note(&self, context: &Context<'_>) -> Result<(), StorageError> {
        let wait = WaitRow {
            created_ns: self.created_ns,
            waited_ns: self.waited_ns(context)?,
            looked_ns: context.now_ns,
        };
        context.db.put_identity_wait(self.entity, &wait)
    }

    fn waited_ns(&self, context: &Context<'_>) -> Result<i64, StorageError> {
        let by_us = context.db.identity_wait(self.entity)?.map_or(0, |last| {
            let step = context.now_ns.saturating_sub(last.looked_ns);
            let later = self.created_ns.saturating_sub(last.created_ns).max(0);
            let waited = last.waited_ns.saturating_add(step.clamp(0, LONGEST_STEP_NS));
            waited.saturating_sub(later).max(0)
        });
        Ok(by_us.max(self.newest_ns.saturating_sub(self.created_ns)))
    }
}
