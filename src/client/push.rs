//! What a push server is told, so that it does not wake a person for what they said themselves.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{ClientError, Conversations, GroupHandle, Inner, ListOptions};
use crate::groups::push;
use crate::ids::GroupId;

/// A key by which a group's messages of one window of 30 days are known to be the own inbox's.
#[derive(Clone, PartialEq, Eq)]
pub struct PushKey {
    /// The window, counted from the Unix epoch. Unrelated to MLS epochs.
    pub epoch: i64,
    /// HMAC-SHA-256 with it over a message's payload is the payload's `sender_hmac`.
    pub key: Zeroizing<[u8; 42]>,
}

impl std::fmt::Debug for PushKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushKey").field("epoch", &self.epoch).finish()
    }
}

/// The windows whose keys are handed out, from the current one.
const WINDOWS: std::ops::RangeInclusive<i64> = -1..=1;

impl Conversations {
    /// The keys of every conversation that is not denied: by group, all groups of a direct message, three windows
    /// each. Empty before the own root key is made or received.
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn hmac_keys(&self) -> Result<BTreeMap<GroupId, Vec<PushKey>>, ClientError> {
        let every = ListOptions {
            include_duplicate_dms: true,
            ..Default::default()
        };
        let groups = self.list(&every)?.iter().map(GroupHandle::id).collect();
        self.client().open()?.push_keys(groups)
    }
}

impl GroupHandle {
    /// The keys of this conversation, as [`Conversations::hmac_keys`].
    ///
    /// # Errors
    /// [`ClientError::Storage`].
    pub fn hmac_keys(&self) -> Result<BTreeMap<GroupId, Vec<PushKey>>, ClientError> {
        let inner = self.client().open()?;
        inner.push_keys(self.stitched(inner)?)
    }
}

impl Inner {
    fn push_keys(&self, groups: Vec<GroupId>) -> Result<BTreeMap<GroupId, Vec<PushKey>>, ClientError> {
        let Some(root) = self.store.preferences()? else {
            return Ok(BTreeMap::new());
        };
        let current = push::epoch(self.now_ns());
        let keys_of = |group_id| {
            WINDOWS
                .map(|offset| PushKey {
                    epoch: current + offset,
                    key: push::key(&root.hmac_key, group_id, current + offset),
                })
                .collect()
        };
        Ok(groups
            .into_iter()
            .map(|group_id| (group_id, keys_of(group_id)))
            .collect())
    }
}
