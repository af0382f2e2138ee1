//! What was read of conversations, for as long as nothing is written: a list shows each of them at once.

use std::collections::HashMap;

use super::{ClientError, Inner};
use crate::groups::{GroupView, view};
use crate::ids::GroupId;
use crate::storage::GroupRow;

/// Views that are true while the database has not changed.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// The number of changes they were read at.
    at: u64,
    of: HashMap<GroupId, GroupView>,
}

impl Inner {
    /// A conversation as it is now.
    pub(super) fn view(&self, group_id: GroupId) -> Result<GroupView, ClientError> {
        let views = self.views.borrow();
        if views.at == self.store.changes_made()
            && let Some(found) = views.of.get(&group_id)
        {
            return Ok(found.clone());
        }
        drop(views);
        Ok(view::group(&self.context(), group_id)?)
    }

    /// Reads many by one query and keeps them for whoever looks at them before anything is written. What does not
    /// decode is left out: looking at it says why.
    pub(super) fn keep_views(&self, rows: &[GroupRow]) -> Result<(), ClientError> {
        let at = self.store.changes_made();
        let views = view::groups(&self.context(), rows.to_vec())?;
        let of = views.into_iter().map(|view| (view.row.id, view)).collect();
        self.views.replace(Views { at, of });
        Ok(())
    }
}
