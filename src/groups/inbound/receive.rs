//! Processing a batch of envelopes.

use sha2::{Digest as _, Sha256};

use super::Envelope;
use super::apply::{self, Stored};
use super::commit_rules::{self, Case, ValidatedCommit};
use super::reader::{Cursors, Reader, Standing};
use crate::groups::context::Context;
use crate::groups::error::{CommitError, GroupError};
use crate::groups::patience::Waiting;
use crate::groups::states::{self, States};
use crate::ids::{GroupId, InboxId, InstallationId, MessageId};
use crate::messages::Plaintext;
use crate::mls::{
    CommitView, Group, Leaf, MessageFault, MessageHeader, MessageKind, MlsError, Processed, StagedCommit,
    VerifiedCommit,
};
use crate::platform::TIME_CAN_BE_SET;
use crate::storage::{
    AttemptRow, CommitResult, IntentKind, IntentRow, IntentState, StorageError, Transaction,
};

/// How many past epochs peers can still read: an own message that comes back later than that must be sent
/// again.
const READABLE_EPOCHS: u64 = 3;

/// For how many epochs attempts are remembered that did not come back. One that comes back later is not known
/// any more, and its intent waits for [`crate::groups::intent::return_unseen`].
const REMEMBERED_EPOCHS: u64 = 64;

/// Something that changed, for those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A message was stored: somebody's, or a line of the transcript.
    Message(MessageId),
    /// An own message is on the network.
    Published(MessageId),
    /// A message that was here is removed for everybody.
    MessageRemoved(MessageId),
    /// Members, metadata, admins or permissions changed.
    Group,
    /// The own membership ended.
    Removed,
    /// The group waits for this version.
    Paused(String),
}

/// What came of a batch.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// How many envelopes of the batch are done with.
    pub done: usize,
    /// What changed.
    pub changes: Vec<Change>,
    /// Why the envelope after those could not be processed.
    pub stop: Option<Stop>,
}

/// How envelopes were come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// Asked for: everything after the cursors, in order.
    Asked,
    /// They came by themselves, in order, and others may have been left out: no commit is taken from there, and nothing of
    /// an epoch to come is passed.
    Live,
    /// Asked for once more, since the cursors have passed what was left out.
    LeftOut,
}

/// Why a batch ended early.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// These must be known first: fetch them and go on.
    Missing(States),
    /// The group is paused: nothing of it is processed until this version.
    Paused(String),
    /// An envelope was refused while we are no member any more; one that adds us again may follow by welcome.
    Inactive,
    /// What came live cannot be processed without what may have been left out before it: ask for it.
    Ask,
}

/// Why an envelope was not accepted.
enum Failure {
    /// Refused for good: the cursor moves on.
    Refused(Box<Refusal>),
    /// An own payload that must be built again: the cursor moves on.
    Again(Box<IntentRow>),
    Missing(States),
    Paused(String),
    Fatal(GroupError),
}

impl Failure {
    fn is_of_an_epoch_to_come(&self) -> bool {
        matches!(
            self,
            Failure::Refused(refusal) if matches!(
                refusal.error,
                GroupError::Mls(MlsError::Message(MessageFault::WrongEpoch { message, group })) if message > group
            )
        )
    }
}

/// Who sent a message, and may speak for the inbox it names. Only [`Step::speaker`] makes one.
pub(super) struct Speaker {
    inbox_id: InboxId,
    installation_id: InstallationId,
}

impl Speaker {
    pub(super) fn inbox_id(&self) -> InboxId {
        self.inbox_id
    }

    pub(super) fn installation_id(&self) -> InstallationId {
        self.installation_id
    }
}

/// An envelope that is refused.
struct Refusal {
    result: CommitResult,
    error: GroupError,
    sender: Option<Leaf>,
    /// Own intent that failed for good.
    intent: Option<Box<IntentRow>>,
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Failure::Fatal(error.into())
    }
}

