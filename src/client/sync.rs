//! What others said and did, in.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::rc::Rc;

use futures::StreamExt as _;
use futures::future::{self, Either, OptionFuture, select};
use futures::stream;

use super::outbox::Until;
use super::unconfirmed::Came;
use super::{Client, ClientError, Event, Inner};
use crate::groups::inbound::{self, Change, Envelope, Feed, Stop};
use crate::groups::intent;
use crate::groups::{GroupError, Hearers, exceeds, hearers, view};
use crate::ids::GroupId;
use crate::mls::GroupSummary;
use crate::storage::{
    ConsentEntity, ConsentState, ConversationType, GroupQuery, GroupRow, IntentId, IntentKind,
    MembershipState, StorageError,
};
use crate::transport::calls::GroupEnvelope;

/// How many conversations are synced side by side, as in libxmtp: while one waits for the node, others are read.
pub(super) const PARALLEL: usize = 10;

/// How far envelopes of a group were processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// To their end.
    All,
    /// Not to their end, and nothing more of the group can be.
    Stopped,
    /// Not to their end, unless the node is asked for what comes before.
    Ask,
}

/// How many people are looked for together: as many as are asked for side by side, for such a look is of use for seconds.
const MAX_AHEAD: usize = 200;

/// How old the last look at the members' installations may be when a group is synced: 30 minutes (libxmtp).
const REFRESH_ON_SYNC_NS: i64 = 30 * 60 * 1_000_000_000;
/// The same when something is sent: 5 seconds (libxmtp).
pub(super) const REFRESH_ON_SEND_NS: i64 = 5 * 1_000_000_000;

impl Client {
    /// Reads and publishes everything: welcomes, and each conversation that the node has something new of or
    /// that something waits to be sent in. Returns how many conversations were synced.
    ///
    /// # Errors
    /// One of the failures, after all conversations were tried.
    pub async fn sync_all(&self) -> Result<usize, ClientError> {
        self.sync_all_with(&[]).await
    }

    /// The same of conversations with one of these consent states alone; empty: of all.
    ///
    /// # Errors
    /// As [`sync_all`](Self::sync_all).
    pub async fn sync_all_with(&self, consent_states: &[ConsentState]) -> Result<usize, ClientError> {
        self.ready()?;
        self.inner.sync_all(consent_states).await
    }
}

impl Inner {
    async fn sync_all(self: &Rc<Self>, consent_states: &[ConsentState]) -> Result<usize, ClientError> {
        self.delete_expired()?;
        let (own_log, joined) = future::join(self.check_own_log(), self.join_conversations()).await;
        own_log?;
        // A welcome that cannot be processed yet does not keep the conversations from being synced.
        let mut failure = joined.err();
        let maintained = OptionFuture::from(failure.is_none().then(|| self.try_maintain_key_packages()));
        let (maintained, conversations) =
            future::join(maintained, self.sync_conversations(consent_states)).await;
        failure = failure.or(maintained.and_then(Result::err));
        let (synced, failed) = conversations?;
        failure = failure.or(failed).or(self.device_sync_pass().await.err());
        failure.map_or(Ok(synced), Err)
    }

    /// Syncs the conversations that something is to be done in. Answers how many could be, and one of the failures of others.
    async fn sync_conversations(
        self: &Rc<Self>,
        consent_states: &[ConsentState],
    ) -> Result<(usize, Option<ClientError>), ClientError> {
        let mut failure = None;
        let mut synced = 0;
        let wanted = self.with_consent(self.stale_groups().await?, consent_states)?;
        let sync = stream::iter(&wanted).map(|id| self.sync_group(*id));
        let sync = sync.buffer_unordered(PARALLEL).for_each(|outcome| {
            match outcome {
                Ok(()) => synced += 1,
                Err(error) => failure = failure.take().or(Some(error)),
            }
            future::ready(())
        });
        let ((), looked) = self.beside_a_look(&wanted, sync).await;
        failure = failure.or(looked.err());
        Ok((synced, failure))
    }

    /// Does `work`, which syncs these conversations, while their members are looked for together: each would look for its
    /// own. What comes of the work, and whether the look has found that this installation was revoked.
    pub(super) async fn beside_a_look<T>(
        &self,
        groups: &[GroupId],
        work: impl Future<Output = T>,
    ) -> (T, Result<(), ClientError>) {
        // Of no use any more once the work is done.
        let (done, looked) = match select(pin!(self.look_ahead(groups)), pin!(work)).await {
            Either::Left((looked, work)) => (work.await, looked),
            Either::Right((done, _)) => (done, Ok(())),
        };
        let looked = match looked {
            Err(error) if !matches!(error, ClientError::InstallationRevoked { .. }) => {
                tracing::info!(%error, "each conversation looks for new installations by itself");
                Ok(())
            }
            looked => looked,
        };
        (done, looked)
    }

