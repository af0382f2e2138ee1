//! What can go wrong with preferences.

use super::archive::ArchiveError;
use crate::error::{Coded, ErrorCode};
use crate::groups::GroupError;
use crate::storage::StorageError;

/// Failures of the preferences room.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum PreferenceError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A group failed.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// An archive cannot be read or written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A message of another installation does not decode.
    #[error("a message between installations does not decode: {0}")]
    Message(&'static str),
    /// A key that is none of XIP-42.
    #[error("an identity key is 32 bytes: a private key of secp256k1")]
    IdentityKey,
    /// An entry of the list of XIP-42 cannot be read.
    #[error("an entry of the list cannot be read: {0}")]
    Payload(&'static str),
    /// What consent is asked about is neither a group id nor an inbox id.
    #[error("consent is about a {expected}: hex of its id")]
    Entity {
        /// What was expected.
        expected: &'static str,
    },
}

impl Coded for PreferenceError {
    fn code(&self) -> ErrorCode {
        match self {
            PreferenceError::Storage(error) => error.code(),
            PreferenceError::Group(error) => error.code(),
            PreferenceError::Archive(error) => error.code(),
            PreferenceError::Message(_) | PreferenceError::Payload(_) => ErrorCode::InvalidContent,
            PreferenceError::Entity { .. } | PreferenceError::IdentityKey => ErrorCode::InvalidArgument,
        }
    }
}
