//! OpenMLS's state in the client's database.
//!
//! Every value is CBOR. OpenMLS decodes some of its types only from a format that describes itself (byte
//! vectors of `tls_codec` accept two shapes, the join configuration is an untagged choice), which rules out
//! the smaller postcard; it also adds fields with defaults between releases, which such a format survives.
//! Unlike JSON, CBOR stores byte strings as bytes.

use crate::error::{Coded, ErrorCode};
use crate::storage::{Db, StorageError};
use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

const V: u16 = CURRENT_VERSION;

/// What can go wrong between OpenMLS and the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MlsStoreError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A value could not be encoded: a defect.
    #[error("MLS state cannot be encoded")]
    Encode,
    /// A stored value does not decode.
    #[error("the database holds MLS state that does not decode")]
    Decode,
}

impl Coded for MlsStoreError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Storage(error) => error.code(),
            Self::Encode => ErrorCode::Internal,
            Self::Decode => ErrorCode::CorruptDatabase,
        }
    }
}

/// Encodes MLS state as it is stored, for values the caller keeps itself, such as a staged commit.
///
/// # Errors
/// [`MlsStoreError::Encode`], which no OpenMLS type is known to cause.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, MlsStoreError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|_| MlsStoreError::Encode)?;
    Ok(bytes)
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// [`MlsStoreError::Decode`] for anything else, also when bytes are left over.
pub(super) fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, MlsStoreError> {
    let value = ciborium::from_reader(&mut bytes).map_err(|_| MlsStoreError::Decode)?;
    if bytes.is_empty() {
        Ok(value)
    } else {
        Err(MlsStoreError::Decode)
    }
}

/// What a stored value is. The numbers are in every database: never change or reuse one.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Kind {
    JoinConfig = 1,
    Tree = 2,
    InterimTranscriptHash = 3,
    GroupContext = 4,
    ConfirmationTag = 5,
    GroupState = 6,
    MessageSecrets = 7,
    ResumptionPsks = 8,
    OwnLeafIndex = 9,
    EpochSecrets = 10,
    SignatureKeyPair = 11,
    EncryptionKeyPair = 12,
    EpochKeyPairs = 13,
    KeyPackage = 14,
    Psk = 15,
    /// A list.
    OwnLeafNodes = 16,
    /// A list; an entry's name is the encoded reference of the proposal.
    Proposals = 17,
}

/// OpenMLS's storage, over the rows of the client's database.
#[derive(Debug)]
pub struct MlsStore<'a> {
    db: &'a Db,
    /// The first failure of the database. OpenMLS turns some of them into errors that look like a bad
    /// message's; whoever judges an error of OpenMLS looks here first.
    failure: RefCell<Option<MlsStoreError>>,
    /// Message secrets are not written, see [`super::Provider::deferring_secrets`].
    defers_secrets: Cell<bool>,
    /// Nothing is written, see [`super::Provider::writing_nothing`].
    is_mute: Cell<bool>,
}

impl<'a> MlsStore<'a> {
    /// The store in a database.
    #[must_use]
    pub const fn new(db: &'a Db) -> Self {
        Self {
            db,
            failure: RefCell::new(None),
            defers_secrets: Cell::new(false),
            is_mute: Cell::new(false),
        }
    }

    /// Writes nothing from now on.
    pub(super) fn write_nothing(&self) {
        self.is_mute.set(true);
    }

    /// Writes no message secrets from now on.
    pub(super) fn defer_secrets(&self) {
        self.defers_secrets.set(true);
    }

    /// The first failure of the database since this store was made.
    pub(super) fn take_failure(&self) -> Option<MlsStoreError> {
        self.failure.borrow_mut().take()
    }