    /// Those of these conversations about which one of these was decided; empty: all.
    fn with_consent(
        &self,
        mut groups: Vec<GroupId>,
        states: &[ConsentState],
    ) -> Result<Vec<GroupId>, ClientError> {
        if !states.is_empty() {
            let decided = self.store.consent_states(ConsentEntity::Conversation, &groups)?;
            groups.retain(|group_id| {
                let state = decided.get(&group_id.to_string()).copied();
                states.contains(&state.unwrap_or(ConsentState::Unknown))
            });
        }
        Ok(groups)
    }

    /// The conversations that one is or was in, each with whether one still is: a node has nothing readable of the
    /// others, and while one is away from them their messages are not passed, since a welcome may bring one back.
    pub(super) fn living_groups(&self) -> Result<Vec<(GroupRow, bool)>, ClientError> {
        let rows = self.store.groups(&GroupQuery {
            include_duplicate_dms: true,
            membership_states: MembershipState::LIVING.into(),
            ..Default::default()
        })?;
        let ids: Vec<GroupId> = rows.iter().map(|row| row.id).collect();
        let active = GroupSummary::are_active(&self.context().provider(), &ids).map_err(GroupError::from)?;
        Ok(rows.into_iter().zip(active).collect())
    }

    /// The conversations that the node has something new of, that something waits to be sent or done in, or that
    /// wait for a version.
    pub(super) async fn stale_groups(&self) -> Result<Vec<GroupId>, ClientError> {
        let rows = self.living_groups()?;
        let active = |(row, is_active): &(GroupRow, bool)| is_active.then_some(row.id);
        let ids: Vec<GroupId> = rows.iter().filter_map(active).collect();
        let newest = self.api.newest_group_messages(&ids).await?;
        let mut newest: HashMap<GroupId, _> = ids.into_iter().zip(newest).collect();
        let waiting: BTreeSet<GroupId> = self.store.groups_with_open_intents()?.into_iter().collect();
        let cursors = self.store.group_cursors()?;
        let mut stale = Vec::new();
        for (row, _) in rows {
            let read = cursors.get(&row.id).copied().unwrap_or(0);
            let newest = newest.remove(&row.id).flatten();
            let is_new = newest.is_some_and(|newest| newest.id > read);
            let has_work = waiting.contains(&row.id) || row.has_pending_leave_request;
            let is_unconfirmed = self.live.unconfirmed.has(row.id);
            if is_new || has_work || is_unconfirmed || row.paused_for_version.is_some() {
                stale.push(row.id);
            }
        }
        Ok(stale)
    }

    /// Reads and publishes everything of one group.
    pub(super) async fn sync_group(&self, group_id: GroupId) -> Result<(), ClientError> {
        let lock = self.lock_of(group_id);
        let _guard = lock.lock().await;
        self.sync_locked(group_id).await
    }

    /// The same, unless something is just being done with the group: `false`.
    pub(super) async fn sync_idle_group(&self, group_id: GroupId) -> Result<bool, ClientError> {
        let lock = self.lock_of(group_id);
        let Some(_guard) = lock.try_lock() else {
            return Ok(false);
        };
        self.sync_locked(group_id).await?;
        Ok(true)
    }

    /// The same; the lock is held by the caller.
    pub(super) async fn sync_locked(&self, group_id: GroupId) -> Result<(), ClientError> {
        self.receive_locked(group_id).await?;
        // What was read may say so.
        self.check_not_revoked()?;
        if self.context().row(group_id)?.paused_for_version.is_some() {
            // Who was added before is welcomed all the same; everything else waits.
            return self.send_welcomes(group_id).await;
        }
        // Nothing is being sent and everything was read: what has not come back never arrived.
        intent::return_unseen(&self.context(), group_id)?;
        let refresh = self.refresh_locked(group_id, REFRESH_ON_SYNC_NS).await?;
        self.fulfil_leaves_locked(group_id).await?;
        match self.publish_locked(group_id, None, refresh, Until::Back).await {
            // Paused by what was just read: what waits is published once it goes on.
            Err(ClientError::Group(GroupError::Paused { .. })) => Ok(()),
            outcome => outcome,
        }
    }

