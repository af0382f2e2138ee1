//! Identity updates, and which inbox an address belongs to.

use super::{Store, StoreError, signed, unsigned};
use prost::Message;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use xmtp_web::proto::xmtp::identity::api::v1::get_identity_updates_response::IdentityUpdateLog;
use xmtp_web::proto::xmtp::identity::associations::IdentityUpdate;

/// The most updates an inbox may have.
///
/// # Source
/// xmtp-node-go `pkg/mls/store/store.go`.
const LARGEST_LOG: usize = 256;

/// The addresses (exactly as the update writes them) that an update brings into an inbox and takes out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MemberChanges {
    /// New Ethereum members.
    pub(crate) added: Vec<String>,
    /// Removed Ethereum members.
    pub(crate) removed: Vec<String>,
}

/// An update was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError<R> {
    /// The inbox has as many updates as it may.
    #[error("inbox log is full")]
    LogFull,
    /// The update breaks a rule.
    #[error("rejected")]
    Rejected(R),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<R> From<rusqlite::Error> for PublishError<R> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Appends an update to the log of its inbox if `validate`, given all earlier ones, accepts it.
    /// One transaction; nobody else writes meanwhile. Returns the update's sequence id.
    pub(crate) fn publish_identity_update<R>(
        &self,
        update: &IdentityUpdate,
        validate: impl FnOnce(&[IdentityUpdate]) -> Result<MemberChanges, R>,
    ) -> Result<u64, PublishError<R>> {
        let inbox = hex::decode(&update.inbox_id).map_err(|_| StoreError::InvalidHex)?;
        let now = signed(self.clock.now_ns());
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let old: Vec<IdentityUpdate> = read_log(&transaction, &inbox, 0)?
            .into_iter()
            .filter_map(|row| row.update)
            .collect();
        if old.len() >= LARGEST_LOG {
            return Err(PublishError::LogFull);
        }
        let changes = validate(&old).map_err(PublishError::Rejected)?;
        transaction.execute(
            "INSERT INTO inbox_log (inbox_id, server_timestamp_ns, identity_update_proto) VALUES (?1, ?2, ?3)",
            params![inbox, now, update.encode_to_vec()],
        )?;
        let sequence_id = transaction.last_insert_rowid();
        for address in &changes.added {
            transaction.execute(
                "INSERT INTO address_log (address, inbox_id, association_sequence_id) VALUES (?1, ?2, ?3)",
                params![address, inbox, sequence_id],
            )?;
        }
        for address in &changes.removed {
            transaction.execute(
                "UPDATE address_log SET revocation_sequence_id = ?3 WHERE rowid =
                 (SELECT rowid FROM address_log WHERE address = ?1 AND inbox_id = ?2
                  ORDER BY association_sequence_id DESC LIMIT 1)",
                params![address, inbox, sequence_id],
            )?;
        }
        transaction.execute(
            "INSERT INTO inboxes (id, updated_at) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET updated_at = ?2",
            params![inbox, now],
        )?;
        transaction.commit()?;
        Ok(unsigned(sequence_id))
    }

    /// All updates of an inbox (hex) after `sequence_id`, oldest first; none if the inbox is unknown.
    ///
    /// # Errors
    /// [`StoreError::InvalidHex`] if the inbox id is not hex.
    pub(crate) fn identity_updates(
        &self,
        inbox_id: &str,
        sequence_id: u64,
    ) -> Result<Vec<IdentityUpdateLog>, StoreError> {
        let inbox = hex::decode(inbox_id).map_err(|_| StoreError::InvalidHex)?;
        let mut connection = self.connection();
        read_log(&connection.transaction()?, &inbox, sequence_id)
    }

    /// The inbox (lower-case hex) that took in an address last and still has it. The address must be written
    /// exactly as in the update.
    pub(crate) fn inbox_of(&self, address: &str) -> Result<Option<String>, StoreError> {
        let inbox: Option<Vec<u8>> = self
            .connection()
            .prepare_cached(
                "SELECT inbox_id FROM address_log WHERE address = ?1 AND revocation_sequence_id IS NULL
                 ORDER BY association_sequence_id DESC LIMIT 1",
            )?
            .query_row([address], |row| row.get(0))
            .optional()?;
        Ok(inbox.map(hex::encode))
    }
}

fn read_log(
    transaction: &Transaction<'_>,
    inbox: &[u8],
    after: u64,
) -> Result<Vec<IdentityUpdateLog>, StoreError> {
    let mut query = transaction.prepare_cached(
        "SELECT sequence_id, server_timestamp_ns, identity_update_proto FROM inbox_log
         WHERE inbox_id = ?1 AND sequence_id > ?2 ORDER BY sequence_id",
    )?;
    let rows = query.query_map(params![inbox, signed(after)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?))
    })?;
    rows.map(|row| {
        let (sequence_id, server_timestamp_ns, update) = row?;
        let update =
            IdentityUpdate::decode(update.as_slice()).map_err(|_| StoreError::Corrupt("identity update"))?;
        Ok(IdentityUpdateLog {
            sequence_id: unsigned(sequence_id),
            server_timestamp_ns: unsigned(server_timestamp_ns),
            update: Some(update),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(inbox: u8) -> IdentityUpdate {
        IdentityUpdate {
            inbox_id: hex::encode([inbox; 32]),
            ..IdentityUpdate::default()
        }
    }

    fn publish(store: &Store, inbox: u8, added: &[&str], removed: &[&str]) -> Result<u64, PublishError<()>> {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let changes = MemberChanges {
            added: owned(added),
            removed: owned(removed),
        };
        store.publish_identity_update(&update(inbox), |_| Ok(changes))
    }

    #[test]
    fn the_last_association_that_was_not_revoked_names_the_inbox() {
        let store = Store::for_tests();
        publish(&store, 1, &["0xa"], &[]).expect("stores");
        publish(&store, 2, &["0xa"], &[]).expect("stores");
        assert_eq!(store.inbox_of("0xa").expect("reads"), Some(hex::encode([2; 32])));
        publish(&store, 2, &[], &["0xa"]).expect("stores");
        assert_eq!(store.inbox_of("0xa").expect("reads"), Some(hex::encode([1; 32])));
        assert_eq!(store.inbox_of("0xA").expect("reads"), None);
    }

    #[test]
    fn an_address_revoked_and_added_again_resolves() {
        let store = Store::for_tests();
        publish(&store, 1, &["0xa"], &[]).expect("stores");
        publish(&store, 1, &[], &["0xa"]).expect("stores");
        assert_eq!(store.inbox_of("0xa").expect("reads"), None);
        publish(&store, 1, &["0xa"], &[]).expect("stores");
        assert!(store.inbox_of("0xa").expect("reads").is_some());
    }

    #[test]
    fn a_rejected_update_leaves_nothing_behind() {
        let store = Store::for_tests();
        let result = store.publish_identity_update(&update(1), |_| Err("no"));
        assert!(matches!(result, Err(PublishError::Rejected("no"))));
        assert_eq!(publish(&store, 1, &[], &[]).expect("stores"), 1);
    }

    #[test]
    fn update_257_is_refused() {
        let store = Store::for_tests();
        for _ in 0..LARGEST_LOG {
            publish(&store, 1, &[], &[]).expect("stores");
        }
        let refused = publish(&store, 1, &[], &[]).expect_err("the log is full");
        assert_eq!(refused.to_string(), "inbox log is full");
        publish(&store, 2, &[], &[]).expect("another inbox has room");
        assert_eq!(
            store
                .identity_updates(&hex::encode([1; 32]), 250)
                .expect("reads")
                .len(),
            6
        );
    }
}