impl From<GroupError> for Failure {
    fn from(error: GroupError) -> Self {
        let result = match &error {
            // failures of our own say nothing about the envelope
            GroupError::Storage(StorageError::NumberTooLarge { .. }) => CommitResult::Invalid,
            GroupError::Storage(_)
            | GroupError::Corrupt(_)
            | GroupError::NotFound { .. }
            | GroupError::Mls(MlsError::UnknownGroup | MlsError::Corrupt(_)) => return Failure::Fatal(error),
            GroupError::Mls(MlsError::Message(MessageFault::WrongEpoch { .. })) => CommitResult::WrongEpoch,
            GroupError::Mls(MlsError::Message(MessageFault::OutOfLifetime { .. })) => CommitResult::Invalid,
            GroupError::Mls(MlsError::Message(_)) => CommitResult::Undecryptable,
            _ => CommitResult::Invalid,
        };
        Failure::Refused(Box::new(Refusal {
            result,
            error,
            sender: None,
            intent: None,
        }))
    }
}

impl From<MlsError> for Failure {
    fn from(error: MlsError) -> Self {
        GroupError::from(error).into()
    }
}

/// Processes envelopes in order, each as far as it goes.
///
/// The group is loaded once, and again after an envelope that touched it and was refused. `fetched` says that
/// identity logs were fetched for the first envelope already.
///
/// # Errors
/// [`GroupError::Storage`] and other failures of our own: the whole transaction must be rolled back.
pub fn receive(
    tx: &Transaction<'_>,
    context: &Context<'_>,
    group_id: GroupId,
    envelopes: &[Envelope],
    fetched: bool,
) -> Result<Batch, GroupError> {
    receive_from(tx, context, group_id, envelopes, fetched, Feed::Asked)
}

/// The same, of envelopes that were come by in another way.
///
/// # Errors
/// As [`receive`].
pub fn receive_from(
    tx: &Transaction<'_>,
    context: &Context<'_>,
    group_id: GroupId,
    envelopes: &[Envelope],
    fetched: bool,
    feed: Feed,
) -> Result<Batch, GroupError> {
    let context = &context.with(tx);
    let mut batch = Batch {
        done: 0,
        changes: Vec::new(),
        stop: None,
    };
    let row = context.row(group_id)?;
    if let Some(required) = row.paused_for_version {
        batch.stop = Some(Stop::Paused(required));
        return Ok(batch);
    }
    let mut cursors = Cursors::load(tx, group_id)?;
    let mut reader = Reader::load(context, row)?;
    for (index, envelope) in envelopes.iter().enumerate() {
        let header = Group::header(&envelope.data);
        let kind = header.as_ref().ok().map(|header| header.kind);
        let is_commit = kind == Some(MessageKind::Commit);
        // Commits are read by asking alone, so the cursor has passed none that was left out.
        if (is_commit || feed != Feed::LeftOut) && cursors.get(is_commit) >= envelope.sequence_id {
            batch.done += 1;
            continue;
        }
        let is_handshake = matches!(kind, Some(MessageKind::Commit | MessageKind::Proposal));
        if feed == Feed::Live && is_handshake {
            batch.stop = Some(if reader.group.is_active() {
                Stop::Ask
            } else {
                Stop::Inactive
            });
            break;
        }
        let is_application = kind == Some(MessageKind::Application);
        if is_handshake {
            // what changes more than a ratchet starts from what is stored
            reader.save(context)?;
        }
        let was_active = reader.group.is_active();
        let mut header = Some(header);
        let mut times = LifetimeClocks::default();
        let mut touched = false;
        // Only what was asked for once more can be waited for in vain.
        let waiting = (fetched && index == 0).then(|| Waiting {
            entity: group_id.as_bytes(),
            created_ns: envelope.created_ns,
            newest_ns: envelopes
                .iter()
                .map(|envelope| envelope.created_ns)
                .max()
                .unwrap_or(0),
        });
        let outcome = loop {
            let mut run = |context: &Context<'_>| {
                let mut step = Step {
                    context,
                    reader: &mut reader,
                    touched: &mut touched,
                    envelope,
                    waiting,
                    clock: times.current,
                };
                let header = header.take().unwrap_or_else(|| Group::header(&envelope.data));
                step.run(header, group_id)
            };
            let outcome = if is_handshake {
                tx.savepoint(|part| run(&context.with(part)))
            } else {
                // Refused before anything of it is written, but for what is remembered of identity logs, or not at all.
                run(context)
            };
            match outcome {
                Err(failure) if times.next(&failure, envelope) => reader.restore(context)?,
                outcome => break outcome,
            }
        };
        let stop = match outcome {
            Ok(changes) => {
                batch.changes.extend(changes);
                if is_application && touched {
                    reader.accepted(&envelope.data);
                } else if is_handshake {
                    reader.row = context.row(group_id)?;
                }
                None
            }
            Err(failure) => {
                // After a failure of our own nothing more is done: the transaction may be none any more.
                if touched && !matches!(failure, Failure::Fatal(_)) {
                    reader.restore(context)?;
                    reader.save(context)?;
                }
                if let (Failure::Missing(states), Some(waiting)) = (&failure, waiting)
                    && states.questions.is_empty()
                {
                    waiting.note(context)?;
                }
                if feed == Feed::Live && was_active && failure.is_of_an_epoch_to_come() {
                    Some(Stop::Ask)
                } else {
                    refuse(context, &reader.group, envelope, was_active, failure)?
                }
            }
        };
        if let Some(stop) = stop {
            if let Stop::Paused(required) = &stop {
                tx.set_paused_for_version(&group_id, Some(required))?;
                batch.changes.push(Change::Paused(required.clone()));
            }
            batch.stop = Some(stop);
            break;
        }
        cursors.advance(is_commit, envelope.sequence_id);
        batch.done += 1;
    }
    cursors.save(tx)?;
    context.keep(reader.finish(context)?);
    Ok(batch)
}