    /// The context and the state of each of these groups that is stored, by one query: what a list shows of a
    /// group is in there, and its tree, which is most of it, is not read.
    pub(super) fn contexts<K: Serialize, C: DeserializeOwned, S: DeserializeOwned>(
        &self,
        groups: &[K],
    ) -> Result<Vec<Option<(C, S)>>, MlsStoreError> {
        let keys: Vec<Vec<u8>> = groups.iter().map(encode).collect::<Result<_, _>>()?;
        let kinds = [Kind::GroupContext as u8, Kind::GroupState as u8];
        let mut found: HashMap<(u8, Vec<u8>), Vec<u8>> = self
            .note(self.db.mls_values(kinds, &keys))?
            .into_iter()
            .map(|(kind, key, value)| ((kind, key), value))
            .collect();
        keys.into_iter()
            .map(|key| {
                let [context, state] = kinds.map(|kind| found.remove(&(kind, key.clone())));
                let decoded = context
                    .zip(state)
                    .map(|(context, state)| -> Result<_, MlsStoreError> {
                        Ok((decode(&context)?, decode(&state)?))
                    });
                self.note(decoded.transpose())
            })
            .collect()
    }

    /// Remembers a failure.
    fn note<T, E: Into<MlsStoreError>>(&self, answer: Result<T, E>) -> Result<T, MlsStoreError> {
        answer.map_err(|error| {
            let error = error.into();
            self.failure.borrow_mut().get_or_insert_with(|| error.clone());
            error
        })
    }

    fn put(&self, kind: Kind, key: &impl Serialize, value: &impl Serialize) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        self.note(self.db.put_mls_value(kind as u8, &encode(key)?, &encode(value)?))
    }

    fn value<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &impl Serialize,
    ) -> Result<Option<T>, MlsStoreError> {
        let found = self.note(self.db.mls_value(kind as u8, &encode(key)?))?;
        self.note(found.map(|bytes| decode(&bytes)).transpose())
    }

    fn delete(&self, kind: Kind, key: &impl Serialize) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        self.note(self.db.delete_mls_value(kind as u8, &encode(key)?))
    }
}

