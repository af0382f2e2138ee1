//! What can go wrong with MLS objects, ours or others'.

use crate::error::{Coded, ErrorCode};
use crate::storage::StorageError;

/// Failures of the MLS room. Everything a peer can cause is told apart from our own defects.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MlsError {
    /// The database failed; nothing is known about the message being worked on.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A key package is malformed, wrongly signed or expired.
    #[error("the key package is not usable: {0}")]
    KeyPackage(KeyPackageFault),
    /// A welcome cannot be opened or does not describe a group.
    #[error("the welcome is not usable: {0}")]
    Welcome(WelcomeFault),
    /// A group message cannot be processed.
    #[error("the group message is not usable: {0}")]
    Message(MessageFault),
    /// The group is not in the store.
    #[error("no MLS state is stored for this group")]
    UnknownGroup,
    /// The own leaf was removed from the group.
    #[error("this installation is no longer a member of the group")]
    Inactive,
    /// A stored object does not decode.
    #[error("stored MLS state does not decode: {0}")]
    Corrupt(&'static str),
    /// OpenMLS refuses an operation of ours: a defect in this library.
    #[error("MLS operation failed: {0}")]
    Internal(String),
}

/// Why a key package is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyPackageFault {
    /// The node has none for the installation.
    #[error("the node has none")]
    Missing,
    /// It is not the exact TLS encoding of a `KeyPackage`.
    #[error("it does not decode")]
    Malformed,
    /// Signature, version, key or extension checks of RFC 9420 §10.1 fail.
    #[error("it does not verify")]
    Invalid,
    /// Now is outside of its lifetime.
    #[error("it has expired or is not valid yet")]
    OutOfLifetime,
    /// Its ciphersuite is not 0x0003.
    #[error("its ciphersuite is not the one of the network")]
    Ciphersuite,
    /// Its credential is not an inbox id.
    #[error("its credential holds no inbox id")]
    Credential,
    /// Its signature key has no 32 bytes.
    #[error("its signature key is not an installation id")]
    SignatureKey,
    /// It was fetched for another installation.
    #[error("it belongs to another installation")]
    OtherInstallation,
}

/// Why a welcome is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WelcomeFault {
    /// Not encoded as a welcome.
    #[error("it does not decode")]
    Malformed,
    /// Wrapped by an algorithm we do not offer.
    #[error("its wrapper algorithm is not supported")]
    Algorithm,
    /// Wrapped to a key we do not have (any more).
    #[error("it is sealed to a key package we do not have")]
    UnknownKeyPackage,
    /// The HPKE seal does not open.
    #[error("its seal does not open")]
    Seal,
    /// It asks for pre-shared keys.
    #[error("it uses pre-shared keys")]
    PreSharedKey,
    /// OpenMLS refuses the group it describes.
    #[error("the group it describes is not valid")]
    Invalid,
    /// The group id has no 16 bytes.
    #[error("its group id is not one of the network")]
    GroupId,
    /// The sender's leaf is not an installation of an inbox.
    #[error("its sender has no inbox id")]
    Sender,
}

/// Why a group message is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// Not an encoded MLS message.
    #[error("it does not decode")]
    Malformed,
    /// Not a PrivateMessage.
    #[error("it is not encrypted")]
    NotPrivate,
    /// For another group.
    #[error("it is for another group")]
    OtherGroup,
    /// A commit or proposal of another epoch than the group's.
    #[error("it is of epoch {message}, the group is in {group}")]
    WrongEpoch {
        /// Epoch in the header.
        message: u64,
        /// Epoch of the local group.
        group: u64,
    },
    /// An application message older than the epochs kept.
    #[error("its epoch is too far in the past")]
    TooOld,
    /// Decryption fails: the key was used before, or was never ours.
    #[error("it does not decrypt")]
    Undecryptable,
    /// It adds a key package that has expired or is not valid yet, by the clock it was checked with.
    #[error("it adds a key package outside of its lifetime")]
    OutOfLifetime {
        /// A time at which the package is valid, seconds since the Unix epoch.
        valid_at: u64,
    },
    /// Signature, membership or tree checks of RFC 9420 fail.
    #[error("it does not verify")]
    Invalid,
    /// The sender is not an installation of an inbox in the tree.
    #[error("its sender is not a member")]
    Sender,
}

impl Coded for MlsError {
    fn code(&self) -> ErrorCode {
        match self {
            MlsError::Storage(error) => error.code(),
            MlsError::KeyPackage(_) => ErrorCode::InvalidKeyPackage,
            MlsError::Welcome(_) => ErrorCode::WelcomeRejected,
            MlsError::Message(_) => ErrorCode::UnreadableMessage,
            MlsError::UnknownGroup => ErrorCode::GroupNotFound,
            MlsError::Inactive => ErrorCode::GroupInactive,
            MlsError::Corrupt(_) => ErrorCode::CorruptDatabase,
            MlsError::Internal(_) => ErrorCode::Internal,
        }
    }
}

impl From<KeyPackageFault> for MlsError {
    fn from(fault: KeyPackageFault) -> Self {
        MlsError::KeyPackage(fault)
    }
}

impl From<WelcomeFault> for MlsError {
    fn from(fault: WelcomeFault) -> Self {
        MlsError::Welcome(fault)
    }
}

impl From<MessageFault> for MlsError {
    fn from(fault: MessageFault) -> Self {
        MlsError::Message(fault)
    }
}
