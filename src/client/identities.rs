//! Identity logs of everybody, and the questions they raise.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{Either, Shared, select};

use crate::groups::States;
use crate::identity::{
    Address, AssociationState, ContractQuestion, Identifier, LogPosition, Resolved, resolve_all, store_answer,
};
use crate::ids::InboxId;
use crate::storage::{IdentityUpdateRow, Store};
use crate::transport::calls::{ContractSignature, IdentifierKind, NodeApi};

use super::sync::REFRESH_ON_SEND_NS;
use super::{Client, ClientError, Inner};

impl Client {
    /// The inboxes of identifiers, aligned with the question; `None`: not registered. Never answered from a
    /// cache: an address can move to another inbox.
    ///
    /// # Errors
    /// [`ClientError::Transport`].
    pub async fn inbox_ids(&self, identifiers: &[Identifier]) -> Result<Vec<Option<InboxId>>, ClientError> {
        self.open()?.inbox_ids(identifiers).await
    }

    /// The inboxes of addresses that must all be registered.
    ///
    /// # Errors
    /// [`ClientError::UnknownAddress`] with the first that is not; [`ClientError::Transport`].
    pub async fn inboxes_of(&self, addresses: &[Address]) -> Result<Vec<InboxId>, ClientError> {
        let identifiers: Vec<_> = addresses.iter().cloned().map(Identifier::Ethereum).collect();
        let found = self.inbox_ids(&identifiers).await?;
        found
            .into_iter()
            .zip(addresses)
            .map(|(inbox, address)| {
                inbox.ok_or_else(|| ClientError::UnknownAddress {
                    address: address.clone(),
                })
            })
            .collect()
    }

    /// The state of an inbox, with its log refreshed from the node.
    ///
    /// # Errors
    /// [`ClientError::UnknownInbox`], [`ClientError::Identity`] for a log that breaks its rules,
    /// [`ClientError::Transport`].
    pub async fn inbox_state(&self, inbox_id: InboxId) -> Result<AssociationState, ClientError> {
        let mut states = self.fetch_inbox_states(&[inbox_id]).await?;
        states.pop().ok_or(ClientError::UnknownInbox { inbox_id })
    }

    /// The states of inboxes with their logs refreshed from the node, aligned with the question.
    ///
    /// # Errors
    /// As [`inbox_state`](Self::inbox_state), for the first inbox that has no good log.
    pub async fn fetch_inbox_states(
        &self,
        inboxes: &[InboxId],
    ) -> Result<Vec<AssociationState>, ClientError> {
        let inner = self.open()?;
        inner.logs().load(inboxes).await?;
        if inboxes.contains(&inner.inbox_id) {
            inner.notice_revocation().await?;
        }
        inner.logs().newest_states(inboxes).await
    }

    /// The states of inboxes as far as their logs are in the local database, aligned with the question. The node
    /// is asked only about contract wallets that were never asked before.
    ///
    /// # Errors
    /// As [`inbox_state`](Self::inbox_state); [`ClientError::UnknownInbox`] for one that is not in the database.
    pub async fn stored_inbox_states(
        &self,
        inboxes: &[InboxId],
    ) -> Result<Vec<AssociationState>, ClientError> {
        self.open()?.logs().newest_states(inboxes).await
    }

    /// How many updates the logs of inboxes have, refreshed from the node; 0: there is no such inbox. A node takes
    /// [`MAX_UPDATES_PER_INBOX`](crate::identity::MAX_UPDATES_PER_INBOX) of each.
    ///
    /// # Errors
    /// [`ClientError::Transport`], [`ClientError::Storage`].
    pub async fn fetch_updates_counts(
        &self,
        inboxes: &[InboxId],
    ) -> Result<BTreeMap<InboxId, usize>, ClientError> {
        let logs = self.open()?.logs();
        logs.load(inboxes).await?;
        logs.updates_counts(inboxes)
    }
}

/// Identity logs: those that are stored, and the node that has the rest. All of it works without an installation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logs<'a> {
    pub(super) store: &'a Store,
    pub(super) api: &'a NodeApi,
}

