//! What the live connection brought and nobody has asked for since.
//!
//! A node's live feed can leave a message out for good: it follows one number for all groups, and passes a message that
//! is committed late under a lower number than one of another group. Asking never does, since within a group numbers
//! are in the order of commits. Nothing of it shows in what comes after, for numbers have gaps. So commits, on which
//! everything after them depends, are read by asking alone, and so is what is of an epoch to come; other messages are
//! read as they come, and what came is asked for once more a little later, for what was left out. From where to ask is
//! stored with what came, so that an app that ends before that asks when it is opened again; which messages it had read
//! is not: one that is read already does not decrypt any more, and leaves no trace.
//!
//! # Source
//! xmtp-node-go (`pkg/mls/api/v1/worker.go`; one lock per group for inserts, none across groups); libxmtp, whose streams
//! take no commits and move no cursor.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use super::streams::tolerate;
use super::sync::PARALLEL;
use super::{ClientError, Inner};
use crate::groups::inbound::Envelope;
use crate::ids::GroupId;
use crate::storage::{Db, StorageError};

/// How long after something came live its group is asked for: what comes meanwhile is confirmed with it.
pub(super) const CONFIRM_AFTER: Duration = Duration::from_secs(60);

/// What came live, by group.
#[derive(Debug, Default)]
pub(super) struct Unconfirmed(RefCell<HashMap<GroupId, Rc<Brought>>>);

/// What came live in a group after the last message that is certain to have nothing missing before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Brought {
    after: u64,
    last: u64,
    /// Those that are known to have been processed.
    ids: BTreeSet<u64>,
}

impl Brought {
    /// From where to ask, so that nothing is left out.
    pub(super) fn after(&self) -> u64 {
        self.after
    }

    /// Whether a message was processed when it came.
    pub(super) fn has(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }
}

impl Unconfirmed {
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn has(&self, group_id: GroupId) -> bool {
        self.0.borrow().contains_key(&group_id)
    }

    pub(super) fn of(&self, group_id: GroupId) -> Option<Rc<Brought>> {
        self.0.borrow().get(&group_id).cloned()
    }

    fn groups(&self) -> Vec<GroupId> {
        self.0.borrow().keys().copied().collect()
    }

    /// What was not asked for when the client was last closed.
    pub(super) fn recall(&self, db: &Db) -> Result<(), StorageError> {
        let stored = db.unconfirmed()?.into_iter().map(|(group_id, after, last)| {
            let ids = BTreeSet::new();
            (group_id, Rc::new(Brought { after, last, ids }))
        });
        self.0.borrow_mut().extend(stored);
        Ok(())
    }

    /// Stores from where to ask, with the messages that came. To be [noted](Self::note) once that is written.
    pub(super) fn store(&self, db: &Db, group_id: GroupId, came: &Came) -> Result<(), StorageError> {
        if came.ids.is_empty() || self.has(group_id) {
            return Ok(());
        }
        db.note_unconfirmed(&group_id, came.after)
    }

    /// These were processed as they came.
    pub(super) fn note(&self, group_id: GroupId, came: Came) {
        let Some(last) = came.ids.last().copied() else {
            return;
        };
        let mut groups = self.0.borrow_mut();
        let brought = groups.entry(group_id).or_insert_with(|| {
            Rc::new(Brought {
                after: came.after,
                ..Default::default()
            })
        });
        let brought = Rc::make_mut(brought);
        brought.last = brought.last.max(last);
        brought.ids.extend(came.ids);
    }

    /// Everything up to this message was asked for and processed.
    pub(super) fn confirm(&self, db: &Db, group_id: GroupId, up_to: u64) -> Result<(), StorageError> {
        let mut groups = self.0.borrow_mut();
        let Some(brought) = groups.get_mut(&group_id) else {
            return Ok(());
        };
        if brought.last <= up_to {
            db.confirm(&group_id, None)?;
            groups.remove(&group_id);
        } else if brought.after < up_to {
            db.confirm(&group_id, Some(up_to))?;
            let brought = Rc::make_mut(brought);
            brought.ids = brought.ids.split_off(&up_to.saturating_add(1));
            brought.after = up_to;
        }
        Ok(())
    }
}

/// What came live and was processed.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// Up to where the group was read before.
    after: u64,
    ids: Vec<u64>,
}

impl Came {
    /// In a group that was read up to `after` before; `None`: they were asked for.
    pub(super) fn of(after: Option<u64>, processed: &[Envelope]) -> Self {
        let Some(after) = after else {
            return Self::default();
        };
        let ids = processed.iter().map(|envelope| envelope.sequence_id);
        let ids = ids.filter(|id| after < *id).collect();
        Self { after, ids }
    }
}

impl Inner {
    /// Asks for what came live, for what was left out. Groups in which something is just being done have their turn the
    /// next time.
    pub(super) async fn confirm_live(&self) -> Result<(), ClientError> {
        let confirm = |group_id| async move {
            let lock = self.lock_of(group_id);
            match lock.try_lock() {
                Some(_guard) => tolerate(self.receive_locked(group_id).await).map(|_| ()),
                None => Ok(()),
            }
        };
        let groups = self.live.unconfirmed.groups();
        let mut outcomes = stream::iter(groups.into_iter().map(confirm)).buffered(PARALLEL);
        while let Some(outcome) = outcomes.next().await {
            outcome?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Store, StoreOptions};

    const GROUP: GroupId = GroupId::new([1; 16]);

    fn came(after: u64, ids: &[u64]) -> Came {
        Came {
            after,
            ids: ids.to_vec(),
        }
    }

    #[test]
    fn what_came_is_confirmed_as_far_as_it_was_asked_for() {
        let store = Store::open(StoreOptions::memory()).expect("memory");
        let unconfirmed = Unconfirmed::default();
        let confirm = |up_to| unconfirmed.confirm(&store, GROUP, up_to).expect("stored");
        unconfirmed.note(GROUP, came(3, &[]));
        assert!(unconfirmed.is_empty());
        unconfirmed.note(GROUP, came(3, &[5]));
        unconfirmed.note(GROUP, came(5, &[8, 9]));
        let brought = unconfirmed.of(GROUP).expect("noted");
        assert_eq!(brought.after(), 3, "nothing was asked for since");
        assert!(brought.has(8) && !brought.has(7));
        confirm(7);
        let brought = unconfirmed.of(GROUP).expect("not all of it");
        assert_eq!(
            (brought.after(), brought.has(5), brought.has(9)),
            (7, false, true)
        );
        confirm(6);
        assert_eq!(unconfirmed.of(GROUP).expect("nothing new").after(), 7);
        confirm(9);
        assert!(!unconfirmed.has(GROUP));
    }
}
