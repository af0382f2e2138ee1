//! One MLS group: its members, its context, and the messages of it.

use openmls::group::{MlsGroup, MlsGroupState, ProcessMessageError};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::{
    ContentType, CreateMessageError, KeyPackageVerifyError, MlsMessageIn, OpenMlsProvider as _,
    ProcessedMessageContent, ProtocolMessage, Sender, ValidationError,
};
use openmls::treesync::errors::LifetimeError;
use openmls_traits::storage::StorageProvider as _;

use super::commit::{VerifiedCommit, VerifiedProposal};
use super::error::{MessageFault, MlsError};
use super::extensions::{CIPHERSUITE, ContextExtensions, leaf_capabilities};
use super::key_package::{credential_with_key, inbox_of};
use super::provider::Provider;
use super::signer::MlsSigner;
use crate::identity::InstallationKey;
use crate::ids::{GroupId, InboxId, InstallationId};
use crate::platform::at_time;

/// How many past epochs stay readable, as in libxmtp: a sender may be that far behind.
pub(super) const PAST_EPOCHS: usize = 3;

/// A member of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// Index in the ratchet tree.
    pub index: u32,
    /// What the credential says; `None` when it holds no inbox id.
    pub inbox_id: Option<InboxId>,
    /// The leaf's signature key.
    pub installation_id: InstallationId,
}

impl Leaf {
    pub(super) fn of(member: &openmls::prelude::Member) -> Option<Self> {
        Some(Self {
            index: member.index.u32(),
            inbox_id: inbox_of(&member.credential),
            installation_id: InstallationId::try_from(member.signature_key.as_slice()).ok()?,
        })
    }
}

/// What a group message says of itself before it is decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageHeader {
    /// The group it claims.
    pub group_id: GroupId,
    /// The epoch it claims.
    pub epoch: u64,
    /// What it claims to hold.
    pub kind: MessageKind,
}

/// The MLS content type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// Application data.
    Application,
    /// A standalone proposal.
    Proposal,
    /// A commit.
    Commit,
}

/// A message that was decrypted and verified, and not yet acted on.
#[derive(Debug)]
pub enum Processed {
    /// Application data of a member.
    Application {
        /// The sender's leaf, at the epoch of the message.
        sender: Leaf,
        /// The plaintext.
        plaintext: Vec<u8>,
    },
    /// A commit, to be judged and then merged or dropped.
    Commit(VerifiedCommit),
    /// A standalone proposal, to be judged and then stored or dropped.
    Proposal(VerifiedProposal),
    /// A message of our own leaf, which MLS cannot decrypt.
    Own,
}

/// A group of the local installation. Loaded once per batch: its state in memory and in the store move
/// together, so drop it after a rollback. Only the ratchet of the own commits may be ahead of what is stored, see
/// [`stage_commit`](Self::stage_commit).
#[derive(Debug)]
pub struct Group {
    pub(super) inner: MlsGroup,
    id: GroupId,
}

impl Group {
    pub(super) fn from_inner(inner: MlsGroup, id: GroupId) -> Self {
        Self { inner, id }
    }

    /// Makes a group of one, in epoch 0, and stores it. The id is 16 random bytes.
    ///
    /// # Errors
    /// [`MlsError::Storage`]; [`MlsError::Internal`].
    pub fn create(
        provider: &Provider<'_>,
        key: &InstallationKey,
        inbox_id: InboxId,
        context: &ContextExtensions,
    ) -> Result<Self, MlsError> {
        let mut id = [0u8; GroupId::LEN];
        getrandom::fill(&mut id).map_err(|error| MlsError::Internal(error.to_string()))?;
        Self::create_as(provider, key, inbox_id, GroupId::new(id), context)
    }

