//! What a client answers when something cannot be done.

use crate::error::{Coded, ErrorCode};
use crate::groups::GroupError;
use crate::identity::{Address, IdentityError};
use crate::ids::{InboxId, InstallationId, MessageId};
use crate::messages::ContentError;
use crate::mls::MlsError;
use crate::preferences::PreferenceError;
use crate::storage::StorageError;
use crate::transport::TransportError;

/// Failures of a running client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The node failed, or could not be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An identity is not right.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A group refused.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// Preferences could not be read or written.
    #[error(transparent)]
    Preferences(PreferenceError),
    /// Content does not decode.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// No inbox is known for an address.
    #[error("nobody is registered with {address}: they must open an XMTP app first")]
    UnknownAddress {
        /// The address asked for.
        address: Address,
    },
    /// No identity log is known for an inbox.
    #[error("inbox {inbox_id} is not known to the network")]
    UnknownInbox {
        /// The inbox asked for.
        inbox_id: InboxId,
    },
    /// An inbox id other than the one the identifier belongs to.
    #[error("the database or the options name inbox {expected}, the identifier belongs to {found}")]
    InboxMismatch {
        /// The inbox asked for.
        expected: InboxId,
        /// The inbox of the identifier.
        found: InboxId,
    },
    /// Registration has not been finished.
    #[error("this installation is not registered yet: call register first")]
    NotRegistered,
    /// The inbox's identity log does not have this installation any more.
    #[error(
        "this installation was revoked: what it stored can be read; to go on, register a new one on a fresh database"
    )]
    InstallationRevoked {
        /// This installation.
        installation_id: InstallationId,
    },
    /// The node accepted the identity update but does not show it.
    #[error("the node does not show this installation in the identity log yet; call register again")]
    RegistrationNotVisible,
    /// Members' identities could not be loaded.
    #[error("the node does not have the identity updates that a message refers to; sync again later")]
    IdentityBehind,
    /// The node could not ask the chain about a contract wallet's signature.
    #[error("the node could not ask a contract wallet ({reason}); sync again later")]
    WalletNotAsked {
        /// What the node says.
        reason: String,
    },
    /// A message is not in the local database.
    #[error("message {id} is not in the local database")]
    MessageNotFound {
        /// The message asked for.
        id: MessageId,
    },
    /// An envelope that is no message of the conversation it was given to.
    #[error("these bytes are no message envelope of this conversation")]
    NotOfConversation,
    /// A history server failed, or could not be reached.
    #[error(
        "the history server did not do its part ({}): check its address, and that the page may reach it", .0.code().as_str()
    )]
    HistoryServer(#[source] TransportError),
    /// Installations of this client do not speak with each other.
    #[error("this client was opened without device sync, so it cannot hand history over")]
    NoDeviceSync,
    /// The inbox has no other installation.
    #[error("this inbox has no other installation that could be asked, or told")]
    NoOtherInstallation,
    /// No archive was told of.
    #[error(
        "no installation of this inbox has told of such an archive: sync the device-sync groups, or ask for one"
    )]
    NoSuchArchive,
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
}

impl From<MlsError> for ClientError {
    fn from(error: MlsError) -> Self {
        GroupError::from(error).into()
    }
}

impl From<PreferenceError> for ClientError {
    fn from(error: PreferenceError) -> Self {
        match error {
            PreferenceError::Storage(error) => error.into(),
            PreferenceError::Group(error) => error.into(),
            error => ClientError::Preferences(error),
        }
    }
}

impl Coded for ClientError {
    fn code(&self) -> ErrorCode {
        match self {
            ClientError::Storage(error) => error.code(),
            ClientError::Transport(error) | ClientError::HistoryServer(error) => error.code(),
            ClientError::Identity(error) => error.code(),
            ClientError::Group(GroupError::UnknownInbox { .. }) | ClientError::UnknownInbox { .. } => {
                ErrorCode::UnknownInbox
            }
            ClientError::Group(error) => error.code(),
            ClientError::Preferences(error) => error.code(),
            ClientError::Content(error) => error.code(),
            ClientError::UnknownAddress { .. } => ErrorCode::UnknownAddress,
            ClientError::InboxMismatch { .. } => ErrorCode::InboxMismatch,
            ClientError::NotRegistered => ErrorCode::NotRegistered,
            ClientError::InstallationRevoked { .. } => ErrorCode::InstallationRevoked,
            ClientError::RegistrationNotVisible
            | ClientError::IdentityBehind
            | ClientError::WalletNotAsked { .. } => ErrorCode::NetworkUnavailable,
            ClientError::MessageNotFound { .. } => ErrorCode::MessageNotFound,
            ClientError::NotOfConversation => ErrorCode::InvalidArgument,
            ClientError::NoDeviceSync => ErrorCode::UnsupportedOption,
            ClientError::NoOtherInstallation => ErrorCode::NoOtherInstallation,
            ClientError::NoSuchArchive => ErrorCode::UnknownArchive,
            ClientError::Closed => ErrorCode::ClientClosed,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            ClientError::Transport(error) | ClientError::HistoryServer(error) => error.is_retryable(),
            ClientError::Storage(error) => error.is_retryable(),
            ClientError::Group(error) => error.is_retryable(),
            _ => self.code() == ErrorCode::NetworkUnavailable,
        }
    }
}