impl Logs<'_> {
    /// Fetches what is new in the logs of these inboxes.
    pub(super) async fn load(&self, inboxes: &[InboxId]) -> Result<(), ClientError> {
        // Nodes answer each inbox once.
        let after: Vec<(InboxId, u64)> = self
            .store
            .latest_identity_sequences(inboxes)?
            .into_iter()
            .collect();
        let rows = self.api.identity_updates(&after).await?;
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| IdentityUpdateRow {
                inbox_id: row.inbox_id,
                sequence_id: row.sequence_id,
                server_timestamp_ns: i64::try_from(row.server_timestamp_ns).unwrap_or(i64::MAX),
                payload: row.payload,
            })
            .collect();
        if !rows.is_empty() {
            self.store
                .transaction(|tx| tx.insert_identity_updates(&rows).map(|_| ()))?;
        }
        Ok(())
    }

    /// Asks contract wallets through the node and keeps the answers.
    pub(super) async fn ask_contracts(&self, questions: &[ContractQuestion]) -> Result<(), ClientError> {
        for question in questions {
            let asked = ContractSignature {
                account_id: question.account_id.clone(),
                block_number: Some(question.block_number),
                signature: question.signature.clone(),
                hash: question.hash,
            };
            let verdict = self
                .api
                .verify_contract_signatures(vec![asked])
                .await?
                .into_iter()
                .next();
            // A node that could not ask the chain says "not valid" with the reason: that is no answer to keep.
            let valid = match verdict {
                Some(verdict) if verdict.is_valid || verdict.error.is_none() => verdict.is_valid,
                verdict => {
                    let reason = verdict.and_then(|verdict| verdict.error).unwrap_or_default();
                    return Err(ClientError::WalletNotAsked { reason });
                }
            };
            store_answer(self.store, question, valid)?;
        }
        Ok(())
    }

    /// The newest stored state of an inbox.
    pub(super) async fn newest_state(&self, inbox_id: InboxId) -> Result<AssociationState, ClientError> {
        let mut states = self.newest_states(&[inbox_id]).await?;
        states.pop().ok_or(ClientError::UnknownInbox { inbox_id })
    }

    /// The newest stored states of inboxes, aligned with the question.
    pub(super) async fn newest_states(
        &self,
        inboxes: &[InboxId],
    ) -> Result<Vec<AssociationState>, ClientError> {
        loop {
            let newest = inboxes.iter().map(|inbox_id| (*inbox_id, LogPosition::Newest));
            let resolved = resolve_all(self.store, newest.clone())?;
            let mut states = Vec::with_capacity(inboxes.len());
            let mut questions = BTreeMap::new();
            for at in newest {
                let (inbox_id, _) = at;
                match resolved.get(&at) {
                    Some(Resolved::State(state)) => states.push(state.clone()),
                    Some(Resolved::Invalid(error)) => return Err(error.clone().into()),
                    Some(Resolved::Questions(open)) => drop(questions.insert(inbox_id, open.as_slice())),
                    Some(Resolved::Missing) | None => return Err(ClientError::UnknownInbox { inbox_id }),
                }
            }
            if questions.is_empty() {
                return Ok(states);
            }
            for open in questions.into_values() {
                self.ask_contracts(open).await?;
            }
        }
    }

    /// How many updates of each inbox are stored.
    pub(super) fn updates_counts(
        &self,
        inboxes: &[InboxId],
    ) -> Result<BTreeMap<InboxId, usize>, ClientError> {
        inboxes
            .iter()
            .map(|inbox| Ok((*inbox, self.store.identity_updates(inbox, 0, None)?.len())))
            .collect()
    }
}

/// How long a look for many is waited for by who could ask for a few.
const FOR_MANY_PATIENCE: Duration = Duration::from_secs(2);

/// The inboxes whose logs were asked for a moment ago: conversations have members in common, and those that are synced
/// together need not ask for the same logs one after the other.
#[derive(Debug, Default)]
pub(super) struct RecentLooks {
    at: RefCell<HashMap<InboxId, i64>>,
    /// The one for many that is under way.
    for_many: RefCell<Option<LookForMany>>,
}

/// A look for many inboxes that others wait for.
#[derive(Debug)]
struct LookForMany {
    inboxes: BTreeSet<InboxId>,
    begun_ns: i64,
    /// When it was made; cancelled if it failed.
    answer: Shared<oneshot::Receiver<i64>>,
}

impl RecentLooks {
    /// When these inboxes were last asked for, the one that is longest ago; `None` if that is more than
    /// [`REFRESH_ON_SEND_NS`] ago for any of them.
    fn of(&self, inboxes: &[InboxId], now_ns: i64) -> Option<i64> {
        let looks = self.at.borrow();
        // Of nobody there is nothing to look for.
        inboxes.iter().try_fold(now_ns, |oldest, inbox| {
            let at = looks.get(inbox).filter(|at| is_recent(**at, now_ns))?;
            Some(oldest.min(*at))
        })
    }

    fn note(&self, inboxes: &[InboxId], now_ns: i64) {
        let mut looks = self.at.borrow_mut();
        looks.retain(|_, at| is_recent(*at, now_ns));
        looks.extend(inboxes.iter().map(|inbox| (*inbox, now_ns)));
    }

    /// The look under way that will answer for all of these, unless it is under way for long.
    fn under_way(&self, inboxes: &[InboxId], now_ns: i64) -> Option<Shared<oneshot::Receiver<i64>>> {
        let for_many = self.for_many.borrow();
        let look = for_many.as_ref()?;
        let age = u64::try_from(now_ns.saturating_sub(look.begun_ns)).ok()?;
        let is_among = |inbox| look.inboxes.contains(inbox);
        let is_answer = Duration::from_nanos(age) <= FOR_MANY_PATIENCE && inboxes.iter().all(is_among);
        is_answer.then(|| look.answer.clone())
    }

    fn begin(&self, look: LookForMany) {
        self.for_many.replace(Some(look));
    }