impl StorageProvider<V> for MlsStore<'_> {
    type Error = MlsStoreError;

    fn write_mls_join_config<K: traits::GroupId<V>, T: traits::MlsGroupJoinConfig<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::JoinConfig, group_id, value)
    }

    fn mls_group_join_config<K: traits::GroupId<V>, T: traits::MlsGroupJoinConfig<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::JoinConfig, group_id)
    }

    fn delete_group_config<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::JoinConfig, group_id)
    }

    fn write_tree<K: traits::GroupId<V>, T: traits::TreeSync<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::Tree, group_id, value)
    }

    fn tree<K: traits::GroupId<V>, T: traits::TreeSync<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::Tree, group_id)
    }

    fn delete_tree<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::Tree, group_id)
    }

    fn write_interim_transcript_hash<K: traits::GroupId<V>, T: traits::InterimTranscriptHash<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::InterimTranscriptHash, group_id, value)
    }

    fn interim_transcript_hash<K: traits::GroupId<V>, T: traits::InterimTranscriptHash<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::InterimTranscriptHash, group_id)
    }

    fn delete_interim_transcript_hash<K: traits::GroupId<V>>(
        &self,
        group_id: &K,
    ) -> Result<(), MlsStoreError> {
        self.delete(Kind::InterimTranscriptHash, group_id)
    }

    fn write_context<K: traits::GroupId<V>, T: traits::GroupContext<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::GroupContext, group_id, value)
    }

    fn group_context<K: traits::GroupId<V>, T: traits::GroupContext<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::GroupContext, group_id)
    }

    fn delete_context<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::GroupContext, group_id)
    }

    fn write_confirmation_tag<K: traits::GroupId<V>, T: traits::ConfirmationTag<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::ConfirmationTag, group_id, value)
    }

    fn confirmation_tag<K: traits::GroupId<V>, T: traits::ConfirmationTag<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::ConfirmationTag, group_id)
    }

    fn delete_confirmation_tag<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::ConfirmationTag, group_id)
    }

    fn write_group_state<T: traits::GroupState<V>, K: traits::GroupId<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::GroupState, group_id, value)
    }

    fn group_state<T: traits::GroupState<V>, K: traits::GroupId<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::GroupState, group_id)
    }

    fn delete_group_state<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::GroupState, group_id)
    }

    fn write_message_secrets<K: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        if self.defers_secrets.get() {
            return Ok(());
        }
        self.put(Kind::MessageSecrets, group_id, value)
    }

    fn message_secrets<K: traits::GroupId<V>, T: traits::MessageSecrets<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::MessageSecrets, group_id)
    }

    fn delete_message_secrets<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::MessageSecrets, group_id)
    }

    fn write_resumption_psk_store<K: traits::GroupId<V>, T: traits::ResumptionPskStore<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::ResumptionPsks, group_id, value)
    }

    fn resumption_psk_store<K: traits::GroupId<V>, T: traits::ResumptionPskStore<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::ResumptionPsks, group_id)
    }

    fn delete_all_resumption_psk_secrets<K: traits::GroupId<V>>(
        &self,
        group_id: &K,
    ) -> Result<(), MlsStoreError> {
        self.delete(Kind::ResumptionPsks, group_id)
    }

    fn write_own_leaf_index<K: traits::GroupId<V>, T: traits::LeafNodeIndex<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::OwnLeafIndex, group_id, value)
    }

    fn own_leaf_index<K: traits::GroupId<V>, T: traits::LeafNodeIndex<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::OwnLeafIndex, group_id)
    }

    fn delete_own_leaf_index<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::OwnLeafIndex, group_id)
    }

    fn write_group_epoch_secrets<K: traits::GroupId<V>, T: traits::GroupEpochSecrets<V>>(
        &self,
        group_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::EpochSecrets, group_id, value)
    }

    fn group_epoch_secrets<K: traits::GroupId<V>, T: traits::GroupEpochSecrets<V>>(
        &self,
        group_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::EpochSecrets, group_id)
    }

    fn delete_group_epoch_secrets<K: traits::GroupId<V>>(&self, group_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::EpochSecrets, group_id)
    }

    fn write_signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        public_key: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::SignatureKeyPair, public_key, value)
    }

    fn signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        public_key: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::SignatureKeyPair, public_key)
    }

    fn delete_signature_key_pair<K: traits::SignaturePublicKey<V>>(
        &self,
        public_key: &K,
    ) -> Result<(), MlsStoreError> {
        self.delete(Kind::SignatureKeyPair, public_key)
    }

    fn write_encryption_key_pair<K: traits::EncryptionKey<V>, T: traits::HpkeKeyPair<V>>(
        &self,
        public_key: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::EncryptionKeyPair, public_key, value)
    }

    fn encryption_key_pair<T: traits::HpkeKeyPair<V>, K: traits::EncryptionKey<V>>(
        &self,
        public_key: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::EncryptionKeyPair, public_key)
    }

    fn delete_encryption_key_pair<K: traits::EncryptionKey<V>>(
        &self,
        public_key: &K,
    ) -> Result<(), MlsStoreError> {
        self.delete(Kind::EncryptionKeyPair, public_key)
    }

    fn write_key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        hash_ref: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::KeyPackage, hash_ref, value)
    }

    fn key_package<K: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        hash_ref: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::KeyPackage, hash_ref)
    }

    fn delete_key_package<K: traits::HashReference<V>>(&self, hash_ref: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::KeyPackage, hash_ref)
    }

    fn write_psk<K: traits::PskId<V>, T: traits::PskBundle<V>>(
        &self,
        psk_id: &K,
        value: &T,
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::Psk, psk_id, value)
    }

    fn psk<T: traits::PskBundle<V>, K: traits::PskId<V>>(
        &self,
        psk_id: &K,
    ) -> Result<Option<T>, MlsStoreError> {
        self.value(Kind::Psk, psk_id)
    }

    fn delete_psk<K: traits::PskId<V>>(&self, psk_id: &K) -> Result<(), MlsStoreError> {
        self.delete(Kind::Psk, psk_id)
    }

    fn write_encryption_epoch_key_pairs<
        GroupId: traits::GroupId<V>,
        EpochKey: traits::EpochKey<V>,
        HpkeKeyPair: traits::HpkeKeyPair<V>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
        key_pairs: &[HpkeKeyPair],
    ) -> Result<(), MlsStoreError> {
        self.put(Kind::EpochKeyPairs, &(group_id, epoch, leaf_index), &key_pairs)
    }

    fn encryption_epoch_key_pairs<
        GroupId: traits::GroupId<V>,
        EpochKey: traits::EpochKey<V>,
        HpkeKeyPair: traits::HpkeKeyPair<V>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
    ) -> Result<Vec<HpkeKeyPair>, MlsStoreError> {
        Ok(self
            .value(Kind::EpochKeyPairs, &(group_id, epoch, leaf_index))?
            .unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<GroupId: traits::GroupId<V>, EpochKey: traits::EpochKey<V>>(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
    ) -> Result<(), MlsStoreError> {
        self.delete(Kind::EpochKeyPairs, &(group_id, epoch, leaf_index))
    }

    fn append_own_leaf_node<GroupId: traits::GroupId<V>, LeafNode: traits::LeafNode<V>>(
        &self,
        group_id: &GroupId,
        leaf_node: &LeafNode,
    ) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        let (list, value) = (encode(group_id)?, encode(leaf_node)?);
        self.note(
            self.db
                .append_mls_list(Kind::OwnLeafNodes as u8, &list, None, &value),
        )
    }

    fn own_leaf_nodes<GroupId: traits::GroupId<V>, LeafNode: traits::LeafNode<V>>(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<LeafNode>, MlsStoreError> {
        let entries = self.note(self.db.mls_list(Kind::OwnLeafNodes as u8, &encode(group_id)?))?;
        self.note(entries.iter().map(|(_, value)| decode(value)).collect())
    }

    fn delete_own_leaf_nodes<GroupId: traits::GroupId<V>>(
        &self,
        group_id: &GroupId,
    ) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        self.note(
            self.db
                .delete_mls_list(Kind::OwnLeafNodes as u8, &encode(group_id)?),
        )
    }

    fn queue_proposal<
        GroupId: traits::GroupId<V>,
        ProposalRef: traits::ProposalRef<V>,
        QueuedProposal: traits::QueuedProposal<V>,
    >(
        &self,
        group_id: &GroupId,
        proposal_ref: &ProposalRef,
        proposal: &QueuedProposal,
    ) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        let (list, item, value) = (encode(group_id)?, encode(proposal_ref)?, encode(proposal)?);
        self.note(
            self.db
                .append_mls_list(Kind::Proposals as u8, &list, Some(&item), &value),
        )
    }

    fn queued_proposal_refs<GroupId: traits::GroupId<V>, ProposalRef: traits::ProposalRef<V>>(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<ProposalRef>, MlsStoreError> {
        let entries = self.note(self.db.mls_list(Kind::Proposals as u8, &encode(group_id)?))?;
        self.note(entries.iter().map(|(item, _)| decode(item)).collect())
    }

    fn queued_proposals<
        GroupId: traits::GroupId<V>,
        ProposalRef: traits::ProposalRef<V>,
        QueuedProposal: traits::QueuedProposal<V>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<(ProposalRef, QueuedProposal)>, MlsStoreError> {
        let entries = self.note(self.db.mls_list(Kind::Proposals as u8, &encode(group_id)?))?;
        let decoded: Result<_, MlsStoreError> = entries
            .iter()
            .map(|(item, value)| Ok((decode(item)?, decode(value)?)))
            .collect();
        self.note(decoded)
    }

    fn remove_proposal<GroupId: traits::GroupId<V>, ProposalRef: traits::ProposalRef<V>>(
        &self,
        group_id: &GroupId,
        proposal_ref: &ProposalRef,
    ) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        let (list, item) = (encode(group_id)?, encode(proposal_ref)?);
        self.note(self.db.delete_mls_list_item(Kind::Proposals as u8, &list, &item))
    }

    fn clear_proposal_queue<GroupId: traits::GroupId<V>, ProposalRef: traits::ProposalRef<V>>(
        &self,
        group_id: &GroupId,
    ) -> Result<(), MlsStoreError> {
        if self.is_mute.get() {
            return Ok(());
        }
        self.note(self.db.delete_mls_list(Kind::Proposals as u8, &encode(group_id)?))
    }
}
