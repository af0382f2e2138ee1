//! Rows: one SQLite database, one connection, one writer at a time.
//!
//! Ids of each table begin at 1 and never return, also after rows are gone or the node was restarted. Rows are
//! handed to open streams before the connection is released, so the order of ids is the order of delivery.

mod commit_log;
mod contract_wallets;
mod envelopes;
mod groups;
mod identity;
mod installations;
mod paging;
mod welcomes;

pub(crate) use envelopes::EnvelopeQuery;
pub(crate) use groups::NewGroupMessage;
pub(crate) use identity::{MemberChanges, PublishError};
pub(crate) use paging::Page;
pub(crate) use welcomes::NewWelcome;

use crate::clock::Clock;
use crate::subscriptions::Hub;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use xmtp_web::proto::xmtp::message_api::v1::Envelope;
use xmtp_web::proto::xmtp::mls::api::v1::{GroupMessage, WelcomeMessage};

/// The version of the schema below, kept in the file.
const SCHEMA_VERSION: i64 = 1;

/// Where the node keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In memory: gone with the node.
    Memory,
    /// In a file, made if it is not there. SQLite keeps two more files beside it while the node runs.
    File(PathBuf),
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite says why.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What a row holds does not decode.
    #[error("stored {0} does not decode")]
    Corrupt(&'static str),
    /// The file was written by another version: start with `--reset`.
    #[error("the database has schema {found}, this node knows {SCHEMA_VERSION}; start it with --reset")]
    OtherSchema {
        /// The version in the file.
        found: i64,
    },
    /// Text that must be hex is not.
    #[error("invalid hexadecimal text")]
    InvalidHex,
    /// A commit-log query asks for newest first.
    #[error("descending direction is not supported")]
    Descending,
    /// A stream asks for the group without an id.
    #[error("group is required")]
    NoGroup,
}

/// The node's rows and the streams that wait for new ones.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
    clock: Clock,
    /// Streams of group messages, by group id.
    pub(crate) groups: Hub<GroupMessage>,
    /// Streams of welcomes, by installation key.
    pub(crate) welcomes: Hub<WelcomeMessage>,
    /// Streams of V2 envelopes, by topic.
    pub(crate) envelopes: Hub<Envelope>,
}

impl Store {
    /// Opens a database, making its tables if it is new.
    pub(crate) fn open(database: &Database, clock: Clock) -> Result<Self, StoreError> {
        let connection = match database {
            Database::Memory => Connection::open_in_memory()?,
            Database::File(path) => Connection::open(path)?,
        };
        // WAL with NORMAL loses nothing when the process is killed
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        match connection.query_row("PRAGMA user_version", [], |row| row.get(0))? {
            0 => connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
                include_str!("store/schema.sql")
            ))?,
            SCHEMA_VERSION => {}
            found => return Err(StoreError::OtherSchema { found }),
        }
        Ok(Self {
            connection: Mutex::new(connection),
            clock,
            groups: Hub::default(),
            welcomes: Hub::default(),
            envelopes: Hub::default(),
        })
    }

    /// Ends all streams.
    pub(crate) fn close_streams(&self) {
        self.groups.close();
        self.welcomes.close();
        self.envelopes.close();
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An unsigned number as SQLite keeps it; ids and times beyond 2^63 do not occur, cursors may and are clamped.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The reverse of [`signed`]; the node writes no negative numbers.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// SHA-256 of two byte strings one after the other: the key by which equal rows are recognised.
fn digest(first: &[u8], second: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::new()
        .chain_update(first)
        .chain_update(second)
        .finalize()
        .into()
}

#[cfg(test)]
impl Store {
    /// An empty store in memory with a fixed clock.
    pub(crate) fn for_tests() -> Self {
        Self::open(&Database::Memory, Clock::fixed(1_700_000_000_123_456_789)).expect("memory is there")
    }
}
