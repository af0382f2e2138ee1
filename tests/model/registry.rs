//! What the identity logs say, written down by those who changed them.

use std::collections::{BTreeMap, BTreeSet};

use xmtp_web::ids::{InboxId, InstallationId};

use crate::support::World;

/// The installations of every inbox after each update of its log.
#[derive(Debug, Default)]
pub(crate) struct Registry(BTreeMap<InboxId, Vec<(u64, BTreeSet<InstallationId>)>>);

impl Registry {
    /// Notes that an inbox has these installations from its newest update on.
    pub(crate) async fn note(
        &mut self,
        world: &World,
        inbox: InboxId,
        change: impl FnOnce(&mut BTreeSet<InstallationId>),
    ) {
        let log = world
            .api()
            .identity_updates(&[(inbox, 0)])
            .await
            .expect("answers");
        let newest = log.last().expect("registered").sequence_id;
        let history = self.0.entry(inbox).or_default();
        let mut installations = history.last().map(|(_, set)| set.clone()).unwrap_or_default();
        change(&mut installations);
        history.push((newest, installations));
    }

    /// The installations of an inbox at an update; `None`: there was none.
    pub(crate) fn at(&self, inbox: InboxId, update: u64) -> Option<&BTreeSet<InstallationId>> {
        let history = self.0.get(&inbox)?;
        let (_, installations) = history.iter().rev().find(|(number, _)| *number <= update)?;
        Some(installations)
    }

    pub(crate) fn newest(&self, inbox: InboxId) -> u64 {
        self.0[&inbox].last().expect("registered").0
    }
}