/// What follows from an envelope that was not accepted; `None`: go on after it.
fn refuse(
    context: &Context<'_>,
    group: &Group,
    envelope: &Envelope,
    was_active: bool,
    failure: Failure,
) -> Result<Option<Stop>, GroupError> {
    let refusal = match failure {
        Failure::Fatal(error) => return Err(error),
        Failure::Missing(states) => return Ok(Some(Stop::Missing(states))),
        Failure::Paused(required) => return Ok(Some(Stop::Paused(required))),
        Failure::Again(intent) => {
            // given up, or done already by another attempt: nothing is to be built again
            if matches!(intent.state, IntentState::ToPublish | IntentState::Published) {
                context.db.return_intent(intent.id)?;
            }
            return Ok(None);
        }
        Failure::Refused(refusal) => refusal,
    };
    if !was_active {
        return Ok(Some(Stop::Inactive));
    }
    tracing::debug!(group = ?group.id(), sequence_id = envelope.sequence_id, error = %refusal.error, "message refused");
    apply::log_refusal(
        context,
        group,
        envelope,
        refusal.result,
        refusal.sender,
        &refusal.error,
    )?;
    if let Some(intent) = refusal.intent {
        context.db.set_intent_state(intent.id, IntentState::Error)?;
    }
    if let GroupError::Mls(MlsError::Message(MessageFault::WrongEpoch { message, group: own })) =
        refusal.error
        && message > own
    {
        let details = format!("a message of epoch {message} arrived in epoch {own}");
        context.db.set_maybe_forked(&group.id(), Some(&details))?;
    }
    Ok(None)
}

/// By which clocks the key packages in a commit may be valid: first ours; then, for a commit that is read late or
/// by a clock that is wrong, the node's when the commit arrived, at which its author had just checked them; at last
/// the one by which the refused package is valid, for an author who was in the last seconds, or did not check.
/// Others take such a commit all the same, and what they take we must.
#[derive(Default)]
struct LifetimeClocks {
    /// Seconds since the Unix epoch; `None`: ours.
    current: Option<u64>,
    tried: u8,
}

impl LifetimeClocks {
    /// Whether to try again, with `current`.
    fn next(&mut self, failure: &Failure, envelope: &Envelope) -> bool {
        let Failure::Refused(refusal) = failure else {
            return false;
        };
        let GroupError::Mls(MlsError::Message(MessageFault::OutOfLifetime { valid_at })) = refusal.error
        else {
            return false;
        };
        self.current = match self.tried {
            0 => u64::try_from(envelope.created_ns / 1_000_000_000).ok(),
            1 => Some(valid_at),
            _ => return false,
        };
        self.tried += 1;
        TIME_CAN_BE_SET
    }
}

/// One envelope on its way through.
struct Step<'a, 'b, 'e> {
    context: &'a Context<'b>,
    reader: &'a mut Reader<'e>,
    /// The group in memory is not what it was before the envelope.
    touched: &'a mut bool,
    envelope: &'a Envelope,
    /// Identity logs were fetched for it already: what it waits for then.
    waiting: Option<Waiting<'a>>,
    /// The time by which lifetimes are checked, seconds since the Unix epoch; `None`: now.
    clock: Option<u64>,
}