    /// Looks whether members have new or revoked installations, if that was long ago, and queues the update.
    pub(super) async fn refresh_locked(
        &self,
        group_id: GroupId,
        older_than_ns: i64,
    ) -> Result<Option<IntentId>, ClientError> {
        if self.refresh_is_due(group_id, older_than_ns)? {
            return self.queue_grown_members(group_id).await;
        }
        Ok(None)
    }

    /// Asks at once for the identities of all members of these conversations, as far as a look is due: each would ask for its
    /// own. Those that come to it meanwhile wait for the answer, not for long.
    async fn look_ahead(&self, groups: &[GroupId]) -> Result<(), ClientError> {
        let context = self.context();
        let due = groups.iter().filter_map(|group_id| {
            // What cannot be read is told by the sync of that conversation.
            let is_due = self.refresh_is_due(*group_id, REFRESH_ON_SYNC_NS).ok()?;
            let membership = is_due.then(|| view::membership(&context, *group_id).ok())??;
            Some(membership.members.into_keys().collect())
        });
        let members = as_many_as(MAX_AHEAD, due);
        self.look_for_many(members).await
    }

    /// Whether the last look at the members' installations is older than this, in a group that can be changed.
    pub(super) fn refresh_is_due(&self, group_id: GroupId, older_than_ns: i64) -> Result<bool, ClientError> {
        let row = self.context().row(group_id)?;
        if row.conversation_type == ConversationType::Sync {
            // In the conversation of the own installations a new one makes the next. One that was revoked goes before anything is
            // said there.
            let is_waiting = self.store.is_under_way(&group_id, IntentKind::SendMessage)?;
            if !is_waiting || row.paused_for_version.is_some() {
                return Ok(false);
            }
            let group = self.context().load(group_id)?;
            return Ok(group.is_active() && hearers(&self.context(), &group)? == Hearers::Revoked);
        }
        // A time to come is one of a clock that was wrong.
        let age_ns = self.now_ns().abs_diff(row.installations_last_checked_ns);
        let is_old = age_ns > older_than_ns.unsigned_abs();
        Ok(is_old && row.paused_for_version.is_none() && self.context().summary(group_id)?.is_active)
    }

    /// Reads what is new, unless that has arrived by itself. The lock is held by the caller.
    pub(super) async fn be_current_locked(&self, group_id: GroupId) -> Result<(), ClientError> {
        if self.is_followed(group_id)? {
            return Ok(());
        }
        self.receive_locked(group_id).await
    }

    /// Reads everything the node has of a group. The lock is held by the caller.
    pub(super) async fn receive_locked(&self, group_id: GroupId) -> Result<(), ClientError> {
        if self.unpause(group_id)?.is_some() {
            return Ok(());
        }
        let brought = self.live.unconfirmed.of(group_id);
        let brought = brought.as_deref();
        let mut read = self.cursor(group_id)?;
        let mut after = brought.map_or(read, |brought| brought.after().min(read));
        loop {
            let page = self.api.query_group_messages(group_id, after).await?;
            let Some(reached) = page.items.last().map(|item| item.id) else {
                return Ok(());
            };
            let items = page.items.into_iter().map(envelope);
            let (passed, new): (Vec<_>, Vec<_>) = items.partition(|item| item.sequence_id <= read);
            let is_left_out = |item: &Envelope| brought.is_some_and(|brought| !brought.has(item.sequence_id));
            let left_out: Vec<_> = passed.into_iter().filter(is_left_out).collect();
            for (envelopes, feed) in [(left_out, Feed::LeftOut), (new, Feed::Asked)] {
                if self.receive_batch(group_id, &envelopes, feed).await? != Progress::All {
                    if brought.is_some() && !self.context().summary(group_id)?.is_active {
                        // Nothing that was left out can be read any more.
                        self.live.unconfirmed.confirm(&self.store, group_id, u64::MAX)?;
                    }
                    return Ok(());
                }
            }
            self.live.unconfirmed.confirm(&self.store, group_id, reached)?;
            read = self.cursor(group_id)?;
            // A page of nothing but what this version cannot read would be asked for for ever.
            match page.next {
                Some(next) if next.min(read) > after => after = next.min(read),
                _ => return Ok(()),
            }
        }
    }

