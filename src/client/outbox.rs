//! What we want out: payloads of intents. The welcomes that follow our commits are in `welcoming`.

use std::collections::BTreeMap;

use super::sync::REFRESH_ON_SEND_NS;
use super::{ClientError, Inner};
use crate::groups::intent::{self, Build, Payload, Refresh};
use crate::groups::{GroupError, GroupMembership, push, view};
use crate::ids::GroupId;
use crate::mls::{Provider, key_package};
use crate::storage::{IntentId, IntentKind, IntentRow, IntentState, Transaction};
use crate::transport::calls::OutgoingGroupMessage;

/// How often building may ask for identity logs before it is given up: each round must bring something new.
const BUILD_ROUNDS: usize = 4;
/// How many commits of a group are published in one go before the rest is left to the next sync.
const PUBLISH_ROUNDS: usize = 16;

/// How long who publishes waits. A commit is waited for until it has come back in any case: only then it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until a node has taken it: others can read a message wherever it stands among what they sent.
    Acknowledged,
    /// Until it has come back.
    Back,
}

/// What was sent in one go.
#[derive(Default)]
struct Sent {
    intents: Vec<IntentId>,
    /// What was sent before that.
    earlier: Vec<IntentId>,
    /// The last of them is a commit.
    has_commit: bool,
}

impl Inner {
    /// Publishes what waits in a group and sends the welcomes that follow. The group's lock is held by the caller, who
    /// waits for `awaited`: that another intent cannot be built, and is given up for that, is no failure of this one.
    /// `refresh` goes before everything else.
    pub(super) async fn publish_locked(
        &self,
        group_id: GroupId,
        awaited: Option<IntentId>,
        refresh: Option<IntentId>,
        until: Until,
    ) -> Result<(), ClientError> {
        if intent::has_unanswered(&self.context(), group_id)? {
            // It goes before anything newer: others keep the keys of a few generations only.
            self.receive_locked(group_id).await?;
            intent::return_unseen(&self.context(), group_id)?;
        }
        self.send_welcomes(group_id).await?;
        self.publish_from(group_id, (awaited, refresh), None, until).await
    }

