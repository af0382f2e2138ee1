//! Who we are, and what is known of others: the identity log and caches of answers about it.

use super::{IN_LIST, list, stored_enum, to_stored};
use crate::ids::InboxId;
use crate::storage::{Db, Missing, StorageError};
use rusqlite::params;
use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

stored_enum! {
    /// What kind of name a person has. The numbers are those of the wire.
    IdentifierKind, "an identifier kind", {
        /// An Ethereum address: `0x` and 40 lower-case hex digits.
        Ethereum = 1,
        /// A passkey: the hex of its public key.
        Passkey = 2,
    }
}

stored_enum! {
    /// How far the registration of this installation has come. Each step is stored before the next
    /// request is sent, so that a crash in between continues with the same installation key.
    RegistrationState, "a registration state", {
        /// The keys exist; nothing was published.
        Created = 1,
        /// A key package is on the network.
        KeyPackageUploaded = 2,
        /// The identity update is on the network as well.
        Registered = 3,
    }
}

/// The seed of the installation's Ed25519 key: 32 secret bytes, wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct InstallationSeed([u8; 32]);

impl InstallationSeed {
    /// The seed with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for InstallationSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationSeed(…)")
    }
}

impl FromSql for InstallationSeed {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self)
    }
}

/// The one row that says whose database this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRow {
    /// The inbox the database belongs to.
    pub inbox_id: InboxId,
    /// The seed of the installation's key.
    pub installation_seed: InstallationSeed,
    /// The name the inbox was opened with.
    pub identifier: String,
    /// What kind of name it is.
    pub identifier_kind: IdentifierKind,
    /// The nonce the inbox id was derived with; any 64 bits.
    pub nonce: u64,
    /// How far registration has come.
    pub registration: RegistrationState,
    /// The identity update that still has to be published; one without actions has not been signed yet.
    pub pending_update: Option<Vec<u8>>,
    /// When the next key package is due; `None` before the first.
    pub next_key_package_rotation_ns: Option<i64>,
}

/// One entry of an inbox's identity log, as the network gave it. The log can be fetched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUpdateRow {
    /// Whose log.
    pub inbox_id: InboxId,
    /// The network's number; ascending within a log.
    pub sequence_id: u64,
    /// When the network received it.
    pub server_timestamp_ns: i64,
    /// The serialized identity update.
    pub payload: Vec<u8>,
}

impl Db {
    /// Whose database this is; `None` in a fresh one.
    ///
    /// # Errors
    /// Those of reading.
    pub fn identity(&self) -> Result<Option<IdentityRow>, StorageError> {
        self.first(
            "SELECT inbox_id, installation_seed, identifier, identifier_kind, nonce, registration,
                    pending_update, next_key_package_rotation_ns FROM identity",
            [],
            |c| {
                Ok(IdentityRow {
                    inbox_id: c.take()?,
                    installation_seed: c.take()?,
                    identifier: c.take()?,
                    identifier_kind: c.take()?,
                    nonce: c.take::<i64>()?.cast_unsigned(),
                    registration: c.take()?,
                    pending_update: c.take()?,
                    next_key_package_rotation_ns: c.take()?,
                })
            },
        )
    }

