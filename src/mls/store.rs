//! OpenMLS's state in the client's database.
//!
//! Every value is CBOR. OpenMLS decodes some of its types only from a format that describes itself (byte
//! vectors of `tls_codec` accept two shapes, the join configuration is an untagged choice), which rules out
//! the smaller postcard; it also adds fields with defaults between releases, which such a format survives.
//! Unlike JSON, CBOR stores byte strings as bytes.

use crate::error::{Coded, ErrorCode};
use crate::storage::{Db, StorageError};
use cbor4ii::core::dec::Read;
use cbor4ii::core::utils::SliceReader;
use cbor4ii::serde::Deserializer;
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
    cbor4ii::serde::to_vec(Vec::new(), value).map_err(|_| MlsStoreError::Encode)
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// [`MlsStoreError::Decode`] for anything else, also when bytes are left over.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, MlsStoreError> {
    let mut decoder = Deserializer::new(SliceReader::new(bytes));
    let value = T::deserialize(&mut decoder).map_err(|_| MlsStoreError::Decode)?;
    let mut reader = decoder.into_inner();
    let rest = reader.fill(1).map_err(|_| MlsStoreError::Decode)?;
    if rest.as_ref().is_empty() {
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

    /// The context and the state, encoded, of each of these groups that is stored, by one query: what a list shows of a
    /// group is in there, and its tree, which is most of it, is not read.
    pub(super) fn contexts<K: Serialize>(
        &self,
        groups: &[K],
    ) -> Result<Vec<Option<[Vec<u8>; 2]>>, MlsStoreError> {
        let keys: Vec<Vec<u8>> = groups.iter().map(encode).collect::<Result<_, _>>()?;
        let kinds = [Kind::GroupContext as u8, Kind::GroupState as u8];
        let mut found: HashMap<(u8, Vec<u8>), Vec<u8>> = self
            .note(self.db.mls_values(kinds, &keys))?
            .into_iter()
            .map(|(kind, key, value)| ((kind, key), value))
            .collect();
        let both = |key: Vec<u8>| {
            let [context, state] = kinds.map(|kind| found.remove(&(kind, key.clone())));
            Some([context?, state?])
        };
        Ok(keys.into_iter().map(both).collect())
    }

    /// The state of each of these groups that is stored, by one query.
    pub(super) fn states<K: Serialize, S: DeserializeOwned>(
        &self,
        groups: &[K],
    ) -> Result<Vec<Option<S>>, MlsStoreError> {
        let keys: Vec<Vec<u8>> = groups.iter().map(encode).collect::<Result<_, _>>()?;
        let kind = Kind::GroupState as u8;
        let mut found: HashMap<Vec<u8>, Vec<u8>> = self
            .note(self.db.mls_values([kind, kind], &keys))?
            .into_iter()
            .map(|(_, key, value)| (key, value))
            .collect();
        keys.into_iter()
            .map(|key| self.note(found.remove(&key).map(|state| decode(&state)).transpose()))
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

/// The calls of OpenMLS for what there is one of for each key: which kind it is, the traits of key and value, then
/// writing, reading and deleting it. Their type parameters stand in the order that OpenMLS gives them.
macro_rules! one_for_each_key {
    ($($kind:ident: $key:ident => $value:ident,
        $write:ident<$($of_write:ident),+>, $read:ident<$($of_read:ident),+>, $delete:ident;)+) => {$(
        fn $write<$($of_write),+>(&self, key: &K, value: &T) -> Result<(), MlsStoreError>
        where
            K: traits::$key<V>,
            T: traits::$value<V>,
        {
            self.put(Kind::$kind, key, value)
        }

        fn $read<$($of_read),+>(&self, key: &K) -> Result<Option<T>, MlsStoreError>
        where
            K: traits::$key<V>,
            T: traits::$value<V>,
        {
            self.value(Kind::$kind, key)
        }

        fn $delete<K: traits::$key<V>>(&self, key: &K) -> Result<(), MlsStoreError> {
            self.delete(Kind::$kind, key)
        }
    )+};
}

impl StorageProvider<V> for MlsStore<'_> {
    type Error = MlsStoreError;

    one_for_each_key! {
        JoinConfig: GroupId => MlsGroupJoinConfig,
            write_mls_join_config<K, T>, mls_group_join_config<K, T>, delete_group_config;
        Tree: GroupId => TreeSync,
            write_tree<K, T>, tree<K, T>, delete_tree;
        InterimTranscriptHash: GroupId => InterimTranscriptHash,
            write_interim_transcript_hash<K, T>, interim_transcript_hash<K, T>, delete_interim_transcript_hash;
        GroupContext: GroupId => GroupContext,
            write_context<K, T>, group_context<K, T>, delete_context;
        ConfirmationTag: GroupId => ConfirmationTag,
            write_confirmation_tag<K, T>, confirmation_tag<K, T>, delete_confirmation_tag;
        GroupState: GroupId => GroupState,
            write_group_state<T, K>, group_state<T, K>, delete_group_state;
        ResumptionPsks: GroupId => ResumptionPskStore,
            write_resumption_psk_store<K, T>, resumption_psk_store<K, T>, delete_all_resumption_psk_secrets;
        OwnLeafIndex: GroupId => LeafNodeIndex,
            write_own_leaf_index<K, T>, own_leaf_index<K, T>, delete_own_leaf_index;
        EpochSecrets: GroupId => GroupEpochSecrets,
            write_group_epoch_secrets<K, T>, group_epoch_secrets<K, T>, delete_group_epoch_secrets;
        SignatureKeyPair: SignaturePublicKey => SignatureKeyPair,
            write_signature_key_pair<K, T>, signature_key_pair<K, T>, delete_signature_key_pair;
        EncryptionKeyPair: EncryptionKey => HpkeKeyPair,
            write_encryption_key_pair<K, T>, encryption_key_pair<T, K>, delete_encryption_key_pair;
        KeyPackage: HashReference => KeyPackage,
            write_key_package<K, T>, key_package<K, T>, delete_key_package;
        Psk: PskId => PskBundle,
            write_psk<K, T>, psk<T, K>, delete_psk;
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
