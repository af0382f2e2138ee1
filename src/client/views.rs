//! What was read of conversations, for as long as nothing is written: a list shows each of them at once.

use std::collections::HashMap;

use super::{ClientError, Inner};
use crate::groups::{GroupView, KnownView, view};
use crate::ids::GroupId;
use crate::storage::GroupRow;

/// How many views are kept that the latest list did not show.
const EARLIER: usize = 1_000;

/// Views by their group, each with the number of changes to the database it was read at. Those of now are true; of
/// earlier ones only what was decoded is used, where it is stored unchanged.
#[derive(Debug, Default)]
pub(super) struct Views {
    of: HashMap<GroupId, (u64, KnownView)>,
}

impl Inner {
    /// A conversation as it is now.
    pub(super) fn view(&self, group_id: GroupId) -> Result<GroupView, ClientError> {
        let now = self.store.changes_made();
        if let Some((at, known)) = self.views.borrow().of.get(&group_id)
            && *at == now
        {
            return Ok(known.view.clone());
        }
        Ok(view::group(&self.context(), group_id)?)
    }

    /// Reads many by one query and keeps them for whoever looks at them before anything is written. What does not
    /// decode is left out: looking at it says why.
    pub(super) fn keep_views(&self, rows: &[GroupRow]) -> Result<(), ClientError> {
        let at = self.store.changes_made();
        let of = &mut self.views.borrow_mut().of;
        let views = view::groups(&self.context(), rows.to_vec(), |id| {
            of.remove(id).map(|(_, known)| known)
        })?;
        if of.len() > EARLIER {
            of.clear();
        }
        of.extend(views.into_iter().map(|known| (known.view.row.id, (at, known))));
        Ok(())
    }
}