    /// The same, where nobody waits for a welcome. What is `built` was built just now and goes first.
    async fn publish_from(
        &self,
        group_id: GroupId,
        wanted: (Option<IntentId>, Option<IntentId>),
        mut built: Option<(IntentRow, Payload)>,
        until: Until,
    ) -> Result<(), ClientError> {
        let mut sent = Sent::default();
        for _ in 0..PUBLISH_ROUNDS {
            sent.earlier.append(&mut sent.intents);
            sent.has_commit = false;
            let echo = self.listen(group_id)?;
            let outcome = self.send_waiting(group_id, wanted, built.take(), &mut sent).await;
            if sent.intents.is_empty() && (outcome.is_ok() || sent.earlier.is_empty()) {
                return outcome;
            }
            if outcome.is_ok() && (sent.has_commit || until == Until::Back) {
                self.read_back(group_id, sent.intents.clone(), echo).await?;
                self.send_welcomes(group_id).await?;
                continue;
            }
            let acknowledged = self.acknowledged(group_id, &sent.intents, echo).await;
            match (outcome, wanted.0) {
                (Err(error), Some(id)) if until == Until::Acknowledged && self.is_out(&sent, id)? => {
                    tracing::info!(%error, "what was queued behind a message that was sent waits");
                    return acknowledged.map(|_| ());
                }
                (outcome, _) => {
                    if !outcome.and(acknowledged)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a node has taken this, and others can still read it.
    fn is_out(&self, sent: &Sent, id: IntentId) -> Result<bool, ClientError> {
        let is_sent = sent.intents.contains(&id) || sent.earlier.contains(&id);
        let state = self.store.intent(id)?.map(|intent| intent.state);
        Ok(is_sent && matches!(state, None | Some(IntentState::Published)))
    }

    /// Sends what waits, up to the first commit: nothing may be sent before that has come back.
    async fn send_waiting(
        &self,
        group_id: GroupId,
        (awaited, refresh): (Option<IntentId>, Option<IntentId>),
        built: Option<(IntentRow, Payload)>,
        sent: &mut Sent,
    ) -> Result<(), ClientError> {
        if let Some((intent, payload)) = built {
            self.send(group_id, &intent, payload).await?;
            sent.intents.push(intent.id);
        }
        while let Some(intent) = self.next_intent(group_id, refresh)? {
            if let Some(required) = self.context().row(group_id)?.paused_for_version {
                return match awaited {
                    // It was sent, or even came back, before the commit that pauses.
                    Some(id) if self.is_out(sent, id)? || self.store.intent(id)?.is_none() => Ok(()),
                    _ => Err(GroupError::Paused { required }.into()),
                };
            }
            let payload = match self.build(&intent).await {
                Ok(Some(payload)) => payload,
                Ok(None) => continue,
                Err(error) if awaited != Some(intent.id) && self.is_given_up(intent.id)? => {
                    tracing::info!(kind = ?intent.kind, %error, "something queued is not possible any more");
                    continue;
                }
                Err(error) => return Err(error),
            };
            sent.has_commit = payload.is_commit;
            self.send(group_id, &intent, payload).await?;
            sent.intents.push(intent.id);
            if sent.has_commit {
                break;
            }
        }
        Ok(())
    }

    /// Whether a message that is queued now can be built in the same transaction: nobody waits for a welcome, the node has what
    /// was sent before, members were looked up just now. The lock is held by the caller.
    pub(super) fn goes_at_once(&self, group_id: GroupId) -> Result<bool, ClientError> {
        Ok(!self.refresh_is_due(group_id, REFRESH_ON_SEND_NS)?
            && !intent::has_unanswered(&self.context(), group_id)?
            && intent::to_complete(&self.context(), group_id)?.is_empty())
    }

    /// Sends a message that was built as it was queued, where it [goes at once](Self::goes_at_once), and what was queued
    /// after it. The lock has been held since before.
    pub(super) async fn publish_built(
        &self,
        group_id: GroupId,
        (intent, payload): (IntentRow, Payload),
    ) -> Result<(), ClientError> {
        let wanted = (Some(intent.id), None);
        self.publish_from(group_id, wanted, Some((intent, payload)), Until::Acknowledged)
            .await
    }

    /// Messages that were queued before it was seen that a member has a new installation are for that one too.
    fn next_intent(
        &self,
        group_id: GroupId,
        refresh: Option<IntentId>,
    ) -> Result<Option<IntentRow>, ClientError> {
        if let Some(refresh) = refresh
            && let Some(row) = self.store.intent(refresh)?
            && row.state == IntentState::ToPublish
        {
            return Ok(Some(row));
        }
        Ok(intent::next(&self.context(), group_id)?)
    }

    /// Builds the payload of an intent, fetching what that takes. `None`: nothing to send.
    async fn build(&self, intent: &IntentRow) -> Result<Option<Payload>, ClientError> {
        for _ in 0..BUILD_ROUNDS {
            let packages = self.key_packages_for(intent).await?;
            let context = self.context();
            let built = self
                .store
                .transaction(|tx| intent::build(tx, &context, intent, packages));
            match built {
                Ok(Build::Send(payload)) => return Ok(Some(payload)),
                Ok(Build::Done) => return Ok(None),
                Ok(Build::Missing(states)) => self.settle(&states).await?,
                Err(error) => {
                    self.cannot_build(intent, &error)?;
                    return Err(error.into());
                }
            }
        }
        Err(ClientError::IdentityBehind)
    }

    fn is_given_up(&self, id: IntentId) -> Result<bool, ClientError> {
        Ok(self.store.intent(id)?.map(|row| row.state) == Some(IntentState::Error))
    }

    /// What a failure to build means for the intent: one that can never succeed is given up at once.
    fn cannot_build(&self, intent: &IntentRow, error: &GroupError) -> Result<(), ClientError> {
        let context = self.context();
        self.store.transaction(|tx| {
            let context = context.with(tx);
            match error {
                GroupError::Storage(_) => Ok(()),
                _ => intent::give_up(&context, intent),
            }
        })?;
        Ok(())
    }

    /// Fetches and verifies the key packages an intent takes. Unusable ones are `None`.
    async fn key_packages_for(
        &self,
        intent: &IntentRow,
    ) -> Result<BTreeMap<crate::ids::InstallationId, Option<key_package::VerifiedKeyPackage>>, ClientError>
    {
        if intent.kind != IntentKind::UpdateGroupMembership {
            return Ok(BTreeMap::new());
        }
        let context = self.context();
        let owners = self
            .store
            .transaction(|tx| intent::members_to_fetch(tx, &context, intent))?;
        let asked: Vec<_> = owners.keys().copied().collect();
        let fetched = self.api.fetch_key_packages(&asked).await?;
        let provider = Provider::new(&self.store);
        Ok(asked
            .into_iter()
            .zip(fetched)
            .map(|(id, tls)| {
                let package = tls.and_then(|tls| match key_package::verify_for(&provider, &tls, id) {
                    Ok(package) if owners.get(&id) == Some(&package.inbox_id()) => Some(package),
                    Ok(_) => None,
                    Err(error) => {
                        tracing::info!(installation = ?id, %error, "an installation cannot be added");
                        None
                    }
                });
                (id, package)
            })
            .collect())
    }

    /// Sends one payload. A failure is counted against its intent.
    async fn send(&self, group_id: GroupId, intent: &IntentRow, payload: Payload) -> Result<(), ClientError> {
        let sender_hmac = match self.store.preferences()? {
            Some(preferences) => {
                push::sender_hmac(&preferences.hmac_key, group_id, self.now_ns(), &payload.data)?
            }
            None => Vec::new(),
        };
        let message = OutgoingGroupMessage {
            data: payload.data,
            sender_hmac,
            should_push: payload.should_push,
        };
        match self.api.send_group_messages(vec![message]).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let context = self.context();
                self.store
                    .transaction(|tx| intent::sending_failed(&context.with(tx), intent))?;
                Err(error.into())
            }
        }
    }

    /// Queues a membership update if the group needs one: `refresh` names whom to add and to remove, members
    /// whose logs have grown come along. The lock is held by the caller.
    pub(super) async fn queue_membership(
        &self,
        group_id: GroupId,
        refresh: &Refresh,
    ) -> Result<Option<IntentId>, ClientError> {
        let membership = view::membership(&self.context(), group_id)?;
        let everybody: Vec<_> = membership.members.keys().chain(&refresh.add).copied().collect();
        let asked_ns = self.load_identities(&everybody).await?;
        self.queue_update(group_id, &membership, refresh, asked_ns)
    }

    /// Queues the update for members whose logs have grown, as far as that is known or a node, asked not long ago, knows it.
    /// The lock is held by the caller.
    pub(super) async fn queue_grown_members(
        &self,
        group_id: GroupId,
    ) -> Result<Option<IntentId>, ClientError> {
        let membership = view::membership(&self.context(), group_id)?;
        let everybody: Vec<_> = membership.members.keys().copied().collect();
        let asked_ns = self.know_identities(&everybody).await?;
        self.queue_update(group_id, &membership, &Refresh::default(), asked_ns)
    }

    /// Queues what the logs of `asked_ns` make necessary.
    fn queue_update(
        &self,
        group_id: GroupId,
        membership: &GroupMembership,
        refresh: &Refresh,
        asked_ns: i64,
    ) -> Result<Option<IntentId>, ClientError> {
        let context = self.context();
        let Some(update) = intent::membership_update(&context, membership, refresh)? else {
            let note = |tx: &Transaction<'_>| tx.set_installations_checked(&group_id, asked_ns);
            self.store.repeatable_transaction(note)?;
            return Ok(None);
        };
        Ok(self.store.transaction(|tx| {
            tx.set_installations_checked(&group_id, asked_ns)?;
            intent::queue(&context.with(tx), group_id, &update).map(Some)
        })?)
    }

    /// Publishes until an intent is done with, and says how it ended. Where the group is paused meanwhile, the
    /// intent is given up: whoever was told so must not find it done after an update.
    pub(super) async fn resolve_locked(&self, group_id: GroupId, id: IntentId) -> Result<(), ClientError> {
        self.resolve_after(group_id, id, None).await
    }

    /// The same, with a membership update before everything else that waits.
    pub(super) async fn resolve_after(
        &self,
        group_id: GroupId,
        id: IntentId,
        refresh: Option<IntentId>,
    ) -> Result<(), ClientError> {
        let mut failure = None;
        for _ in 0..intent::MAX_ATTEMPTS {
            let mut cut_off = false;
            if let Err(error) = self
                .publish_locked(group_id, Some(id), refresh, Until::Back)
                .await
            {
                // The answer may be all that was lost: what arrived comes back.
                cut_off = matches!(error, ClientError::Transport(_))
                    && self.receive_locked(group_id).await.is_err();
                failure = Some(error);
            }
            match self.store.intent(id)?.map(|row| row.state) {
                None => return Ok(()),
                Some(IntentState::Error) => break,
                Some(_) if cut_off => break,
                Some(_) if matches!(failure, Some(ClientError::Group(GroupError::Paused { .. }))) => {
                    if let Some(intent) = self.store.intent(id)? {
                        intent::give_up(&self.context(), &intent)?;
                    }
                    break;
                }
                Some(_) => {
                    intent::return_unseen(&self.context(), group_id)?;
                }
            }
        }
        let attempts = intent::MAX_ATTEMPTS;
        Err(failure.unwrap_or_else(|| GroupError::PublishFailed { attempts }.into()))
    }
}