    /// Makes the database that of `row`, whosever it was: for the row of an installation that nobody knows.
    ///
    /// # Errors
    /// Those of writing.
    pub fn replace_identity(&self, row: &IdentityRow) -> Result<(), StorageError> {
        self.execute(
            "INSERT OR REPLACE INTO identity (only, inbox_id, installation_seed, identifier, identifier_kind, nonce,
                registration, pending_update, next_key_package_rotation_ns)
             VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                row.inbox_id,
                row.installation_seed.as_bytes(),
                row.identifier,
                row.identifier_kind,
                row.nonce.cast_signed(),
                row.registration,
                row.pending_update,
                row.next_key_package_rotation_ns,
            ],
        )?;
        Ok(())
    }

    /// Stores how far registration has come.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] in a fresh database.
    pub fn set_registration(&self, state: RegistrationState) -> Result<(), StorageError> {
        self.change(
            Missing::Identity,
            "UPDATE identity SET registration = ?",
            params![state],
        )
    }

    /// Stores or forgets the identity update that still has to be published.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] in a fresh database.
    pub fn set_pending_identity_update(&self, update: Option<&[u8]>) -> Result<(), StorageError> {
        self.change(
            Missing::Identity,
            "UPDATE identity SET pending_update = ?",
            params![update],
        )
    }

    /// Stores when the next key package is due.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] in a fresh database.
    pub fn set_next_key_package_rotation(&self, due_ns: Option<i64>) -> Result<(), StorageError> {
        self.change(
            Missing::Identity,
            "UPDATE identity SET next_key_package_rotation_ns = ?",
            params![due_ns],
        )
    }

    /// Stores entries of identity logs. Entries that are there already stay as they are. Answers how many
    /// were new.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`] for a sequence id above 2^63 − 1, and those of writing.
    pub fn insert_identity_updates(&self, rows: &[IdentityUpdateRow]) -> Result<usize, StorageError> {
        let mut new = 0;
        for row in rows {
            new += self.execute(
                "INSERT INTO identity_updates (inbox_id, sequence_id, server_timestamp_ns, payload)
                 VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![
                    row.inbox_id,
                    to_stored(row.sequence_id, "a sequence id")?,
                    row.server_timestamp_ns,
                    row.payload,
                ],
            )?;
        }
        Ok(new)
    }

    /// The entries of a log with `after < sequence_id <= up_to`, ascending; `None` is the end of the log.
    ///
    /// # Errors
    /// Those of reading.
    pub fn identity_updates(
        &self,
        inbox: &InboxId,
        after: u64,
        up_to: Option<u64>,
    ) -> Result<Vec<IdentityUpdateRow>, StorageError> {
        self.all(
            "SELECT inbox_id, sequence_id, server_timestamp_ns, payload FROM identity_updates
             WHERE inbox_id = ? AND sequence_id > ? AND sequence_id <= ? ORDER BY sequence_id",
            params![inbox, clamped(after), clamped(up_to.unwrap_or(u64::MAX))],
            |c| {
                Ok(IdentityUpdateRow {
                    inbox_id: c.take()?,
                    sequence_id: c.take_u64()?,
                    server_timestamp_ns: c.take()?,
                    payload: c.take()?,
                })
            },
        )
    }

    /// The number of the newest stored entry of a log; 0 when there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn latest_identity_sequence(&self, inbox: &InboxId) -> Result<u64, StorageError> {
        let found = self.first(
            "SELECT max(sequence_id) FROM identity_updates WHERE inbox_id = ?",
            params![inbox],
            |c| c.take_optional_u64(),
        )?;
        Ok(found.flatten().unwrap_or(0))
    }

    /// The same of many logs, by one statement.
    ///
    /// # Errors
    /// Those of reading.
    pub fn latest_identity_sequences<'a>(
        &self,
        inboxes: impl IntoIterator<Item = &'a InboxId>,
    ) -> Result<BTreeMap<InboxId, u64>, StorageError> {
        let asked: BTreeSet<&InboxId> = inboxes.into_iter().collect();
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = self.all(
            &format!(
                "SELECT inbox_id, max(sequence_id) FROM identity_updates WHERE inbox_id {IN_LIST} GROUP BY inbox_id"
            ),
            params![list(asked.iter().copied())],
            |c| Ok((c.take()?, c.take_u64()?)),
        )?;
        let mut latest: BTreeMap<_, _> = asked.into_iter().map(|inbox| (*inbox, 0)).collect();
        latest.extend(found);
        Ok(latest)
    }

    /// The cached states of inboxes after these log entries, as far as there are any, by one statement.
    ///
    /// # Errors
    /// Those of reading.
    pub fn association_states(
        &self,
        at: impl IntoIterator<Item = (InboxId, u64)>,
    ) -> Result<BTreeMap<(InboxId, u64), Vec<u8>>, StorageError> {
        let asked: Vec<_> = at
            .into_iter()
            .map(|(inbox, sequence_id)| format!("[\"{inbox}\",{}]", clamped(sequence_id)))
            .collect();
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = self.all(
            "SELECT s.inbox_id, s.sequence_id, s.state FROM json_each(?) asked CROSS JOIN association_states s
             ON s.inbox_id = unhex(asked.value ->> 0) AND s.sequence_id = asked.value ->> 1",
            params![format!("[{}]", asked.join(","))],
            |c| Ok(((c.take()?, c.take_u64()?), c.take()?)),
        )?;
        Ok(found.into_iter().collect())
    }

    /// Caches the state of an inbox after the log entry `sequence_id`.
    ///
    /// # Errors
    /// [`StorageError::NumberTooLarge`] for a sequence id above 2^63 − 1, and those of writing.
    pub fn put_association_state(
        &self,
        inbox: &InboxId,
        sequence_id: u64,
        state: &[u8],
    ) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO association_states (inbox_id, sequence_id, state) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET state = ?3",
            params![inbox, to_stored(sequence_id, "a sequence id")?, state],
        )?;
        Ok(())
    }

    /// The remembered answer to "is this contract wallet's signature valid?", by the question's SHA-256.
    ///
    /// # Errors
    /// Those of reading.
    pub fn contract_answer(&self, question_hash: &[u8; 32]) -> Result<Option<bool>, StorageError> {
        self.first(
            "SELECT valid FROM contract_answers WHERE question_hash = ?",
            params![question_hash],
            |c| c.take(),
        )
    }

    /// Remembers an answer. The question names a block, so its answer never changes.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_contract_answer(&self, question_hash: &[u8; 32], valid: bool) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO contract_answers (question_hash, valid) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET valid = ?2",
            params![question_hash, valid],
        )?;
        Ok(())
    }

    /// The remembered inbox of a name, and when it was asked for (ns).
    ///
    /// # Errors
    /// Those of reading.
    pub fn identifier_inbox(
        &self,
        kind: IdentifierKind,
        identifier: &str,
    ) -> Result<Option<(InboxId, i64)>, StorageError> {
        self.first(
            "SELECT inbox_id, fetched_at_ns FROM identifier_inboxes WHERE kind = ? AND identifier = ?",
            params![kind, identifier],
            |c| Ok((c.take()?, c.take()?)),
        )
    }

    /// Remembers the inbox of a name.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_identifier_inbox(
        &self,
        kind: IdentifierKind,
        identifier: &str,
        inbox: &InboxId,
        fetched_at_ns: i64,
    ) -> Result<(), StorageError> {
        self.execute(
            "INSERT INTO identifier_inboxes (kind, identifier, inbox_id, fetched_at_ns)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET inbox_id = ?3, fetched_at_ns = ?4",
            params![kind, identifier, inbox, fetched_at_ns],
        )?;
        Ok(())
    }
}

/// A bound of a search: numbers beyond what can be stored are the end.
fn clamped(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