    /// Another may have begun since.
    fn end(&self, answer: &Shared<oneshot::Receiver<i64>>) {
        self.for_many
            .borrow_mut()
            .take_if(|look| look.answer.ptr_eq(answer));
    }
}

/// A time to come is one of a clock that was wrong.
fn is_recent(at_ns: i64, now_ns: i64) -> bool {
    (0..=REFRESH_ON_SEND_NS).contains(&now_ns.saturating_sub(at_ns))
}

impl Inner {
    pub(super) fn logs(&self) -> Logs<'_> {
        Logs {
            store: &self.store,
            api: &self.api,
        }
    }

    pub(super) async fn inbox_ids(
        &self,
        identifiers: &[Identifier],
    ) -> Result<Vec<Option<InboxId>>, ClientError> {
        let asked: Vec<_> = identifiers.iter().map(wire).collect();
        Ok(self.api.inbox_ids(&asked).await?)
    }

    /// Fails with [`ClientError::UnknownInbox`] and the first of these inboxes of which no log is stored.
    pub(super) fn expect_logs_of(&self, inboxes: &[InboxId]) -> Result<(), ClientError> {
        let latest = self.store.latest_identity_sequences(inboxes)?;
        match inboxes.iter().find(|inbox| latest.get(*inbox) == Some(&0)) {
            Some(inbox_id) => Err(ClientError::UnknownInbox { inbox_id: *inbox_id }),
            None => Ok(()),
        }
    }

    /// Fetches what is new in the logs of these inboxes, for an operation of this installation.
    ///
    /// Fails with [`ClientError::InstallationRevoked`] when that shows that it is none of its inbox any more. Says when it
    /// asked.
    pub(super) async fn load_identities(&self, inboxes: &[InboxId]) -> Result<i64, ClientError> {
        let asked_ns = self.now_ns();
        self.logs().load(inboxes).await?;
        self.recent_looks.note(inboxes, asked_ns);
        if inboxes.contains(&self.inbox_id) {
            self.notice_revocation().await?;
            self.check_not_revoked()?;
        }
        Ok(asked_ns)
    }

    /// The same, unless that was done a moment ago or is just being done for many. Says when that was.
    pub(super) async fn know_identities(&self, inboxes: &[InboxId]) -> Result<i64, ClientError> {
        let asked_ns = match self.recent_looks.of(inboxes, self.now_ns()) {
            None => self.hear_of_look(inboxes).await,
            recent => recent,
        };
        if asked_ns.is_some() {
            // Whoever looked may not have come to it.
            self.notice_revocation().await?;
        }
        self.check_not_revoked()?;
        match asked_ns {
            Some(asked_ns) => Ok(asked_ns),
            None => self.load_identities(inboxes).await,
        }
    }

    /// Waits, not for long, for a look under way that answers for these; `None`: there is none, or it failed.
    async fn hear_of_look(&self, inboxes: &[InboxId]) -> Option<i64> {
        let answer = self.recent_looks.under_way(inboxes, self.now_ns())?;
        match select(answer, self.platform.sleep(FOR_MANY_PATIENCE)).await {
            // One that took long, or that was left behind, says too little of now.
            Either::Left((answer, _)) => answer.ok().filter(|at| is_recent(*at, self.now_ns())),
            Either::Right(_) => None,
        }
    }

    /// Fetches what is new in the logs of many inboxes, unless that was done a moment ago. Who wants to know some of them
    /// meanwhile waits for the answer.
    pub(super) async fn look_for_many(&self, inboxes: BTreeSet<InboxId>) -> Result<(), ClientError> {
        let list: Vec<_> = inboxes.iter().copied().collect();
        let begun_ns = self.now_ns();
        if self.recent_looks.of(&list, begun_ns).is_some() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        let answer = answer.shared();
        self.recent_looks.begin(LookForMany {
            inboxes,
            begun_ns,
            answer: answer.clone(),
        });
        let asked_ns = self.load_identities(&list).await;
        self.recent_looks.end(&answer);
        // Nobody may be waiting.
        let _ = done.send(asked_ns?);
        Ok(())
    }

    /// Fetches and asks what an operation must know.
    pub(super) async fn settle(&self, states: &States) -> Result<(), ClientError> {
        if !states.missing.is_empty() {
            let inboxes: Vec<_> = states.missing.iter().copied().collect();
            self.logs().load(&inboxes).await?;
            // Not a reason to stop: the commit that removes our leaf may be what asks.
            if inboxes.contains(&self.inbox_id) {
                self.notice_revocation().await?;
            }
        }
        self.logs().ask_contracts(&states.questions).await
    }

    /// The newest stored state of an inbox.
    pub(super) async fn newest_state(&self, inbox_id: InboxId) -> Result<AssociationState, ClientError> {
        self.logs().newest_state(inbox_id).await
    }
}

/// An identifier as nodes are asked for it.
pub(super) fn wire(identifier: &Identifier) -> (String, IdentifierKind) {
    match identifier {
        Identifier::Ethereum(address) => (address.as_str().to_owned(), IdentifierKind::Ethereum),
        Identifier::Passkey(passkey) => (hex::encode(&passkey.key), IdentifierKind::Passkey),
    }
}