impl Step<'_, '_, '_> {
    fn run(
        &mut self,
        header: Result<MessageHeader, MlsError>,
        group_id: GroupId,
    ) -> Result<Vec<Change>, Failure> {
        let header = header?;
        if header.group_id != group_id {
            return Err(MlsError::from(MessageFault::OtherGroup).into());
        }
        let hash = Sha256::digest(&self.envelope.data).into();
        if let Some((intent, attempt)) = self.context.db.attempt_by_hash(&hash)? {
            return match attempt.staged_commit.as_deref() {
                Some(staged) => self.own_commit(intent, &attempt, staged),
                None => self.own_message(&intent, &attempt),
            };
        }
        let provider = match header.kind {
            MessageKind::Application => self.context.provider().deferring_secrets(),
            MessageKind::Proposal | MessageKind::Commit => self.context.provider(),
        };
        let processed = self
            .reader
            .group
            .process_at(&provider, &self.envelope.data, self.clock);
        // What MLS itself refuses has used no key up; a sender is refused after that.
        let unread = |fault: &MessageFault| *fault != MessageFault::Sender;
        *self.touched = !matches!(&processed, Err(MlsError::Message(fault)) if unread(fault));
        match processed? {
            Processed::Own => Ok(Vec::new()),
            Processed::Application { sender, plaintext } => self.message(sender, &plaintext, header.epoch),
            Processed::Commit(commit) => {
                let committer = commit.view().committer;
                let commit = commit
                    .judge(|view| self.judge(view))
                    .map_err(|failure| named(failure, committer))?;
                self.merge(commit)
            }
            Processed::Proposal(proposal) => {
                let current = self.reader.group.context();
                let accepted = proposal
                    .judge(|view| {
                        commit_rules::validate_proposal(view.proposer.as_ref(), &view.kind, &current)
                    })
                    .map_err(GroupError::from)?;
                self.reader
                    .group
                    .store_proposal(&self.context.provider(), accepted)?;
                Ok(Vec::new())
            }
        }
    }

    /// An own message has arrived. Peers read it unless the group has moved too far on meanwhile.
    fn own_message(&mut self, intent: &IntentRow, attempt: &AttemptRow) -> Result<Vec<Change>, Failure> {
        let Some(message_id) = intent.message_id else {
            return Ok(Vec::new());
        };
        let epoch = self.reader.group.epoch();
        if attempt.published_in_epoch + READABLE_EPOCHS <= epoch || attempt.published_in_epoch > epoch {
            return Err(Failure::Again(Box::new(intent.clone())));
        }
        let stored = apply::published(
            self.context,
            (&self.reader.group, &self.reader.row),
            message_id,
            self.envelope,
            attempt.published_in_epoch,
        );
        let changes = self.stored(stored)?;
        // also those of a resend: the message is out
        self.context.db.delete_intents_of_message(&message_id)?;
        Ok(changes)
    }

    /// What is told of a message that was accepted. What fails after that is ours: part of it may be written.
    fn stored(&mut self, outcome: Result<Stored, GroupError>) -> Result<Vec<Change>, Failure> {
        let stored = outcome.map_err(Failure::Fatal)?;
        if stored.is_listed {
            self.reader.newest_listed_ns = self.reader.newest_listed_ns.max(Some(self.envelope.created_ns));
        }
        Ok(stored.changes)
    }

    /// An own commit has arrived. If it was the first of its epoch it is merged like anybody's, else it is
    /// built again.
    fn own_commit(
        &mut self,
        intent: IntentRow,
        attempt: &AttemptRow,
        staged: &[u8],
    ) -> Result<Vec<Change>, Failure> {
        if attempt.published_in_epoch != self.reader.group.epoch() {
            return Err(Failure::Again(Box::new(intent)));
        }
        let own_leaf = self.reader.group.own_leaf()?;
        let commit = VerifiedCommit::own(&self.reader.group, staged).map_err(|error| {
            Failure::Refused(Box::new(Refusal {
                result: CommitResult::Invalid,
                error: error.into(),
                sender: Some(own_leaf),
                intent: Some(Box::new(intent.clone())),
            }))
        })?;
        let commit = match commit.judge(|view| self.judge(view)) {
            Ok(commit) => commit,
            Err(failure) => {
                return Err(match named(failure, Some(own_leaf)) {
                    Failure::Refused(refusal) => Failure::Refused(Box::new(Refusal {
                        intent: Some(Box::new(intent)),
                        ..*refusal
                    })),
                    other => other,
                });
            }
        };
        if intent.kind != IntentKind::SendMessage {
            self.context
                .db
                .set_group_rotated(&self.reader.group.id(), self.context.now_ns)?;
        }
        let changes = self.merge(commit)?;
        match &attempt.post_commit {
            Some(post_commit) => {
                self.context.db.set_intent_committed(
                    intent.id,
                    self.envelope.sequence_id,
                    Some(post_commit),
                )?;
            }
            None => {
                self.context.db.delete_intent(intent.id)?;
            }
        }
        Ok(changes)
    }

    fn judge(&self, view: &CommitView) -> Result<ValidatedCommit, Failure> {
        let case = Case::of(view).map_err(GroupError::from)?;
        let states = states::load(self.context, &case.needed_states().map_err(GroupError::from)?)?;
        if !states.is_complete() {
            if !self.is_hopeless(&states)? {
                return Err(Failure::Missing(states));
            }
            let inbox: Option<InboxId> = states.missing.first().copied();
            let inbox = inbox.unwrap_or(self.context.inbox_id);
            return Err(GroupError::from(CommitError::UnknownUpdate { inbox }).into());
        }
        case.validate(&states.known, self.context.own_version)
            .map_err(|error| match error {
                CommitError::VersionTooLow { required } => Failure::Paused(required),
                error => GroupError::from(error).into(),
            })
    }

    fn merge(&mut self, commit: StagedCommit<ValidatedCommit>) -> Result<Vec<Change>, Failure> {
        *self.touched = true;
        // It was judged: a failure now is ours, and the envelope must not be passed.
        let merged = self
            .reader
            .group
            .merge(&self.context.provider(), commit)
            .map_err(|error| Failure::Fatal(error.into()))?;
        let mut changes = apply::commit(self.context, &self.reader.group, self.envelope, &merged)?;
        if merged.removed_self {
            changes.push(Change::Removed);
        }
        let oldest = self.reader.group.epoch().saturating_sub(REMEMBERED_EPOCHS);
        self.context
            .db
            .delete_attempts_before(&self.reader.group.id(), oldest)?;
        Ok(changes)
    }

    fn message(&mut self, sender: Leaf, plaintext: &[u8], epoch: u64) -> Result<Vec<Change>, Failure> {
        let speaker = self.speaker(sender)?;
        let unreadable = |_| MlsError::from(MessageFault::Malformed);
        let Some(plaintext) = Plaintext::decode(plaintext).map_err(unreadable)? else {
            return Ok(Vec::new());
        };
        let stored = apply::message(
            self.context,
            (&self.reader.group, &self.reader.row),
            self.envelope,
            &speaker,
            &plaintext,
            epoch,
        );
        self.stored(stored)
    }

    /// A leaf speaks for an inbox only if it is one of its installations at the update that the group
    /// reflects. The commit that brought the leaf in may be valid all the same: receivers of commits look at
    /// installations alone, so a member can bring in a leaf of its own that claims another's name.
    fn speaker(&mut self, sender: Leaf) -> Result<Speaker, Failure> {
        let refuse = || Failure::from(MlsError::from(MessageFault::Sender));
        let inbox_id = sender.inbox_id.ok_or_else(refuse)?;
        let installation_id = sender.installation_id;
        let claimed = (inbox_id, installation_id);
        match self
            .reader
            .speakers
            .check(self.context, &self.reader.group, claimed)?
        {
            Standing::Installation => Ok(Speaker {
                inbox_id,
                installation_id,
            }),
            Standing::Unknown(states) if !self.is_hopeless(&states)? => Err(Failure::Missing(states)),
            Standing::Unknown(_) | Standing::None => Err(refuse()),
        }
    }

    /// Whether waiting for what is missing makes no sense any more.
    fn is_hopeless(&self, states: &States) -> Result<bool, StorageError> {
        match &self.waiting {
            Some(waiting) if states.questions.is_empty() => waiting.is_hopeless(self.context),
            _ => Ok(false),
        }
    }
}

/// Notes who sent what was refused.
fn named(failure: Failure, sender: Option<Leaf>) -> Failure {
    match failure {
        Failure::Refused(refusal) => Failure::Refused(Box::new(Refusal { sender, ..*refusal })),
        other => other,
    }
}
