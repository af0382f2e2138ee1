//! Welcomes, welcome pointers and the welcomes they point to.

use super::{Page, Store, StoreError, digest, signed, unsigned};
use rusqlite::{OptionalExtension, Row, params};
use xmtp_web::proto::xmtp::mls::api::v1::{WelcomeMessage, welcome_message};
use xmtp_web::proto::xmtp::mls::message_contents::{WelcomePointerWrapperAlgorithm, WelcomeWrapperAlgorithm};

/// A welcome to store.
#[derive(Debug, Clone)]
pub(crate) struct NewWelcome {
    /// The topic: an installation key, or the random destination of a pointer.
    pub(crate) installation_key: Vec<u8>,
    /// The encrypted welcome, or the encrypted pointer.
    pub(crate) data: Vec<u8>,
    /// As sent.
    pub(crate) hpke_public_key: Vec<u8>,
    /// The wire value; for a welcome anything unknown is kept as Curve25519.
    pub(crate) wrapper_algorithm: i32,
    /// As sent; empty for a pointer.
    pub(crate) welcome_metadata: Vec<u8>,
    /// A pointer instead of a welcome.
    pub(crate) is_pointer: bool,
}

/// Kinds of wrapping as the table keeps them.
const CURVE25519: i64 = 0;
const XWING: i64 = 1;
const SYMMETRIC: i64 = 2;

impl Store {
    /// Stores a welcome and hands it to streams. Equal bytes for the same key are stored once: then `None`.
    pub(crate) fn insert_welcome(&self, welcome: &NewWelcome) -> Result<Option<u64>, StoreError> {
        let created_ns = self.clock.row_ns();
        let algorithm = match WelcomeWrapperAlgorithm::try_from(welcome.wrapper_algorithm) {
            Ok(WelcomeWrapperAlgorithm::XwingMlkem768Draft6) => XWING,
            Ok(WelcomeWrapperAlgorithm::SymmetricKey) => SYMMETRIC,
            _ => CURVE25519,
        };
        let connection = self.connection();
        let row = connection
            .prepare_cached(
                "INSERT INTO welcome_messages
                 (created_at, installation_key, data, hpke_public_key, installation_key_data_hash,
                  wrapper_algorithm, welcome_metadata, message_type)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING
                 RETURNING id, created_at, installation_key, data, hpke_public_key, wrapper_algorithm,
                           welcome_metadata, message_type",
            )?
            .query_row(
                params![
                    signed(created_ns),
                    welcome.installation_key,
                    welcome.data,
                    welcome.hpke_public_key,
                    digest(&welcome.installation_key, &welcome.data),
                    algorithm,
                    welcome.welcome_metadata,
                    welcome.is_pointer,
                ],
                read,
            )
            .optional()?;
        let Some((id, row)) = row else { return Ok(None) };
        self.welcomes.publish(&welcome.installation_key, id, &row);
        drop(connection);
        Ok(Some(id))
    }

    /// A page of one installation, with the id of each row.
    pub(crate) fn welcomes(
        &self,
        installation_key: &[u8],
        page: Page,
    ) -> Result<Vec<(u64, WelcomeMessage)>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached(&format!(
            "SELECT id, created_at, installation_key, data, hpke_public_key, wrapper_algorithm,
                    welcome_metadata, message_type
             FROM welcome_messages {}",
            page.clause("installation_key")
        ))?;
        let rows = query.query_map(params![installation_key, signed(page.cursor), page.limit], read)?;
        rows.map(|row| Ok(row?)).collect()
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(u64, WelcomeMessage)> {
    let id = unsigned(row.get(0)?);
    let created_ns = unsigned(row.get(1)?);
    let algorithm: i64 = row.get(5)?;
    let version = if row.get(7)? {
        welcome_message::Version::WelcomePointer(welcome_message::WelcomePointer {
            id,
            created_ns,
            installation_key: row.get(2)?,
            welcome_pointer: row.get(3)?,
            hpke_public_key: row.get(4)?,
            wrapper_algorithm: WelcomePointerWrapperAlgorithm::XwingMlkem768Draft6.into(),
        })
    } else {
        let algorithm = match algorithm {
            XWING => WelcomeWrapperAlgorithm::XwingMlkem768Draft6,
            SYMMETRIC => WelcomeWrapperAlgorithm::SymmetricKey,
            _ => WelcomeWrapperAlgorithm::Curve25519,
        };
        welcome_message::Version::V1(welcome_message::V1 {
            id,
            created_ns,
            installation_key: row.get(2)?,
            data: row.get(3)?,
            hpke_public_key: row.get(4)?,
            wrapper_algorithm: algorithm.into(),
            welcome_metadata: row.get(6)?,
        })
    };
    Ok((
        id,
        WelcomeMessage {
            version: Some(version),
        },
    ))
}
