//! What OpenMLS works with.

use super::crypto::Crypto;
use super::error::MlsError;
use super::store::{MlsStore, MlsStoreError};
use crate::storage::Db;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
use std::sync::OnceLock;

/// Cryptography and storage for one OpenMLS call or many. Cheap to make: give each call a fresh one.
///
/// Works on whatever is open: made from a [`crate::storage::Transaction`] (which derefs to [`Db`]) or
/// used while one is open, all writes belong to that transaction.
#[derive(Debug)]
pub struct Provider<'a> {
    crypto: &'static Crypto,
    store: MlsStore<'a>,
}

impl<'a> Provider<'a> {
    /// A provider over a database.
    #[must_use]
    pub fn new(db: &'a Db) -> Self {
        Self {
            crypto: crypto(),
            store: MlsStore::new(db),
        }
    }

    /// The same for reading application messages: the ratchets move in memory alone, until
    /// [`Group::save_secrets`](super::Group::save_secrets) writes them. OpenMLS would write all secrets of all
    /// members after each message.
    #[must_use]
    pub fn deferring_secrets(self) -> Self {
        self.store.defer_secrets();
        self
    }

    /// The same for a commit that is built: nothing is written.
    #[must_use]
    pub(super) fn writing_nothing(self) -> Self {
        self.store.write_nothing();
        self
    }

    /// What an error of OpenMLS means: a failure of the database if there was one, else what `judge` says.
    pub(super) fn failed(&self, judge: impl FnOnce() -> MlsError) -> MlsError {
        match self.store.take_failure() {
            Some(MlsStoreError::Storage(error)) => error.into(),
            Some(MlsStoreError::Decode) => MlsError::Corrupt("MLS state"),
            Some(MlsStoreError::Encode) | None => judge(),
        }
    }
}

impl<'a> OpenMlsProvider for Provider<'a> {
    type CryptoProvider = Crypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &MlsStore<'a> {
        &self.store
    }

    fn crypto(&self) -> &Crypto {
        self.crypto
    }

    fn rand(&self) -> &RustCrypto {
        &self.crypto.rust
    }
}

/// The one instance: making one draws a seed from the system for its generator of random numbers, and what is known of
/// those who sign is worth keeping.
fn crypto() -> &'static Crypto {
    static CRYPTO: OnceLock<Crypto> = OnceLock::new();
    CRYPTO.get_or_init(Crypto::default)
}
