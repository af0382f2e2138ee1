//! The commit log that members publish about their groups.

use super::{Page, Store, StoreError, signed, unsigned};
use prost::Message;
use rusqlite::params;
use xmtp_web::proto::xmtp::identity::associations::RecoverableEd25519Signature;
use xmtp_web::proto::xmtp::mls::message_contents::CommitLogEntry;

impl Store {
    /// Appends an entry, also one that is there already. Its signature is not looked at.
    pub(crate) fn append_commit_log(
        &self,
        group_id: &[u8],
        entry: &[u8],
        signature: &RecoverableEd25519Signature,
    ) -> Result<(), StoreError> {
        let now = signed(self.clock.row_ns());
        self.connection()
            .prepare_cached(
                "INSERT INTO commit_log_v2 (created_at, group_id, serialized_entry, serialized_signature)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![now, group_id, entry, signature.encode_to_vec()])?;
        Ok(())
    }

    /// A page of one group's entries, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Descending`] if the page is not ascending.
    pub(crate) fn commit_log(&self, group_id: &[u8], page: Page) -> Result<Vec<CommitLogEntry>, StoreError> {
        if !page.ascending {
            return Err(StoreError::Descending);
        }
        let connection = self.connection();
        let mut query = connection.prepare_cached(&format!(
            "SELECT id, serialized_entry, serialized_signature FROM commit_log_v2 {}",
            page.clause("group_id")
        ))?;
        let rows = query.query_map(params![group_id, signed(page.cursor), page.limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        rows.map(|row| {
            let (id, entry, signature) = row?;
            let signature = RecoverableEd25519Signature::decode(signature.as_slice())
                .map_err(|_| StoreError::Corrupt("commit log signature"))?;
            Ok(CommitLogEntry {
                sequence_id: unsigned(id),
                serialized_commit_log_entry: entry,
                signature: Some(signature),
            })
        })
        .collect()
    }
}