    /// Creates one that nothing can be done in, under the id of a group that is elsewhere: a later welcome to that
    /// takes its place.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_inactive(
        provider: &Provider<'_>,
        key: &InstallationKey,
        inbox_id: InboxId,
        id: GroupId,
        context: &ContextExtensions,
    ) -> Result<(), MlsError> {
        let group = Self::create_as(provider, key, inbox_id, id, context)?;
        provider
            .storage()
            .write_group_state(group.inner.group_id(), &MlsGroupState::Inactive)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))
    }

    fn create_as(
        provider: &Provider<'_>,
        key: &InstallationKey,
        inbox_id: InboxId,
        id: GroupId,
        context: &ContextExtensions,
    ) -> Result<Self, MlsError> {
        let inner = MlsGroup::builder()
            .with_group_id(openmls::group::GroupId::from_slice(id.as_bytes()))
            .ciphersuite(CIPHERSUITE)
            .with_capabilities(leaf_capabilities())
            .max_past_epochs(PAST_EPOCHS)
            .use_ratchet_tree_extension(true)
            .with_group_context_extensions(context.for_creation()?)
            .build(provider, &MlsSigner(key), credential_with_key(key, inbox_id))
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
        Ok(Self { inner, id })
    }

    /// Loads a stored group.
    ///
    /// # Errors
    /// [`MlsError::UnknownGroup`], [`MlsError::Storage`].
    pub fn load(provider: &Provider<'_>, id: GroupId) -> Result<Self, MlsError> {
        let inner = MlsGroup::load(
            provider.storage(),
            &openmls::group::GroupId::from_slice(id.as_bytes()),
        )
        .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?
        .ok_or(MlsError::UnknownGroup)?;
        Ok(Self { inner, id })
    }

    /// The group's id.
    #[must_use]
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// The epoch the group is in.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.inner.epoch().as_u64()
    }

    /// Equal on all members of an epoch, different on forks.
    #[must_use]
    pub fn epoch_authenticator(&self) -> &[u8] {
        self.inner.epoch_authenticator().as_slice()
    }

    /// Whether the own leaf is still in the tree.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    /// Whether accepted proposals wait for a commit.
    #[must_use]
    pub fn has_pending_proposals(&self) -> bool {
        self.inner.pending_proposals().next().is_some()
    }

    /// The context's extensions.
    #[must_use]
    pub fn context(&self) -> ContextExtensions {
        ContextExtensions::read(self.inner.extensions())
    }

    /// The leaves of the tree that are installations, in the order of the tree.
    pub fn leaves(&self) -> impl Iterator<Item = Leaf> + '_ {
        self.inner.members().filter_map(|member| Leaf::of(&member))
    }

    pub(super) fn leaf_at(&self, index: openmls::prelude::LeafNodeIndex) -> Option<Leaf> {
        self.inner.member_at(index).and_then(|member| Leaf::of(&member))
    }

    /// The own leaf.
    ///
    /// # Errors
    /// [`MlsError::Inactive`] when it was removed.
    pub fn own_leaf(&self) -> Result<Leaf, MlsError> {
        self.leaf_at(self.inner.own_leaf_index())
            .ok_or(MlsError::Inactive)
    }

    /// Encrypts application data for the current epoch and stores the advanced ratchet. Returns the TLS
    /// `MLSMessage` to send.
    ///
    /// # Errors
    /// [`MlsError::Inactive`]; [`MlsError::Storage`]; [`MlsError::Internal`].
    pub fn encrypt(
        &mut self,
        provider: &Provider<'_>,
        key: &InstallationKey,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, MlsError> {
        if !self.is_active() {
            return Err(MlsError::Inactive);
        }
        // OpenMLS does not encrypt while proposals wait for a commit. The only ones kept here change the
        // context, and one member's wish to change it must not silence another who may not commit it.
        let waiting: Vec<_> = self.inner.pending_proposals().cloned().collect();
        self.inner
            .clear_pending_proposals(provider.storage())
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))?;
        let message = self
            .inner
            .create_message(provider, &MlsSigner(key), plaintext)
            .map_err(|error: CreateMessageError| provider.failed(|| MlsError::Internal(error.to_string())))?
            .tls_serialize_detached()
            .map_err(|error| MlsError::Internal(error.to_string()))?;
        for proposal in waiting {
            self.keep(provider, proposal)?;
        }
        Ok(message)
    }

    /// Reads the header of a group message. Trailing bytes are refused.
    ///
    /// # Errors
    /// [`MessageFault::Malformed`], [`MessageFault::NotPrivate`].
    pub fn header(message: &[u8]) -> Result<MessageHeader, MlsError> {
        let message = parse(message)?;
        Ok(MessageHeader {
            group_id: GroupId::try_from(message.group_id().as_slice())
                .map_err(|_| MessageFault::OtherGroup)?,
            epoch: message.epoch().as_u64(),
            kind: match message.content_type() {
                ContentType::Application => MessageKind::Application,
                ContentType::Proposal => MessageKind::Proposal,
                ContentType::Commit => MessageKind::Commit,
            },
        })
    }

    /// Decrypts and verifies a message of the group. Consumes its key in memory and in the store, so roll back and
    /// load again when it is refused after that: its author may use the generation again.
    ///
    /// # Errors
    /// [`MlsError::Message`] with the reason: nothing was consumed, except for [`MessageFault::Sender`], where it
    /// may have been; [`MlsError::Storage`].
    ///
    /// # Source
    /// RFC 9420 §6, §12.4.2.
    pub fn process(&mut self, provider: &Provider<'_>, message: &[u8]) -> Result<Processed, MlsError> {
        self.process_at(provider, message, None)
    }

    /// The same, with lifetimes of added key packages checked at another time than now (seconds since the Unix
    /// epoch), where the machine lets us ([`TIME_CAN_BE_SET`](crate::platform::TIME_CAN_BE_SET)).
    ///
    /// Peers do not check them in a commit: its author has. OpenMLS does, by the clock, and would part us from the
    /// group when we read a commit after a key package in it has expired.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    pub fn process_at(
        &mut self,
        provider: &Provider<'_>,
        message: &[u8],
        unix_seconds: Option<u64>,
    ) -> Result<Processed, MlsError> {
        let message = parse(message)?;
        if message.group_id() != self.inner.group_id() {
            return Err(MessageFault::OtherGroup.into());
        }
        let epoch = message.epoch().as_u64();
        let process = || self.inner.process_message(provider, message);
        let processed = match unix_seconds {
            Some(time) => at_time(time, process),
            None => process(),
        };
        let processed = processed.map_err(|error| provider.failed(|| self.refusal(error, epoch).into()))?;
        let sender = match processed.sender() {
            Sender::Member(index) => Some(index.to_owned()),
            _ => None,
        };
        let credential = inbox_of(processed.credential());
        match processed.into_content() {
            ProcessedMessageContent::ApplicationMessage(application) => {
                let sender = sender.and_then(|index| self.sender_leaf(index, epoch, credential));
                Ok(Processed::Application {
                    sender: sender.ok_or(MessageFault::Sender)?,
                    plaintext: application.into_bytes(),
                })
            }
            ProcessedMessageContent::StagedCommitMessage(staged) => {
                let committer = sender.and_then(|index| self.leaf_at(index));
                Ok(Processed::Commit(VerifiedCommit::new(self, staged, committer)))
            }
            ProcessedMessageContent::ProposalMessage(proposal)
            | ProcessedMessageContent::ExternalJoinProposalMessage(proposal) => {
                Ok(Processed::Proposal(VerifiedProposal::new(self, proposal)))
            }
            ProcessedMessageContent::OwnPrivateMessage | ProcessedMessageContent::OwnPendingCommit => {
                Ok(Processed::Own)
            }
        }
    }

    /// Writes the ratchets that messages read with [`Provider::deferring_secrets`] have moved.
    ///
    /// # Errors
    /// [`MlsError::Storage`].
    pub fn save_secrets(&mut self, provider: &Provider<'_>) -> Result<(), MlsError> {
        // The one call of OpenMLS that writes them and, the policy being the same, does nothing else.
        let policy = self.inner.past_epoch_deletion_policy().clone();
        self.inner
            .set_past_epoch_deletion_policy(provider, policy)
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))
    }

    /// Deletes everything stored of the group.
    ///
    /// # Errors
    /// [`MlsError::Storage`].
    pub fn delete(mut self, provider: &Provider<'_>) -> Result<(), MlsError> {
        self.inner
            .delete(provider.storage())
            .map_err(|error| provider.failed(|| MlsError::Internal(error.to_string())))
    }

    /// The leaf that sent an application message. A message of a past epoch whose sender has left the tree
    /// since is refused, as libxmtp does.
    fn sender_leaf(
        &self,
        index: openmls::prelude::LeafNodeIndex,
        epoch: u64,
        inbox_id: Option<InboxId>,
    ) -> Option<Leaf> {
        let leaf = self.leaf_at(index)?;
        (leaf.inbox_id.is_some() && leaf.inbox_id == inbox_id && epoch <= self.epoch()).then_some(leaf)
    }

    fn refusal<S>(&self, error: ProcessMessageError<S>, epoch: u64) -> MessageFault {
        match error {
            ProcessMessageError::ValidationError(ValidationError::WrongEpoch) => MessageFault::WrongEpoch {
                message: epoch,
                group: self.epoch(),
            },
            ProcessMessageError::ValidationError(ValidationError::NoPastEpochData) => MessageFault::TooOld,
            ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(_))
                if epoch < self.epoch() =>
            {
                MessageFault::TooOld
            }
            ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(_)) => {
                MessageFault::Undecryptable
            }
            ProcessMessageError::ValidationError(ValidationError::KeyPackageVerifyError(
                KeyPackageVerifyError::LifetimeError(error),
            )) => match error {
                LifetimeError::Expired { not_after, .. } => MessageFault::OutOfLifetime {
                    valid_at: not_after.saturating_sub(1),
                },
                LifetimeError::NotValidYet { not_before, .. } => {
                    MessageFault::OutOfLifetime { valid_at: not_before }
                }
                LifetimeError::SystemTimeBeforeUnixEpoch => MessageFault::Invalid,
            },
            ProcessMessageError::ValidationError(ValidationError::UnknownMember) => MessageFault::Sender,
            ProcessMessageError::IncompatibleWireFormat => MessageFault::NotPrivate,
            _ => MessageFault::Invalid,
        }
    }
}

fn parse(message: &[u8]) -> Result<ProtocolMessage, MessageFault> {
    let message = MlsMessageIn::tls_deserialize_exact(message).map_err(|_| MessageFault::Malformed)?;
    match message.try_into_protocol_message() {
        Ok(message @ ProtocolMessage::PrivateMessage(_)) => Ok(message),
        Ok(_) => Err(MessageFault::NotPrivate),
        Err(_) => Err(MessageFault::Malformed),
    }
}
