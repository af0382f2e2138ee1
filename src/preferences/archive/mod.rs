//! Archives: conversations, messages and decisions of an inbox in one encrypted file, for another installation or
//! for safe-keeping.
//!
//! Everything in a file is checked when it is read, also by whoever made it: a file is input from outside.
//!
//! | verb | file |
//! |---|---|
//! | write and read the container | `format.rs` |
//! | turn elements into rows and back | `wire.rs` |
//! | make one from the database | `export.rs` |
//! | take one into the database | `import.rs` |

mod export;
mod format;
mod import;
pub(super) mod wire;

use zeroize::{Zeroize, ZeroizeOnDrop};

pub use export::export;
pub use import::{Import, Imported};

use crate::error::{Coded, ErrorCode};

/// What an archive is encrypted with: 32 secret bytes, wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ArchiveKey([u8; 32]);

impl ArchiveKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for ArchiveKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ArchiveKey(…)")
    }
}

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchiveElement {
    /// Conversations and their messages.
    Messages,
    /// Decisions.
    Consent,
}

/// What is put into an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// Which.
    pub elements: Vec<ArchiveElement>,
    /// Only what is later than this: nanoseconds since the Unix epoch.
    pub start_ns: Option<i64>,
    /// Only what is earlier than this.
    pub end_ns: Option<i64>,
    /// Leave messages out that will disappear.
    pub exclude_disappearing_messages: bool,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            elements: vec![ArchiveElement::Consent, ArchiveElement::Messages],
            start_ns: None,
            end_ns: None,
            exclude_disappearing_messages: false,
        }
    }
}

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveMetadata {
    /// The version of the container.
    pub version: u16,
    /// What it holds; kinds that this version does not know are left out.
    pub elements: Vec<ArchiveElement>,
    /// When it was made.
    pub exported_at_ns: i64,
    /// What was asked for when it was made.
    pub start_ns: Option<i64>,
    /// The same.
    pub end_ns: Option<i64>,
}

impl ArchiveMetadata {
    /// What an archive says of itself that is made now with these options.
    #[must_use]
    pub fn of(options: &ArchiveOptions, now_ns: i64) -> Self {
        Self {
            version: format::VERSION,
            elements: options.elements.clone(),
            exported_at_ns: now_ns,
            start_ns: options.start_ns,
            end_ns: options.end_ns,
        }
    }
}

/// Why an archive cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Not this version's.
    #[error("the archive is of version {version}, this build reads version 0")]
    Version {
        /// The version found.
        version: u16,
    },
    /// Not an archive, or not a whole one.
    #[error("this is not a whole archive: {0}")]
    Malformed(&'static str),
    /// Encrypted with another key, or changed.
    #[error("the archive cannot be decrypted: the key is another one, or the file was changed")]
    Key,
    /// An element is not what it should be.
    #[error("the archive holds an element that is not right: {0}")]
    Element(&'static str),
}

impl Coded for ArchiveError {
    fn code(&self) -> ErrorCode {
        match self {
            ArchiveError::Version { .. } => ErrorCode::UnsupportedArchive,
            ArchiveError::Malformed(_) | ArchiveError::Element(_) => ErrorCode::InvalidArchive,
            ArchiveError::Key => ErrorCode::WrongArchiveKey,
        }
    }
}
