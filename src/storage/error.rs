//! What can go wrong with rows and the file they lie in.

use crate::error::{Coded, ErrorCode};
use crate::ids::InvalidId;
use rusqlite::ErrorCode as Primary;
use rusqlite::types::FromSqlError;

/// What every function of this room may answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The file is encrypted with another key, is encrypted and no key was given, or is no database.
    #[error("the database cannot be opened with this key")]
    WrongKey,
    /// Another tab, worker or process owns the file.
    #[error("another tab or worker owns the database")]
    LockedByOtherTab,
    /// There is no persistent storage for us here.
    #[error("no persistent storage: {0}")]
    Unavailable(UnavailableReason),
    /// No space is left; nothing of the transaction was written.
    #[error("no space is left for the database")]
    Full,
    /// A newer version of this library wrote the database. It was not touched.
    #[error("the database has schema {found}, this version knows up to {supported}")]
    NewerSchema {
        /// The schema version in the file.
        found: i64,
        /// The newest one we know.
        supported: i64,
    },
    /// Something stored does not decode.
    #[error("the database holds {what} that does not decode")]
    Corrupt {
        /// What it should have been.
        what: &'static str,
    },
    /// A key was given where nothing can be encrypted: native files.
    #[error("this build cannot encrypt a database file")]
    UnsupportedKey,
    /// A row that was to be changed does not exist.
    #[error("{0} is not in the database")]
    NotFound(Missing),
    /// A number from outside exceeds what a column holds (2^63 − 1).
    #[error("{what} is too large to be stored")]
    NumberTooLarge {
        /// Which number.
        what: &'static str,
    },
    /// A transaction was begun inside another: a defect of the caller.
    #[error("a transaction is already open")]
    NestedTransaction,
    /// SQLite gave the transaction up by itself (for example when the disk was full) and the caller went
    /// on as if nothing had happened. Nothing was written.
    #[error("the transaction was lost before it could be committed")]
    TransactionLost,
    /// The database failed otherwise.
    #[error("SQLite error {code}: {message}")]
    Sqlite {
        /// SQLite's extended result code.
        code: i32,
        /// SQLite's text. It names tables and columns, never values.
        message: String,
    },
}

/// Why there is no persistent storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnavailableReason {
    /// No origin private file system with synchronous handles: an old browser, a page that is not secure,
    /// or a thread that is not a dedicated worker.
    #[error("the browser offers no private file system to this thread")]
    NoFileSystem,
    /// The browser refuses it, as some do in private windows.
    #[error("the browser refuses access to its private file system")]
    Refused,
    /// The pool gave its handles back and must be resumed first.
    #[error("the storage is paused")]
    Paused,
    /// The pool's own files are in disorder; only deleting them helps.
    #[error("the storage directory is damaged")]
    Damaged,
    /// The directory or file name has a form the pool does not take.
    #[error("the name of the storage directory or file is not usable")]
    InvalidName,
    /// Reading or writing failed for another reason.
    #[error("reading or writing failed")]
    Failed,
}

impl UnavailableReason {
    /// The stable name, as apps see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoFileSystem => "no_file_system",
            Self::Refused => "refused",
            Self::Paused => "paused",
            Self::Damaged => "damaged",
            Self::InvalidName => "invalid_name",
            Self::Failed => "failed",
        }
    }
}

/// Which kind of row was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A row of `groups`.
    #[error("the group")]
    Group,
    /// A row of `messages`.
    #[error("the message")]
    Message,
    /// A row of `intents`.
    #[error("the intent")]
    Intent,
    /// The row of `identity`.
    #[error("the identity")]
    Identity,
    /// A file of the pool.
    #[error("the file")]
    File,
}

impl Coded for StorageError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::WrongKey => ErrorCode::WrongDatabaseKey,
            Self::LockedByOtherTab => ErrorCode::LockedByOtherTab,
            Self::Unavailable(_) => ErrorCode::StorageUnavailable,
            Self::Full => ErrorCode::StorageFull,
            Self::NewerSchema { .. } => ErrorCode::NewerSchema,
            Self::Corrupt { .. } => ErrorCode::CorruptDatabase,
            Self::UnsupportedKey => ErrorCode::UnsupportedOption,
            Self::NotFound(Missing::Group) => ErrorCode::GroupNotFound,
            Self::NotFound(Missing::Message) => ErrorCode::MessageNotFound,
            Self::NotFound(Missing::Identity) => ErrorCode::NotRegistered,
            Self::NotFound(Missing::Intent) | Self::NestedTransaction => ErrorCode::Internal,
            Self::NotFound(Missing::File)
            | Self::NumberTooLarge { .. }
            | Self::TransactionLost
            | Self::Sqlite { .. } => ErrorCode::StorageFailed,
        }
    }
}

/// A stored number that is none of an enum's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{value} is not {kind}")]
pub struct UnknownValue {
    /// What it should have been.
    pub kind: &'static str,
    /// What it is.
    pub value: i64,
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, message) => match failure.code {
                Primary::NotADatabase => Self::WrongKey,
                Primary::DatabaseBusy | Primary::DatabaseLocked => Self::LockedByOtherTab,
                Primary::DiskFull => Self::Full,
                Primary::DatabaseCorrupt => Self::Corrupt { what: "a page" },
                Primary::CannotOpen | Primary::SystemIoFailure => {
                    Self::Unavailable(UnavailableReason::Failed)
                }
                _ => Self::Sqlite {
                    code: failure.extended_code,
                    message: message.unwrap_or_default(),
                },
            },
            rusqlite::Error::FromSqlConversionFailure(_, _, inner) => Self::Corrupt {
                what: what_failed(inner.as_ref()),
            },
            rusqlite::Error::IntegralValueOutOfRange(..) => Self::Corrupt { what: "a number" },
            rusqlite::Error::InvalidColumnType(..) => Self::Corrupt { what: "a column" },
            rusqlite::Error::Utf8Error(..) => Self::Corrupt { what: "a text" },
            other => Self::Sqlite {
                code: -1,
                message: other.to_string(),
            },
        }
    }
}

/// The name of what did not decode.
fn what_failed(error: &(dyn std::error::Error + 'static)) -> &'static str {
    if let Some(FromSqlError::Other(inner)) = error.downcast_ref::<FromSqlError>() {
        return what_failed(inner.as_ref());
    }
    if let Some(id) = error.downcast_ref::<InvalidId>() {
        return id.kind;
    }
    error
        .downcast_ref::<UnknownValue>()
        .map_or("a column", |unknown| unknown.kind)
}
