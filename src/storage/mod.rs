//! Rows: everything a client keeps, in one SQLite database.
//!
//! In go row structs with validated ids, out come the same. Nothing here knows MLS, the network or the
//! time: times are arguments. Only this room writes SQL.
//!
//! | type | is |
//! |---|---|
//! | [`Store`] | the open database: one connection, one thread |
//! | [`Db`] | the functions on rows, by table family in `sqlite/`; [`Store`] and [`Transaction`] deref to it |
//! | [`Transaction`] | an open transaction, with [`Transaction::savepoint`] for its parts |
//!
//! **One transaction per processed envelope**: MLS state, cursor, intent and message row are written
//! together or not at all. A batch of envelopes is one transaction, with a savepoint for each that is more than a message.
//!
//! ```
//! use xmtp_web::storage::{CursorKind, StorageError, Store, StoreOptions};
//!
//! let store = Store::open(StoreOptions::memory())?;
//! store.transaction(|tx| -> Result<(), StorageError> {
//!     tx.advance_cursor(&[7; 16], CursorKind::CommitMessage, 0, 42)?;
//!     Ok(())
//! })?;
//! assert_eq!(store.cursor(&[7; 16], CursorKind::CommitMessage, 0)?, 42);
//! # Ok::<(), StorageError>(())
//! ```

mod db;
mod error;
mod gathering;
mod kept;
mod key;
mod migrations;
#[cfg(target_arch = "wasm32")]
mod opfs;
mod sqlite;
#[doc(hidden)]
pub mod suite;

pub use db::{Db, Location, Store, StoreOptions, Transaction};
pub use error::{Missing, StorageError, UnavailableReason, UnknownValue};
#[doc(hidden)]
pub use gathering::gathering;
pub use key::DatabaseKey;
#[cfg(target_arch = "wasm32")]
pub use opfs::OpfsPool;
pub use sqlite::archive::ArchiveQuery;
pub use sqlite::commit_log::{CommitLogRow, CommitResult};
pub use sqlite::consent::{ConsentEntity, ConsentRow, ConsentState};
pub use sqlite::consent_list::{IdentityKeyBytes, Occasion};
pub use sqlite::cursors::CursorKind;
pub use sqlite::device_sync::Unsent;
pub use sqlite::groups::{
    ConversationType, GroupOrder, GroupQuery, GroupRow, MembershipState, PendingRemoveRow,
};
pub use sqlite::identity::{
    IdentifierKind, IdentityRow, IdentityUpdateRow, InstallationSeed, RegistrationState,
};
pub use sqlite::intents::{AttemptRow, IntentId, IntentKind, IntentRow, IntentState, NewIntent};
pub use sqlite::key_packages::KeyPackageRow;
pub use sqlite::messages::{
    ContentTypeKey, DeliveryStatus, Direction, MessageKind, MessageOrder, MessageQuery, MessageRow, Published,
};
pub use sqlite::mls::{MlsListEntry, MlsValue};
pub use sqlite::preferences::{HmacKey, PreferencesRow};
pub use sqlite::relations::ReplyCount;
pub use sqlite::removals::{RemovalRow, RemovalRule, Role};
pub use sqlite::waits::WaitRow;