    /// Processes envelopes of a group in order. The lock is held by the caller.
    pub(super) async fn receive_batch(
        &self,
        group_id: GroupId,
        envelopes: &[Envelope],
        feed: Feed,
    ) -> Result<Progress, ClientError> {
        let live_after = match feed {
            Feed::Live => Some(self.cursor(group_id)?),
            Feed::Asked | Feed::LeftOut => None,
        };
        let mut rest = envelopes;
        let mut fetched = false;
        while !rest.is_empty() {
            let context = self.context();
            let (batch, updates, came) = self.store.repeatable_transaction(|tx| {
                let batch = inbound::receive_from(tx, &context, group_id, rest, fetched, feed)?;
                let updates = self.device_sync_received(&context.with(tx), group_id, &batch.changes)?;
                let came = Came::of(live_after, rest.get(..batch.done).unwrap_or_default());
                self.live.unconfirmed.store(tx, group_id, &came)?;
                Ok::<_, ClientError>((batch, updates, came))
            })?;
            self.live.unconfirmed.note(group_id, came);
            self.tell(group_id, &batch.changes);
            self.tell_preferences(updates);
            if self.device_sync.has_history_tasks.take() {
                self.wake_history();
            }
            if batch.changes.contains(&Change::Removed) {
                self.removed_from_group().await;
            }
            rest = rest.get(batch.done..).unwrap_or_default();
            fetched = fetched && batch.done == 0;
            match batch.stop {
                None => {}
                Some(Stop::Paused(_) | Stop::Inactive) => return Ok(Progress::Stopped),
                Some(Stop::Ask) => return Ok(Progress::Ask),
                Some(Stop::Missing(_)) if fetched => return Err(ClientError::IdentityBehind),
                Some(Stop::Missing(states)) => {
                    self.settle(&states).await?;
                    fetched = true;
                }
            }
        }
        Ok(Progress::All)
    }

    /// Lets a paused group go on if our version is high enough by now. Returns the version it still waits for.
    pub(super) fn unpause(&self, group_id: GroupId) -> Result<Option<String>, ClientError> {
        let Some(required) = self.context().row(group_id)?.paused_for_version else {
            return Ok(None);
        };
        if exceeds(&required, &self.own_version) != Some(false) {
            return Ok(Some(required));
        }
        self.store.set_paused_for_version(&group_id, None)?;
        self.events.tell(&Event::Group(group_id));
        self.events.tell(&Event::Paused {
            group_id,
            required: None,
        });
        Ok(None)
    }

    /// The node's number of the last message of a group that was processed.
    pub(super) fn cursor(&self, group_id: GroupId) -> Result<u64, StorageError> {
        self.store.group_cursor(&group_id)
    }

    pub(super) fn tell(&self, group_id: GroupId, changes: &[Change]) {
        if changes
            .iter()
            .any(|change| matches!(change, Change::Message(_) | Change::Published(_)))
        {
            self.alarm.ring();
        }
        for change in changes {
            if let Change::Paused(required) = change {
                self.events.tell(&Event::Paused {
                    group_id,
                    required: Some(required.clone()),
                });
            }
            self.events.tell(&match change {
                Change::Message(id) | Change::Published(id) => Event::Message { group_id, id: *id },
                Change::MessageRemoved(id) => Event::MessageRemoved { group_id, id: *id },
                Change::Group | Change::Removed | Change::Paused(_) => Event::Group(group_id),
            });
        }
    }
}

/// All of some sets, up to one with which they would be more than this.
fn as_many_as<T: Ord>(most: usize, sets: impl Iterator<Item = BTreeSet<T>>) -> BTreeSet<T> {
    let mut all = BTreeSet::new();
    for mut set in sets {
        set.retain(|item| !all.contains(item));
        if all.len() + set.len() > most {
            break;
        }
        all.append(&mut set);
    }
    all
}

/// A group message as the `groups` room takes it.
pub(super) fn envelope(arrived: GroupEnvelope) -> Envelope {
    Envelope {
        sequence_id: arrived.id,
        created_ns: signed(arrived.created_ns),
        data: arrived.data,
    }
}

/// A node's time, as it is stored.
pub(super) fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_taken_up_to_one_that_would_be_too_much() {
        let all = |most| {
            as_many_as(
                most,
                [vec![1, 2], vec![2, 3], vec![4, 5], vec![6]]
                    .map(BTreeSet::from_iter)
                    .into_iter(),
            )
        };
        assert_eq!(all(6), BTreeSet::from([1, 2, 3, 4, 5, 6]));
        assert_eq!(all(5), BTreeSet::from([1, 2, 3, 4, 5]));
        assert_eq!(all(4), BTreeSet::from([1, 2, 3]), "and none behind it");
        assert_eq!(all(1), BTreeSet::new());
    }
}
